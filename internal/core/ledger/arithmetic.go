package ledger

import (
	"fmt"

	"github.com/florinpay/florin/internal/kit/money"
)

// plus gives a + b, or [money.ErrOverflow].
func plus(a, b int64) (int64, error) {
	sum := a + b
	if (sum > a) != (b > 0) {
		return 0, fmt.Errorf("%w: %d + %d", money.ErrOverflow, a, b)
	}
	return sum, nil
}

// minus gives a − b, or [money.ErrOverflow].
func minus(a, b int64) (int64, error) {
	diff := a - b
	if (diff < a) != (b > 0) {
		return 0, fmt.Errorf("%w: %d - %d", money.ErrOverflow, a, b)
	}
	return diff, nil
}

package money

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/florinpay/florin/internal/kit/probe"
)

// ErrWeights refuses weights that say nothing about how to split: none, all
// zero, or a negative one.
var ErrWeights = errors.New("money: weights must be non-negative and not all zero")

// Allocate splits a in proportion to weights. The shares sum exactly to a and
// each is within one minor unit of its exact share: every share is rounded
// towards zero, and what is left goes, one minor unit each, to the shares that
// lost most, the first of equals first (largest remainder). A weight of zero
// gets nothing. Shares of −a are the opposites of the shares of a. Weights may
// be as large as they like; the only error is [ErrWeights].
func (a Amount) Allocate(weights ...int64) ([]Amount, error) {
	total, err := sumOf(weights)
	if err != nil {
		return nil, err
	}
	var (
		whole  = new(big.Int).SetUint64(magnitude(a.minor))
		left   = magnitude(a.minor)
		shares = make([]uint64, len(weights))
		lost   = make([]*big.Int, len(weights))
		order  = make([]int, len(weights))
	)
	for i, w := range weights {
		product := new(big.Int).Mul(whole, big.NewInt(w))
		share, rest := product.QuoRem(product, total, new(big.Int))
		shares[i], lost[i], order[i] = share.Uint64(), rest, i
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(i, j int) int { return lost[j].Cmp(lost[i]) })
	if probe.Mutant("money.split-down") {
		left = 0
	}
	for _, i := range order[:left] {
		shares[i]++ // left < number of shares that lost something
	}
	return a.withMagnitudes(shares), nil
}

func sumOf(weights []int64) (*big.Int, error) {
	total := new(big.Int)
	for i, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("%w: weight %d is %d", ErrWeights, i, w)
		}
		total.Add(total, big.NewInt(w))
	}
	if total.Sign() == 0 {
		return nil, ErrWeights
	}
	return total, nil
}

// withMagnitudes makes amounts like a of the given sizes, none larger than a's.
func (a Amount) withMagnitudes(sizes []uint64) []Amount {
	out := make([]Amount, len(sizes))
	for i, size := range sizes {
		n, _ := signed(size, a.minor < 0) // fits, as a itself does
		out[i] = Amount{n, a.currency}
	}
	return out
}

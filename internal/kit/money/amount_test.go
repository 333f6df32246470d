package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// anyMinor draws int64s with the edges drawn often.
var anyMinor = rapid.OneOf(
	rapid.Int64(),
	rapid.Int64Range(-10_000, 10_000),
	rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64 - 1, math.MaxInt64, 0, 1, -1}),
)

// checkExact compares a checked result with the true one: both an exact value
// and an error where no int64 holds it.
func checkExact(t *rapid.T, got Amount, err error, want *big.Int) {
	t.Helper()
	switch {
	case want.IsInt64() && (err != nil || got != New(want.Int64(), "usd")):
		t.Fatalf("got %v, %v; want %v", got, err, want)
	case !want.IsInt64() && (!errors.Is(err, ErrOverflow) || got != Amount{}):
		t.Fatalf("got %v, %v; want overflow for %v", got, err, want)
	}
}

func TestArithmeticIsExactOrOverflows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyMinor.Draw(t, "x"), anyMinor.Draw(t, "y")
		a, b, bx, by := New(x, "usd"), New(y, "usd"), big.NewInt(x), big.NewInt(y)
		sum, err := a.Add(b)
		checkExact(t, sum, err, new(big.Int).Add(bx, by))
		diff, err := a.Sub(b)
		checkExact(t, diff, err, new(big.Int).Sub(bx, by))
		neg, err := a.Neg()
		checkExact(t, neg, err, new(big.Int).Neg(bx))
		if order, err := a.Cmp(b); err != nil || order != bx.Cmp(by) {
			t.Fatalf("Cmp = %d, %v; want %d", order, err, bx.Cmp(by))
		}
		if a.IsZero() != (x == 0) || a.IsNegative() != (x < 0) || a.IsPositive() != (x > 0) {
			t.Fatalf("wrong sign of %d", x)
		}
	})
}

func TestTwoCurrenciesDoNotMix(t *testing.T) {
	a := New(1, "usd")
	for _, b := range []Amount{New(1, "eur"), New(0, "eur"), {}} {
		_, add := a.Add(b)
		_, sub := a.Sub(b)
		_, cmp := a.Cmp(b)
		for op, err := range map[string]error{"Add": add, "Sub": sub, "Cmp": cmp} {
			if !errors.Is(err, ErrCurrencyMismatch) {
				t.Errorf("%s(%v, %v) = %v, want ErrCurrencyMismatch", op, a, b, err)
			}
		}
		if a == b {
			t.Errorf("%v == %v", a, b)
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		amount Amount
		want   string
	}{
		{New(1234, "usd"), "12.34 usd"},
		{New(1234, "jpy"), "1234 jpy"},
		{New(1234, "kwd"), "1.234 kwd"},
		{New(500, "ugx"), "500 ugx"},
		{New(500, "mga"), "5.00 mga"},
		{New(-5, "eur"), "-0.05 eur"},
		{New(0, "eur"), "0.00 eur"},
		{New(100, "eur"), "1.00 eur"},
		{New(math.MinInt64, "usd"), "-92233720368547758.08 usd"},
		{New(12, "zzz"), "12 zzz"},
		{Amount{}, "0"},
	} {
		if got := c.amount.String(); got != c.want {
			t.Errorf("String of %d %s = %q, want %q", c.amount.Minor(), c.amount.Currency(), got, c.want)
		}
	}
}

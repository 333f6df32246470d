package money

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func minors(amounts []Amount) []int64 {
	var out []int64
	for _, a := range amounts {
		out = append(out, a.Minor())
	}
	return out
}

func TestAllocate(t *testing.T) {
	const most = math.MaxInt64
	for _, c := range []struct {
		minor   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{5, []int64{50, 50}, []int64{3, 2}},
		{1, []int64{1, 2}, []int64{0, 1}}, // the second lost two thirds
		{1, []int64{0, 1, 1}, []int64{0, 1, 0}},
		{100, []int64{0, 7, 0}, []int64{0, 100, 0}},
		{0, []int64{3, 4}, []int64{0, 0}},
		{7, []int64{5}, []int64{7}},
		{most, []int64{most, most, most}, []int64{most/3 + 1, most / 3, most / 3}},
		{math.MinInt64, []int64{1}, []int64{math.MinInt64}},
		{math.MinInt64, []int64{1, 1}, []int64{math.MinInt64 / 2, math.MinInt64 / 2}},
	} {
		got, err := New(c.minor, "eur").Allocate(c.weights...)
		if err != nil {
			t.Errorf("Allocate(%d, %v): %v", c.minor, c.weights, err)
		}
		if diff := cmp.Diff(c.want, minors(got)); diff != "" {
			t.Errorf("Allocate(%d, %v): -want +got\n%s", c.minor, c.weights, diff)
		}
	}
	many, err := New(75, "eur").Allocate(slices.Repeat([]int64{3}, 50)...)
	want := slices.Concat(slices.Repeat([]int64{2}, 25), slices.Repeat([]int64{1}, 25))
	if diff := cmp.Diff(want, minors(many)); diff != "" || err != nil {
		t.Errorf("75 among 50: %v; -want +got\n%s", err, diff)
	}
	for _, weights := range [][]int64{nil, {0}, {0, 0}, {1, -1}, {math.MinInt64}} {
		if got, err := New(100, "eur").Allocate(weights...); !errors.Is(err, ErrWeights) || got != nil {
			t.Errorf("Allocate(%v) = %v, %v; want ErrWeights", weights, got, err)
		}
	}
}

var anyWeights = rapid.SliceOfN(rapid.OneOf(
	rapid.Int64Range(0, 10), rapid.Int64Range(0, math.MaxInt64), rapid.Just[int64](math.MaxInt64),
), 1, 40).Filter(func(w []int64) bool { return slices.Max(w) > 0 })

// Each share must be its exact share rounded down or up; they must sum to the
// whole; no share rounded up may have lost less than one rounded down.
func TestAllocateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor, weights := anyMinor.Draw(t, "minor"), anyWeights.Draw(t, "weights")
		whole := New(minor, "kwd")
		shares, err := whole.Allocate(weights...)
		if err != nil || len(shares) != len(weights) {
			t.Fatalf("Allocate = %v, %v", shares, err)
		}
		total, sum := new(big.Int), new(big.Int)
		for i, w := range weights {
			total.Add(total, big.NewInt(w))
			sum.Add(sum, big.NewInt(shares[i].Minor()))
			if shares[i].Currency() != "kwd" || w == 0 && !shares[i].IsZero() {
				t.Fatalf("weight %d gets %v", w, shares[i])
			}
		}
		if sum.Cmp(big.NewInt(minor)) != 0 {
			t.Fatalf("shares %v sum to %v, not %d", shares, sum, minor)
		}
		checkRemainders(t, minor, weights, minors(shares), total)
		if opposite, err := whole.Neg(); err == nil {
			mirrored, _ := opposite.Allocate(weights...)
			for i := range mirrored {
				if mirrored[i].Minor() != -shares[i].Minor() {
					t.Fatalf("of %v: %v; of %v: %v", whole, shares, opposite, mirrored)
				}
			}
		}
	})
}

func checkRemainders(t *rapid.T, minor int64, weights, shares []int64, total *big.Int) {
	t.Helper()
	lost, up := make([]*big.Int, len(weights)), make([]bool, len(weights))
	for i, w := range weights {
		product := new(big.Int).Mul(big.NewInt(minor), big.NewInt(w))
		down, rest := new(big.Int).QuoRem(product, total, new(big.Int))
		lost[i] = rest.Abs(rest)
		extra := new(big.Int).Sub(big.NewInt(shares[i]), down)
		if extra.CmpAbs(big.NewInt(1)) > 0 || extra.Sign()*big.NewInt(minor).Sign() < 0 {
			t.Fatalf("share %d is %d, rounded down it is %v", i, shares[i], down)
		}
		up[i] = extra.Sign() != 0
	}
	for i := range weights {
		for j := range weights {
			if order := lost[i].Cmp(lost[j]); up[i] && !up[j] && (order < 0 || order == 0 && j < i) {
				t.Fatalf("share %d was rounded up before share %d: %v", i, j, shares)
			}
		}
	}
}

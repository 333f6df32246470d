package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestTimes(t *testing.T) {
	half := Rate{5, 1}
	for _, c := range []struct {
		minor int64
		rate  Rate
		// by rounding: HalfUp, HalfEven, Down, Up
		want [4]int64
	}{
		{10_000, BasisPoints(290), [4]int64{290, 290, 290, 290}},
		{1999, BasisPoints(290), [4]int64{58, 58, 57, 58}}, // 57.971
		{1001, BasisPoints(290), [4]int64{29, 29, 29, 30}}, // 29.029
		{5, half, [4]int64{3, 2, 2, 3}},                    // 2.5
		{7, half, [4]int64{4, 4, 3, 4}},                    // 3.5
		{-5, half, [4]int64{-3, -2, -2, -3}},               // -2.5
		{5, Rate{-5, 1}, [4]int64{-3, -2, -2, -3}},         // -2.5
		{-5, Rate{-5, 1}, [4]int64{3, 2, 2, 3}},            // 2.5
		{1, Rate{1, 18}, [4]int64{0, 0, 0, 1}},             // 10^-18
		{math.MaxInt64, half, [4]int64{1 << 62, 1 << 62, 1<<62 - 1, 1 << 62}},
		{math.MinInt64, Rate{1, 0}, [4]int64{math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64}},
		{0, BasisPoints(290), [4]int64{}},
		{100, Rate{}, [4]int64{}},
	} {
		for i, rounding := range []Rounding{HalfUp, HalfEven, Down, Up} {
			got, err := New(c.minor, "usd").Times(c.rate, rounding)
			if want := New(c.want[i], "usd"); err != nil || got != want {
				t.Errorf("%d × %v rounded %d = %v, %v; want %v", c.minor, c.rate, rounding, got, err, want)
			}
		}
	}
}

func TestTimesRefuses(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		rate     Rate
		rounding Rounding
		want     error
	}{
		{1, BasisPoints(1), 0, ErrRounding},
		{1, BasisPoints(1), roundings, ErrRounding},
		{math.MaxInt64, Rate{2, 0}, Down, ErrOverflow},
		{math.MinInt64, Rate{-1, 0}, Down, ErrOverflow},
		{math.MaxInt64, Rate{math.MaxInt64, 0}, Down, ErrOverflow},
		{math.MaxInt64, Rate{math.MaxInt64, 18}, Down, ErrOverflow}, // 9.2 × MaxInt64
	} {
		if got, err := New(c.minor, "usd").Times(c.rate, c.rounding); !errors.Is(err, c.want) || got != (Amount{}) {
			t.Errorf("%d × %v rounded %d = %v, %v; want %v", c.minor, c.rate, c.rounding, got, err, c.want)
		}
	}
	if _, err := divide(10, 0, 10, false, Up); !errors.Is(err, ErrOverflow) {
		t.Errorf("a quotient of 65 bits = %v, want ErrOverflow", err)
	}
	if _, err := divide(9, ^uint64(0)-4, 10, false, Up); !errors.Is(err, ErrOverflow) {
		t.Errorf("rounding up past the last uint64 = %v, want ErrOverflow", err)
	}
}

// ratRound rounds x by the definition of each rounding, on rationals.
func ratRound(x *big.Rat, rounding Rounding) *big.Int {
	q, rest := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int)) // towards zero
	away := new(big.Int).Add(q, big.NewInt(int64(x.Sign())))
	half := new(big.Int).Abs(new(big.Int).Lsh(rest, 1)).Cmp(x.Denom())
	if rest.Sign() == 0 || rounding == Down || rounding != Up && half < 0 ||
		rounding == HalfEven && half == 0 && q.Bit(0) == 0 {
		return q
	}
	return away
}

func TestTimesAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := anyMinor.Draw(t, "minor")
		rate := newRate(anyMinor.Draw(t, "coefficient"), rapid.Uint8Range(0, maxPlaces).Draw(t, "places"))
		rounding := rapid.SampledFrom([]Rounding{HalfUp, HalfEven, Down, Up}).Draw(t, "rounding")
		factor, ok := new(big.Rat).SetString(rate.String())
		if !ok {
			t.Fatalf("rate writes itself as %q", rate)
		}
		want := ratRound(new(big.Rat).Mul(factor, new(big.Rat).SetInt64(minor)), rounding)
		got, err := New(minor, "usd").Times(rate, rounding)
		checkExact(t, got, err, want)
	})
}

func TestRateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := newRate(anyMinor.Draw(t, "coefficient"), rapid.Uint8Range(0, maxPlaces).Draw(t, "places"))
		if got, err := ParseRate(rate.String()); err != nil || got != rate {
			t.Fatalf("ParseRate(%q) = %v, %v", rate, got, err)
		}
	})
}

func TestParseRate(t *testing.T) {
	for s, want := range map[string]Rate{
		"0.029": {29, 3}, "-1.5": {-15, 1}, "2": {2, 0}, "0.0290": {29, 3}, "-0": {}, "00.10": {1, 1},
		"1.00000000000000000000000000": {1, 0}, "0.000000000000000001": {1, 18}, "100": {100, 0},
		"-9223372036854775808": {math.MinInt64, 0},
	} {
		if got, err := ParseRate(s); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-", ".", ".5", "5.", "+1", "1e3", "1,5", " 1", "1.2.3", "--1", "1.-5", "٣", "0x10", "1_0",
		"0.0000000000000000001", "9223372036854775808", "-9223372036854775809", "99999999999999999999"} {
		if got, err := ParseRate(s); !errors.Is(err, ErrRate) {
			t.Errorf("ParseRate(%q) = %v, %v; want ErrRate", s, got, err)
		}
	}
	if BasisPoints(290) != (Rate{29, 3}) || BasisPoints(10_000) != (Rate{1, 0}) {
		t.Errorf("BasisPoints(290) = %v, BasisPoints(10000) = %v", BasisPoints(290), BasisPoints(10_000))
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"0.029", "-1.5", "2", "", "1.", "-0.000", "9223372036854775807.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rate, err := ParseRate(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		got, _ := new(big.Rat).SetString(rate.String())
		if !ok || got.Cmp(want) != 0 {
			t.Fatalf("ParseRate(%q) = %v", s, rate)
		}
	})
}

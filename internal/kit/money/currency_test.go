package money

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTableIsConsistent(t *testing.T) {
	all := slices.Collect(Currencies())
	if !slices.IsSorted(all) || len(all) != 156 {
		t.Errorf("%d currencies, sorted %v", len(all), slices.IsSorted(all))
	}
	for i, c := range all {
		if i > 0 && all[i-1] == c {
			t.Errorf("%s is there twice", c)
		}
		if got, ok := ParseCurrency(strings.ToUpper(string(c))); !ok || got != c {
			t.Errorf("ParseCurrency of upper-case %s = %q, %v", c, got, ok)
		}
		if got, ok := CurrencyByNumeric(c.Numeric()); !ok || got != c {
			t.Errorf("CurrencyByNumeric(%d) = %q, %v; want %s", c.Numeric(), got, ok, c)
		}
	}
	for c := range minCharges {
		if !c.Known() {
			t.Errorf("minimum for unknown %q", c)
		}
	}
}

func TestExponents(t *testing.T) {
	iso, api := map[int][]Currency{}, map[int][]Currency{}
	for c := range Currencies() {
		if n := c.Exponent(); n != 2 {
			iso[n] = append(iso[n], c)
		}
		if n := c.APIExponent(); n != 2 {
			api[n] = append(api[n], c)
		}
	}
	wantISO := map[int][]Currency{
		0: {"bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"},
		3: {"bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"},
	}
	if diff := cmp.Diff(wantISO, iso); diff != "" {
		t.Errorf("ISO 4217 exponents: -want +got\n%s", diff)
	}
	wantAPI := map[int][]Currency{
		0: {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"},
		3: {"bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"},
	}
	if diff := cmp.Diff(wantAPI, api); diff != "" {
		t.Errorf("API exponents: -want +got\n%s", diff)
	}
}

func TestUnknownCurrency(t *testing.T) {
	for _, s := range []string{"", "us", "usdd", "zzz", "US€", "   ", "xau", "clf", "\xff\xff\xff"} {
		if got, ok := ParseCurrency(s); ok || got != "" {
			t.Errorf("ParseCurrency(%q) = %q, %v", s, got, ok)
		}
	}
	for _, n := range []int{0, -1, 1000, 999, 840 + 65536, math.MinInt} {
		if got, ok := CurrencyByNumeric(n); ok || got != "" {
			t.Errorf("CurrencyByNumeric(%d) = %q, %v", n, got, ok)
		}
	}
	for _, c := range []Currency{"", "zzz", "USD"} {
		_, from := FromAPI(100, c)
		_, to := New(100, c).ToAPI()
		if c.Known() || c.Numeric() != 0 || !errors.Is(from, ErrUnknownCurrency) || !errors.Is(to, ErrUnknownCurrency) {
			t.Errorf("%q: known %v, number %d, %v, %v", c, c.Known(), c.Numeric(), from, to)
		}
	}
}

func TestFromAPI(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency Currency
		want     int64 // in ISO 4217 minor units
		err      error
	}{
		{1234, "usd", 1234, nil},
		{500, "jpy", 500, nil},
		{500, "ugx", 5, nil},
		{550, "ugx", 0, ErrFraction},
		{-500, "ugx", -5, nil},
		{100, "isk", 1, nil},
		{150, "isk", 0, ErrFraction},
		{5120, "kwd", 5120, nil},
		{5124, "kwd", 0, ErrFraction},
		{5, "mga", 500, nil},
		{1045, "huf", 1045, nil},
		{1045, "twd", 1045, nil},
		{math.MaxInt64, "mga", 0, ErrOverflow},
		{math.MinInt64, "mga", 0, ErrOverflow},
		{math.MinInt64, "usd", math.MinInt64, nil},
	} {
		got, err := FromAPI(c.minor, c.currency)
		want := New(c.want, c.currency)
		if c.err != nil {
			want = Amount{}
		}
		if !errors.Is(err, c.err) || got != want {
			t.Errorf("FromAPI(%d, %s) = %v, %v; want %v, %v", c.minor, c.currency, got, err, want, c.err)
		}
	}
	for a, want := range map[Amount]error{
		New(5124, "kwd"): ErrFraction, New(50, "mga"): ErrFraction, New(math.MaxInt64, "ugx"): ErrOverflow, New(math.MinInt64, "isk"): ErrOverflow,
	} {
		if n, err := a.ToAPI(); !errors.Is(err, want) {
			t.Errorf("%v to API = %d, %v; want %v", a, n, err, want)
		}
	}
}

func TestAPIRoundTrip(t *testing.T) {
	for c := range Currencies() {
		t.Run(string(c), rapid.MakeCheck(func(t *rapid.T) {
			n := anyMinor.Draw(t, "n")
			if n%100 != 0 && rapid.Bool().Draw(t, "whole") {
				n -= n % 100
			}
			checkRoundTrip(t, n, c)
		}))
	}
}

func checkRoundTrip(t *rapid.T, n int64, c Currency) {
	if a, err := FromAPI(n, c); err == nil {
		if back, err := a.ToAPI(); err != nil || back != n {
			t.Fatalf("API %d %s is %v and back %d, %v", n, c, a, back, err)
		}
	} else if n%100 == 0 && !errors.Is(err, ErrOverflow) {
		t.Fatalf("FromAPI(%d, %s): %v", n, c, err)
	}
	a := New(n, c)
	if api, err := a.ToAPI(); err == nil {
		if back, err := FromAPI(api, c); err != nil || back != a {
			t.Fatalf("%v is API %d and back %v, %v", a, api, back, err)
		}
	} else if n%100 == 0 && !errors.Is(err, ErrOverflow) {
		t.Fatalf("%v to API: %v", a, err)
	}
	rounded, err := a.RoundToAPI(HalfEven)
	if err != nil {
		return // only the edges of int64; TestRoundToAPI says which
	}
	if _, err := rounded.ToAPI(); err != nil && !errors.Is(err, ErrOverflow) {
		t.Fatalf("%v rounded is %v, which the API can't say: %v", a, rounded, err)
	}
}

func TestRoundToAPI(t *testing.T) {
	for _, c := range []struct {
		in       Amount
		rounding Rounding
		want     Amount
		err      error
	}{
		{New(1234, "kwd"), HalfUp, New(1230, "kwd"), nil},
		{New(1235, "kwd"), HalfUp, New(1240, "kwd"), nil},
		{New(1225, "kwd"), HalfEven, New(1220, "kwd"), nil},
		{New(-1231, "kwd"), Up, New(-1240, "kwd"), nil},
		{New(199, "mga"), Down, New(100, "mga"), nil},
		{New(1, "usd"), Down, New(1, "usd"), nil},
		{New(math.MaxInt64, "kwd"), Up, Amount{}, ErrOverflow},
		{New(math.MinInt64, "mga"), Up, Amount{}, ErrOverflow},
		{New(math.MinInt64, "jpy"), Up, New(math.MinInt64, "jpy"), nil},
		{New(1, "usd"), 0, Amount{}, ErrRounding},
	} {
		if got, err := c.in.RoundToAPI(c.rounding); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v rounded %d = %v, %v; want %v, %v", c.in, c.rounding, got, err, c.want, c.err)
		}
	}
}

func TestLimits(t *testing.T) {
	for c := range Currencies() {
		if _, err := FromAPI(MinCharge(c), c); err != nil {
			t.Errorf("smallest charge of %s: %v", c, err)
		}
		if _, err := FromAPI(MaxAPI(c)/100*100, c); err != nil || MaxAPI(c) <= MinCharge(c) {
			t.Errorf("largest charge of %s: %d, %v", c, MaxAPI(c), err)
		}
	}
	got := map[Currency][2]int64{}
	for _, c := range []Currency{"usd", "gbp", "huf", "jpy", "isk", "ugx", "kwd", "mga", "cny", "idr", "cop", "inr", "zzz"} {
		got[c] = [2]int64{MinCharge(c), MaxAPI(c)}
	}
	const most = 999_999_999_999
	want := map[Currency][2]int64{
		"usd": {50, most}, "gbp": {30, most}, "huf": {17500, most}, "jpy": {50, most}, "isk": {100, most},
		"ugx": {100, most}, "kwd": {10, most}, "mga": {1, most}, "cny": {1, most}, "idr": {1, most},
		"cop": {1, 9_999_999_999}, "inr": {50, 999_999_999}, "zzz": {1, most},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits: -want +got\n%s", diff)
	}
}

func FuzzParseCurrency(f *testing.F) {
	for _, s := range []string{"usd", "USD", "uSd", "", "us", "zzz", "K\u212a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := ParseCurrency(s)
		if ok != c.Known() || ok && (!strings.EqualFold(s, string(c)) || len(s) != 3) || !ok && c != "" {
			t.Fatalf("ParseCurrency(%q) = %q, %v", s, c, ok)
		}
		if again, same := ParseCurrency(string(c)); same != ok || again != c {
			t.Fatalf("ParseCurrency(%q) = %q, %v after %q", c, again, same, s)
		}
	})
}

func BenchmarkParseCurrency(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseCurrency("USD"); !ok {
			b.Fatal("usd is gone")
		}
	}
}

func BenchmarkFromAPI(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FromAPI(1999, "usd"); err != nil {
			b.Fatal(err)
		}
	}
}

package merchant

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/florinpay/florin/internal/kit/money"
)

func TestFee(t *testing.T) {
	fees := DefaultFees()
	for _, c := range []struct {
		amount int64
		in     money.Currency
		want   int64
	}{
		{10_000, "usd", 320}, {100, "usd", 33}, {50, "usd", 31}, // 1.45 + 30, 2.9 + 30
		{30, "usd", 30}, {29, "usd", 29}, {1, "usd", 1}, {0, "usd", 0}, // never above the amount
		{1017, "usd", 59}, {1018, "usd", 60}, // 29.493 and 29.522: to the nearest
		{50, "chf", 31}, {500, "chf", 45}, // 1.45, 14.5: halves up
		{10_000, "eur", 315}, {10_000, "gbp", 310}, {10_000, "jpy", 330},
		{10_000, "kwd", 290}, {10_500, "kwd", 310}, // 304.5, to what the API can say
		{100_000, "thb", 2900}, // a currency without a fixed part
		{100_000, "mga", 2900}, // whole units of 100
	} {
		got, err := fees.Fee(money.New(c.amount, c.in))
		if err != nil || got != money.New(c.want, c.in) {
			t.Errorf("fee on %d %s is %v %v, want %d", c.amount, c.in, got, err, c.want)
		}
	}
	if fee, err := fees.Fee(money.New(-1, "usd")); err == nil {
		t.Errorf("fee on less than nothing: %v", fee)
	}
	if fee, err := (Schedule{}).Fee(money.New(500, "usd")); err != nil || !fee.IsZero() {
		t.Errorf("fee without a schedule: %v %v", fee, err)
	}
	if fee, err := (Schedule{Fixed: map[money.Currency]int64{"usd": math.MaxInt64}, BasisPoints: wholeAmount}).Fee(money.New(5, "usd")); err == nil {
		t.Errorf("fee beyond int64: %v", fee)
	}
}

// Whatever the schedule, a fee is between nothing and the amount, and the API
// can say it wherever it can say the amount.
func TestFeeStaysWithinTheAmount(t *testing.T) {
	var all []money.Currency
	for c := range money.Currencies() {
		all = append(all, c)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(all).Draw(t, "currency")
		s := Schedule{BasisPoints: rapid.Int64Range(0, wholeAmount).Draw(t, "basis points"),
			Fixed: map[money.Currency]int64{c: rapid.Int64Range(0, 1000).Draw(t, "fixed")}}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		whole, err := money.New(rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "amount"), c).RoundToAPI(money.Down)
		if err != nil {
			t.Fatal(err)
		}
		fee, err := s.Fee(whole)
		if err != nil || fee.IsNegative() || fee.Minor() > whole.Minor() {
			t.Fatalf("fee %v %v on %v", fee, err, whole)
		}
		if _, err := fee.ToAPI(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDefaultFixedFeesAreOfKnownCurrencies(t *testing.T) {
	if err := DefaultFees().check(); err != nil {
		t.Error(err)
	}
	DefaultFees().Fixed["usd"] = 0 // a caller's copy
	if DefaultFees().Fixed["usd"] != 30 {
		t.Error("the defaults can be changed from outside")
	}
	for name, s := range map[string]Schedule{
		"share": {BasisPoints: -1}, "more than all": {BasisPoints: wholeAmount + 1},
		"currency": {Fixed: map[money.Currency]int64{"xxx": 1}}, "fixed": {Fixed: map[money.Currency]int64{"usd": -1}},
	} {
		if s.check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

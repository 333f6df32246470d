package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/core/merchant"
)

func TestLapse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"now": 0, "0": 0, "0s": 0, "0d": 0, "1h": time.Hour, "24h": 24 * time.Hour, "3d": 72 * time.Hour, "7d": 7 * 24 * time.Hour,
		"90m": 90 * time.Minute, "3650d": maxLapse,
	} {
		var got lapse
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%q: %v %v", text, time.Duration(got), err)
		}
	}
	for _, text := range []string{"", "d", "Now", "1", "-1h", "-1d", "1.5d", "3651d", "32768d", "99999999999999999999d", "1e9h", "87601h", "soon"} {
		got := lapse(7)
		if err := got.UnmarshalText([]byte(text)); err == nil || got != 7 {
			t.Errorf("%q: %v %v", text, time.Duration(got), err)
		}
	}
}

func FuzzLapse(f *testing.F) {
	for _, seed := range []string{"now", "7d", "24h", "-1d", "1h1d", "9223372036854775807ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got lapse
		if err := got.UnmarshalText([]byte(text)); err == nil && (got < 0 || time.Duration(got) > maxLapse) {
			t.Errorf("%q: %v", text, time.Duration(got))
		}
	})
}

// The defaults that the flags show are those of an account that is made without.
func TestAccountDefaults(t *testing.T) {
	elsewhere(t)
	c := new(cli)
	parser, _ := newParser(c)
	if _, err := parser.Parse([]string{"account", "create"}); err != nil {
		t.Fatal(err)
	}
	a := c.Account.Create
	got := app.AccountSettings{RawCardTest: a.RawCardTest, RawCardLive: a.RawCardLive, NegativeBalance: a.NegativeBalance, SettlementDays: a.SettlementDays}
	if diff := cmp.Diff(merchant.DefaultSettings(), got); diff != "" || a.FeeBasisPoints != nil || a.FeeFixed != nil {
		t.Errorf("%+v\n%s", a, diff)
	}
}

package method

import (
	"slices"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

func TestTableHolds(t *testing.T) {
	classes := map[Class]int{}
	for _, name := range Names() {
		m, ok := Of(name)
		if !ok || m.Name != name {
			t.Errorf("%s: %+v", name, m)
		}
		classes[m.Class]++
		for _, c := range m.Currencies {
			if !c.Known() {
				t.Errorf("%s: %s is no currency", name, c)
			}
		}
		if !slices.IsSorted(m.Countries) {
			t.Errorf("%s: countries out of order", name)
		}
		for c, l := range m.Limits {
			if !m.TakesCurrency(c) || l.Least >= l.Most {
				t.Errorf("%s: limit %s %+v", name, c, l)
			}
		}
		switch delayed := m.Class == Delayed; {
		case delayed != (m.Days > 0), delayed != m.Mandate, delayed && m.Manual:
			t.Errorf("%s: what is debited takes days, rests on a mandate, and is not reserved: %+v", name, m)
		case m.Account != "" && (!delayed || len(m.Fields) == 0 || len(m.Required) == 0):
			t.Errorf("%s: an account has fields and a holder: %+v", name, m)
		case m.Class == Redirect && m.Action == "", m.Class == Voucher && (m.Action == "" || m.Expires < 24*time.Hour), m.Class == QR && m.Action == "":
			t.Errorf("%s: the payer has nothing to do: %+v", name, m)
		case m.Refund == "":
			t.Errorf("%s: nothing is said of refunds", name)
		}
	}
	for _, c := range []Class{Sync, Redirect, QR, Push, Voucher, Delayed, Transfer, Reader, External} {
		if classes[c] == 0 {
			t.Errorf("no type is %s", c)
		}
	}
}

func TestAmounts(t *testing.T) {
	boleto, _ := Of("boleto")
	sepa, _ := Of("sepa_debit")
	card, _ := Of("card")
	for _, c := range []struct {
		m         Type
		minor     int64
		currency  money.Currency
		takes, in bool
	}{
		{boleto, 499, "brl", true, false}, {boleto, 500, "brl", true, true}, {boleto, 5000000, "brl", true, false}, {boleto, 500, "usd", false, true},
		{sepa, 1, "eur", true, true}, {sepa, 1, "chf", false, true}, {card, 1, "xof", true, true},
	} {
		if got := c.m.TakesCurrency(c.currency); got != c.takes {
			t.Errorf("%s takes %s: %v", c.m.Name, c.currency, got)
		}
		if got := c.m.Within(money.New(c.minor, c.currency)); got != c.in {
			t.Errorf("%s within its limits with %d: %v", c.m.Name, c.minor, got)
		}
	}
	if _, ok := Of("wampum"); ok {
		t.Error("wampum is taken")
	}
}

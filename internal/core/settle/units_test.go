package settle_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

// Amounts are the same everywhere on their way, whatever the decimals of their currency:
// in the books, at the acquirer, in its report, and as the bank's statement writes them.
func TestUnitsOfEveryCurrency(t *testing.T) {
	const paid, back = 12_300, 1_200
	h := openHouse(t)
	net := paid - back - fee(paid)
	want, written := map[string]int64{}, map[money.Currency]string{
		"usd": "110.70", "jpy": "11070", "bhd": "11.070", "isk": "11070", "ugx": "11070", "mga": "110.70", "eur": "110.70", "kwd": "11.070",
	}
	for c := range written {
		asked, err := money.New(back, c).ToAPI()
		if err != nil {
			t.Fatal(err)
		}
		h.refund(h.pay(paid, c, "pm_card_visa"), asked)
		want["bank:"+string(c)], want["provider_cost:"+string(c)] = net, fee(paid)
	}
	h.run(2)
	h.want(want)
	files, err := h.atBank.Reports.List(t.Context(), time.UTC, "")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range files {
		r, err := h.atBank.Reports.Fetch(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(&text, r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for c, amount := range written {
		if entry := fmt.Sprintf(`<Amt Ccy="%s">%s</Amt>`, strings.ToUpper(string(c)), amount); !strings.Contains(text.String(), entry) {
			t.Errorf("no statement has %s", entry)
		}
	}
}

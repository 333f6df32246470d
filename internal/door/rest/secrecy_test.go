package rest

import (
	"net/http"
	"strings"
	"testing"
)

// secretCards are numbers that are looked for in every form there is, packed
// ones too: see test/leak. The last is declined by the acquirer for its code.
var secretCards = []string{"4000056655665556", "3782 822463 10005", "4001-8588-2184-3804", "3566002020360505", "36227206271667", "4000058400307872"}

// TestCardDataStaysInside takes cards in by every way there is, rightly and
// wrongly, and pays with them. What the harness leaves behind, its database, its
// log, its replies and the acquirer's book, is searched at the end.
func TestCardDataStaysInside(t *testing.T) {
	h := newHarness(t)
	for _, number := range secretCards {
		card := func(more ...string) string {
			list := append([]string{"card[number]", number, "card[exp_month]", "12", "card[exp_year]", "2044", "card[cvc]", "7391"}, more...)
			return pairs(list...)
		}
		typed := "type=card&billing_details[name]=Ada&" + card()
		method := h.post("/v1/payment_methods", typed, "Idempotency-Key", "m"+number[:6]+number[len(number)-4:]).ok().str("id")
		pay := pairs("amount", "1700", "currency", "usd", "confirm", "true", "payment_method", method)
		intent := h.post("/v1/payment_intents", pay+"&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never").ok()
		h.post("/v1/refunds", pairs("payment_intent", intent.str("id"))).ok()
		token := h.post("/v1/tokens", card()).ok().str("id")
		h.post("/v1/payment_methods", pairs("type", "card", "card[token]", token)).ok()
		h.post("/v1/payment_methods", typed).ok() // never used: its code stays sealed
		for path, params := range map[string]string{
			"/v1/payment_methods":          card("type", "card", "card[exp_year]", "1999"),
			"/v1/tokens":                   card("card[exp_month]", "13"),
			"/v1/payment_intents":          pairs("amount", "1700", "currency", "usd", "confirm", "true", "payment_method", number),
			"/v1/customers":                pairs("source", number),
			"/v1/payment_intents?x=1":      pairs("amount", "1700", "currency", "usd") + "&" + card(),
			"/v1/payment_methods/x/attach": pairs("customer", number),
		} {
			if r := h.post(path, params); r.status < http.StatusBadRequest || r.status >= http.StatusInternalServerError {
				t.Errorf("%s with a card where none belongs: %d %s", path, r.status, r.text)
			}
		}
		for _, path := range []string{"/v1/payment_methods/" + method, "/v1/payment_intents/" + intent.str("id") + "?expand[]=payment_method&expand[]=latest_charge", "/v1/events?limit=100", "/v1/charges?limit=100"} {
			h.get(path).ok()
		}
		if last4 := number[len(number)-4:]; !strings.Contains(string(h.get("/v1/payment_methods/"+method).text), `"`+last4+`"`) {
			t.Errorf("the payment method does not even show %s", last4)
		}
	}
	h.checkBooks()
}

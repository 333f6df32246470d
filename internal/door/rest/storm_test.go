package rest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// storm makes requests that are mostly meant well, in no good order.
type storm struct {
	*fuzzed
	random *rand.Rand
	ids    map[string][]string // by prefix
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// id gives one of the ids seen so far.
func (s *storm) id(prefix string) string {
	if seen := s.ids[prefix]; len(seen) > 0 {
		return pick(s.random, seen...)
	}
	return prefix + "_nothing"
}

func (s *storm) see(a *answered) {
	for _, path := range []string{"id", "latest_charge", "latest_charge.id", "payment_method", "payment_method.id", "error.payment_intent.id", "error.charge", "balance_transaction"} {
		if id, ok := a.at(path).(string); ok {
			prefix, _, _ := strings.Cut(id, "_")
			s.ids[prefix] = append(s.ids[prefix], id)
		}
	}
}

// request is a method, a path and a form.
func (s *storm) request() (method, path, form string) {
	r := s.random
	maybe := func(params ...string) string {
		var out []string
		for _, p := range params {
			if r.IntN(3) == 0 {
				out = append(out, p)
			}
		}
		return strings.Join(out, "&")
	}
	card := pick(r, "pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_chargeDeclinedProcessingError", "tok_mastercard", s.id("pm"), s.id("tok"))
	money := pick(r, "1", "100", "400", "999", "1000", "1001", "0", "-1", "x")
	expand := maybe("expand[]=latest_charge.balance_transaction", "expand[]=latest_charge.refunds.data.charge", "expand[]=payment_method.customer", "expand[]=customer", "expand[]=latest_charge.payment_intent")
	intent := "/v1/payment_intents/" + s.id("pi")
	switch r.IntN(12) {
	case 0, 1, 2:
		return "POST", "/v1/payment_intents", "amount=1000&currency=" + pick(r, "usd", "USD", "jpy", "kwd", "xxx") + "&payment_method=" + card + "&" + expand + "&" +
			maybe("confirm=true", "capture_method=manual", "customer="+s.id("cus"), "metadata[a]=b", "payment_method_types[]=card")
	case 3:
		return "POST", intent + "/confirm", expand + "&" + maybe("payment_method="+card, "capture_method=manual")
	case 4, 5:
		return "POST", intent + "/capture", expand + "&" + maybe("amount_to_capture="+money, "metadata=")
	case 6:
		return "POST", intent + "/cancel", expand
	case 7, 8:
		return "POST", "/v1/refunds", pick(r, "charge="+s.id("ch"), "payment_intent="+s.id("pi")) + "&" +
			maybe("amount="+money, "expand[]=charge.refunds", "expand[]=payment_intent.latest_charge", "expand[]=balance_transaction", "reason=fraudulent")
	case 9:
		return "POST", pick(r, "/v1/customers", "/v1/payment_methods/"+s.id("pm")+"/attach?customer="+s.id("cus"), "/v1/payment_methods/"+s.id("pm")+"/detach"), ""
	case 10:
		return "GET", pick(r, intent, "/v1/charges/"+s.id("ch")+"?expand[]=refunds", "/v1/refunds/"+s.id("re")+"?expand[]=charge.refunds", "/v1/charges?customer="+s.id("cus")), ""
	}
	return "GET", pick(r, "/v1/payment_intents?limit=3&expand[]=data.latest_charge", "/v1/balance", "/v1/events?limit=5", "/v1/balance_transactions?limit=5&expand[]=data.source",
		"/v1/charges?limit=2&starting_after="+s.id("ch"), "/v1/refunds?charge="+s.id("ch")), ""
}

// The books agree after every one of many requests, a refusal changes nothing,
// and each answer to a write is given again byte by byte at the end.
func TestStorm(t *testing.T) {
	seed := uint64(1)
	t.Logf("seed %d", seed)
	s := &storm{newFuzzed(t), rand.New(rand.NewPCG(seed, 0)), map[string][]string{}}
	defer s.end()
	type kept struct {
		path, form, key string
		answer          *answered
	}
	var answers []kept
	statuses := map[int]int{}
	for i := range 250 {
		method, path, form := s.request()
		key, before := fmt.Sprintf("key %d", i), s.digest()
		a := s.send(method, path, form, "Idempotency-Key", key)
		statuses[a.status]++
		switch {
		case a.status >= 500:
			t.Fatalf("seed %d: %s %s %s: status %d: %s", seed, method, path, form, a.status, a.text)
		case (method == http.MethodGet || a.status >= 400 && a.at("error.payment_intent") == nil) && s.digest() != before:
			t.Fatalf("seed %d: %s %s %s: status %d, and something has changed", seed, method, path, form, a.status)
		case method == http.MethodPost && (a.status == 200 || a.status == 402):
			answers = append(answers, kept{path, form, key, a})
		}
		if object, ok := a.body["object"].(string); ok && (object == "payment_intent" || object == "charge" || object == "refund") {
			validate(t, object, a.text)
		}
		s.see(a)
		s.checkBooks()
		if t.Failed() {
			t.Fatalf("seed %d: after %s %s %s", seed, method, path, form)
		}
	}
	t.Logf("statuses: %v", statuses)
	if statuses[200] == 0 || statuses[400] == 0 {
		t.Errorf("seed %d: the storm was none: %v", seed, statuses)
	}
	before := s.digest()
	for _, k := range answers {
		if again := s.post(k.path, k.form, "Idempotency-Key", k.key); string(again.text) != string(k.answer.text) || again.status != k.answer.status {
			t.Errorf("seed %d: %s %s is answered otherwise the second time:\n%s\n%s", seed, k.path, k.form, k.answer.text, again.text)
		}
	}
	if s.digest() != before {
		t.Errorf("seed %d: repetitions changed something", seed)
	}
}

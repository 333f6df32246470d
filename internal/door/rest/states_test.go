package rest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// inEveryState says how each operation on a payment of 1000 is answered in each state that
// the payment can be in: with success and so much taken (+) or given back (-) at the
// acquirer, = nothing, or the refusal by its code; no is one without a code.
const inEveryState = `
                    confirm  capture  400    1001    cancel  refund    400       1001
new                 +1000    state    state  state   =       no        no        no
confirmable         +1000    state    state  state   =       no        no        no
declined            +1000    state    state  state   =       no        no        no
asked               +1000    state    state  state   =       no        no        no
authorised          state    +1000    +400   large   =       no        no        no
in_parts            state    +1000    +400   large   =       no        no        no
captured_in_part    state    +600     +400   large   =       -400      -400      no
captured_less       state    state    state  state   state   -400      -400      no
paid                state    state    state  state   state   -1000     -400      no
canceled            state    state    state  state   state   no        no        no
given_back_in_part  state    state    state  state   state   -600      -400      no
given_back          state    state    state  state   state   back      back      back
refund_open         state    state    state  state   state   -600      -400      no
disputed            state    state    state  state   state   disputed  disputed  disputed
disputed_and_lost   state    state    state  state   state   disputed  disputed  disputed
disputed_and_won    state    state    state  state   state   -1000     -400      no
capture_open        state    locked   locked locked  locked  no        no        no
sale_open           state    locked   locked locked  locked  no        no        no
`

// refusals are the codes of inEveryState.
var refusals = map[any]string{
	"payment_intent_unexpected_state": "state", "amount_too_large": "large", "charge_already_refunded": "back", "charge_disputed": "disputed",
	"lock_timeout": "locked", nil: "no",
}

// inState makes a payment.
func (h *harness) inState(name string) (intent string) {
	h.t.Helper()
	held := func(more ...string) string {
		return h.intent(append([]string{"payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual"}, more...)...).ok().str("id")
	}
	do := func(intent, operation, form string) string {
		h.post("/v1/payment_intents/"+intent+operation, form).ok()
		return intent
	}
	refunded := func(form string) string {
		intent := h.paid().str("id")
		h.post("/v1/refunds", "payment_intent="+intent+form).ok()
		return intent
	}
	dispute := func(end func(dispute string)) string {
		dispute, _, intent := h.disputed("pm_card_createDispute")
		if end != nil {
			end(dispute)
		}
		return intent
	}
	inParts := []string{"payment_method_options[card][request_multicapture]", "if_available"}
	switch name {
	case "new":
		return h.intent().ok().str("id")
	case "confirmable":
		return h.intent("payment_method", "pm_card_visa").ok().str("id")
	case "declined":
		return h.intent("payment_method", "pm_card_visa_chargeDeclined", "confirm", "true").is(402).str("error.payment_intent.id")
	case "asked":
		return h.intent("payment_method", "pm_card_authenticationRequired", "confirm", "true", "return_url", "https://shop.example").ok().str("id")
	case "authorised":
		return held()
	case "in_parts":
		return held(inParts...)
	case "captured_in_part":
		return do(held(inParts...), "/capture", "amount_to_capture=400&final_capture=false")
	case "captured_less":
		return do(held(), "/capture", "amount_to_capture=400")
	case "paid":
		return h.paid().str("id")
	case "canceled":
		return do(held(), "/cancel", "")
	case "given_back_in_part":
		return refunded("&amount=400")
	case "given_back":
		return refunded("")
	case "disputed":
		return dispute(nil)
	case "disputed_and_lost":
		return dispute(func(id string) { h.post("/v1/disputes/"+id+"/close", "").ok() })
	case "disputed_and_won":
		return dispute(func(id string) { h.post("/v1/disputes/"+id, "evidence[uncategorized_text]=winning_evidence").ok() })
	case "refund_open", "capture_open", "sale_open":
		return h.open(name)
	}
	h.t.Fatalf("no such state: %s", name)
	return ""
}

// open makes a payment of whose last operation nobody knows what became.
func (h *harness) open(name string) (intent string) {
	h.t.Helper()
	silent := func(operation string, f func()) {
		h.say(operation, provider.Outcome{})
		f()
		h.script.mu.Lock()
		delete(h.script.says, operation)
		h.script.mu.Unlock()
	}
	switch name {
	case "refund_open":
		intent = h.paid().str("id")
		silent("refund", func() { h.post("/v1/refunds", "amount=400&payment_intent="+intent).ok() })
	case "capture_open":
		intent = h.inState("authorised")
		silent("capture", func() { h.post("/v1/payment_intents/"+intent+"/capture", "").ok() })
	case "sale_open":
		silent("authorize", func() { intent = h.intent("payment_method", "pm_card_visa", "confirm", "true").ok().str("id") })
	}
	return intent
}

// onPayment are the operations that move a payment's money.
var onPayment = []struct{ name, path, form string }{
	{"confirm", "/confirm", "payment_method=pm_card_visa&return_url=https://shop.example"},
	{"capture", "/capture", ""}, {"capture 400", "/capture", "amount_to_capture=400"}, {"capture 1001", "/capture", "amount_to_capture=1001"},
	{"cancel", "/cancel", ""},
	{"refund", "", ""}, {"refund 400", "", "&amount=400"}, {"refund 1001", "", "&amount=1001"},
}

// TestEveryOperationInEveryState is the full product of what a payment can be and what
// can be asked of it: how each is answered and what it moves at the acquirer, where no
// more is captured than was authorised and no more given back than captured.
func TestEveryOperationInEveryState(t *testing.T) {
	h := newHarness(t)
	lines := strings.Split(strings.TrimSpace(inEveryState), "\n")[1:]
	for _, line := range lines {
		cells := strings.Fields(line)
		t.Run(cells[0], func(t *testing.T) {
			for i, op := range onPayment {
				if got := h.in(t).moved(cells[0], op.path, op.form); got != cells[1+i] {
					t.Errorf("%s: %s, want %s", op.name, got, cells[1+i])
				}
			}
		})
	}
	h.checkBooks()
}

// moved makes a payment and an operation on it, and says what became of it.
func (h *harness) moved(state, path, form string) string {
	h.t.Helper()
	intent := h.inState(state)
	money := func() int64 {
		_, taken := h.atAcquirer(sandbox.Sale, sandbox.Capture)
		_, given := h.atAcquirer(sandbox.Refund)
		return taken - given
	}
	before := money()
	var a *answered
	if path == "" {
		a = h.post("/v1/refunds", "payment_intent="+intent+form)
	} else {
		a = h.post("/v1/payment_intents/"+intent+path, form)
	}
	by := money() - before
	switch {
	case a.status == 200 && by != 0:
		return fmt.Sprintf("%+d", by)
	case a.status == 200:
		return "="
	case by != 0:
		return fmt.Sprintf("%d %s, and %+d", a.status, a.text, by)
	}
	if name, known := refusals[a.at("error.code")]; known {
		return name
	}
	return string(a.text)
}

package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// testCardRow is a row of the table with what it does.
type testCardRow struct {
	number, brand, also, funding, country string
	names                                 []string
	does
}

func readTestCardRows() (rows []testCardRow) {
	for line := range strings.Lines(testCardRows) {
		f := strings.Fields(line)
		if len(f) < 5 || strings.Trim(f[0], "0123456789") != "" {
			continue // a heading
		}
		r := testCardRow{number: f[0], funding: f[2], country: f[3], names: f[4:], does: testCardsDo[f[4]]}
		r.brand, r.also, _ = strings.Cut(f[1], "+")
		if r.auth == (auth{}) {
			r.auth = notEnrolled
		}
		rows = append(rows, r)
	}
	return rows
}

// The rows are all the cards that there are, in the vault and at the sandbox.
func TestEveryTestCardHasARow(t *testing.T) {
	var numbers, names, known []string
	for _, r := range readTestCardRows() {
		numbers, names = append(numbers, r.number), append(names, r.names...)
	}
	slices.Sort(numbers)
	if diff := gocmp.Diff(sandbox.Cards(), slices.Compact(numbers)); diff != "" {
		t.Errorf("the sandbox has other cards than the rows: %s", diff)
	}
	for _, c := range vault.TestCards {
		known = append(append(known, c.Name), c.Aliases...)
	}
	slices.Sort(known)
	slices.Sort(names)
	if diff := gocmp.Diff(known, names); diff != "" {
		t.Errorf("other names are known than those of the rows: %s", diff)
	}
	for name := range testCardsDo {
		if !slices.Contains(names, name) {
			t.Errorf("%s does something and has no row", name)
		}
	}
}

// TestCardsDoAsTheirRowsSay walks the table of test cards: each is shown, is paid
// with in each way there is to name it, attached, and has all happen to it that it
// stands for.
func TestCardsDoAsTheirRowsSay(t *testing.T) {
	h := newHarness(t)
	t.Run("cards", func(t *testing.T) {
		typed := map[string]bool{}
		for _, r := range readTestCardRows() {
			first := !typed[r.number]
			typed[r.number] = true
			t.Run(r.names[0], func(t *testing.T) {
				t.Parallel()
				w := &cardWalk{h.in(t), r, false}
				if first { // a number stands for the first card that has it
					w.looks()
					w.paid("typed", w.typed(), w.checks())
				}
				for _, name := range r.names {
					w.named(name)
				}
				w.authenticates()
			})
		}
	})
	h.checkBooks()
}

// cardWalk tries one card.
type cardWalk struct {
	*harness
	testCardRow
	followed bool // what comes after a payment was looked at
}

// looks holds what a card that is typed looks like against its row.
func (w *cardWalk) looks() {
	w.t.Helper()
	display, available := w.brand, []any{w.brand}
	if w.brand == "unknown" {
		display, available = "other", nil
	}
	if w.also != "" {
		available = append(available, w.also)
	}
	made := w.post("/v1/payment_methods", "type=card&"+w.card("card")).ok().has(map[string]any{
		"card.brand": w.brand, "card.display_brand": display, "card.funding": w.funding, "card.country": w.country, "card.last4": w.number[len(w.number)-4:],
		"card.exp_month": 12, "card.exp_year": 2034, "card.checks.cvc_check": "unchecked",
	})
	validate(w.t, "payment_method", made.text)
	if got, _ := made.at("card.networks.available").([]any); !slices.Equal(got, available) {
		w.t.Errorf("the networks are %v, want %v", got, available)
	}
}

// card is the card as somebody types it.
func (w *cardWalk) card(under string) string {
	cvc := "123"
	if w.brand == "amex" {
		cvc = "1234"
	}
	return pairs(under+"[number]", w.number, under+"[exp_month]", "12", under+"[exp_year]", "2034", under+"[cvc]", cvc)
}

func (w *cardWalk) typed() string {
	return "payment_method_data[type]=card&" + w.card("payment_method_data[card]") + address
}

// checks are what becomes of all that can be checked of a card.
func (w *cardWalk) checks() map[string]any {
	return map[string]any{
		"cvc_check": cmp.Or(w.cvc, "pass"), "address_line1_check": cmp.Or(w.line1, "pass"), "address_postal_code_check": cmp.Or(w.postal, "pass"),
	}
}

// named pays with the card by one of its names, in two spellings, and attaches it.
func (w *cardWalk) named(name string) {
	w.t.Helper()
	checks := map[string]any{"cvc_check": cmp.Or(w.cvc, "pass")}
	w.paid("pm_card_"+name, "payment_method=pm_card_"+name, checks)
	w.paid("tok_"+name, "payment_method_data[type]=card&payment_method_data[card][token]=tok_"+name, checks)
	attached := w.post("/v1/payment_methods/pm_card_"+name+"/attach", "customer="+w.aCustomer())
	if w.declines == "" || w.holds {
		attached.ok().has(map[string]any{"card.brand": w.brand, "card.funding": w.funding, "card.country": w.country, "card.last4": w.number[len(w.number)-4:]})
		return
	}
	attached.is(http.StatusPaymentRequired)
	w.refusedAs(attached, w.declines)
}

// refusedAs holds a refusal against the row of its decline code.
func (w *cardWalk) refusedAs(a *answered, decline string) {
	w.t.Helper()
	row := declineRows[decline]
	want := map[string]any{"error.type": "card_error", "error.code": row.code, "error.decline_code": decline, "error.message": row.message, "error.advice_code": nil, "error.param": nil}
	if row.advice != "" {
		want["error.advice_code"] = row.advice
	}
	if row.param != "" {
		want["error.param"] = row.param
	}
	a.has(want)
	validate(w.t, "api_errors", a.part("error"))
}

const toBePaid = "amount=1000&currency=usd&confirm=true&return_url=https://shop.example/done&expand[]=latest_charge&expand[]=payment_method&"

// paid pays 10 dollars with the card and sees that what the row says is so.
func (w *cardWalk) paid(how, with string, checks map[string]any) {
	w.t.Helper()
	a := w.post("/v1/payment_intents", toBePaid+with)
	w.contract(spec.ByID("PostPaymentIntents"), a)
	if w.auth.asks {
		a = w.press(a, "authorize")
	}
	w.ended(how, a, checks, w.auth.result)
}

// ended holds the end of a payment against the row: it succeeded, or was declined
// at once or after the payer came back.
func (w *cardWalk) ended(how string, a *answered, checks map[string]any, result string) {
	w.t.Helper()
	if w.declines == "" {
		a.ok().has(map[string]any{"status": "succeeded", "amount_received": 1000, "last_payment_error": nil})
		w.charged(a.str("latest_charge.id"), checks, result)
		return
	}
	if a.status == http.StatusOK {
		a.has(map[string]any{"status": "requires_payment_method", "last_payment_error.code": declineRows[w.declines].code, "last_payment_error.decline_code": w.declines})
		w.failed(a.str("latest_charge.id"))
		return
	}
	a.is(http.StatusPaymentRequired).has(map[string]any{
		"error.payment_intent.status": "requires_payment_method", "error.payment_intent.last_payment_error.code": declineRows[w.declines].code,
		"error.payment_intent.last_payment_error.decline_code": w.declines, "error.payment_method.card.last4": w.number[len(w.number)-4:],
	})
	w.refusedAs(a, w.declines)
	if w.t.Failed() {
		w.t.Fatalf("paid with %s", how)
	}
	if w.auth.proves {
		a.has(map[string]any{"error.charge": nil}) // it was never asked for
		return
	}
	w.failed(a.str("error.charge"))
}

// charged looks at what a payment became, and at what follows it.
func (w *cardWalk) charged(charge string, checks map[string]any, result string) {
	w.t.Helper()
	ch := w.get("/v1/charges/" + charge).ok()
	validate(w.t, "charge", ch.text)
	want := map[string]any{
		"status": "succeeded", "paid": true, "captured": true, "disputed": len(w.disputes) > 0, "failure_code": nil,
		"outcome.type": cmp.Or(w.outcome, "authorized"), "outcome.network_status": "approved_by_network", "outcome.risk_level": cmp.Or(w.level, "normal"), "outcome.risk_score": nil,
		"payment_method_details.card.three_d_secure.result": nil,
	}
	if w.score > 0 {
		want["outcome.risk_score"] = w.score
	}
	if result != "" {
		want["payment_method_details.card.three_d_secure.result"] = result
	}
	const details = "payment_method_details.card."
	for name, value := range map[string]string{"brand": w.brand, "funding": w.funding, "country": w.country, "last4": w.number[len(w.number)-4:]} {
		want[details+name] = value
	}
	if want[details+"network"] = w.brand; w.brand == "unknown" {
		want[details+"network"] = nil
	}
	for name, value := range checks {
		want[details+"checks."+name] = value
	}
	ch.has(want)
	if w.followed && reflect.DeepEqual(w.does, does{auth: notEnrolled}) {
		return // nothing comes of it, in whatever way it was paid
	}
	w.followed = true
	w.complained(charge)
	w.settled(charge)
	w.given(charge)
}

// failed looks at a charge that was declined.
func (w *cardWalk) failed(charge string) {
	w.t.Helper()
	row := declineRows[w.declines]
	ch := w.get("/v1/charges/" + charge).ok()
	validate(w.t, "charge", ch.text)
	want := map[string]any{
		"status": "failed", "paid": false, "captured": false, "failure_code": row.code, "failure_message": row.message, "balance_transaction": nil,
		"outcome.type": cmp.Or(w.outcome, "issuer_declined"), "outcome.risk_level": cmp.Or(w.level, "normal"), "outcome.network_status": "declined_by_network",
		"outcome.reason": w.declines, "outcome.advice_code": nil, "outcome.network_decline_code": row.network,
	}
	if row.advice != "" {
		want["outcome.advice_code"] = row.advice
	}
	if w.blocked {
		want["outcome.network_status"], want["outcome.reason"], want["outcome.network_decline_code"] = "not_sent_to_network", "highest_risk_level", nil
	}
	ch.has(want)
}

// complained looks at the disputes and the warning of a charge, which are there as
// soon as the payment is answered.
func (w *cardWalk) complained(charge string) {
	w.t.Helper()
	list := w.get("/v1/disputes?charge=" + charge).ok()
	var got []string
	for _, d := range list.at("data").([]any) {
		what := fmt.Sprint(follow(d, "status"), " ", follow(d, "reason"), " ", follow(d, "amount"), " ", follow(d, "payment_method_details.card.case_type"))
		for _, programme := range follow(d, "enhanced_eligibility_types").([]any) {
			what += " " + programme.(string)
		}
		got = append(got, what)
	}
	if diff := gocmp.Diff(w.disputes, got); diff != "" {
		w.t.Errorf("the disputes: %s", diff)
	}
	if len(got) > 0 {
		validate(w.t, "dispute", list.part("data.0"))
	}
	warning := w.get("/v1/radar/early_fraud_warnings?charge=" + charge).ok()
	if w.testCardRow.warned {
		warning.has(map[string]any{"data.0.actionable": true, "data.0.charge": charge, "data.0.fraud_type": "misc", "data.1": nil})
	} else {
		warning.has(map[string]any{"data.0": nil})
	}
}

// settled looks at when the money is available.
func (w *cardWalk) settled(charge string) {
	w.t.Helper()
	status := "pending"
	if w.bypasses {
		status = "available"
	}
	w.get("/v1/balance_transactions?type=charge&source=" + charge).ok().has(map[string]any{"data.0.status": status, "data.0.amount": 1000, "data.1": nil})
}

// given gives back a part, and waits for what comes of that.
func (w *cardWalk) given(charge string) {
	w.t.Helper()
	if len(w.disputes) > 0 {
		return
	}
	first, then, _ := strings.Cut(cmp.Or(w.refund, "succeeded succeeded"), " ")
	refund := w.post("/v1/refunds", "amount=300&charge="+charge).ok().has(map[string]any{"status": first}).str("id")
	if w.refund == "" {
		return
	}
	w.eventually(func() bool { return w.get("/v1/refunds/"+refund).ok().at("status") == then })
	left := map[string]any{"amount_refunded": 300}
	if then == "failed" {
		left["amount_refunded"] = 0
		w.get("/v1/refunds/" + refund).ok().has(map[string]any{"failure_reason": "expired_or_canceled_card"})
	}
	w.get("/v1/charges/" + charge).ok().has(left)
	w.told("refund."+map[string]string{"failed": "failed", "succeeded": "updated"}[then], refund)
}

// told wants an event of a type about an object.
func (w *cardWalk) told(typ, id string) {
	w.t.Helper()
	list := w.get("/v1/events?limit=100&type=" + typ).ok()
	for _, e := range list.at("data").([]any) {
		if follow(e, "data.object.id") == id {
			return
		}
	}
	w.t.Errorf("no %s tells of %s", typ, id)
}

// Cards that are mistyped are refused before anybody is asked.
func TestMistypedCards(t *testing.T) {
	h := newHarness(t)
	for _, r := range mistypedRows {
		in := func(under string) string {
			return pairs(under+"[number]", r.number, under+"[exp_month]", r.month, under+"[exp_year]", r.year, under+"[cvc]", r.cvc)
		}
		for path, form := range map[string]string{
			"/v1/tokens": in("card"), "/v1/payment_methods": "type=card&" + in("card"),
			"/v1/payment_intents": "amount=1000&currency=usd&payment_method_data[type]=card&" + in("payment_method_data[card]"),
		} {
			a := h.post(path, form).is(http.StatusPaymentRequired).has(map[string]any{"error.type": "card_error", "error.code": r.code})
			if param := a.str("error.param"); !strings.Contains(param, r.param) {
				t.Errorf("%s: %s is said of %s", path, r.code, param)
			}
		}
	}
}

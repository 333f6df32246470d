package rest

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/test/contract"
)

// What is answered and told at an older version is as Stripe's document of that
// version says, whatever is asked for: every operation that there is, and every test
// card that does something. Without FLORIN_RUNS the oldest and the newest of them have
// to do, and on PostgreSQL one: how an answer looks does not depend on the database.
func TestOlderDocuments(t *testing.T) {
	versions := contract.OlderVersions
	switch {
	case os.Getenv("FLORIN_RUNS") != "":
	case dbtest.Postgres():
		versions = versions[:1]
	default:
		versions = []string{versions[0], versions[len(versions)-1]}
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			o := &older{harness: harnessAt(t, version), document: contract.Older(t, version), newest: contract.Newest(t)}
			o.judge = o.holds
			for _, id := range slices.Sorted(maps.Keys(scenarios)) {
				o.operation(id)
			}
			for _, name := range slices.Sorted(maps.Keys(testCardsDo)) {
				if !slices.Contains(newerCards, name) {
					o.card(name)
				}
			}
			o.setUps()
			o.events()
			o.checkBooks()
			t.Logf("%d answers and %d events are held against the document of %s", o.answers, o.told, version)
			if o.answers < 500 || o.told < 500 {
				t.Error("those are too few to say anything")
			}
		})
	}
}

// newerCards stand for a kind of dispute that is told of by a value which the older
// documents do not have. Stripe tells every version of such values.
var newerCards = []string{"createComplianceDispute", "createMastercardComplianceDispute"}

// older is a harness at an older version, with that version's document.
type older struct {
	*harness
	document, newest *contract.Document
	answers, told    int
}

// operation sees an operation succeed and be refused.
func (o *older) operation(id string) {
	o.t.Helper()
	s, op := scenarios[id], spec.ByID(id)
	if s.never == "" {
		o.do(op, s.request(o.harness)).ok()
	}
	for _, f := range s.failures(op) {
		o.do(op, f.sent(o.harness, s.request(o.harness)))
	}
}

// card pays with a test card, reserves with it, and sees through what comes of it.
func (o *older) card(name string) {
	o.t.Helper()
	w := &cardWalk{harness: o.harness}
	paid := o.post("/v1/payment_intents", toBePaid+"payment_method=pm_card_"+name)
	if paid.at("status") == "requires_action" {
		paid = w.press(paid, "authorize")
		w.press(o.post("/v1/payment_intents", toBePaid+"payment_method=pm_card_"+name), "fail")
	}
	o.post("/v1/payment_intents", toBePaid+"off_session=true&capture_method=manual&payment_method=pm_card_"+name)
	charge, ok := paid.at("latest_charge.id").(string)
	if !ok {
		return
	}
	o.get("/v1/charges/" + charge + "?expand[]=balance_transaction&expand[]=payment_intent&expand[]=refunds").ok()
	o.post("/v1/refunds", "amount=100&expand[]=charge&charge="+charge)
	disputes := o.get("/v1/disputes?expand[]=data.charge&charge=" + charge).ok()
	if dispute, ok := disputes.at("data.0.id").(string); ok {
		o.post("/v1/disputes/"+dispute, "evidence[uncategorized_text]=winning_evidence&expand[]=payment_intent").ok()
		o.listen()
		o.get("/v1/disputes/" + dispute + "?expand[]=balance_transactions.data").at("status")
	}
}

// setUps sets cards up whose holder is asked.
func (o *older) setUps() {
	o.t.Helper()
	w := &cardWalk{harness: o.harness}
	for _, button := range []string{"authorize", "fail"} {
		w.press(o.post("/v1/setup_intents", "confirm=true&return_url=https://shop.example/done&payment_method=pm_card_authenticationRequired&customer="+o.aCustomer()), button)
	}
	o.post("/v1/setup_intents", "confirm=true&return_url=https://shop.example/done&payment_method=pm_card_chargeDeclined").is(402)
}

// holds checks an answer against the document.
func (o *older) holds(h *harness, method, path string, a *answered) {
	h.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	schema := o.document.Object("error")
	if a.status == 200 {
		schema = o.document.Answer(method, path)
	}
	if schema == nil || a.header.Get("Stripe-Version") != o.version {
		return // it is new, or was asked for at another version
	}
	o.answers++
	for _, v := range o.document.Violations(method, path, a.status, a.text) {
		h.t.Errorf("%s %s: %s\n%s", method, path, v, a.text)
	}
	if a.status == 200 {
		o.lacks(method+" "+path, schema, o.newest.Answer(method, path), a.text)
	}
}

// lacks complains of what an older schema has and text has not, unless the newest
// schema has that, too: then it is what is shown only to who expands it.
func (o *older) lacks(what string, schema, newest *openapi3.Schema, text []byte) {
	o.t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		o.t.Fatal(err)
	}
	var hidden []string
	if newest != nil {
		hidden = contract.Missing(newest, value)
	}
	for _, m := range contract.Missing(schema, value) {
		if !slices.Contains(hidden, m) {
			o.t.Errorf("%s at %s: %s", what, o.version, m)
		}
	}
}

// events checks all that was told.
func (o *older) events() {
	o.t.Helper()
	for after := ""; ; {
		page := o.get("/v1/events?limit=100" + after).ok()
		told, err := contract.Tells(page.text)
		if err != nil {
			o.t.Fatal(err)
		}
		for _, e := range told {
			schema := o.document.Object(e.Name)
			if schema == nil {
				continue
			}
			o.told++
			for _, v := range contract.Violations(schema, e.JSON) {
				o.t.Errorf("%s: %s\n%s", e.Type, v, e.JSON)
			}
			o.lacks(e.Type, schema, o.newest.Object(e.Name), e.JSON)
		}
		if page.at("has_more") != true {
			return
		}
		data := page.at("data").([]any)
		after = "&starting_after=" + follow(data[len(data)-1], "id").(string)
	}
}

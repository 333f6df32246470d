//go:build unix

package crash

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
)

// tales are journeys that go on by what they find: whatever moves money or
// makes it possible, other than a card payment's own way.
var tales = []func(*journey){
	disputed("pm_card_createDispute", "winning_evidence"),
	authenticates("authorize"),
	setUp("pm_card_visa"),
	paidOut("000123456789", false),
	disputed("pm_card_createDisputeProductNotReceived", "losing_evidence"),
	authenticates("fail"),
	setUp("pm_card_authenticationRequiredOnSetup"),
	paidOut("000111111116", false),
	debited("pm_usBankAccount_success"),
	paidOut("000123456789", true),
	debited("pm_usBankAccount_insufficientFunds"),
}

// fields makes a form of names and values in turn.
func fields(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// saleOf is a payment with a card.
func saleOf(card string) []string {
	return []string{"amount", "4321", "currency", "usd", "confirm", "true", "payment_method", card, "return_url", "https://shop.example/back"}
}

// ask sends the tale's next request, copies of it at once under its key, and
// reports whether it was done.
func (j *journey) ask(copies int, to string, pairs ...string) (thing, bool) {
	j.asked++
	a := j.l.send(fmt.Sprintf("%s.s%d", j.name, j.asked), to, fields(pairs...), copies, j.parked)
	o, err := a.thing()
	if err != nil {
		j.l.t.Errorf("%s: %v", j.name, err)
	}
	if o.Object == "payment_intent" {
		j.intent = o
	}
	return o, err == nil && a.Status == http.StatusOK
}

// until reads something until it is as wanted; false: the tale ends here.
func (j *journey) until(what string, read func() (bool, error)) bool {
	for begun := time.Now(); ; {
		good, err := read()
		if good && err == nil {
			return true
		}
		if time.Since(begun) > longBusy {
			if j.parked(); j.l.over.Load() {
				return false
			}
		}
		if err == nil {
			err = sleep(j.l.ctx, 100*time.Millisecond)
		}
		if err != nil {
			j.l.t.Errorf("%s: %s: %v", j.name, what, err)
			return false
		}
	}
}

// becomes waits until an object's status is none of some.
func (j *journey) becomes(o *thing, at string, not ...string) bool {
	return j.until("waits for "+at, func() (_ bool, err error) {
		for _, status := range not {
			if o.Status == status {
				*o, err = j.l.client.retrieve(j.l.ctx, at)
				return false, err
			}
		}
		return true, nil
	})
}

// pay confirms a payment of the tale and waits for its outcome.
func (j *journey) pay(method string, more ...string) bool {
	pairs := append([]string{"amount", fmt.Sprint(3000 + len(j.name)), "currency", "usd", "confirm", "true", "payment_method", method,
		"return_url", "https://shop.example/back"}, more...)
	j.ask(1, "/v1/payment_intents", pairs...)
	return j.intent.ID != "" && j.becomes(&j.intent, "/v1/payment_intents/"+j.intent.ID, "processing")
}

// disputed pays with a card whose holder disputes, and answers with evidence.
func disputed(card, evidence string) func(*journey) {
	return func(j *journey) {
		if !j.pay(card) || j.intent.Status != "succeeded" {
			return
		}
		var list []thing
		heard := j.until("waits for a dispute", func() (_ bool, err error) {
			list, err = j.l.client.list(j.l.ctx, "/v1/disputes", "&payment_intent="+j.intent.ID)
			return len(list) > 0, err
		})
		if !heard {
			return
		}
		at := "/v1/disputes/" + list[0].ID
		if d, ok := j.ask(2, at, "evidence[uncategorized_text]", evidence, "submit", "true"); ok {
			j.becomes(&d, at, "needs_response", "under_review")
		}
	}
}

// authenticates pays with a card whose holder is asked, and says yes or no. Who said no
// pays with another card.
func authenticates(result string) func(*journey) {
	return func(j *journey) {
		if !j.pay("pm_card_authenticationRequired") {
			return
		}
		at := "/v1/payment_intents/" + j.intent.ID
		if !j.visit(j.intent, result) || !j.becomes(&j.intent, at, "requires_action", "processing") {
			return
		}
		switch j.intent.Status {
		case "succeeded":
			j.ask(2, "/v1/refunds", "payment_intent", j.intent.ID, "amount", "500")
		case "requires_payment_method":
			j.ask(2, at+"/confirm", "payment_method", "pm_card_visa")
		}
	}
}

// browser goes one step at a time.
var browser = http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// visit answers the issuer's page that an intent names, if it does, and goes back
// from there. Whether anybody is there then does not matter.
func (j *journey) visit(intent thing, result string) bool {
	page := intent.NextAction.Redirect.URL
	if intent.Status != "requires_action" {
		return true
	}
	var back string
	answered := j.until("answers "+page, func() (bool, error) {
		resp, err := browser.PostForm(j.l.box.URL+"/pages/3ds/"+path.Base(page), url.Values{"result": {result}})
		if err != nil {
			return false, nil // it is being killed
		}
		defer resp.Body.Close()
		back = resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther && resp.StatusCode < http.StatusInternalServerError {
			err = errors.New(resp.Status)
		}
		return resp.StatusCode == http.StatusSeeOther, err
	})
	if !answered {
		return false
	}
	if u, err := url.Parse(back); err == nil {
		if resp, err := browser.Get(j.l.client.url + u.Path); err == nil {
			_ = resp.Body.Close()
		}
	}
	return true
}

// setUp makes a card ready and pays with it while its holder is away.
func setUp(card string) func(*journey) {
	return func(j *journey) {
		customer, ok := j.ask(2, "/v1/customers", "email", "jenny@example.com")
		if !ok {
			return
		}
		made, _ := j.ask(2, "/v1/setup_intents", "customer", customer.ID, "payment_method", card, "confirm", "true", "usage", "off_session",
			"return_url", "https://shop.example/back")
		at := "/v1/setup_intents/" + made.ID
		if made.ID == "" || !j.becomes(&made, at, "processing") || !j.visit(made, "authorize") || !j.becomes(&made, at, "requires_action", "processing") {
			return
		}
		if made.Status == "succeeded" {
			j.pay(made.PaymentMethod, "customer", customer.ID, "off_session", "true")
		}
	}
}

// paidOut has money brought to a bank account, which the bank may not know, and
// may take it back from there. Florin pays nothing more to an account from which
// a payout came back, so each tale has its own.
func paidOut(number string, back bool) func(*journey) {
	return func(j *journey) {
		account, ok := j.ask(1, "/v1/accounts/"+j.l.account+"/external_accounts", "external_account[object]", "bank_account",
			"external_account[country]", "US", "external_account[currency]", "usd", "external_account[routing_number]", "110000000",
			"external_account[account_number]", number)
		if !ok {
			return
		}
		p, ok := j.ask(2, "/v1/payouts", "amount", fmt.Sprint(1000+len(j.name)), "currency", "usd", "method", "instant", "destination", account.ID)
		at := "/v1/payouts/" + p.ID
		if ok && j.becomes(&p, at, "pending", "in_transit") && back && p.Status == "paid" {
			j.ask(2, at+"/reverse")
		}
	}
}

// debited pays from a bank account, which takes its time.
func debited(method string) func(*journey) {
	return func(j *journey) {
		j.ask(1, "/v1/payment_intents", "amount", fmt.Sprint(4000+len(j.name)), "currency", "usd", "confirm", "true", "payment_method", method,
			"payment_method_types[]", "us_bank_account", "mandate_data[customer_acceptance][type]", "offline")
	}
}

// prosper gives the merchant a bank account, where payouts go that name none, and
// money that can be paid out. It gives the merchant's id.
func prosper(ctx context.Context, t *testing.T, c *client) (account string) {
	t.Helper()
	self, err := c.retrieve(ctx, "/v1/account")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*call{
		{Key: "account", Path: "/v1/accounts/" + self.ID + "/external_accounts", Form: fields("external_account[object]", "bank_account",
			"external_account[country]", "US", "external_account[currency]", "usd", "external_account[routing_number]", "110000000",
			"external_account[account_number]", "000123456789")},
		{Key: "sale", Path: "/v1/payment_intents", Form: fields("amount", "90000000", "currency", "usd", "confirm", "true",
			"payment_method", "pm_card_bypassPending", "return_url", "https://shop.example/back")},
	} {
		if a, err := c.do(ctx, l, func() {}); err != nil || a.Status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", l.Path, a.Status, a.Body, err)
		}
	}
	return self.ID
}

// bankAddress is that of the bank's own book, which is beside a SQLite database.
func bankAddress(address string) string {
	if at, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return "sqlite:" + strings.TrimSuffix(at, ".db") + ".bank.db"
	}
	return address
}

package world

import (
	"context"
	"net/url"
	"strconv"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
)

// debits are bank accounts that are debited: most pay, some after minutes, others
// do not, and one pays and disputes.
var debits = []string{"pm_sepaDebit_success_de", "pm_sepaDebit_success_de", "pm_sepaDebit_successDelayed_de", "pm_sepaDebit_failed_de",
	"pm_sepaDebit_disputed_de", "pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds"}

// debited is the form of a payment from a bank account, on paper.
func (c *client) debited(amount int) url.Values {
	method := pick(c, debits...)
	form := url.Values{"amount": {strconv.Itoa(amount)}, "currency": {"eur"}, "confirm": {"true"}, "payment_method": {method}, "payment_method_types[]": {"sepa_debit"},
		"mandate_data[customer_acceptance][type]": {"offline"}, "mandate_data[customer_acceptance][accepted_at]": {"1590590577"}}
	if method[:6] == "pm_usB" {
		form.Set("currency", "usd")
		form.Set("payment_method_types[]", "us_bank_account")
	}
	return form
}

// debit makes a payment that is accepted now, and known later.
func (c *client) debit() {
	amount := 1000 + c.random.IntN(20_000)
	made := c.post("create", "/v1/payment_intents", c.debited(amount))
	if made.id() == "" {
		return
	}
	at := "/v1/payment_intents/" + made.id()
	if c.chance(20) { // which can't be had once it is accepted
		c.post("cancel", at+"/cancel", nil)
	}
	c.settled(at)
	if body := c.settled(at); body["status"] == "succeeded" { // a slow one takes minutes
		c.refund(made.id(), amount)
	}
}

// cash sends money ahead, and pays with it.
func (c *client) cash() {
	customer := c.customer()
	if customer == "" {
		return
	}
	byHand := c.wants(35, "payment.apply_funds", "cash.settle")
	if byHand {
		c.post("cash settings", "/v1/customers/"+customer+"/cash_balance", url.Values{"settings[reconciliation_mode]": {"manual"}})
	}
	send := func(c *client) {
		c.post("cash", "/v1/test_helpers/customers/"+customer+"/fund_cash_balance", url.Values{"amount": {strconv.Itoa(100 + c.random.IntN(5000))}, "currency": {"eur"}})
	}
	if c.chance(60) {
		send(c)
	}
	amount := 500 + c.random.IntN(6000)
	const options = "payment_method_options[customer_balance]"
	made := c.post("create", "/v1/payment_intents", url.Values{"amount": {strconv.Itoa(amount)}, "currency": {"eur"}, "confirm": {"true"}, "customer": {customer},
		"payment_method_types[]": {"customer_balance"}, "payment_method_data[type]": {"customer_balance"}, options + "[funding_type]": {"bank_transfer"},
		options + "[bank_transfer][type]": {"eu_bank_transfer"}, options + "[bank_transfer][eu_bank_transfer][country]": {"DE"}})
	at := "/v1/payment_intents/" + made.id()
	apply := func(c *client) {
		if made.id() != "" {
			c.post("apply", at+"/apply_customer_balance", nil)
		}
	}
	switch {
	case c.chance(30):
		c.beside(send, send)
	case byHand || c.chance(20):
		send(c)
		c.beside(apply, apply)
	default:
		send(c)
	}
	if made.id() == "" {
		return
	}
	switch body := c.get(at); {
	case body["status"] == "succeeded":
		c.refund(made.id(), amount)
	case c.wants(50, "cash.reconcile"): // what came is free for another
		c.post("cancel", at+"/cancel", nil)
	default:
		send(c)
	}
}

// waitsForClock reports whether an attempt is one that a test clock ends, when it
// is moved so far.
func waitsForClock(a *object.Object[payment.Attempt]) bool {
	return a != nil && a.Body.Line != 0 && a.Body.State == payment.Pending
}

// sameCash holds that what was taken of customers' money for a payment is what the
// payment has, once, and that what was given back is with the customer again.
func (w *world) sameCash(b *books) {
	applied, refunded := map[payment.IntentID]int64{}, map[int64]int64{}
	var scope id.Scope
	err := cash.Transactions.Scan(context.Background(), w.db, func(t *object.Object[cash.Transaction]) error {
		scope = t.Scope
		switch t.Body.Type {
		case cash.Applied, cash.Unapplied:
			applied[payment.IntentID(t.Body.Intent)] -= t.Body.Net
		case cash.Refunded:
			refunded[t.Body.Refund] += t.Body.Net
		}
		return nil
	})
	if err != nil {
		w.fail("cash: %v", err)
	}
	paid := map[payment.IntentID]int64{}
	for _, c := range b.charges {
		if c.Body.Attempt == 0 {
			paid[c.Body.Intent] += c.Body.Captured
		}
	}
	for key, i := range b.intents {
		has := paid[key]
		if i.Body.Awaits() {
			has += i.Body.Funded
		}
		if applied[key] != has {
			w.fail("%s has %d of its customer's money, of which %d were taken", payment.Intents.ID(i.Scope, i.Key), has, applied[key])
		}
	}
	err = payment.Refunds.Scan(context.Background(), w.db, func(r *object.Object[payment.Refund]) error {
		if want := r.Body.Amount; r.Body.ToCash && r.Body.Status == payment.RefundSucceeded && refunded[r.Key] != want {
			w.fail("%s: %d of %d are with the customer", payment.Refunds.ID(scope, r.Key), refunded[r.Key], want)
		}
		return nil
	})
	if err != nil {
		w.fail("refunds: %v", err)
	}
}

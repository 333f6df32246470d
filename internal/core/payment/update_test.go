package payment_test

import (
	"testing"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
)

// A payer who is asked to authenticate is asked for a payment: once its amount
// is another, nobody waits for the answer any more.
func TestUpdateWhileThePayerIsAsked(t *testing.T) {
	s, _ := guarded(t)
	asked := s.ask(payment.CreateParams{}, nil)
	k := payment.IntentID(asked.Key)
	r, err := s.Update(t.Context(), s.scope, k, payment.UpdateParams{Changes: payment.Changes{Description: new("lamps")}}, nil)
	if err != nil || r.Error != nil || intentOf(t, r).Body.Status != payment.RequiresAction {
		t.Fatalf("%+v %v", r, err)
	}
	r, err = s.Update(t.Context(), s.scope, k, payment.UpdateParams{Amount: 3000}, nil)
	if err != nil || r.Error != nil {
		t.Fatalf("%+v %v", r, err)
	}
	if b := intentOf(t, r).Body; b.Status != payment.RequiresConfirmation || b.Action != nil || b.Attempt != 0 || b.Amount != 3000 {
		t.Errorf("%+v", b)
	}
	s.returned(s.reference(s.last(asked.Key)))
	if b := s.intent(asked.Key).Body; b.Status != payment.RequiresConfirmation || s.sales() != 0 {
		t.Errorf("the payer's answer to another payment counts: %+v", b)
	}
}

// The ceiling of what may be authorised goes with the amount, and an amount that
// is being authorised does not change.
func TestUpdateOfAnAmountThatWasTried(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(2000, "manual", "pm_card_visa_chargeDeclined", nil))
	k := payment.IntentID(i.Key)
	for _, amount := range []int64{5000, 1500} {
		if r, err := s.Update(t.Context(), s.scope, k, payment.UpdateParams{Amount: amount}, nil); err != nil || r.Error != nil {
			t.Fatalf("%+v %v", r, err)
		}
		if g := s.guard(i.Key, ledger.GuardAuthorize); g != (ledger.Guard{Ceiling: amount}) {
			t.Errorf("%+v", g)
		}
	}
	if r, err := s.Confirm(t.Context(), s.scope, k, payment.ConfirmParams{Method: "pm_card_visa"}, nil); err != nil || r.Error != nil {
		t.Fatalf("%+v %v", r, err)
	}
	r, err := s.Update(t.Context(), s.scope, k, payment.UpdateParams{Amount: 3000}, nil)
	s.refusedAs("payment_intent_unexpected_state", "amount", r, err)
	if g := s.guard(i.Key, ledger.GuardAuthorize); g != (ledger.Guard{Ceiling: 1500, Done: 1500}) {
		t.Errorf("%+v", g)
	}
	s.agree()
}

// Where the receipt and the goods go is sealed under the customer's key, and
// goes with the customer.
func TestContactGoesWithItsCustomer(t *testing.T) {
	s := open(t)
	made, err := s.Vault.CreateCustomer(t.Context(), s.scope, &vault.CustomerParams{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	customer := made.Main.(*object.Object[vault.Customer]).Key
	const email = "jo@shop.example"
	r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(2000), CaptureMethod: "automatic",
		Changes: payment.Changes{Contact: vault.ContactChanges{Email: new(email)}}}, nil)
	if err != nil || r.Error != nil {
		t.Fatalf("%+v %v", r, err)
	}
	i := intentOf(t, r)
	if c, err := s.Vault.Contact(t.Context(), s.scope, i.Body.Contact); err != nil || c.Email != email || i.Body.Contact.Subject == 0 {
		t.Fatalf("%+v %v", c, err)
	}
	// The intent gets the customer, and the contact the customer's key.
	r, err = s.Update(t.Context(), s.scope, payment.IntentID(i.Key), payment.UpdateParams{Customer: customer, Method: "pm_card_visa"}, nil)
	if err != nil || r.Error != nil || intentOf(t, r).Body.Contact.Subject != customer {
		t.Fatalf("%+v %v", r, err)
	}
	r, err = s.Confirm(t.Context(), s.scope, payment.IntentID(i.Key), payment.ConfirmParams{}, nil)
	if err != nil || r.Error != nil {
		t.Fatalf("%+v %v", r, err)
	}
	paid := intentOf(t, r)
	ch := s.chargeOf(paid)
	if c, err := s.Vault.Contact(t.Context(), s.scope, ch.Contact); err != nil || c.Email != email {
		t.Fatalf("%+v %v", c, err)
	}
	if err := s.Vault.EraseCustomer(t.Context(), s.scope, vault.Customers.ID(s.scope, customer)); err != nil {
		t.Fatal(err)
	}
	for _, sealed := range []vault.SealedContact{paid.Body.Contact, ch.Contact} {
		if c, err := s.Vault.Contact(t.Context(), s.scope, sealed); err != nil || c != (vault.Contact{}) {
			t.Errorf("after erasure: %+v %v", c, err)
		}
	}
	r, err = s.UpdateCharge(t.Context(), s.scope, paid.Body.LatestCharge, payment.ChargeChanges{Contact: vault.ContactChanges{Email: new(email)}}, nil)
	if err != nil || r.Error == nil {
		t.Errorf("who was erased has a contact again: %+v %v", r, err)
	}
}

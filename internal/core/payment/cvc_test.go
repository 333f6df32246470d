package payment_test

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestSecurityCodeGoesWithTheOutcome: a security code is kept while the outcome
// of the payment it was given for is open, since a replay needs it, and is gone
// as soon as that is definite, whatever it is.
func TestSecurityCodeGoesWithTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		card  string
		mode  sandbox.Mode // of the fault; empty: none
		state payment.State
	}{
		"approved":           {"4242424242424242", "", payment.Approved},
		"declined":           {"4000000000000002", "", payment.Declined},
		"unknown, happened":  {"4242424242424242", sandbox.Reset, payment.Approved},
		"unknown, never was": {"4242424242424242", sandbox.Refused, payment.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if c.mode != "" {
				s.inject(sandbox.Fault{Mode: c.mode, Kind: sandbox.Sale})
			}
			i, card := s.typed(c.card)
			code := func() string {
				t.Helper()
				opened, err := s.Vault.CardData(t.Context(), s.scope, card)
				if err != nil {
					t.Fatal(err)
				}
				return opened.CVC.Reveal()
			}
			if code() != "737" {
				t.Fatal("there is no security code to pay with")
			}
			if _, err := confirmIt(s, i, nil); err != nil {
				t.Fatal(err)
			}
			if c.mode != "" {
				if code() != "737" {
					t.Error("the outcome is open, and the security code is gone")
				}
				for range 3 { // within the code's life
					s.clock.Advance(30 * time.Second)
					s.sweep()
				}
			}
			if a := s.last(int64(i)).Body; a.State != c.state {
				t.Fatalf("the attempt is %s, want %s", a.State, c.state)
			}
			if code() != "" {
				t.Errorf("the attempt is %s, and the security code is still there", c.state)
			}
		})
	}
}

// typed makes an intent that is paid with a card whose number was typed, and
// gives the card's row.
func (s *shop) typed(number string) (payment.IntentID, int64) {
	s.t.Helper()
	r, err := s.Vault.CreatePaymentMethod(s.t.Context(), s.scope, &vault.MethodInput{
		Type: "card", Card: &vault.CardInput{Number: secret.NewText(number), ExpMonth: 12, ExpYear: 2034, CVC: secret.NewText("737")}}, nil)
	if err != nil || r.Error != nil {
		s.t.Fatal(r, err)
	}
	m := r.Main.(*object.Object[vault.PaymentMethod])
	return s.create(5000, "automatic", vault.PaymentMethods.ID(s.scope, m.Key)), m.Body.CardRow
}

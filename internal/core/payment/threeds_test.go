package payment_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

const page = "https://pay.example"

// guarded is a shop whose cards' issuer wants payers to authenticate.
func guarded(t *testing.T) (*shop, *issuer) {
	t.Helper()
	i := &issuer{}
	return open(t, i.guard), i
}

// ask begins a payment that the payer has to authenticate for.
func (s *shop) ask(p payment.CreateParams, r *idem.Request) *object.Object[payment.Intent] {
	s.t.Helper()
	if p.Method == "" {
		p.Method = "pm_card_visa"
	}
	p.Amount, p.Confirm, p.Payer.Origin = usd(2000), true, page
	reply, err := s.Create(s.t.Context(), s.scope, p, r)
	if err != nil || reply.Error != nil {
		s.t.Fatal(err, reply)
	}
	o := intentOf(s.t, reply)
	if o.Body.Status != payment.RequiresAction || o.Body.Action == nil {
		s.t.Fatalf("%+v", o.Body)
	}
	return o
}

func (s *shop) returned(reference string) *object.Object[payment.Intent] {
	s.t.Helper()
	o, _, err := s.Returned(s.t.Context(), s.scope, attemptAt(reference))
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

// sweepOften waits for all leases to be over and has everything resolved, a few
// times over.
func (s *shop) sweepOften(times int) {
	s.t.Helper()
	for range times {
		s.clock.Advance(6 * time.Minute)
		s.sweep()
	}
}

// sales counts what the acquirer took or reserved.
func (s *shop) sales() int {
	s.t.Helper()
	sales, _ := s.approved(sandbox.Sale)
	reserved, _ := s.approved(sandbox.Authorize)
	return sales + reserved
}

func TestThePayerAuthenticates(t *testing.T) {
	for name, c := range map[string]struct {
		params payment.CreateParams
		status payment.Status
		last   string
	}{
		"sale":          {payment.CreateParams{}, payment.Succeeded, "payment_intent.succeeded"},
		"authorisation": {payment.CreateParams{CaptureMethod: "manual"}, payment.RequiresCapture, "payment_intent.amount_capturable_updated"},
	} {
		t.Run(name, func(t *testing.T) {
			s, acs := guarded(t)
			c.params.Payer.ReturnURL = "https://shop.example/done"
			asked := s.ask(c.params, nil)
			want := &payment.Action{URL: page + "/sandbox/pages/3ds/" + payment.Reference(s.scope, asked.Body.Attempt), ReturnURL: "https://shop.example/done"}
			if diff := cmp.Diff(want, asked.Body.Action); diff != "" {
				t.Error(diff)
			}
			if n := s.sales(); n != 0 {
				t.Fatalf("%d sales before the payer has authenticated", n)
			}
			s.inOrder()
			done := s.returned(acs.answer(asked.Body.Action.URL, true))
			if done.Body.Status != c.status || done.Body.Action != nil || done.Body.LastError != nil {
				t.Fatalf("%+v", done.Body)
			}
			if _, n := acs.count(); n != 1 || s.sales() != 1 {
				t.Errorf("%d authorisations, %d sales", n, s.sales())
			}
			if diff := cmp.Diff([]string{"payment_intent.created", "payment_intent.requires_action", "charge.succeeded", c.last}, s.types(done.Key)); diff != "" {
				t.Error(diff)
			}
			ch, _, err := payment.Charges.Read(t.Context(), s.DB, s.scope, int64(done.Body.LatestCharge))
			if err != nil || ch.Body.ThreeDS == nil || ch.Body.ThreeDS.Result != "authenticated" || ch.Body.ThreeDS.Flow != "challenge" {
				t.Errorf("%+v %v", ch, err)
			}
			if again := s.returned(payment.Reference(s.scope, asked.Body.Attempt)); again.Version != done.Version {
				t.Errorf("coming back again changed it: %+v", again.Body)
			}
		})
	}
}

func TestThePayerFails(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{}, nil)
	done := s.returned(acs.answer(asked.Body.Action.URL, false))
	if done.Body.Status != payment.RequiresPaymentMethod || done.Body.LastError == nil || done.Body.LastError.Code != "payment_intent_authentication_failure" || done.Body.Method != 0 {
		t.Fatalf("%+v", done.Body)
	}
	if diff := cmp.Diff([]string{"payment_intent.created", "payment_intent.requires_action", "payment_intent.payment_failed"}, s.types(done.Key)); diff != "" {
		t.Error(diff)
	}
	again, err := s.Confirm(t.Context(), s.scope, payment.IntentID(done.Key), payment.ConfirmParams{Method: "pm_card_visa"}, nil)
	if err != nil || intentOf(t, again).Body.Status != payment.RequiresAction {
		t.Fatal(again, err)
	}
}

func TestManualConfirmationKeepsTheProof(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{ConfirmationMethod: "manual"}, nil)
	kept := s.returned(acs.answer(asked.Body.Action.URL, true))
	if kept.Body.Status != payment.RequiresConfirmation || kept.Body.Proof == 0 || s.sales() != 0 {
		t.Fatalf("%+v", kept.Body)
	}
	s.sweepOften(3)
	if s.sales() != 0 {
		t.Fatal("paid without being confirmed again")
	}
	r, err := s.Confirm(t.Context(), s.scope, payment.IntentID(kept.Key), payment.ConfirmParams{}, nil)
	if err != nil || intentOf(t, r).Body.Status != payment.Succeeded || intentOf(t, r).Body.Proof != 0 {
		t.Fatal(r, err)
	}
	if n, _ := acs.count(); n != 1 || s.sales() != 1 {
		t.Errorf("%d authentications, %d sales", n, s.sales())
	}
}

// Whatever the payer does after the merchant has cancelled, or has begun anew,
// leads to nothing.
func TestAResultThatNobodyWaitsFor(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{}, nil)
	r, err := s.Cancel(t.Context(), s.scope, payment.IntentID(asked.Key), "abandoned", nil)
	if err != nil || intentOf(t, r).Body.Status != payment.Canceled || intentOf(t, r).Body.Action != nil {
		t.Fatal(r, err)
	}
	if got := s.returned(acs.answer(asked.Body.Action.URL, true)); got.Body.Status != payment.Canceled {
		t.Fatalf("%+v", got.Body)
	}
	s.sweepOften(3)
	if s.sales() != 0 {
		t.Fatal("a cancelled payment was taken")
	}

	first := s.ask(payment.CreateParams{}, nil)
	r, err = s.Confirm(t.Context(), s.scope, payment.IntentID(first.Key), payment.ConfirmParams{Payer: payment.Payer{Origin: page}}, nil)
	if err != nil || intentOf(t, r).Body.Status != payment.RequiresAction {
		t.Fatal(r, err)
	}
	second := intentOf(t, r)
	if got := s.returned(acs.answer(first.Body.Action.URL, true)); got.Body.Status != payment.RequiresAction {
		t.Fatalf("the first authentication counted: %+v", got.Body)
	}
	if got := s.returned(acs.answer(second.Body.Action.URL, true)); got.Body.Status != payment.Succeeded {
		t.Fatalf("%+v", got.Body)
	}
	s.sweepOften(3)
	if s.sales() != 1 {
		t.Errorf("%d sales", s.sales())
	}
}

func TestThePayerDoesNotReturn(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{}, nil)
	lost := s.ask(payment.CreateParams{}, nil)
	s.sweepOften(2)
	if got := s.intent(asked.Key); got.Body.Status != payment.RequiresAction {
		t.Fatalf("%+v", got.Body)
	}
	acs.answer(asked.Body.Action.URL, true) // and the page is closed
	s.sweepOften(1)
	if got := s.intent(asked.Key); got.Body.Status != payment.Succeeded || s.sales() != 1 {
		t.Fatalf("%+v, %d sales", got.Body, s.sales())
	}
	s.clock.Advance(24 * time.Hour)
	s.sweepOften(1)
	got := s.intent(lost.Key)
	if got.Body.Status != payment.RequiresPaymentMethod || got.Body.LastError.Code != "payment_intent_authentication_failure" {
		t.Fatalf("%+v", got.Body)
	}
	acs.answer(lost.Body.Action.URL, true)
	s.returned(payment.Reference(s.scope, lost.Body.Attempt))
	s.sweepOften(2)
	if s.sales() != 1 || s.intent(lost.Key).Version != got.Version {
		t.Errorf("%d sales, %+v", s.sales(), s.intent(lost.Key).Body)
	}
}

func TestWhoCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		payer   payment.Payer
		decline string
		events  []string
	}{
		"away":       {payment.Payer{Away: true}, "authentication_required", []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}},
		"not to ask": {payment.Payer{Refuse: true}, "authentication_not_handled", []string{"payment_intent.created", "payment_intent.payment_failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := guarded(t)
			r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(2000), Method: "pm_card_visa", Confirm: true, Payer: c.payer}, nil)
			if err != nil || r.Error == nil || r.Error.Kind != fault.Declined || r.Error.Code != "authentication_required" || r.Error.DeclineCode != c.decline {
				t.Fatalf("%+v %v", r, err)
			}
			i := intentOf(t, r)
			if i.Body.Status != payment.RequiresPaymentMethod || i.Body.LastError == nil || s.sales() != 0 {
				t.Fatalf("%+v", i.Body)
			}
			if diff := cmp.Diff(c.events, s.types(i.Key)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A payer whom the issuer knows without asking is not sent anywhere, neither
// when the issuer wants it nor when the merchant does.
func TestWithoutFriction(t *testing.T) {
	for _, c := range []struct{ wish, result, proof string }{
		{"", "authenticated", "shown"}, {payment.ThreeDSAny, "attempt_acknowledged", "shown"}, {payment.ThreeDSChallenge, "authenticated", "shown"},
		{payment.ThreeDSAny, "not_supported", ""},
	} {
		t.Run(c.wish+" "+c.result, func(t *testing.T) {
			acs := &issuer{frictionless: true, result: c.result}
			s := open(t, acs.guard)
			r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(2000), Method: "pm_card_visa", Confirm: true, ThreeDSecure: c.wish}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.proof == "" { // the issuer in this test takes nothing else, and is not asked twice
				if r.Error == nil || r.Error.DeclineCode != "authentication_required" {
					t.Fatalf("%+v", r.Error)
				}
				return
			}
			if i := intentOf(t, r); i.Body.Status != payment.Succeeded || s.sales() != 1 {
				t.Fatalf("%+v", i.Body)
			}
			if len(acs.requests) != 1 || acs.requests[0].Challenge != (c.wish == payment.ThreeDSChallenge) || acs.requests[0].Amount != usd(2000) {
				t.Errorf("%+v", acs.requests)
			}
			attempts := 2
			if c.wish == "" {
				attempts = 3 // the refusal comes first
			}
			all, _, err := payment.Attempts.List(t.Context(), s.DB, s.scope, object.Range{Limit: 10, Where: map[string]any{"intent": intentOf(t, r).Key}})
			if err != nil || len(all) != attempts {
				t.Errorf("%d attempts, want %d (%v)", len(all), attempts, err)
			}
		})
	}
}

func TestTheCardIsDeclinedAfterAuthentication(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{Method: "pm_card_visa_chargeDeclinedInsufficientFunds"}, nil)
	done := s.returned(acs.answer(asked.Body.Action.URL, true))
	if done.Body.Status != payment.RequiresPaymentMethod || done.Body.LastError.DeclineCode != "insufficient_funds" || done.Body.LastError.Charge == 0 {
		t.Fatalf("%+v", done.Body)
	}
}

// The reply is the one that was given, however far the payment is meanwhile.
func TestReplayWhileThePayerIsAsked(t *testing.T) {
	s, acs := guarded(t)
	p := payment.CreateParams{Amount: usd(2000), Method: "pm_card_visa", Confirm: true, Payer: payment.Payer{Origin: page}}
	r := &idem.Request{ID: "req_1", Key: "once", Hash: [32]byte{1}}
	asked := s.ask(p, r)
	again := func() *object.Object[payment.Intent] {
		reply, err := s.Create(t.Context(), s.scope, p, &idem.Request{ID: "req_2", Key: "once", Hash: [32]byte{1}})
		if err != nil || !reply.Replayed || reply.Error != nil {
			t.Fatal(reply, err)
		}
		o, _, err := payment.Intents.ReadVersion(t.Context(), s.DB, s.scope, reply.Shown[0])
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	if diff := cmp.Diff(asked.Body, again().Body); diff != "" {
		t.Error(diff)
	}
	s.returned(acs.answer(asked.Body.Action.URL, true))
	if diff := cmp.Diff(asked.Body, again().Body); diff != "" {
		t.Error(diff)
	}
	if n, _ := acs.count(); n != 1 || s.sales() != 1 {
		t.Errorf("%d authentications, %d sales", n, s.sales())
	}
}

func TestThePayerReturnsManyTimesAtOnce(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{}, nil)
	reference := acs.answer(asked.Body.Action.URL, true)
	s.clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			if n%4 == 0 {
				if _, err := s.Sweep(t.Context(), 10); err != nil {
					t.Error(err)
				}
				return
			}
			if _, _, err := s.Returned(t.Context(), s.scope, attemptAt(reference)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.intent(asked.Key); got.Body.Status != payment.Succeeded || s.sales() != 1 {
		t.Fatalf("%+v, %d sales", got.Body, s.sales())
	}
	if _, n := acs.count(); n != 1 {
		t.Errorf("%d authorisations", n)
	}
}

// A process that dies between the payer's answer and the authorisation, or
// while that is on its way, leaves it to the sweeper, which goes on once.
func TestDeathAfterThePayersAnswer(t *testing.T) {
	type died struct{}
	for _, arrives := range []bool{false, true} {
		t.Run(map[bool]string{false: "before it is sent", true: "after it was sent"}[arrives], func(t *testing.T) {
			acs := &issuer{}
			var acquirer provider.Provider
			s := open(t, func(p *provider.Provider) { acquirer = *p; acs.guard(p) })
			asked := s.ask(payment.CreateParams{}, nil)
			acs.before = func(r provider.AuthorizeRequest) *provider.Outcome {
				if arrives {
					acquirer.Authorize(t.Context(), r)
				}
				panic(died{})
			}
			func() {
				defer func() {
					if p := recover(); p != (died{}) {
						t.Fatal(p)
					}
				}()
				_, _, _ = s.Returned(t.Context(), s.scope, attemptAt(acs.answer(asked.Body.Action.URL, true)))
			}()
			acs.before = nil
			if got := s.intent(asked.Key); got.Body.Status != payment.Processing {
				t.Fatalf("%+v", got.Body)
			}
			s.sweepOften(3)
			if got := s.intent(asked.Key); got.Body.Status != payment.Succeeded || s.sales() != 1 {
				t.Fatalf("%+v, %d sales", got.Body, s.sales())
			}
		})
	}
}

// A card that was set up is good while its holder is away; what was learned
// stays with the payment method.
func TestSetUpByAPayment(t *testing.T) {
	s, acs := guarded(t)
	c, err := s.Vault.CreateCustomer(t.Context(), s.scope, &vault.CustomerParams{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	customer := c.Main.(*object.Object[vault.Customer]).Key
	asked := s.ask(payment.CreateParams{Customer: customer, Changes: payment.Changes{SetupFutureUsage: new("off_session")}}, nil)
	if !acs.requests[0].SetUp {
		t.Error("the issuer was not told what the card is authenticated for")
	}
	method := asked.Body.Method
	s.returned(acs.answer(asked.Body.Action.URL, true))
	r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(500), Customer: customer, Method: vault.PaymentMethods.ID(s.scope, method),
		Confirm: true, Payer: payment.Payer{Away: true}}, nil)
	if err != nil || r.Error != nil || intentOf(t, r).Body.Status != payment.Succeeded {
		t.Fatal(r, err)
	}
}

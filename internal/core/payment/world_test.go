package payment_test

import (
	"context"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// standing are the operations in the simulator's book that it approved and
// that were not undone.
func (s *shop) standing() (list []sandbox.Operation) {
	s.t.Helper()
	undone := map[string]bool{}
	var all []sandbox.Operation
	for op, err := range s.book.Operations(context.Background()) {
		if err != nil {
			s.t.Fatal(err)
		}
		// A pending refund is as good as done once its time has come.
		if op.State != sandbox.Approved && op.Settles.IsZero() {
			continue
		}
		all = append(all, op)
		if op.Kind == sandbox.Reversal {
			undone[op.Original] = true
		}
	}
	for _, op := range all {
		if !undone[op.Reference] {
			list = append(list, op)
		}
	}
	return list
}

// truth is the money that the simulator has taken and not given back, by
// currency, and what it has reserved on cards and neither taken nor released.
func (s *shop) truth() (taken, reserved map[string]int64) {
	s.t.Helper()
	taken, reserved = map[string]int64{}, map[string]int64{}
	list := s.standing()
	for _, op := range list {
		switch op.Kind {
		case sandbox.Sale:
			taken[op.Currency] += op.Amount
		case sandbox.Capture:
			taken[op.Currency] += op.Amount
		case sandbox.Refund:
			taken[op.Currency] -= op.Amount
		}
	}
	for currency, n := range s.complained() {
		taken[currency] -= n
	}
	for _, op := range list {
		if op.Kind != sandbox.Authorize {
			continue
		}
		left := op.Amount
		for _, later := range list {
			switch {
			case later.Original != op.Reference:
			case later.Kind == sandbox.Increment:
				left += later.Amount
			case later.Kind == sandbox.Capture && later.More:
				left -= later.Amount
			case later.Kind == sandbox.Capture:
				left = 0
			}
		}
		if left > 0 {
			reserved[op.Currency] += left
		}
	}
	return taken, reserved
}

// complained is what payers took back by disputes, less the refunds that did not
// reach them, by currency, in the simulator's book.
func (s *shop) complained() map[string]int64 {
	s.t.Helper()
	sums, last := map[string]int64{}, map[string]sandbox.Notice{}
	amounts := map[string]sandbox.Operation{}
	for op, err := range s.book.Operations(context.Background()) {
		if err != nil {
			s.t.Fatal(err)
		}
		amounts[op.Reference] = op
		for _, n := range op.Notices {
			if n.Kind == string(provider.NoticeRefundFailed) {
				sums[op.Currency] -= amounts[n.Reference].Amount
			}
			if n.Dispute != nil && n.Number > last[n.Dispute.ID].Number {
				last[n.Dispute.ID] = n
			}
		}
	}
	for _, n := range last {
		switch n.Dispute.Status {
		case "needs_response", "under_review", "lost":
			sums[n.Dispute.Currency] += n.Dispute.Amount
		}
	}
	return sums
}

// ours is what our books say of the same.
func (s *shop) ours() (taken, reserved map[string]int64) {
	s.t.Helper()
	taken, reserved = map[string]int64{}, map[string]int64{}
	for account, net := range s.balances() {
		if currency, ok := strings.CutPrefix(account, "provider_clearing:"); ok && net != 0 {
			taken[currency] = -net
		}
	}
	err := payment.Charges.Scan(context.Background(), s.DB, func(c *object.Object[payment.Charge]) error {
		if b := c.Body; b.Status == payment.ChargeSucceeded && b.Authorized && b.MaxCapture > b.Captured && b.Amount > b.Captured {
			reserved[string(b.Currency)] += b.Amount - b.Captured
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return taken, reserved
}

// agree fails the test when our books and the simulator's are not the same.
func (s *shop) agree() {
	s.t.Helper()
	taken, reserved := s.truth()
	haveTaken, haveReserved := s.ours()
	for currency, n := range taken {
		if n == 0 {
			delete(taken, currency)
		}
	}
	if diff := cmp.Diff(taken, haveTaken); diff != "" {
		s.t.Errorf("money taken, -theirs +ours:\n%s", diff)
	}
	if diff := cmp.Diff(reserved, haveReserved); diff != "" {
		s.t.Errorf("money reserved, -theirs +ours:\n%s", diff)
	}
}

// attempts gives an intent's attempts, oldest first.
func (s *shop) attempts(intent int64) (list []*object.Object[payment.Attempt]) {
	s.t.Helper()
	err := payment.Attempts.Scan(context.Background(), s.DB, func(a *object.Object[payment.Attempt]) error {
		if int64(a.Body.Intent) == intent {
			list = append(list, a)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// last is an intent's youngest attempt.
func (s *shop) last(intent int64) *object.Object[payment.Attempt] {
	s.t.Helper()
	list := s.attempts(intent)
	if len(list) == 0 {
		s.t.Fatal("no attempt")
	}
	return list[len(list)-1]
}

// reference is an attempt's name in the simulator's book.
func (s *shop) reference(a *object.Object[payment.Attempt]) string {
	return payment.Reference(s.scope, payment.AttemptID(a.Key))
}

// due counts the attempts that somebody has still to look after.
func (s *shop) due() (n int) {
	s.t.Helper()
	err := payment.Attempts.Scan(context.Background(), s.DB, func(a *object.Object[payment.Attempt]) error {
		if !a.Body.Due.IsZero() {
			n++
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *shop) sweep() {
	s.t.Helper()
	if _, err := s.Sweep(context.Background(), 1000); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.Vault.ExpireCVC(context.Background(), 1000); err != nil {
		s.t.Fatal(err)
	}
}

// rest lets time pass until no attempt is looked after any more.
func (s *shop) rest() {
	s.t.Helper()
	for range 100 {
		if s.due() == 0 {
			return
		}
		s.clock.Advance(time.Minute)
		s.sweep()
	}
	s.t.Fatal("attempts are due for ever")
}

// types are the types of the events in an intent's lane, whose numbers it
// checks.
func (s *shop) types(intent int64) (types []string) {
	s.t.Helper()
	events, err := event.OfLane(context.Background(), s.DB, s.scope, intent)
	if err != nil {
		s.t.Fatal(err)
	}
	for n, e := range events {
		types = append(types, e.Type)
		if e.Seq != int64(n+1) {
			s.t.Errorf("event %d of lane %d has number %d", n+1, intent, e.Seq)
		}
	}
	return types
}

// create makes an intent that has a method and is not confirmed.
func (s *shop) create(amount int64, capture, method string) payment.IntentID {
	s.t.Helper()
	r, err := s.Create(s.t.Context(), s.scope, payment.CreateParams{Amount: usd(amount), CaptureMethod: capture, Method: method}, nil)
	if err != nil || r.Error != nil {
		s.t.Fatal(err, r)
	}
	return payment.IntentID(intentOf(s.t, r).Key)
}

func (s *shop) inject(f sandbox.Fault) {
	s.t.Helper()
	if err := s.sim.Inject(f); err != nil {
		s.t.Fatal(err)
	}
}

// key makes a request under an idempotency key.
func key(name string) *idem.Request {
	return &idem.Request{ID: "req_" + name, Key: name, Hash: [32]byte{1}}
}

// isLocked checks the refusal of an operation on what another one has open.
func (s *shop) isLocked(what string, r *idem.Reply, err error, open *object.Object[payment.Attempt]) {
	s.t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Kind != fault.Locked || e.Code != "lock_timeout" || !e.NoRetry || !strings.Contains(e.Message, s.reference(open)) {
		s.t.Errorf("%s while %s is open: %+v, %v", what, s.reference(open), r, err)
	}
}

// payAs pays 5000 as a new customer whose id it gives. use is setup_future_usage.
func (s *shop) payAs(method, use string) (intent int64, customer string) {
	s.t.Helper()
	r, err := s.Vault.CreateCustomer(s.t.Context(), s.scope, &vault.CustomerParams{}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := r.Main.(*object.Object[vault.Customer])
	customer = vault.Customers.ID(s.scope, c.Key)
	r, err = s.Vault.AttachPaymentMethod(s.t.Context(), s.scope, method, customer, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	m := vault.PaymentMethods.ID(s.scope, r.Main.(*object.Object[vault.PaymentMethod]).Key)
	r, err = s.Create(s.t.Context(), s.scope, payment.CreateParams{Amount: usd(5000), CaptureMethod: "automatic", Customer: c.Key, Method: m,
		Changes: payment.Changes{SetupFutureUsage: &use}, Confirm: true}, nil)
	if err != nil || r.Error != nil {
		s.t.Fatal(r, err)
	}
	return intentOf(s.t, r).Key, customer
}

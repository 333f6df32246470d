package dispute_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/test/leak"
)

// movable is a clock that is moved by hand, and by a little whenever it is read.
type movable struct {
	clock.System
	mu  sync.Mutex
	now time.Time
}

func (c *movable) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

func (c *movable) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shop is a merchant whose payments go to a network that complains.
type shop struct {
	*dispute.Service
	t       testing.TB
	ctx     context.Context
	scope   id.Scope
	clock   *movable
	network *providertest.Network
	damaged bool
}

func open(t testing.TB) *shop {
	t.Helper()
	c := &movable{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, ctx := &idem.Keys{Sealer: master}, context.WithoutCancel(t.Context())
	merchants := merchant.New(d, merchant.Options{})
	created, err := merchants.Bootstrap(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	n := providertest.NewNetwork(c.Now)
	p := n.Provider()
	payments := &payment.Service{DB: d, Keys: keys, Vault: vault.New(d, master, keys), Merchant: merchants, Book: &ledger.Book{},
		Providers: map[string]provider.Provider{p.Name: p}, Default: p.Name, Log: leak.Logger(t)}
	v := &dispute.Service{DB: d, Payment: payments, Vault: payments.Vault, Log: leak.Logger(t)}
	payments.Aftermath = v
	s := &shop{Service: v, t: t, ctx: ctx, scope: id.Scope{Account: created.Account.Key}, clock: c, network: n}
	t.Cleanup(s.inOrder)
	return s
}

// askable makes the network one that can be asked, so that nothing is proven by
// what it tells beside.
func (s *shop) askable() *shop {
	p := s.network.Provider()
	p.Inquire = s.network.Inquire
	s.Payment.Providers[p.Name] = p
	return s
}

// inOrder fails the test when the books are not.
func (s *shop) inOrder() {
	s.t.Helper()
	if s.damaged {
		return
	}
	for _, f := range s.findings() {
		s.t.Errorf("the books: %+v", f)
	}
}

func (s *shop) findings() (found []ledger.Finding) {
	s.t.Helper()
	report := func(f ledger.Finding) { found = append(found, f) }
	for _, check := range []func() error{
		func() error { return s.Check(s.ctx, report) },
		func() error { return s.Payment.Check(s.ctx, report) },
		func() error { return ledger.Check(s.ctx, s.DB, report) },
	} {
		if err := check(); err != nil {
			s.t.Fatal(err)
		}
	}
	return found
}

// pay takes an amount in US cents and gives the charge.
func (s *shop) pay(amount int64) *object.Object[payment.Charge] {
	s.t.Helper()
	return s.payWith("pm_card_visa", amount)
}

func (s *shop) payWith(method string, amount int64) *object.Object[payment.Charge] {
	s.t.Helper()
	reply, err := s.Payment.Create(s.ctx, s.scope, payment.CreateParams{Amount: money.New(amount, "usd"), Method: method, Confirm: true}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.charge(int64(reply.Main.(*object.Object[payment.Intent]).Body.LatestCharge))
}

func (s *shop) charge(key int64) *object.Object[payment.Charge] {
	s.t.Helper()
	return read(s, payment.Charges, key)
}

func read[T any, N comparable](s *shop, k *object.Kind[T, N], key int64) *object.Object[T] {
	s.t.Helper()
	o, ok, err := k.Read(s.ctx, s.DB, s.scope, key)
	if err != nil || !ok {
		s.t.Fatalf("%s %d: %v %v", k.Name, key, ok, err)
	}
	return o
}

func (s *shop) dispute(key int64) *object.Object[dispute.Dispute] {
	s.t.Helper()
	return read(s, dispute.Disputes, key)
}

// one is the only dispute of a charge.
func (s *shop) one(ch *object.Object[payment.Charge]) *object.Object[dispute.Dispute] {
	s.t.Helper()
	list := s.charge(ch.Key).Body.Complaints
	if len(list) != 1 {
		s.t.Fatalf("complaints: %+v", list)
	}
	return s.dispute(list[0].Dispute)
}

// complaint is a notice of a dispute about a reference.
func (s *shop) complaint(reference, name string, status dispute.Status, amount int64) provider.Notice {
	return provider.Notice{Kind: provider.NoticeDispute, Reference: reference, Dispute: &provider.Dispute{
		ID: name, Status: string(status), Reason: "fraudulent", Network: "10.4", Amount: amount, Currency: "usd", Due: s.clock.Now().Add(7 * 24 * time.Hour)}}
}

func (s *shop) reference(ch *object.Object[payment.Charge]) string {
	return payment.Reference(s.scope, ch.Body.Attempt)
}

// complain has the network tell of a dispute about a charge, and Florin listen.
func (s *shop) complain(ch *object.Object[payment.Charge], name string, status dispute.Status, amount int64) {
	s.t.Helper()
	s.network.Tell(s.complaint(s.reference(ch), name, status, amount))
	s.listen()
}

func (s *shop) listen() {
	s.t.Helper()
	if err := s.Payment.ReadNotices(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) sweep() {
	s.t.Helper()
	if _, err := s.Payment.Sweep(s.ctx, 100); err != nil {
		s.t.Fatal(err)
	}
}

// refund asks for part of a charge back.
func (s *shop) refund(ch *object.Object[payment.Charge], amount int64) (*object.Object[payment.Refund], error) {
	s.t.Helper()
	reply, err := s.Payment.Refund(s.ctx, s.scope, payment.RefundParams{Charge: payment.ChargeID(ch.Key), Amount: amount}, nil)
	if err != nil {
		return nil, err
	}
	if reply.Error != nil {
		return nil, reply.Error
	}
	return reply.Main.(*object.Object[payment.Refund]), nil
}

func (s *shop) evidence(text string) dispute.Params {
	return dispute.Params{Evidence: dispute.Evidence{"uncategorized_text": text}}
}

// answer gives evidence that is a word of Stripe's test mode.
func (s *shop) answer(o *object.Object[dispute.Dispute], text string) *object.Object[dispute.Dispute] {
	s.t.Helper()
	reply, err := s.Update(s.ctx, s.scope, o.Key, s.evidence(text), nil)
	if err != nil || reply.Error != nil {
		s.t.Fatal(err, reply)
	}
	return reply.Main.(*object.Object[dispute.Dispute])
}

// events are the types of the events of a charge's payment that matter here.
func (s *shop) events(ch *object.Object[payment.Charge]) (types []string) {
	s.t.Helper()
	list, err := event.OfLane(s.ctx, s.DB, s.scope, int64(ch.Body.Intent))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list {
		switch e.Type {
		case "payment_intent.created", "payment_intent.succeeded", "charge.succeeded":
		default:
			types = append(types, e.Type)
		}
	}
	return types
}

func (s *shop) wantEvents(ch *object.Object[payment.Charge], want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.events(ch)); diff != "" {
		s.t.Errorf("events, -want +got: %s", diff)
	}
}

// balances are the net balances by account.
func (s *shop) balances() map[string]int64 {
	s.t.Helper()
	rows, err := ledger.ReadBalances(s.ctx, s.DB, s.scope)
	if err != nil {
		s.t.Fatal(err)
	}
	m := map[string]int64{}
	for _, b := range rows {
		m[b.Account.Kind().String()] = b.Net()
	}
	return m
}

func (s *shop) wantBalances(want map[string]int64) {
	s.t.Helper()
	have := s.balances()
	for account, n := range want {
		if have[account] != n {
			s.t.Errorf("%s is %d, want %d", account, have[account], n)
		}
	}
}

// guard is the refund guard of a charge.
func (s *shop) guard(ch *object.Object[payment.Charge]) ledger.Guard {
	s.t.Helper()
	g, _, err := ledger.ReadGuard(s.ctx, s.DB, s.scope, ch.Key, ledger.GuardRefund)
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

type payAttempt = object.Object[payment.Attempt]

// refusal is what an operation was refused with, nil if it was not.
func (s *shop) refusal(r *idem.Reply, err error) error {
	s.t.Helper()
	if err == nil && r.Error != nil {
		return r.Error
	}
	return err
}

func (s *shop) warning(ch *object.Object[payment.Charge]) provider.Notice {
	return provider.Notice{Kind: provider.NoticeFraud, Reference: s.reference(ch), Reason: "misc"}
}

// enhanced is a complaint that may be answered under Visa's programme.
func (s *shop) enhanced(ch *object.Object[payment.Charge]) provider.Notice {
	n := s.complaint(s.reference(ch), "d_enhanced", dispute.NeedsResponse, 1)
	n.Dispute.Enhanced = []string{dispute.VisaCompelling}
	return n
}

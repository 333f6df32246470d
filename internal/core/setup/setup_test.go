package setup

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/test/leak"
)

// The tables below are written from the comments on the states and from the
// API's documentation, not from the machines: what is not in them is refused.

func TestIntentMachine(t *testing.T) {
	check(t, intentMachine, []Status{RequiresPaymentMethod, RequiresConfirmation, RequiresAction, Processing, Succeeded, Canceled},
		[]Trigger{giveMethod, takeMethod, confirm, needsAction, done, failed, cancel}, map[Status]map[Trigger]Status{
			RequiresPaymentMethod: {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, cancel: Canceled},
			RequiresConfirmation:  {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, cancel: Canceled},
			RequiresAction: {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, done: Succeeded,
				failed: RequiresPaymentMethod, cancel: Canceled},
			Processing: {needsAction: RequiresAction, done: Succeeded, failed: RequiresPaymentMethod},
		})
}

func TestAttemptMachine(t *testing.T) {
	open := map[News]State{newsAsked: Asking, newsDone: Done, newsFailed: Failed, newsLeft: Abandoned}
	check(t, attemptMachine, []State{Trying, Asking, Done, Failed, Abandoned}, []News{newsAsked, newsDone, newsFailed, newsLeft},
		map[State]map[News]State{Trying: open, Asking: open})
}

// check goes through the whole product of states and events.
func check[S, E cmp.Ordered](t *testing.T, m *fsm.Table[S, E], states []S, events []E, want map[S]map[E]S) {
	t.Helper()
	for _, from := range states {
		for _, on := range events {
			got, ok := m.Next(from, on)
			if to, wanted := want[from][on]; ok != wanted || got != to {
				t.Errorf("%v on %v: %v %v, want %v %v", from, on, got, ok, to, wanted)
			}
		}
	}
	for _, r := range m.Rows() {
		if !slices.Contains(states, r.From) || !slices.Contains(states, r.To) || !slices.Contains(events, r.On) {
			t.Errorf("row %v is outside of the product", r)
		}
	}
}

// movable is a clock that tests move.
type movable struct {
	clock.System
	mu     sync.Mutex
	offset time.Duration
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.System.Now().Add(m.offset)
}

// desk is the service over a real database and an issuer that is a script.
type desk struct {
	*Service
	t     *testing.T
	clock *movable
	scope id.Scope

	mu    sync.Mutex
	asked map[string]provider.Outcome
	calls int
	// lost: the next calls arrive, or not, and are never answered.
	lost, arrives bool
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: &movable{}, asked: map[string]provider.Outcome{}}
	store := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: d.clock})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := &idem.Keys{Sealer: master}
	merchants := merchant.New(store, merchant.Options{})
	created, err := merchants.Bootstrap(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	d.scope = id.Scope{Account: created.Account.Key}
	p := provider.Provider{Name: "issuer", Traits: provider.Traits{Timeout: time.Second, Horizon: time.Second, ReplayWindow: time.Hour},
		Authenticate: d.authenticate, Inquire: d.inquire}
	safe := vault.New(store, master, keys)
	d.Service = &Service{DB: store, Keys: keys, Vault: safe, Log: leak.Logger(t), Payment: &payment.Service{DB: store, Keys: keys, Vault: safe,
		Merchant: merchants, Book: &ledger.Book{}, Providers: map[string]provider.Provider{p.Name: p}, Default: p.Name, Log: leak.Logger(t)}}
	t.Cleanup(func() {
		report := func(f ledger.Finding) { t.Errorf("%+v", f) }
		if err := Check(context.Background(), store, report); err != nil {
			t.Error(err)
		}
		if err := d.Payment.Check(context.Background(), report); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *desk) authenticate(_ context.Context, r provider.AuthenticateRequest) provider.Outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.lost && !d.arrives {
		return provider.Outcome{}
	}
	if _, ok := d.asked[r.Reference]; !ok {
		d.asked[r.Reference] = provider.Outcome{Status: provider.Pending, Action: "/sandbox/pages/3ds/" + r.Reference}
	}
	if d.lost {
		return provider.Outcome{}
	}
	return d.asked[r.Reference]
}

func (d *desk) inquire(_ context.Context, reference string) provider.Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o, ok := d.asked[reference]; ok {
		return provider.Finding{Answer: provider.Found, Outcome: o}
	}
	return provider.Finding{Answer: provider.NotFound}
}

// answer is what the holder does on the issuer's page.
func (d *desk) answer(o *object.Object[Intent], authorize bool) AttemptID {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := provider.Outcome{Status: provider.Declined, ThreeDS: &payment.ThreeDS{Result: "failed", Reason: "rejected"}}
	if authorize {
		out = provider.Outcome{Status: provider.Approved, ThreeDS: &payment.ThreeDS{Result: "authenticated", Flow: "challenge"}}
	}
	d.asked[o.Body.Action.URL[strings.LastIndex(o.Body.Action.URL, "/")+1:]] = out
	return o.Body.LatestAttempt
}

func (d *desk) customer() int64 {
	d.t.Helper()
	r, err := d.Vault.CreateCustomer(d.t.Context(), d.scope, &vault.CustomerParams{}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return r.Main.(*object.Object[vault.Customer]).Key
}

var agreed = &vault.MandateInput{Acceptance: "online", Online: vault.Online{IP: "203.0.113.7", UserAgent: "Safari"}}

// begin confirms a new intent.
func (d *desk) begin(customer int64, r *idem.Request) *object.Object[Intent] {
	d.t.Helper()
	reply, err := d.Create(d.t.Context(), d.scope, Params{Customer: &customer}, &ConfirmParams{Method: "pm_card_visa", Mandate: agreed}, r)
	if err != nil || reply.Error != nil {
		d.t.Fatal(reply, err)
	}
	return reply.Main.(*object.Object[Intent])
}

func (d *desk) now(o *object.Object[Intent]) *object.Object[Intent] {
	d.t.Helper()
	o, ok, err := Intents.Read(d.t.Context(), d.DB, d.scope, o.Key)
	if err != nil || !ok {
		d.t.Fatal(ok, err)
	}
	return o
}

func (d *desk) sweep(after time.Duration) {
	d.t.Helper()
	d.clock.mu.Lock()
	d.clock.offset += after
	d.clock.mu.Unlock()
	if _, err := d.Sweep(d.t.Context(), 100); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.Vault.ExpireCVC(d.t.Context(), 100); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) types(o *object.Object[Intent]) (types []string) {
	d.t.Helper()
	events, err := event.OfLane(d.t.Context(), d.DB, d.scope, o.Key)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

func TestTheHolderAuthenticates(t *testing.T) {
	d := newDesk(t)
	customer := d.customer()
	asked := d.begin(customer, nil)
	if asked.Body.Status != RequiresAction || asked.Body.Action == nil || asked.Body.Mandate == 0 {
		t.Fatalf("%+v", asked.Body)
	}
	got, _, err := d.Returned(t.Context(), d.scope, d.answer(asked, true))
	if err != nil || got.Body.Status != Succeeded || got.Body.Action != nil {
		t.Fatalf("%+v %v", got, err)
	}
	m, _, err := vault.PaymentMethods.Read(t.Context(), d.DB, d.scope, got.Body.Method)
	if err != nil || m.Body.Customer != customer || m.Body.SetUp != vault.OffSession {
		t.Errorf("%+v %v", m, err)
	}
	mandate, _, err := vault.Mandates.Read(t.Context(), d.DB, d.scope, got.Body.Mandate)
	if err != nil || mandate.Body.Status != vault.MandateActive {
		t.Errorf("%+v %v", mandate, err)
	}
	if diff := gocmp.Diff([]string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded"}, d.types(got)); diff != "" {
		t.Error(diff)
	}
	// Who is erased takes along from where the permission came.
	if err := d.Vault.EraseCustomer(t.Context(), d.scope, vault.Customers.ID(d.scope, customer)); err != nil {
		t.Fatal(err)
	}
	if from, err := d.Vault.Acceptance(t.Context(), mandate); err != nil || from != (vault.Online{}) {
		t.Errorf("%+v %v", from, err)
	}
}

func TestTheHolderFails(t *testing.T) {
	d := newDesk(t)
	asked := d.begin(d.customer(), nil)
	got, _, err := d.Returned(t.Context(), d.scope, d.answer(asked, false))
	if err != nil || got.Body.Status != RequiresPaymentMethod || got.Body.LastError.Code != "setup_intent_authentication_failure" || got.Body.Mandate != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if diff := gocmp.Diff([]string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.setup_failed"}, d.types(got)); diff != "" {
		t.Error(diff)
	}
	mandate, _, err := vault.Mandates.Read(t.Context(), d.DB, d.scope, asked.Body.Mandate)
	if err != nil || mandate.Body.Status != vault.MandateInactive {
		t.Errorf("%+v %v", mandate, err)
	}
}

// Whatever the holder does after the merchant went on otherwise changes nothing.
func TestAResultThatNobodyWaitsFor(t *testing.T) {
	for name, f := range map[string]func(*desk, IntentID) (*idem.Reply, error){
		"cancelled": func(d *desk, key IntentID) (*idem.Reply, error) {
			return d.Cancel(t.Context(), d.scope, key, "abandoned", nil)
		},
		"another method": func(d *desk, key IntentID) (*idem.Reply, error) {
			method := "pm_card_mastercard"
			return d.Update(t.Context(), d.scope, key, Params{Method: &method}, nil)
		},
		"no method": func(d *desk, key IntentID) (*idem.Reply, error) {
			return d.Update(t.Context(), d.scope, key, Params{Method: new(string)}, nil)
		},
		"begun anew": func(d *desk, key IntentID) (*idem.Reply, error) {
			return d.Confirm(t.Context(), d.scope, key, ConfirmParams{}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			asked := d.begin(d.customer(), nil)
			r, err := f(d, IntentID(asked.Key))
			if err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			before := d.now(asked)
			got, _, err := d.Returned(t.Context(), d.scope, d.answer(asked, true))
			if err != nil || got.Version != before.Version {
				t.Fatalf("%+v %v", got, err)
			}
			d.sweep(time.Minute)
			if got := d.now(asked); got.Version != before.Version {
				t.Errorf("%+v", got.Body)
			}
		})
	}
}

func TestTheHolderDoesNotReturn(t *testing.T) {
	d := newDesk(t)
	closed, lost := d.begin(d.customer(), nil), d.begin(d.customer(), nil)
	d.answer(closed, true)
	d.sweep(time.Minute)
	if got := d.now(closed); got.Body.Status != Succeeded {
		t.Errorf("%+v", got.Body)
	}
	d.sweep(25 * time.Hour)
	if got := d.now(lost); got.Body.Status != RequiresPaymentMethod || got.Body.LastError.Code != "setup_intent_authentication_failure" {
		t.Errorf("%+v", got.Body)
	}
	a, _, err := Attempts.Read(t.Context(), d.DB, d.scope, int64(lost.Body.LatestAttempt))
	if err != nil || a.Body.State != Abandoned || a.Body.ThreeDS.Reason != "abandoned" {
		t.Errorf("%+v %v", a, err)
	}
}

// A request that is lost on its way, or whose answer is, is found out about and
// goes on, once; and its key gives what was answered.
func TestLost(t *testing.T) {
	for _, arrives := range []bool{false, true} {
		d := newDesk(t)
		d.lost, d.arrives = true, arrives
		r := &idem.Request{ID: "req_1", Key: "once", Hash: [32]byte{1}}
		open := d.begin(d.customer(), r)
		if open.Body.Status != Processing {
			t.Fatalf("%+v", open.Body)
		}
		d.lost = false
		d.sweep(time.Minute)
		asked := d.now(open)
		if asked.Body.Status != RequiresAction || len(d.asked) != 1 {
			t.Fatalf("%+v", asked.Body)
		}
		if _, _, err := d.Returned(t.Context(), d.scope, d.answer(asked, true)); err != nil {
			t.Fatal(err)
		}
		again, err := d.Create(t.Context(), d.scope, Params{}, &ConfirmParams{Method: "pm_card_visa", Mandate: agreed}, r)
		if err != nil || !again.Replayed || again.Shown[0] != open.Ref() || d.now(open).Body.Status != Succeeded {
			t.Fatalf("%+v %v", again, err)
		}
	}
}

// A process that died before it sent anything leaves an attempt that its
// client's repetition goes on with.
func TestRepeatedAfterDeath(t *testing.T) {
	d := newDesk(t)
	r := &idem.Request{ID: "req_1", Key: "once", Hash: [32]byte{1}}
	call := func() *idem.Reply {
		reply, err := d.Create(t.Context(), d.scope, Params{}, &ConfirmParams{Method: "pm_card_visa"}, r)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	p := d.Payment.Providers["issuer"]
	dies := p
	dies.Authenticate = func(context.Context, provider.AuthenticateRequest) provider.Outcome { panic("died") }
	d.Payment.Providers["issuer"] = dies
	func() {
		defer func() { _ = recover() }()
		call()
	}()
	d.Payment.Providers["issuer"] = p
	d.clock.offset += time.Minute
	reply := call()
	o, _, err := Intents.ReadVersion(t.Context(), d.DB, d.scope, reply.Shown[0])
	if err != nil {
		t.Fatal(err)
	}
	if o.Body.Status != RequiresAction || d.calls != 1 {
		t.Fatalf("%+v, %d calls", o.Body, d.calls)
	}
}

func TestManyReturnAtOnce(t *testing.T) {
	d := newDesk(t)
	asked := d.begin(d.customer(), nil)
	attempt := d.answer(asked, true)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := d.Returned(t.Context(), d.scope, attempt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := gocmp.Diff([]string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded"}, d.types(asked)); diff != "" {
		t.Error(diff)
	}
}

func TestDeclinedCards(t *testing.T) {
	d := newDesk(t)
	for method, reason := range map[string]string{"pm_card_chargeDeclined": "generic_decline", "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds"} {
		for _, customer := range []int64{0, d.customer()} {
			r, err := d.Create(t.Context(), d.scope, Params{Customer: &customer}, &ConfirmParams{Method: method}, nil)
			if err != nil {
				t.Fatal(err)
			}
			asked := r.Main.(*object.Object[Intent])
			got, _, err := d.Returned(t.Context(), d.scope, d.answer(asked, true))
			if err != nil || got.Body.Status != RequiresPaymentMethod || got.Body.LastError.DeclineCode != reason {
				t.Errorf("%+v %v", got, err)
			}
		}
	}
}

// A confirmation token lives for twelve hours.
func TestConfirmationTokenExpires(t *testing.T) {
	d := newDesk(t)
	r, err := d.Vault.CreateConfirmationToken(t.Context(), d.scope, &vault.ConfirmationInput{Method: "pm_card_visa"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := r.Main.(*object.Object[vault.ConfirmationToken])
	use := func() *idem.Reply {
		reply, err := d.Create(t.Context(), d.scope, Params{}, &ConfirmParams{Method: vault.PaymentMethods.ID(d.scope, token.Body.Method),
			Use: func(tx *db.Tx, intent int64) error {
				return d.Vault.UseConfirmation(tx, d.scope, token.Key, 0, max(intent, 1), "over")
			}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	d.clock.offset += vault.ConfirmationLife
	if reply := use(); reply.Error == nil || reply.Error.Code != "over" || !strings.Contains(reply.Error.Message, "expired") {
		t.Errorf("%+v", reply.Error)
	}
	d.sweep(0)
}

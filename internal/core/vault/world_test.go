package vault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

func testMaster(t testing.TB, seed uint64) *secret.Master {
	t.Helper()
	m, err := secret.GenerateFrom(rand.NewChaCha8([32]byte{byte(seed)}))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func testScope(account int64, live bool) id.Scope { return id.Scope{Account: account, Livemode: live} }

// world is a vault over a database of its own, at a time that stands still.
type world struct {
	*Service
	t     *testing.T
	clock *clock.Fixed
	s     id.Scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldAt(t, dbtest.Address(t))
}

func worldAt(t *testing.T, address string) *world {
	t.Helper()
	c := clock.At(noon)
	d := dbtest.OpenAt(t, address, db.Options{Clock: c})
	w := &world{open(t, d), t, c, testScope(7, false)}
	t.Cleanup(w.verify)
	return w
}

func open(t *testing.T, d *db.DB) *Service {
	m := testMaster(t, 1)
	return New(d, m, &idem.Keys{Sealer: m})
}

// verify runs what every test must leave intact.
func (w *world) verify() {
	ctx := context.WithoutCancel(w.t.Context())
	report := func(s id.Scope, key int64, problem string) { w.t.Errorf("%v %d: %s", s, key, problem) }
	for _, check := range []func(context.Context, *db.DB, func(id.Scope, int64, string)) error{Customers.Check, PaymentMethods.Check, Tokens.Check} {
		if err := check(ctx, w.db, report); err != nil {
			w.t.Error(err)
		}
	}
	err := event.Check(ctx, w.db, func(s id.Scope, lane, seq int64, problem string) { w.t.Errorf("lane %d, %d: %s", lane, seq, problem) })
	if err != nil {
		w.t.Error(err)
	}
}

// must gives the object that an operation shows.
func must[T any](t testing.TB) func(*idem.Reply, error) *object.Object[T] {
	return func(r *idem.Reply, err error) *object.Object[T] {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r.Error != nil {
			t.Fatal(r.Error)
		}
		o, ok := r.Main.(*object.Object[T])
		if !ok || len(r.Shown) != 1 || r.Shown[0] != o.Ref() {
			t.Fatalf("the reply shows %v, main %T", r.Shown, r.Main)
		}
		return o
	}
}

// refused gives the refusal of an operation, however it is told.
func refused(t testing.TB, r *idem.Reply, err error) fault.Error {
	t.Helper()
	if err == nil && r.Error != nil {
		return *r.Error
	}
	e, ok := fault.As(err)
	if !ok {
		t.Fatalf("not refused: %+v, %v", r, err)
	}
	return *e
}

func typed(number, cvc string) *CardInput {
	return &CardInput{Number: secret.NewText(number), CVC: secret.NewText(cvc), ExpMonth: 12, ExpYear: 2030}
}

func (w *world) customer(p CustomerParams) *object.Object[Customer] {
	w.t.Helper()
	return must[Customer](w.t)(w.CreateCustomer(w.t.Context(), w.s, &p, nil))
}

func (w *world) method(number, cvc string, b Billing) *object.Object[PaymentMethod] {
	w.t.Helper()
	return must[PaymentMethod](w.t)(w.CreatePaymentMethod(w.t.Context(), w.s, &MethodInput{Type: "card", Card: typed(number, cvc), Billing: b}, nil))
}

func (w *world) token(number, cvc string, b Billing) *object.Object[Token] {
	w.t.Helper()
	return must[Token](w.t)(w.CreateToken(w.t.Context(), w.s, &TokenInput{Card: *typed(number, cvc), Billing: b}, nil))
}

func (w *world) attached(m *object.Object[PaymentMethod], c *object.Object[Customer]) *object.Object[PaymentMethod] {
	w.t.Helper()
	return must[PaymentMethod](w.t)(w.AttachPaymentMethod(w.t.Context(), w.s, w.pm(m), w.cus(c), nil))
}

func (w *world) pm(m *object.Object[PaymentMethod]) string { return PaymentMethods.ID(m.Scope, m.Key) }
func (w *world) cus(c *object.Object[Customer]) string     { return Customers.ID(c.Scope, c.Key) }
func (w *world) tok(t *object.Object[Token]) string        { return Tokens.ID(t.Scope, t.Key) }

// events are the types of an object's events, in order.
func (w *world) events(key int64) (types []string) {
	w.t.Helper()
	list, err := event.OfLane(w.t.Context(), w.db, w.s, key)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		types = append(types, e.Type)
	}
	return types
}

// step runs do as a step of the world's scope.
func (w *world) step(do func(*db.Tx) error) error {
	return w.db.Run(w.t.Context(), db.Step{Name: "test", Scope: w.s.Key(), Do: do})
}

var requests atomic.Int64

// request is one under an idempotency key.
func request(key string, hash byte) *idem.Request {
	return &idem.Request{ID: fmt.Sprint("req_", requests.Add(1)), Key: key, Hash: [32]byte{hash}, Lease: time.Minute}
}

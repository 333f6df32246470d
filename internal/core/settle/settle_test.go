package settle_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var scope = id.Scope{Account: id.Shards + 1}

func newService(t *testing.T) *settle.Service {
	t.Helper()
	return &settle.Service{DB: dbtest.OpenAt(t, dbtest.Address(t), db.Options{}), Keys: &idem.Keys{}, Book: &ledger.Book{}}
}

func open(t *testing.T, v *settle.Service, kind settle.Type, subject string, amount money.Amount, note string) error {
	t.Helper()
	return v.DB.Run(context.Background(), db.Step{Name: "test.open", Scope: scope.Key(), Do: func(tx *db.Tx) error {
		return v.Open(tx, scope, string(kind), subject, "sandbox", amount, note)
	}})
}

// refused gives the fault of an operation that is to be refused, or nil.
func refused(reply *idem.Reply, err error) *fault.Error {
	if err == nil {
		return reply.Error
	}
	e, _ := fault.As(err)
	return e
}

func breaks(t *testing.T, v *settle.Service) []*object.Object[settle.Break] {
	t.Helper()
	list, _, err := settle.Breaks.List(context.Background(), v.DB, scope, object.Range{Limit: 100, Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A break is opened once, however often it is found, until it is resolved; found
// after that it is another one.
func TestABreakIsOpenedOnce(t *testing.T) {
	v := newService(t)
	amount := money.New(1200, "usd")
	for _, note := range []string{"said twice", "said twice", "said thrice"} {
		if err := open(t, v, settle.Contradiction, "pa_1", amount, note); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, v, settle.UnknownOutcome, "pa_1", amount, ""); err != nil {
		t.Fatal(err)
	}
	list := breaks(t, v)
	if len(list) != 2 {
		t.Fatalf("%d breaks, want one of each type", len(list))
	}
	for _, o := range list {
		if o.Body.Type == settle.Contradiction && (o.Body.Note != "said thrice" || o.Version != 2) {
			t.Errorf("%+v version %d", o.Body, o.Version)
		}
		if o.Body.Type == settle.Contradiction {
			if _, err := v.Resolve(t.Context(), scope, o.Key, settle.Ruling{By: "Ada", Why: "they erred", Evidence: "letter"}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := open(t, v, settle.Contradiction, "pa_1", amount, "again"); err != nil {
		t.Fatal(err)
	}
	if list = breaks(t, v); len(list) != 3 {
		t.Errorf("%d breaks, want the new one beside the resolved one", len(list))
	}
}

func TestWhatExplainsItselfIsResolved(t *testing.T) {
	v := newService(t)
	explain := func(subject string) error {
		return v.DB.Run(t.Context(), db.Step{Name: "test.explain", Scope: scope.Key(), Do: func(tx *db.Tx) error {
			return v.Explain(tx, scope, string(settle.UnknownOutcome), subject, "sandbox", "an inquiry found it")
		}})
	}
	if err := open(t, v, settle.UnknownOutcome, "pa_1", money.Amount{}, ""); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"pa_2", "pa_1", "pa_1"} { // nothing, that one, and again
		if err := explain(subject); err != nil {
			t.Fatal(err)
		}
	}
	o := breaks(t, v)[0]
	o.Body.Resolution.At = time.Time{}
	want := &settle.Resolution{By: "florin", Why: "an inquiry found it"}
	if o.Body.State != settle.Resolved || o.Version != 2 || !cmp.Equal(o.Body.Resolution, want) {
		t.Errorf("%+v version %d\n%s", o.Body, o.Version, cmp.Diff(want, o.Body.Resolution))
	}
}

func TestWhatIsNoBreakIsRefused(t *testing.T) {
	v := newService(t)
	if err := open(t, v, "strange", "pa_1", money.New(1, "usd"), ""); err == nil {
		t.Error("a type that there is not")
	}
	if err := open(t, v, settle.Amount, "", money.New(1, "usd"), ""); err == nil {
		t.Error("about nothing")
	}
	if err := open(t, v, settle.Status, "pa_1", money.New(700, "usd"), ""); err != nil {
		t.Fatal(err)
	}
	o := breaks(t, v)[0]
	for name, r := range map[string]settle.Ruling{
		"nobody": {Why: "x"}, "no reason": {By: "x"}, "nothing to book": {By: "x", Why: "x", Treatment: settle.AsCost}, "no such posting": {By: "x", Why: "x", Treatment: "gift"},
	} {
		if refused(v.Resolve(t.Context(), scope, o.Key, r, nil)) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := v.Assign(t.Context(), scope, o.Key, "Ada", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Resolve(t.Context(), scope, o.Key, settle.Ruling{By: "Ada", Why: "found"}, nil); err != nil {
		t.Fatal(err)
	}
	if refused(v.Resolve(t.Context(), scope, o.Key, settle.Ruling{By: "Ada", Why: "again"}, nil)) == nil {
		t.Error("resolved twice")
	}
	if refused(v.Assign(t.Context(), scope, o.Key, "Bea", nil)) == nil {
		t.Error("assigned when it was over")
	}
	if got := breaks(t, v)[0].Body; got.Owner != "Ada" || got.Resolution.Why != "found" {
		t.Errorf("%+v", got)
	}
}

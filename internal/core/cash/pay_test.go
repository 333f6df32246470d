package cash_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/test/leak"
)

// create makes an intent of a customer in dollars, and confirms it unless it is
// to be later.
func (w *world) create(customer int64, minor int64, confirm bool) (*idem.Reply, error) {
	return w.Payment.Create(context.Background(), w.s, payment.CreateParams{
		Amount: money.New(minor, "usd"), Customer: customer, MethodData: &vault.MethodInput{Type: vault.TypeTransfer}, Confirm: confirm,
		Changes: payment.Changes{MethodTypes: &[]string{vault.TypeTransfer},
			Cash: &payment.CashChanges{Funding: new("bank_transfer"), Transfer: new("us_bank_transfer")}},
	}, nil)
}

// pay is create for what is not refused, and gives the intent's key.
func (w *world) pay(customer int64, minor int64) payment.IntentID {
	w.t.Helper()
	reply, err := w.create(customer, minor, true)
	if err := refusal(reply, err); err != nil {
		w.t.Fatal(err)
	}
	return payment.IntentID(reply.Main.(*object.Object[payment.Intent]).Key)
}

func (w *world) intent(key payment.IntentID) *payment.Intent {
	w.t.Helper()
	o, ok, err := payment.Intents.Read(w.t.Context(), w.DB, w.s, int64(key))
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	return &o.Body
}

// stands are the states of intents with what they have got.
func (w *world) stands(keys ...payment.IntentID) (list []stand) {
	w.t.Helper()
	for _, k := range keys {
		i := w.intent(k)
		list = append(list, stand{i.Status, i.Funded})
	}
	return list
}

type stand struct {
	Status payment.Status
	Funded int64
}

// inOrder has what is wrong with the books fail the test.
func (w *world) inOrder() {
	w.t.Helper()
	if found := w.findings(); len(found) > 0 {
		w.t.Errorf("wrong: %v", found)
	}
}

// types are the types of a customer's transactions, and of the events of an
// intent, the oldest first.
func (w *world) types(customer int64, intent payment.IntentID) (transactions, events []string) {
	w.t.Helper()
	page, _, err := cash.Transactions.List(w.t.Context(), w.DB, w.s, object.Range{Limit: 100, Where: map[string]any{"customer": customer}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range page {
		transactions = append([]string{o.Body.Type}, transactions...)
	}
	told, err := event.OfLane(w.t.Context(), w.DB, w.s, int64(intent))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range told {
		events = append(events, e.Type)
	}
	return transactions, events
}

const covered = 100_00

// What a customer has sent pays at once, and a refund of that goes back to the
// balance.
func TestPaidAtOnce(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	if err := w.fund(customer, covered, "usd"); err != nil {
		t.Fatal(err)
	}
	intent := w.pay(key, 60_00)
	if diff := cmp.Diff([]stand{{payment.Succeeded, 60_00}}, w.stands(intent)); diff != "" {
		t.Error(diff)
	}
	before := w.books()
	fee := before["fees:usd"]
	if diff := cmp.Diff(map[string]int64{"bank:usd": -covered, "customer_cash:usd": 40_00, "available:usd": 60_00 - fee, "fees:usd": fee}, before); diff != "" || fee == 0 {
		t.Errorf("fee %d: %s", fee, diff)
	}
	reply, err := w.Payment.Refund(t.Context(), w.s, payment.RefundParams{Intent: intent, Amount: 25_00}, nil)
	if err := refusal(reply, err); err != nil {
		t.Fatal(err)
	}
	if r := reply.Main.(*object.Object[payment.Refund]); r.Body.Status != payment.RefundSucceeded || !r.Body.ToCash {
		t.Errorf("the refund: %+v", r.Body)
	}
	if got := w.books()["customer_cash:usd"]; got != 65_00 {
		t.Errorf("the customer has %d after the refund", got)
	}
	transactions, events := w.types(key, intent)
	if diff := cmp.Diff([]string{cash.Funded, cash.Applied, cash.Refunded}, transactions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "refund.created", "charge.refunded"}, events); diff != "" {
		t.Error(diff)
	}
	if err := refusal(w.Payment.Refund(t.Context(), w.s, payment.RefundParams{Intent: intent, Amount: 35_01}, nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("refunded more than was paid: %v", err)
	}
	w.inOrder()
}

// A payment that is not covered waits, gets what comes, and keeps no more than
// its amount.
func TestFundedInParts(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	if err := w.fund(customer, 10_00, "usd"); err != nil {
		t.Fatal(err)
	}
	intent := w.pay(key, covered)
	for _, step := range []struct {
		sent int64
		want stand
	}{
		{0, stand{payment.RequiresAction, 10_00}},
		{30_00, stand{payment.RequiresAction, 40_00}},
		{70_00, stand{payment.Succeeded, covered}},
	} {
		if step.sent > 0 {
			if err := w.fund(customer, step.sent, "usd"); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]stand{step.want}, w.stands(intent)); diff != "" {
			t.Error(diff)
		}
		w.inOrder()
	}
	if got := w.books()["customer_cash:usd"]; got != 10_00 {
		t.Errorf("%d are left", got)
	}
	transactions, events := w.types(key, intent)
	if diff := cmp.Diff([]string{cash.Funded, cash.Applied, cash.Funded, cash.Applied, cash.Funded, cash.Applied}, transactions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"payment_intent.created", "payment_intent.requires_action", "payment_intent.partially_funded",
		"payment_intent.partially_funded", "charge.succeeded", "payment_intent.succeeded"}, events); diff != "" {
		t.Error(diff)
	}
}

// Money goes to the payment that the sender names, then to the one that is just
// as much, then to the oldest.
func TestInTurn(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	oldest, exact, named := w.pay(key, 50_00), w.pay(key, 20_00), w.pay(key, 70_00)
	for _, step := range []struct {
		sent      int64
		reference string
		want      []stand
	}{
		{20_00, "", []stand{{payment.RequiresAction, 0}, {payment.Succeeded, 20_00}, {payment.RequiresAction, 0}}},
		{30_00, "order no. " + payment.TransferReference(named) + ".", []stand{{payment.RequiresAction, 0}, {payment.Succeeded, 20_00}, {payment.RequiresAction, 30_00}}},
		{60_00, "", []stand{{payment.Succeeded, 50_00}, {payment.Succeeded, 20_00}, {payment.RequiresAction, 40_00}}},
	} {
		if err := refusal(w.Fund(t.Context(), w.s, customer, money.New(step.sent, "usd"), step.reference, nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, w.stands(oldest, exact, named)); diff != "" {
			t.Errorf("after %d: %s", step.sent, diff)
		}
	}
	w.inOrder()
}

// What a payment had got goes back when it is canceled, changed, or paid
// otherwise, and from there to the next one that waits.
func TestGivenBack(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	first, second := w.pay(key, 50_00), w.pay(key, 30_00)
	if err := w.fund(customer, 20_00, "usd"); err != nil {
		t.Fatal(err)
	}
	if reply, err := w.vault.DeleteCustomer(t.Context(), w.s, customer, nil); fault.KindOf(refusal(reply, err)) != fault.Invalid {
		t.Errorf("deleted a customer whose money is set aside: %v", err)
	}
	if err := refusal(w.Payment.Cancel(t.Context(), w.s, first, "", nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stand{{payment.Canceled, 0}, {payment.RequiresAction, 0}}, w.stands(first, second)); diff != "" {
		t.Error(diff)
	}
	w.inOrder()
	w.work()
	if diff := cmp.Diff([]stand{{payment.RequiresAction, 20_00}}, w.stands(second)); diff != "" {
		t.Error(diff)
	}
	if err := refusal(w.Payment.Update(t.Context(), w.s, second, payment.UpdateParams{Amount: 25_00}, nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stand{{payment.RequiresConfirmation, 0}}, w.stands(second)); diff != "" {
		t.Error(diff)
	}
	if err := refusal(w.Payment.Confirm(t.Context(), w.s, second, payment.ConfirmParams{}, nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stand{{payment.RequiresAction, 20_00}}, w.stands(second)); diff != "" {
		t.Error(diff)
	}
	transactions, _ := w.types(key, second)
	if diff := cmp.Diff([]string{cash.Funded, cash.Applied, cash.Unapplied, cash.Applied, cash.Unapplied, cash.Applied}, transactions); diff != "" {
		t.Error(diff)
	}
	w.inOrder()
}

// work does the jobs that there are.
func (w *world) work() {
	w.t.Helper()
	done := make(chan struct{}, 1)
	runner := job.New(w.DB, job.Options{Poll: 10 * time.Millisecond, Logger: leak.Logger(w.t)})
	runner.Register(job.Kind{Name: cash.ReconcileJob, Lease: time.Minute, MaxTries: 3, Handle: func(ctx context.Context, j job.Job) error {
		err := w.Reconcile(ctx, j)
		if err != nil {
			w.t.Error(err)
		}
		done <- struct{}{}
		return err
	}})
	runner.Start()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		w.t.Error("no job came")
	}
	if err := runner.Stop(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// By hand, money is applied when that is asked for, and never more than there is
// or than the payment needs.
func TestByHand(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	if err := refusal(w.Settle(t.Context(), w.s, customer, new("manual"), nil)); err != nil {
		t.Fatal(err)
	}
	if err := w.fund(customer, 50_00, "usd"); err != nil {
		t.Fatal(err)
	}
	intent := w.pay(key, 60_00)
	apply := func(p payment.ApplyParams) error {
		return refusal(w.Payment.ApplyFunds(t.Context(), w.s, intent, p, nil))
	}
	for name, p := range map[string]payment.ApplyParams{
		"more than it needs": {Amount: 60_01}, "more than there is": {Amount: 50_01}, "all, which is not there": {}, "another currency": {Amount: 1, Currency: "eur"},
	} {
		if err := apply(p); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := apply(payment.ApplyParams{Amount: 50_00, Currency: "usd"}); err != nil {
		t.Fatal(err)
	}
	if err := w.fund(customer, 30_00, "usd"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stand{{payment.RequiresAction, 50_00}}, w.stands(intent)); diff != "" {
		t.Error(diff)
	}
	if err := apply(payment.ApplyParams{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stand{{payment.Succeeded, 60_00}}, w.stands(intent)); diff != "" {
		t.Error(diff)
	}
	if err := apply(payment.ApplyParams{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("applied to a payment that is made: %v", err)
	}
	w.inOrder()
}

// Fifty payments that are confirmed at once at two nodes, while money comes, take
// what there is and no more.
func TestConfirmedAtOnce(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	const each, payments, affordable = 10_00, 50, 20
	if err := w.fund(customer, each*affordable/2, "usd"); err != nil {
		t.Fatal(err)
	}
	intents := make([]payment.IntentID, payments)
	for i := range intents {
		reply, err := w.create(key, each, false)
		if err := refusal(reply, err); err != nil {
			t.Fatal(err)
		}
		intents[i] = payment.IntentID(reply.Main.(*object.Object[payment.Intent]).Key)
	}
	var all sync.WaitGroup
	nodes := []*world{w, w.node(db.Options{})}
	for i, k := range intents {
		w := nodes[i%2]
		all.Go(func() {
			if err := refusal(w.Payment.Confirm(context.Background(), w.s, k, payment.ConfirmParams{}, nil)); err != nil {
				t.Error(err)
			}
		})
		if i%(payments/affordable*2) == 0 {
			all.Go(func() {
				if err := w.fund(customer, each*affordable/2/(payments/(payments/affordable*2)+1), "usd"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	count, got := map[payment.Status]int64{}, int64(0)
	for _, s := range w.stands(intents...) {
		count[s.Status]++
		got += s.Funded
	}
	books := w.books()
	if sent := -books["bank:usd"]; got != sent || books["customer_cash:usd"] != 0 {
		t.Errorf("%d came, the payments got %d, and %d are left, though some wait: %v", sent, got, books["customer_cash:usd"], count)
	}
	if count[payment.Succeeded] != got/each || count[payment.RequiresAction] != payments-got/each {
		t.Errorf("%d pay for %v", got, count)
	}
	w.inOrder()
}

// Whatever is done in whatever order, the books are in order, and what came is
// where it must be.
func TestRandomTransfers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	customer, key := w.customer()
	var intents []payment.IntentID
	one := func() payment.IntentID { return intents[random.IntN(len(intents))] }
	intents = append(intents, w.pay(key, 10_00))
	for range 60 {
		var err error
		switch random.IntN(8) {
		case 0, 1:
			intents = append(intents, w.pay(key, 1_00+random.Int64N(50_00)))
		case 2, 3:
			err = w.fund(customer, 1+random.Int64N(40_00), "usd")
		case 4:
			err = refusal(w.Payment.Cancel(t.Context(), w.s, one(), "", nil))
		case 5:
			err = refusal(w.Payment.Refund(t.Context(), w.s, payment.RefundParams{Intent: one(), Amount: 1 + random.Int64N(10_00)}, nil))
		case 6:
			err = refusal(w.Settle(t.Context(), w.s, customer, new([]string{"manual", "automatic"}[random.IntN(2)]), nil))
		case 7:
			err = refusal(w.Payment.ApplyFunds(t.Context(), w.s, one(), payment.ApplyParams{Amount: 1 + random.Int64N(30_00)}, nil))
		}
		if _, refused := fault.As(err); err != nil && !refused {
			t.Fatal(err)
		}
	}
	w.inOrder()
}

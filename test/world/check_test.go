package world

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// books are what is known at rest, on either side.
type books struct {
	attempts map[string]*object.Object[payment.Attempt] // by reference
	charges  map[payment.ChargeID]*object.Object[payment.Charge]
	intents  map[payment.IntentID]*object.Object[payment.Intent]
	theirs   map[string]sandbox.Operation
	undone   map[string]bool                          // references that a reversal by their own resolution names
	voided   map[string]bool                          // references that a void names
	chosen   map[string]sandbox.State                 // authentications whose payer has answered
	bounced  map[string]bool                          // refunds that did not reach the payer
	claims   map[string]sandbox.Dispute               // disputes as they stand there
	setups   map[string]*object.Object[setup.Attempt] // by reference
	now      time.Time
}

// read reads both sides.
func (w *world) read() *books {
	ctx := context.Background()
	b := &books{now: w.course.Now(), attempts: map[string]*object.Object[payment.Attempt]{}, charges: map[payment.ChargeID]*object.Object[payment.Charge]{},
		intents: map[payment.IntentID]*object.Object[payment.Intent]{}, theirs: map[string]sandbox.Operation{}, undone: map[string]bool{}, voided: map[string]bool{},
		chosen: map[string]sandbox.State{}, bounced: map[string]bool{}, claims: map[string]sandbox.Dispute{}, setups: map[string]*object.Object[setup.Attempt]{}}
	err := payment.Attempts.Scan(ctx, w.db, func(a *object.Object[payment.Attempt]) error {
		b.attempts[payment.Reference(a.Scope, payment.AttemptID(a.Key))] = a
		return nil
	})
	if err == nil {
		err = payment.Charges.Scan(ctx, w.db, func(c *object.Object[payment.Charge]) error {
			b.charges[payment.ChargeID(c.Key)] = c
			return nil
		})
	}
	if err == nil {
		err = payment.Intents.Scan(ctx, w.db, func(i *object.Object[payment.Intent]) error {
			b.intents[payment.IntentID(i.Key)] = i
			return nil
		})
	}
	if err == nil {
		err = setup.Attempts.Scan(ctx, w.db, func(a *object.Object[setup.Attempt]) error {
			b.setups[setup.Reference(a.Scope, setup.AttemptID(a.Key))] = a
			return nil
		})
	}
	for op, problem := range w.book.Operations(ctx) {
		if err == nil {
			err = problem
		}
		b.record(op)
	}
	if err != nil {
		w.fail("reading the books: %v", err)
	}
	return b
}

// record takes an operation of the sandbox's book, in its order.
func (b *books) record(op sandbox.Operation) {
	for _, n := range op.Notices {
		if n.Dispute != nil {
			b.claims[n.Dispute.ID] = *n.Dispute
		} else if n.Kind == "refund_failed" {
			b.bounced[n.Reference] = true
		}
	}
	switch op.Kind {
	case sandbox.Challenge:
		b.chosen[op.Original] = op.State
		return
	case sandbox.Event:
		if sale, ok := b.theirs[op.Original]; ok && op.Result != "" { // a debit is known
			sale.State = sandbox.Declined
			if op.Result == approvedCode {
				sale.State = sandbox.Approved
			}
			b.theirs[op.Original] = sale
		}
		return
	case sandbox.Refund:
		if op.State == sandbox.Pending && !b.now.Before(op.Settles) {
			op.State = sandbox.Approved
		}
	case sandbox.Reversal:
		if op.State == sandbox.Approved {
			b.undone[op.Original] = b.undone[op.Original] || op.Reference == op.Original+"_r"
			b.voided[op.Original] = true
		}
	}
	b.theirs[op.Reference] = op
}

// known reports whether we have a name for what the sandbox has.
func (b *books) known(reference string) bool {
	return b.attempts[reference] != nil || b.setups[reference] != nil
}

// stands is the state of an operation there.
func (b *books) stands(op sandbox.Operation) sandbox.State {
	if st, ok := b.chosen[op.Reference]; ok && op.State == sandbox.Pending {
		return st
	}
	return op.State
}

// quiet reports whether nothing is left to do: every attempt has its outcome
// for good, and what was not wanted is given back, but for what waits for a person.
func (w *world) quiet() bool {
	b := w.read()
	for _, a := range b.attempts {
		if !a.Body.Due.IsZero() && a.Body.Break.IsZero() && !waitsForPayer(a) && !waitsForClock(a) {
			return false
		}
	}
	if !w.mail.quiet() || !w.paidOut() || !w.setUp() {
		return false
	}
	for _, c := range b.charges {
		back := c.Body.Voided || c.Body.Captured > 0 && c.Body.Refunded == c.Body.Captured
		if c.Body.GivenBack != "" && !back {
			return false
		}
	}
	return true
}

// check holds that nothing is lost and nothing has happened twice.
func (w *world) check() {
	b := w.read()
	w.sameOperations(b)
	w.sameMoney(b)
	w.sameCash(b)
	w.sameSetups(b)
	w.sameDisputes(b)
	w.samePayouts()
	w.sameLedger(b)
	if w.made.settles {
		w.reconciled(b)
	}
	w.mail.check()
	w.recount(b)
	w.sameAnswers()
	if again := w.read(); len(again.theirs) != len(b.theirs) || len(again.attempts) != len(b.attempts) {
		w.fail("repeating what was answered made %d operations of %d", len(again.theirs), len(b.theirs))
	}
}

// waitsForPayer reports whether an attempt is an authentication whose payer may
// still come: for a day.
func waitsForPayer(a *object.Object[payment.Attempt]) bool {
	return a.Body.Operation == payment.OpAuthenticate && a.Body.State == payment.Pending
}

// approvedCode is the sandbox's code for what is approved.
const approvedCode = "00"

// tooMuch is the sandbox's code for an amount that is not there. Another provider
// might not look. (One that processes what it was believed to have forgotten may be
// asked for too much, by no fault of ours.)
const tooMuch = "13"

// sameOperations compares each attempt with the sandbox's book. One that a
// person is asked about is explained.
func (w *world) sameOperations(b *books) {
	for reference, a := range b.attempts {
		op := b.theirs[reference]
		happened := b.stands(op) == sandbox.Approved && !b.undone[reference]
		if a.Body.Operation == payment.OpVoid {
			happened = b.voided[payment.Reference(a.Scope, a.Body.Original)]
		}
		switch {
		case !a.Body.Break.IsZero(), waitsForPayer(a), waitsForClock(a):
		case a.Body.Open():
			w.fail("%s %s is still %s", a.Body.Operation, reference, a.Body.State)
		case a.Body.Operation == payment.OpAuthenticate && a.Body.State != payment.Approved: // whoever pays anew leaves the payer's answer alone
		case happened != (a.Body.State == payment.Approved) && a.Body.Operation != payment.OpVoid,
			happened == false && a.Body.State == payment.Approved:
			w.fail("%s %s is %s here and %s there (undone %t)", a.Body.Operation, reference, a.Body.State, op.State, b.undone[reference])
		case op.State == sandbox.Approved && op.Kind != sandbox.Contest && a.Body.Operation != payment.OpVoid && (op.Amount != a.Body.Amount || op.Currency != string(a.Body.Currency)):
			w.fail("%s %s is of %d %s here and of %d %s there", a.Body.Operation, reference, a.Body.Amount, a.Body.Currency, op.Amount, op.Currency)
		}
	}
	for reference, op := range b.theirs {
		if op.Code == tooMuch && !w.made.hasty && (op.Kind == sandbox.Capture || op.Kind == sandbox.Refund) {
			w.fail("%s %s of %d was sent, though there was not as much: its guard let it through", op.Kind, reference, op.Amount)
		}
		if !b.known(strings.TrimSuffix(reference, "_r")) {
			w.fail("%s %s is not known here", op.Kind, reference)
		}
	}
}

// attempt is the one that an intent waits for.
func (b *books) attempt(i *object.Object[payment.Intent]) *object.Object[payment.Attempt] {
	return b.attempts[payment.Reference(i.Scope, i.Body.Attempt)]
}

// sameMoney compares what each payment has taken and given back on either side,
// and holds that it was paid once at most.
func (w *world) sameMoney(b *books) {
	taken, back, paid, open := map[payment.IntentID]int64{}, map[payment.IntentID]int64{}, map[payment.IntentID]int{}, map[payment.IntentID]bool{}
	for reference, a := range b.attempts {
		op := b.theirs[reference]
		if !a.Body.Break.IsZero() {
			open[a.Body.Intent] = true
		}
		if op.State != sandbox.Approved || b.undone[reference] {
			continue
		}
		switch op.Kind {
		case sandbox.Sale, sandbox.Capture:
			taken[a.Body.Intent] += op.Amount
		case sandbox.Refund:
			if !b.bounced[reference] {
				back[a.Body.Intent] += op.Amount
			}
		}
	}
	ours, returned := map[payment.IntentID]int64{}, map[payment.IntentID]int64{}
	for _, c := range b.charges {
		if c.Body.Status != payment.ChargeSucceeded {
			continue
		}
		if c.Body.Attempt != 0 { // what customers had sent is no provider's
			ours[c.Body.Intent] += c.Body.Captured
			returned[c.Body.Intent] += c.Body.Refunded
		}
		if c.Body.GivenBack == "" {
			paid[c.Body.Intent]++
		}
		if c.Body.Refunded > c.Body.Captured {
			w.fail("%s: %d refunded of %d", payment.Charges.ID(c.Scope, c.Key), c.Body.Refunded, c.Body.Captured)
		}
	}
	for key, i := range b.intents {
		name := payment.Intents.ID(i.Scope, i.Key)
		if i.Body.Attempt != 0 && !open[key] && !waitsForClock(b.attempt(i)) && i.Body.Status != payment.RequiresAction {
			w.fail("%s is %s and waits for an attempt", name, i.Body.Status)
		}
		if !open[key] && (ours[key] != taken[key] || returned[key] != back[key]) {
			w.fail("%s: taken %d and returned %d here, %d and %d there", name, ours[key], returned[key], taken[key], back[key])
		}
		if paid[key] > 1 {
			w.fail("%s was paid %d times", name, paid[key])
		}
	}
}

// answerAll has every key answered that a client gave up.
func (w *world) answerAll() {
	for _, key := range slices.Sorted(maps.Keys(w.answers)) {
		if w.answers[key].status != 0 {
			continue
		}
		a := w.insistOn(w.answers[key])
		w.answers[key] = a
	}
}

// sameAnswers repeats every request that was answered: it is answered the same.
func (w *world) sameAnswers() {
	for _, key := range slices.Sorted(maps.Keys(w.answers)) {
		before := w.answers[key]
		if now := w.insistOn(before); now.status != before.status || now.text != before.text {
			w.fail("key %s: %s was answered %d %s and is now answered %d %s", key, before.path, before.status, before.text, now.status, now.text)
		}
	}
}

// insistOn repeats a request until there is an answer that counts.
func (w *world) insistOn(a answer) answer {
	for try := range 200 {
		got := w.send(http.MethodPost, try%len(w.nodes), "last", a)
		if got.status != 0 && got.status != http.StatusConflict && got.status != http.StatusTooManyRequests && got.status < 500 {
			w.history.add("last got %s key=%s %d %s", a.what, a.key, got.status, brief(got.body))
			return got
		}
		time.Sleep(5 * time.Second)
	}
	w.fail("key %s: %s gets no answer that counts", a.key, a.path)
	return a
}

// ends are the events that tell of an intent's states.
var ends = map[payment.Status]string{
	payment.RequiresCapture: "payment_intent.amount_capturable_updated",
	payment.Succeeded:       "payment_intent.succeeded",
	payment.Canceled:        "payment_intent.canceled",
}

// recount adds to the history what the database says happened: the events of
// each payment, and the states of its attempts.
func (w *world) recount(b *books) {
	ctx := context.Background()
	for _, key := range slices.Sorted(maps.Keys(b.intents)) {
		events, err := event.OfLane(ctx, w.db, b.intents[key].Scope, int64(key))
		if err != nil {
			w.fail("events: %v", err)
		}
		told := map[string]bool{}
		for n, e := range events {
			w.history.add("event %s %d %s %s@%d", payment.Intents.ID(b.intents[key].Scope, int64(key)), e.Seq, e.Type, e.Kind, e.Object.Version)
			told[e.Type] = true
			if e.Seq != int64(n+1) {
				w.fail("%s: event %d has sequence %d", payment.Intents.ID(b.intents[key].Scope, int64(key)), n+1, e.Seq)
			}
		}
		if i := b.intents[key]; !told["payment_intent.created"] || ends[i.Body.Status] != "" && !told[ends[i.Body.Status]] {
			w.fail("%s is %s, and its events do not say so: %v", payment.Intents.ID(i.Scope, i.Key), i.Body.Status, slices.Sorted(maps.Keys(told)))
		}
	}
	for _, reference := range slices.Sorted(maps.Keys(b.attempts)) {
		a := b.attempts[reference]
		w.history.add("attempt %s@%d %s %s %d %s", reference, a.Version, a.Body.Operation, a.Body.State, a.Body.Amount, a.Body.Note)
	}
	for _, reference := range slices.Sorted(maps.Keys(b.theirs)) {
		op := b.theirs[reference]
		w.history.add("sandbox %s %s %d %s", op.Kind, reference, op.Amount, op.State)
	}
}

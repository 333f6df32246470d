package payment

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
)

// Check compares payments with the books: states with attempts, amounts with
// guards, charges and refunds with their transactions, columns with bodies, and
// that no security code is kept that has done its work. It reports every row that does not fit, and fails only when it can't read.
func (v *Service) Check(ctx context.Context, report func(ledger.Finding)) error {
	c := &checker{v: v, ctx: ctx, report: report, charges: map[owner]*sums{}, intents: map[owner]*sums{}, taken: map[owner]taken{}, sealed: map[owner]AttemptID{}}
	for _, step := range []func() error{
		func() error { return columns(c, Intents) },
		func() error { return columns(c, Attempts) },
		func() error { return columns(c, Charges) },
		func() error { return columns(c, Refunds) },
		func() error { return columns(c, ledger.Transactions) },
		c.codes,
		func() error { return Attempts.Scan(ctx, v.DB, c.attempt) },
		c.outlived,
		func() error { return Refunds.Scan(ctx, v.DB, c.refund) },
		func() error { return Charges.Scan(ctx, v.DB, c.charge) },
		func() error { return Intents.Scan(ctx, v.DB, c.intent) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type owner struct{ scope, key int64 }

// sums is what attempts and refunds say of a charge or an intent.
type sums struct {
	open     map[Operation]int64 // amount of open attempts
	refunded int64
	pending  int   // of an intent: charges of which nobody knows yet what came
	waits    int64 // the open attempt that an intent has to wait for
}

// taken is what the charges of an intent that it wanted come to. Nearly every
// intent has such charges, so this is all that is remembered of most.
type taken struct {
	captured int64
	reserved int64 // authorised, and neither captured nor voided
}

type checker struct {
	v                *Service
	ctx              context.Context
	report           func(ledger.Finding)
	charges, intents map[owner]*sums     // those with something open or given back
	taken            map[owner]taken     // by intents
	sealed           map[owner]AttemptID // cards whose security code is kept, and a definite attempt with it
}

func of(m map[owner]*sums, s id.Scope, key int64) *sums {
	at := owner{s.Key(), key}
	if m[at] == nil {
		m[at] = &sums{open: map[Operation]int64{}}
	}
	return m[at]
}

// sumsOf gives what there is, without making room for it.
func sumsOf(m map[owner]*sums, s id.Scope, key int64) *sums {
	if have := m[owner{s.Key(), key}]; have != nil {
		return have
	}
	return &sums{}
}

func (c *checker) say(check string, s id.Scope, table string, key int64, format string, args ...any) {
	c.report(ledger.Finding{Check: check, Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
}

func columns[T any, N comparable](c *checker, k *object.Kind[T, N]) error {
	return k.Check(c.ctx, c.v.DB, func(s id.Scope, key int64, problem string) {
		c.say("columns", s, k.Name, key, "%s", problem)
	})
}

func (c *checker) attempt(a *object.Object[Attempt]) error {
	b := &a.Body
	c.paidWith(a)
	if !b.Open() {
		return nil
	}
	if b.Due.IsZero() {
		c.say("attempts", a.Scope, Attempts.Name, a.Key, "it is %s and nobody will look after it", b.State)
	}
	sum := of(c.intents, a.Scope, int64(b.Intent))
	if b.Charge != 0 {
		sum = of(c.charges, a.Scope, int64(b.Charge))
	}
	sum.open[b.Operation] += b.reserves()
	if b.Operation != OpRefund && !b.Operation.contests() {
		sum.waits = a.Key
	}
	return nil
}

func (c *checker) refund(r *object.Object[Refund]) error {
	if r.Body.FailureTransaction != 0 {
		return c.returned(r)
	}
	if r.Body.Status != RefundSucceeded {
		return nil
	}
	of(c.charges, r.Scope, int64(r.Body.Charge)).refunded += r.Body.Amount
	return c.transaction(r.Scope, Refunds.Name, r.Key, r.Body.BalanceTransaction, -r.Body.Amount)
}

// returned checks a refund that failed after it had succeeded.
func (c *checker) returned(r *object.Object[Refund]) error {
	if r.Body.Status != RefundFailed {
		c.say("refunds", r.Scope, Refunds.Name, r.Key, "it is %s, though its money came back", r.Body.Status)
	}
	if err := c.transaction(r.Scope, Refunds.Name, r.Key, r.Body.BalanceTransaction, -r.Body.Amount); err != nil {
		return err
	}
	return c.transaction(r.Scope, Refunds.Name, r.Key, r.Body.FailureTransaction, r.Body.Amount)
}

// transaction checks that an object has a transaction of the right amount. That
// the transaction has its postings is the ledger's own check.
func (c *checker) transaction(s id.Scope, kind string, key, txn, amount int64) error {
	t, ok, err := ledger.Transactions.Read(c.ctx, c.v.DB, s, txn)
	switch {
	case err != nil:
		return err
	case !ok:
		c.say("transactions", s, kind, key, "its balance transaction is missing")
	case t.Body.Amount != amount || t.Body.Source != key:
		c.say("transactions", s, kind, key, "its balance transaction %s is of %d for object %d, want %d", ledger.Transactions.ID(s, txn), t.Body.Amount, t.Body.Source, amount)
	}
	return nil
}

func (c *checker) charge(ch *object.Object[Charge]) error {
	b, sum := &ch.Body, sumsOf(c.charges, ch.Scope, ch.Key)
	if b.Status == ChargePending {
		of(c.intents, ch.Scope, int64(b.Intent)).pending++
	}
	if b.Status != ChargeSucceeded {
		return nil
	}
	if b.GivenBack == "" && sum.waits != 0 {
		of(c.intents, ch.Scope, int64(b.Intent)).waits = sum.waits
	}
	if b.Disputed < 0 || b.Disputed > 0 && len(b.Complaints) == 0 {
		c.say("disputes", ch.Scope, Charges.Name, ch.Key, "it says that %d is disputed and knows of %d disputes", b.Disputed, len(b.Complaints))
	}
	if b.Refunded != sum.refunded {
		c.say("refunds", ch.Scope, Charges.Name, ch.Key, "it says that %d is refunded, its refunds %d", b.Refunded, sum.refunded)
	}
	if more := sum.open[OpIncrement]; more != 0 {
		of(c.intents, ch.Scope, int64(b.Intent)).open[OpIncrement] += more
	}
	if b.GivenBack == "" {
		at := owner{ch.Scope.Key(), int64(b.Intent)}
		t := c.taken[at]
		c.taken[at] = taken{t.captured + b.Captured, t.reserved + b.held()}
	}
	if b.Captured > 0 {
		if err := c.captures(ch); err != nil {
			return err
		}
		if err := c.guard(ch.Scope, Charges.Name, ch.Key, ledger.GuardRefund, ledger.Guard{
			Ceiling: refundCeiling(b.Captured, b.Disputed, sum.open[OpRefund]+b.Refunded), Reserved: sum.open[OpRefund], Done: b.Refunded}); err != nil {
			return err
		}
	}
	if !b.Authorized {
		return nil
	}
	want := ledger.Guard{Ceiling: b.MaxCapture, Reserved: sum.open[OpCapture] + sum.open[OpVoid], Done: b.Captured}
	return c.guard(ch.Scope, Charges.Name, ch.Key, ledger.GuardCapture, want)
}

// captures checks that what was captured has its transactions.
func (c *checker) captures(ch *object.Object[Charge]) error {
	sum := int64(0)
	for _, part := range ch.Body.taken() {
		sum += part.Amount
		if err := c.transaction(ch.Scope, Charges.Name, ch.Key, part.BalanceTransaction, part.Amount); err != nil {
			return err
		}
	}
	if sum != ch.Body.Captured {
		c.say("transactions", ch.Scope, Charges.Name, ch.Key, "it says that %d is captured, its captures %d", ch.Body.Captured, sum)
	}
	return nil
}

// authorized checks that what is reserved of an intent's amount is what its open
// attempts ask for.
func (c *checker) authorized(o *object.Object[Intent], open int64) error {
	have, ok, err := ledger.ReadGuard(c.ctx, c.v.DB, o.Scope, o.Key, ledger.GuardAuthorize)
	if err == nil && (have.Reserved != open || !ok && open > 0) {
		c.say("guards", o.Scope, Intents.Name, o.Key, "%d of its amount are reserved, and %d are in open attempts", have.Reserved, open)
	}
	return err
}

func (c *checker) guard(s id.Scope, kind string, key int64, guard ledger.GuardKind, want ledger.Guard) error {
	have, ok, err := ledger.ReadGuard(c.ctx, c.v.DB, s, key, guard)
	if err != nil {
		return err
	}
	if !ok || have.Ceiling != want.Ceiling || have.Reserved != want.Reserved || have.Done != want.Done {
		c.say("guards", s, kind, key, "its guard is %+v, want %+v", have, want)
	}
	return nil
}

func (c *checker) intent(o *object.Object[Intent]) error {
	i, sum, t := &o.Body, sumsOf(c.intents, o.Scope, o.Key), c.taken[owner{o.Scope.Key(), o.Key}]
	if i.Received != t.captured {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it says that %d is received, its charges %d", i.Received, t.captured)
	}
	if i.Capturable != t.reserved {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it says that %d is capturable, its charges %d", i.Capturable, t.reserved)
	}
	open := sum.open[OpSale] + sum.open[OpAuthorize]
	asking := sum.open[OpAuthenticate] > 0 && open == 0
	if (i.Status == Processing) != (open > 0) && !(i.Status == Processing && asking) {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it is %s with %d in open attempts", i.Status, open)
	}
	if (i.Status == RequiresAction) != (i.Action != nil) || i.Status == RequiresAction && asking == i.Awaits() || asking && i.Status != RequiresAction && i.Status != Processing {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it is %s, and %d is being authenticated", i.Status, sum.open[OpAuthenticate])
	}
	if sum.pending > 1 || sum.pending == 1 && i.Status != Processing {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it is %s with %d pending charges", i.Status, sum.pending)
	}
	if open > i.Amount {
		c.say("intents", o.Scope, Intents.Name, o.Key, "%d is in open attempts for an amount of %d", open, i.Amount)
	}
	if int64(i.Attempt) != sum.waits {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it waits for attempt %d, the open one is %d", i.Attempt, sum.waits)
	}
	if i.Awaits() && (i.Funded < 0 || i.Funded >= i.Amount) || !i.Awaits() && i.Funded != 0 && (i.Status != Succeeded || i.Funded != i.Amount) {
		c.say("intents", o.Scope, Intents.Name, o.Key, "it is %s, and %d of %d were taken from the cash balance", i.Status, i.Funded, i.Amount)
	}
	if i.Awaits() {
		open += i.Funded
	}
	return c.authorized(o, open+sum.open[OpIncrement])
}

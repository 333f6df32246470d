package dispute

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
)

// Check compares disputes with the books and with their charges, columns with
// bodies. It reports every row that does not fit, and fails only when it can't
// read.
func (v *Service) Check(ctx context.Context, report func(ledger.Finding)) error {
	c := &checker{v, ctx, report, map[charged]int64{}}
	columns := func(kind string) func(id.Scope, int64, string) {
		return func(s id.Scope, key int64, problem string) { c.say("columns", s, kind, key, "%s", problem) }
	}
	if err := Disputes.Check(ctx, v.DB, columns(Disputes.Name)); err != nil {
		return err
	}
	if err := Warnings.Check(ctx, v.DB, columns(Warnings.Name)); err != nil {
		return err
	}
	if err := Disputes.Scan(ctx, v.DB, c.dispute); err != nil {
		return err
	}
	if err := Warnings.Scan(ctx, v.DB, c.warning); err != nil {
		return err
	}
	return c.charges()
}

type charged struct {
	scope id.Scope
	key   payment.ChargeID
}

type checker struct {
	v      *Service
	ctx    context.Context
	report func(ledger.Finding)
	taken  map[charged]int64 // by the disputes of a charge
}

func (c *checker) say(check string, s id.Scope, table string, key int64, format string, args ...any) {
	c.report(ledger.Finding{Check: check, Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
}

func (c *checker) dispute(o *object.Object[Dispute]) error {
	b := &o.Body
	say := func(format string, args ...any) {
		c.say("disputes", o.Scope, Disputes.Name, o.Key, format, args...)
	}
	at := charged{o.Scope, b.Charge}
	c.taken[at] += 0
	if b.taken() {
		c.taken[at] += b.Amount
	}
	if b.Status.takes() != b.taken() {
		say("it is %s with %d transactions", b.Status, len(b.Transactions))
	}
	for i, txn := range b.Transactions {
		want := -b.Amount
		if i%2 == 1 {
			want = b.Amount
		}
		t, ok, err := ledger.Transactions.Read(c.ctx, c.v.DB, o.Scope, txn)
		switch {
		case err != nil:
			return err
		case !ok:
			say("its balance transaction is missing")
		case t.Body.Amount != want || t.Body.Source != o.Key || t.Body.Currency != b.Currency:
			say("its balance transaction %s is of %d %s for object %d, want %d", ledger.Transactions.ID(o.Scope, txn), t.Body.Amount, t.Body.Currency, t.Body.Source, want)
		}
	}
	if b.Answer == 0 {
		return nil
	}
	a, ok, err := payment.Attempts.Read(c.ctx, c.v.DB, o.Scope, int64(b.Answer))
	if err == nil && (!ok || !a.Body.Open() || a.Body.Dispute != o.Key) {
		say("it waits for an answer %d that is not under way", b.Answer)
	}
	return err
}

func (c *checker) warning(o *object.Object[Warning]) error {
	ch, ok, err := payment.Charges.Read(c.ctx, c.v.DB, o.Scope, int64(o.Body.Charge))
	if err != nil {
		return err
	}
	if !ok || ch.Body.Warned != o.Key || o.Body.Actionable != actionable(ch) {
		c.say("disputes", o.Scope, Warnings.Name, o.Key, "its charge is missing, knows of another, or says otherwise whether there is something to be done")
	}
	return nil
}

// charges compares what disputes have taken with what their charges say.
func (c *checker) charges() error {
	for at, taken := range c.taken {
		ch, ok, err := payment.Charges.Read(c.ctx, c.v.DB, at.scope, int64(at.key))
		switch {
		case err != nil:
			return err
		case !ok:
			c.say("disputes", at.scope, payment.Charges.Name, int64(at.key), "it is disputed and not there")
		case ch.Body.Disputed != taken:
			c.say("disputes", at.scope, payment.Charges.Name, int64(at.key), "it says that %d is disputed, its disputes %d", ch.Body.Disputed, taken)
		}
	}
	return nil
}

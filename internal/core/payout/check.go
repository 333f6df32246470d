package payout

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
)

// Check compares payouts with the books and with their attempts, and columns
// with bodies. It reports every row that does not fit, and fails only when it
// can't read.
func (v *Service) Check(ctx context.Context, report func(ledger.Finding)) error {
	c := &checker{v: v, ctx: ctx, report: report, transit: map[place]int64{}}
	columns := func(kind string) func(id.Scope, int64, string) {
		return func(s id.Scope, key int64, problem string) { c.say("columns", s, kind, key, "%s", problem) }
	}
	if err := Payouts.Check(ctx, v.DB, columns(Payouts.Name)); err != nil {
		return err
	}
	if err := Attempts.Check(ctx, v.DB, columns(Attempts.Name)); err != nil {
		return err
	}
	if err := Payouts.Scan(ctx, v.DB, c.payout); err != nil {
		return err
	}
	return c.balances()
}

type place struct{ scope, account int64 }

type checker struct {
	v       *Service
	ctx     context.Context
	report  func(ledger.Finding)
	transit map[place]int64 // what payouts say is in transit
}

func (c *checker) say(check string, s id.Scope, table string, key int64, format string, args ...any) {
	c.report(ledger.Finding{Check: check, Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
}

// fits are the states that an attempt may be in while its payout has a status.
var fits = map[Status][]State{
	Pending: {Queued, Sending}, InTransit: {Unknown, Waiting}, Paid: {Approved}, Failed: {Declined, AttemptFailed}, Canceled: {AttemptCanceled},
}

func (c *checker) payout(o *object.Object[Payout]) error {
	b := &o.Body
	at := place{o.Scope.Key(), int64(ledger.AccountOf(ledger.PayoutInTransit, b.Currency))}
	if c.transit[at] += 0; b.Original == 0 && (b.Status == Pending || b.Status == InTransit) {
		c.transit[at] += b.Amount
	}
	if err := c.attempt(o); err != nil {
		return err
	}
	if err := c.movement(o); err != nil {
		return err
	}
	list, more, err := ledger.Transactions.List(c.ctx, c.v.DB, o.Scope, object.Range{Limit: 10, Where: map[string]any{"source": o.Key}})
	if err != nil {
		return err
	}
	var net, want int64
	for _, t := range list {
		net += t.Body.Net
	}
	switch {
	case b.Original == 0 && b.Status != Failed && b.Status != Canceled:
		want = -b.Amount
	case b.Original != 0 && b.Status == Paid:
		want = -b.Amount // which is more than nothing
	}
	if more || net != want {
		c.say("payouts", o.Scope, Payouts.Name, o.Key, "it is %s of %d, and its transactions move the balance by %d, want %d", b.Status, b.Amount, net, want)
	}
	return nil
}

func (c *checker) attempt(o *object.Object[Payout]) error {
	a, ok, err := Attempts.Read(c.ctx, c.v.DB, o.Scope, o.Body.Attempt)
	switch {
	case err != nil:
		return err
	case !ok:
		c.say("payouts", o.Scope, Payouts.Name, o.Key, "its attempt is missing")
		return nil
	}
	fit := false
	for _, st := range fits[o.Body.Status] {
		fit = fit || st == a.Body.State
	}
	if !fit || a.Body.Payout != o.Key {
		c.say("payouts", o.Scope, Payouts.Name, o.Key, "it is %s, and its attempt %s", o.Body.Status, a.Body.State)
	}
	if a.Body.Open() && a.Body.Due.IsZero() {
		c.say("attempts", o.Scope, Attempts.Name, a.Key, "it is %s and nobody will look after it", a.Body.State)
	}
	return nil
}

// movement checks that money which arrived was moved to the bank, and no other.
func (c *checker) movement(o *object.Object[Payout]) error {
	b := &o.Body
	if b.Movement == 0 {
		return nil // a payout that came late is moved by its transaction
	}
	m, ok, err := ledger.Movements.Read(c.ctx, c.v.DB, o.Scope, b.Movement)
	if err != nil {
		return err
	}
	list, err := ledger.PostingsOf(c.ctx, c.v.DB, o.Scope, b.Movement)
	if err != nil {
		return err
	}
	if !ok || m.Body.Source != o.Key || len(list) != 1 || list[0].Amount != b.money() || list[0].Credit.Kind() != ledger.Bank || (b.Status != Paid && b.Status != Failed) {
		c.say("payouts", o.Scope, Payouts.Name, o.Key, "it is %s of %d, and its movement is %+v", b.Status, b.Amount, list)
	}
	return nil
}

// balances compares what payouts say is in transit with the books.
func (c *checker) balances() error {
	scopes := map[int64]bool{}
	for at := range c.transit {
		scopes[at.scope] = true
	}
	for key := range scopes {
		s := id.ScopeOf(key)
		all, err := ledger.ReadBalances(c.ctx, c.v.DB, s)
		if err != nil {
			return err
		}
		have := map[int64]int64{}
		for _, b := range all {
			have[int64(b.Account)] = b.Net()
		}
		for at, want := range c.transit {
			if at.scope == key && have[at.account] != want {
				c.say("payouts", s, "balance", at.account, "%d is in transit, payouts say %d", have[at.account], want)
			}
		}
	}
	return nil
}

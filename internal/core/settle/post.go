package settle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// The line of a deposit that the bank has shown says more than it was read with:
// its gross is what the bank received, and its fee what of that was booked beside
// its lines.

// postAll books the deposits that the bank has shown.
func (v *run) postAll(ctx context.Context) (err error) {
	paid, err := qPaid.All(ctx, v.DB)
	if err != nil {
		return err
	}
	p := &poster{run: v, due: map[int64][]due{}, steps: ahead{db: v.DB}}
	defer p.steps.last(&err)
	for _, d := range paid {
		if err := p.add(ctx, &receipt{keyedLine: d}); err != nil {
			return err
		}
	}
	return p.flush(ctx)
}

// receipt is a deposit that the bank has shown.
type receipt struct {
	keyedLine
	sum  int64 // of its lines
	left bool  // a line of it was matched anew meanwhile: the next run goes on
}

// due is a line that is to be booked with its deposit.
type due struct {
	of *receipt
	keyedLine
}

// poster books what the bank has received, many deposits in one step.
type poster struct {
	*run
	due   map[int64][]due // by scope
	lines int             // how many are due
	whole []*receipt      // the deposits of which all lines are booked or due
	steps ahead
}

// add takes up a deposit with its lines. What is too much for one step is booked
// at once.
func (p *poster) add(ctx context.Context, d *receipt) error {
	if err := p.eachOfBatch(ctx, d.Provider, d.Batch, func(k keyedLine) error {
		if !k.part(&d.line) {
			return nil
		}
		if d.sum += k.Net; k.Settled {
			return nil
		}
		scope := p.house.Key()
		if k.Item != 0 {
			scope = k.ItemScope
		}
		p.due[scope] = append(p.due[scope], due{d, k})
		if p.lines++; p.lines < some {
			return nil
		}
		return p.flush(ctx)
	}); err != nil {
		return err
	}
	if p.whole = append(p.whole, d); len(p.whole) < some {
		return nil
	}
	return p.flush(ctx)
}

// flush has booked what is due, and then by what the deposits differ from it.
func (p *poster) flush(ctx context.Context) error {
	list, whole := p.due, p.whole
	p.due, p.lines, p.whole = map[int64][]due{}, 0, nil
	return p.steps.run(func() error {
		probe.Point("settle.before-post")
		for _, scope := range slices.Sorted(maps.Keys(list)) {
			if err := p.post(ctx, scope, list[scope]); err != nil {
				return err
			}
		}
		probe.Point("settle.posted")
		if whole = slices.DeleteFunc(whole, func(d *receipt) bool { return d.left }); len(whole) == 0 {
			return nil
		}
		return p.postRests(ctx, whole)
	})
}

// part reports whether a line counts among those of a deposit.
func (k *line) part(d *line) bool {
	return k.Kind != provider.LineDeposit && k.State != gone && k.Currency == d.Currency
}

// post books lines, those of a deposit together: what the bank has of them, and
// what they cost.
func (p *poster) post(ctx context.Context, scope int64, list []due) error {
	s := id.ScopeOf(scope)
	return p.DB.Run(ctx, db.Step{Name: "settle.post", Scope: scope, Needs: toPost(s, list), Do: func(tx *db.Tx) error {
		for rest := list; len(rest) > 0; {
			d := rest[0].of
			n := slices.IndexFunc(rest, func(k due) bool { return k.of != d })
			if n < 0 {
				n = len(rest)
			}
			net, fee, err := p.settleLines(tx, rest[:n])
			if err != nil {
				return err
			}
			if _, err := p.move(tx, s, ledger.Movement{Type: movedSettlement, SourceKind: "settle_line", Source: d.Number, Currency: d.Currency},
				posting(ledger.Bank, ledger.ProviderClearing, net, d.Currency), posting(ledger.ProviderCost, ledger.ProviderClearing, fee, d.Currency)); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}})
}

// settleLines notes that lines of a deposit stand in the books, and adds them up.
func (p *poster) settleLines(tx *db.Tx, list []due) (net, fee int64, err error) {
	for _, k := range list {
		l, ok, err := lines.Get(tx, lineKey(k.File, k.Number))
		if err != nil {
			return 0, 0, err
		}
		if !ok || l.Settled {
			continue
		}
		if l.State == gone || l.Item != k.Item || l.ItemScope != k.ItemScope {
			k.of.left = true
			continue
		}
		l.Settled = !probe.Mutant("settle.post-again")
		lines.Update(tx, lineKey(k.File, k.Number), l)
		net, fee = net+l.Net, fee+l.Fee
		if err := take(tx, &l, l.Gross); err != nil {
			return 0, 0, err
		}
	}
	return net, fee, nil
}

// toPost are the rows that it takes to book lines.
func toPost(s id.Scope, list []due) (needs []db.Need) {
	c := list[0].Currency
	for _, k := range list {
		needs = append(needs, lines.Need(lineKey(k.File, k.Number)))
		if k.Item != 0 {
			needs = append(needs, items.Need(itemKey(k.ItemScope, k.Item)))
		}
	}
	for _, kind := range []ledger.Kind{ledger.Bank, ledger.ProviderClearing, ledger.ProviderCost} {
		needs = append(needs, ledger.NeedBalance(s, ledger.AccountOf(kind, c)))
	}
	return needs
}

// take settles so much of a line's item.
func take(tx *db.Tx, l *line, gross int64) error {
	if l.Item == 0 {
		if gross != 0 {
			return fmt.Errorf("settle: a line of %d has no item", gross)
		}
		return nil
	}
	at := itemKey(l.ItemScope, l.Item)
	i, ok, err := items.Get(tx, at)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("settle: the item %d is missing", l.Item)
	}
	i.Remaining -= gross
	if l.State == matched {
		i.State = closed
	}
	items.Update(tx, at, i)
	return nil
}

// postRests books by what deposits differ from their lines: it belongs to nobody,
// and a break tells of it.
func (p *poster) postRests(ctx context.Context, list []*receipt) error {
	needs := make([]db.Need, len(list))
	for n, d := range list {
		needs[n] = lines.Need(lineKey(d.File, d.Number))
	}
	return p.DB.Run(ctx, db.Step{Name: "settle.deposit", Scope: p.house.Key(), Needs: needs, Do: func(tx *db.Tx) (missing error) {
		for _, d := range list { // all are tried, so that what they want is loaded together
			if err := p.postRest(tx, d); err != nil {
				missing = err
			}
		}
		return missing
	}})
}

func (p *poster) postRest(tx *db.Tx, d *receipt) error {
	l, ok, err := lines.Get(tx, lineKey(d.File, d.Number))
	if err != nil || !ok || l.Settled {
		return err
	}
	more := off(l.Gross, d.sum) - l.Fee
	l.Settled, l.Fee = !probe.Mutant("settle.post-again"), l.Fee+more
	lines.Update(tx, lineKey(d.File, d.Number), l)
	if more == 0 {
		return nil
	}
	key := hashed("deposit", d.Provider, d.Batch, string(d.Currency))
	at := itemKey(p.house.Key(), key)
	i, there, err := items.Get(tx, at)
	if err != nil {
		return err
	}
	if !there {
		i = item{Account: ledger.AccountOf(ledger.ProviderClearing, d.Currency), Provider: d.Provider, Kind: provider.LineDeposit, Reference: d.Reference,
			Currency: d.Currency, At: tx.Now(), State: closed}
	}
	i.Remaining -= more
	if err := p.unequal(tx, d, key, l.Gross, &i); err != nil {
		return err
	}
	if there {
		items.Update(tx, at, i)
	} else {
		items.Insert(tx, at, i)
	}
	_, err = p.move(tx, p.house, ledger.Movement{Type: movedSettlement, SourceKind: "settle_line", Source: d.Number, Currency: d.Currency},
		posting(ledger.Bank, ledger.ProviderClearing, more, d.Currency))
	return err
}

// unequal opens the break about a deposit that is not the sum of its lines, or
// resolves it where it is that by now.
func (p *poster) unequal(tx *db.Tx, d *receipt, key, received int64, i *item) error {
	if i.Remaining == 0 {
		return p.explain(tx, p.house.Key(), i, "a corrected file has the missing lines")
	}
	o, err := open(tx, p.house, Break{Type: Amount, Subject: d.Reference, Provider: d.Provider, Line: d.Number, Note: "the deposit is not the sum of its lines",
		Ours: Side{d.sum, d.Currency}, Theirs: Side{received, d.Currency}, Clearing: true, Items: []int64{key}})
	if err == nil {
		i.Break = o.Key
	}
	return err
}

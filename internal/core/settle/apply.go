package settle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// finding is a match with what has to be known to apply it.
type finding struct {
	Match
	// deposit is the deposit that an entry was matched with, in place of an item.
	deposit *keyedLine
	// scope is whose a line is that no item of the books has, and kind what it is
	// then: missing here, told twice, or told otherwise than it is here.
	scope id.Scope
	kind  Type
	note  string
}

// run is what one run of reconciliation goes by.
type run struct {
	*Service
	house id.Scope // of what is nobody's
	zone  *time.Location
	now   time.Time
	grace time.Duration
}

// matchAll compares what the books have at a provider with what its reports tell,
// or its statements.
func (v *run) matchAll(ctx context.Context, p provider.Provider) (err error) {
	m := NewMatcher(Rules{Window: 3 * 24 * time.Hour, Tolerance: tolerance, Fee: p.Reports.Fee}, 0)
	if err := v.eachOpenItem(ctx, p.Name, func(k keyedItem) error {
		m.Add(k.given())
		return nil
	}); err != nil {
		return err
	}
	deposits, err := v.openDeposits(ctx, p)
	if err != nil {
		return err
	}
	for n, d := range deposits {
		m.Add(Item{Scope: ofDeposits, Key: int64(n) + 1, Kind: provider.LineEntry, Reference: d.Reference, Amount: d.Net, Currency: d.Currency, At: d.At})
	}
	var chunk []finding
	steps := ahead{db: v.DB}
	defer steps.last(&err)
	flush := func() error {
		list := chunk
		chunk = nil
		return steps.run(func() error { return v.apply(ctx, p, list) })
	}
	tell := func(found Match) error {
		f := finding{Match: found, scope: v.house, kind: found.Break}
		if found.Item.Scope == ofDeposits {
			f.deposit = &deposits[found.Item.Key-1]
		}
		if chunk = append(chunk, f); len(chunk) < some {
			return nil
		}
		return flush()
	}
	if err := v.eachOpenLine(ctx, p.Name, func(k keyedLine) error {
		if k.Kind == provider.LineDeposit {
			return nil
		}
		if found, ok := m.Match(k.report()); ok {
			return tell(found)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := m.Finish(tell); err != nil {
		return err
	}
	return flush()
}

// tolerance is by how much a fee may be off, ISO minor units.
const tolerance = 1

// given is an item as the matcher takes it.
func (k *keyedItem) given() Item {
	return Item{k.Scope, k.Key, k.Kind, k.Reference, k.Amount, k.Currency, k.At}
}

// ofDeposits stands in for the scope of what is a deposit and no item.
const ofDeposits = -1

// openDeposits are the deposits of all providers that no statement has shown, where
// the provider is a bank.
func (v *run) openDeposits(ctx context.Context, bank provider.Provider) (list []keyedLine, err error) {
	if bank.Reports.Fee != nil || bank.PayOut == nil {
		return nil, nil
	}
	for _, p := range v.Providers {
		if p.Name == bank.Name || p.Reports == nil {
			continue
		}
		if err := v.eachOpenLine(ctx, p.Name, func(k keyedLine) error {
			if k.Kind == provider.LineDeposit {
				list = append(list, k)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// apply keeps what was found.
func (v *run) apply(ctx context.Context, p provider.Provider, list []finding) error {
	for n := range list {
		if err := v.place(ctx, p, &list[n]); err != nil {
			return err
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.match", Needs: about(list), Do: func(tx *db.Tx) error {
		var missing error
		for _, f := range list { // all are tried, so that what they want is loaded together
			if err := v.applyOne(tx, p, f); err != nil {
				missing = err
			}
		}
		return missing
	}})
}

// about are the rows that findings are about.
func about(list []finding) (needs []db.Need) {
	for _, f := range list {
		if f.Line.Number > 0 {
			needs = append(needs, lines.Need(lineKey(f.Line.File, f.Line.Number)))
		}
		if f.Item.Key > 0 && f.deposit == nil {
			needs = append(needs, items.Need(itemKey(f.Item.Scope, f.Item.Key)))
		}
		if f.deposit != nil {
			needs = append(needs, lines.Need(lineKey(f.deposit.File, f.deposit.Number)))
		}
	}
	return needs
}

// place finds out whose a line is that names nothing in the books which waits for
// it.
func (v *run) place(ctx context.Context, p provider.Provider, f *finding) error {
	if f.Break != MissingHere && f.Stage != Undone {
		return nil
	}
	l, ok, err := lines.Read(ctx, v.DB, lineKey(f.Line.File, f.Line.Number))
	if err != nil || !ok || l.Item != 0 {
		return err
	}
	of, err := qItemsNamed.All(ctx, v.DB, p.Name, l.Reference)
	if err != nil {
		return err
	}
	known := false
	for _, i := range of {
		if i.Kind != l.Kind || i.Amount == 0 {
			continue
		}
		f.scope, known = id.ScopeOf(i.Scope), true
		if l.Kind != provider.LineEntry || i.Amount == l.moved() && i.Currency == l.Currency || probe.Mutant("settle.return-is-repetition") {
			f.kind, f.note = Duplicate, "it was told and settled before"
			return nil
		}
	}
	if known { // a payout that comes back, of which the bank has not told yet
		return nil
	}
	s, state, ok, err := payment.ScopeOfReference(ctx, v.DB, l.Reference)
	if err != nil || !ok {
		return err
	}
	f.scope, f.kind, f.note = s, Status, fmt.Sprintf("the operation is %s here", state)
	return nil
}

// applyOne keeps one finding. Whatever was done meanwhile is left as it is.
func (v *run) applyOne(tx *db.Tx, p provider.Provider, f finding) error {
	var l line
	if f.Line.Number > 0 {
		var ok bool
		var err error
		if l, ok, err = lines.Get(tx, lineKey(f.Line.File, f.Line.Number)); err != nil || !ok || l.State != unmatched {
			return err
		}
	}
	switch {
	case f.deposit != nil && f.Break == MissingThere:
		return v.lateDeposit(tx, f)
	case f.deposit != nil && f.Break != Duplicate:
		return v.paidDeposit(tx, f, l)
	case f.Break == MissingThere:
		return v.missingThere(tx, f)
	case f.Stage == Undone:
		return v.undone(tx, f, l)
	case f.Break == MissingHere, f.Break == Duplicate:
		return v.missingHere(tx, p, f, l)
	}
	return v.pair(tx, f, l)
}

// pair matches a line with an item of the books.
func (v *run) pair(tx *db.Tx, f finding, l line) error {
	at := itemKey(f.Item.Scope, f.Item.Key)
	i, ok, err := items.Get(tx, at)
	if err != nil || !ok || i.State != unmatched {
		return err
	}
	if l.Item != 0 { // it was taken for one that is not here
		if joined, err := v.join(tx, f, &l, &i); err != nil || !joined {
			return err
		}
	}
	if err := v.explain(tx, f.Item.Scope, &i, "a report tells of it"); err != nil {
		return err
	}
	l.State, l.ItemScope, l.Item, i.State = matched, f.Item.Scope, f.Item.Key, matched
	b := Break{Type: f.Break, Subject: i.subject(f.Item.Scope), Provider: l.Provider, Line: f.Line.Number, Ours: Side{i.Amount, i.Currency},
		Theirs: Side{l.moved(), l.Currency}, Clearing: true, Items: []int64{f.Item.Key}}
	switch f.Break {
	case Fee:
		b.Ours, b.Theirs, b.Clearing, b.Items = Side{f.Fee, l.Currency}, Side{l.Fee, l.Currency}, false, nil
	case Currency:
		key, theirs := stranger(tx, f.Item.Scope, &l)
		l.Item, b.Items = key, append(b.Items, key)
		if err := v.found(tx, f, &l, &i, &b); err != nil {
			return err
		}
		theirs.Break = i.Break
		items.Insert(tx, itemKey(f.Item.Scope, key), theirs)
	case Amount:
	default:
		b.Type = ""
	}
	if b.Type != "" && f.Break != Currency {
		if err := v.found(tx, f, &l, &i, &b); err != nil {
			return err
		}
	}
	if l.Kind == provider.LineEntry { // what a statement tells has happened
		if !l.Settled {
			i.Remaining -= l.Net
		}
		i.State, l.Settled = closed, true
	}
	items.Update(tx, at, i)
	lines.Update(tx, lineKey(f.Line.File, f.Line.Number), l)
	return nil
}

// found opens the break that a pair is.
func (v *run) found(tx *db.Tx, f finding, l *line, i *item, b *Break) error {
	of, _, err := files.Get(tx, fileKey(f.Line.File))
	if err != nil {
		return err
	}
	b.File = of.Name
	scope := id.ScopeOf(f.Item.Scope)
	other, err := taken(tx, scope, b.Type, b.Provider, b.Subject, b.File, b.Line)
	if err != nil {
		return err
	}
	if other { // a payout and its return have one name
		b.Subject = fmt.Sprintf("%s line %d: %s", b.File, b.Line, b.Subject)
	}
	o, err := open(tx, scope, *b)
	if err == nil {
		i.Break = o.Key
	}
	return err
}

// join gives an item what was settled of a line before the item was there. They
// must be of one scope, since books of two can't be netted.
func (v *run) join(tx *db.Tx, f finding, l *line, i *item) (bool, error) {
	if l.ItemScope != f.Item.Scope {
		return false, nil
	}
	at := itemKey(l.ItemScope, l.Item)
	before, ok, err := items.Get(tx, at)
	if err != nil || !ok {
		return false, err
	}
	if err := v.explain(tx, l.ItemScope, &before, "the books have it now"); err != nil {
		return false, err
	}
	i.Remaining += before.Remaining
	before.Remaining, before.State = 0, closed
	items.Update(tx, at, before)
	return true, nil
}

// moved is what a line says that was moved.
func (k *line) moved() int64 {
	if k.Kind == provider.LineEntry {
		return k.Net
	}
	return k.Gross
}

// subject is the id by which people know an item.
func (i *item) subject(scope int64) string {
	if i.Account.Kind() == ledger.Bank || i.Txn == 0 {
		return i.Reference
	}
	return ledger.Transactions.ID(id.ScopeOf(scope), i.Txn)
}

// stranger makes an item of what a line tells of and the books do not have, so
// that there is a place for what is settled of it.
func stranger(tx *db.Tx, scope int64, l *line) (key int64, i item) {
	kind := ledger.ProviderClearing
	if l.Kind == provider.LineEntry {
		kind = ledger.Bank
	}
	l.ItemScope = scope
	return tx.NewKey(), item{Account: ledger.AccountOf(kind, l.Currency), Provider: l.Provider, Kind: l.Kind, Reference: l.Reference,
		Currency: l.Currency, At: tx.Now(), State: closed}
}

// missingHere opens a break about a line that nothing in the books is for, and
// goes on looking.
func (v *run) missingHere(tx *db.Tx, p provider.Provider, f finding, l line) error {
	if l.Item != 0 {
		return nil // as before
	}
	if l.moved() == 0 { // a fee for itself
		l.State = matched
		lines.Update(tx, lineKey(f.Line.File, f.Line.Number), l)
		return nil
	}
	of, _, err := files.Get(tx, fileKey(f.Line.File))
	if err != nil {
		return err
	}
	scope := f.scope
	if f.Item.Key != 0 && f.deposit == nil { // it tells again of that one
		scope = id.ScopeOf(f.Item.Scope)
	}
	key, i := stranger(tx, scope.Key(), &l)
	subject := l.Reference
	other, err := taken(tx, scope, f.kind, p.Name, subject, of.Name, f.Line.Number)
	if err != nil {
		return err
	}
	if subject == "" || f.kind == Duplicate || other {
		subject = fmt.Sprintf("%s line %d: %s", of.Name, f.Line.Number, l.Reference)
	}
	o, err := open(tx, scope, Break{Type: f.kind, Subject: subject, Provider: p.Name, File: of.Name, Line: f.Line.Number, Note: f.note,
		Ours: Side{0, l.Currency}, Theirs: Side{l.moved(), l.Currency}, Clearing: true, Items: []int64{key}})
	if err != nil {
		return err
	}
	i.Break, l.Item = o.Key, key
	if l.Kind == provider.LineEntry {
		i.Remaining, l.Settled = -l.Net, true
	}
	if f.kind == Duplicate {
		l.State = matched
	}
	items.Insert(tx, itemKey(scope.Key(), key), i)
	lines.Update(tx, lineKey(f.Line.File, f.Line.Number), l)
	return nil
}

// taken reports whether an open break about a subject is about another line than
// one: two of one name have two breaks.
func taken(tx *db.Tx, s id.Scope, kind Type, provider, subject, file string, number int64) (bool, error) {
	if probe.Mutant("settle.strangers-merge") {
		return false, nil
	}
	o, ok, err := marked(tx, s, kind, provider, subject)
	return ok && o.Body.State == Open && len(o.Body.Items) > 0 && (o.Body.File != file || o.Body.Line != number), err
}

// undone keeps a line that another one undoes: both go to one item, which has
// nothing left once both are settled.
func (v *run) undone(tx *db.Tx, f finding, l line) error {
	scope := f.scope.Key()
	if l.Item != 0 {
		scope = l.ItemScope
	}
	key := hashed("undone", l.Provider, l.Reference)
	at := itemKey(scope, key)
	i, ok, err := items.Get(tx, at)
	if err != nil {
		return err
	}
	if l.Item != 0 && l.Item != key {
		own, there, err := items.Get(tx, itemKey(l.ItemScope, l.Item))
		if err != nil {
			return err
		}
		if there {
			if err := v.explain(tx, l.ItemScope, &own, "another line undoes it"); err != nil {
				return err
			}
			i.Remaining += own.Remaining
			own.Remaining = 0
			items.Update(tx, itemKey(l.ItemScope, l.Item), own)
		}
	}
	if !ok {
		_, made := stranger(tx, scope, &l)
		made.Remaining = i.Remaining
		items.Insert(tx, at, made)
	} else {
		items.Update(tx, at, i)
	}
	l.State, l.ItemScope, l.Item = matched, scope, key
	if l.Kind == provider.LineEntry && !l.Settled {
		l.Settled = true
	}
	lines.Update(tx, lineKey(f.Line.File, f.Line.Number), l)
	return nil
}

// missingThere opens a break about an item that a report should have told of by
// now.
func (v *run) missingThere(tx *db.Tx, f finding) error {
	at := itemKey(f.Item.Scope, f.Item.Key)
	i, ok, err := items.Get(tx, at)
	if err != nil || !ok || i.State != unmatched || i.Break != 0 || v.now.Sub(i.At) < v.grace {
		return err
	}
	scope, subject := id.ScopeOf(f.Item.Scope), i.subject(f.Item.Scope)
	// A payout and its return have one reference, and two breaks.
	other, ok, err := marked(tx, scope, MissingThere, i.Provider, subject)
	if err != nil {
		return err
	}
	if ok && other.Body.State == Open && !slices.Contains(other.Body.Items, f.Item.Key) {
		subject = fmt.Sprintf("%s item %d", subject, f.Item.Key)
	}
	o, err := open(tx, scope, Break{Type: MissingThere, Subject: subject, Provider: i.Provider,
		Ours: Side{i.Amount, i.Currency}, Theirs: Side{0, i.Currency}, Clearing: true, Items: []int64{f.Item.Key}})
	if err != nil {
		return err
	}
	i.Break = o.Key
	items.Update(tx, at, i)
	return nil
}

// lateDeposit opens a break about a deposit that should be at the bank by now. One
// of nothing is nowhere to be seen, and counts as paid.
func (v *run) lateDeposit(tx *db.Tx, f finding) error {
	d := f.deposit
	if d.Net == 0 {
		at := lineKey(d.File, d.Number)
		l, ok, err := lines.Get(tx, at)
		if err == nil && ok && l.State == unmatched {
			l.State, l.Gross = matched, 0
			lines.Update(tx, at, l)
		}
		return err
	}
	if v.now.Sub(d.At) < v.grace {
		return nil
	}
	_, err := open(tx, v.house, Break{Type: Timing, Subject: d.Reference, Provider: d.Provider, Line: d.Number,
		Ours: Side{d.Net, d.Currency}, Theirs: Side{0, d.Currency}, Note: "the bank has not shown the deposit"})
	return err
}

// paidDeposit notes that a deposit is at the bank, and how much of it.
func (v *run) paidDeposit(tx *db.Tx, f finding, entry line) error {
	at := lineKey(f.deposit.File, f.deposit.Number)
	d, ok, err := lines.Get(tx, at)
	if err != nil || !ok || d.State != unmatched {
		return err
	}
	if entry.Currency != d.Currency {
		return nil // that is no deposit of this batch
	}
	if err := v.Explain(tx, v.house, string(Timing), d.Reference, d.Provider, "the bank has shown the deposit"); err != nil {
		return err
	}
	if entry.Item != 0 { // it was taken for money that nobody knows of
		own := itemKey(entry.ItemScope, entry.Item)
		i, there, err := items.Get(tx, own)
		if err != nil {
			return err
		}
		if there {
			if err := v.explain(tx, entry.ItemScope, &i, "it is a deposit of which a report tells"); err != nil {
				return err
			}
			i.Remaining = 0
			items.Update(tx, own, i)
		}
	}
	d.State, d.Gross = matched, entry.Net
	entry.State, entry.Settled = matched, true
	lines.Update(tx, at, d)
	lines.Update(tx, lineKey(f.Line.File, f.Line.Number), entry)
	return nil
}

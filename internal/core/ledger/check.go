package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Finding is one thing that a check found wrong.
type Finding struct {
	Check   string   // the rule that is broken: "balance", "double entry", …
	Scope   id.Scope // where
	Table   string
	Key     int64 // of the row, as far as there is one
	Problem string
}

// String is the form for people.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s %d of account %d (live %v): %s", f.Check, f.Table, f.Key, f.Scope.Account, f.Scope.Livemode, f.Problem)
}

// The rules that [Check] checks.
const (
	CheckPosting     = "posting"      // amounts positive, one currency, made by a transaction or a maturity
	CheckTransaction = "transaction"  // it has postings, which do what it says
	CheckColumns     = "columns"      // a transaction's columns are what its body says
	CheckBalance     = "balance"      // a balance is the sums of its postings
	CheckDoubleEntry = "double entry" // debits and credits of a currency are equal
	CheckHeld        = "held"         // what is held is the sum of the holds
	CheckMaturity    = "maturity"     // what is pending is what has accrued and was not posted
	CheckGuard       = "guard"        // reserved + done ≤ ceiling, none negative
	CheckRemittance  = "remittance"   // what set out for another scope and what arrived there agree
)

// Check recomputes the ledger and reports what does not agree. It reads in
// pages, each of what is committed at that moment; on a database that is being
// written to it may therefore report what is none, unless it is given a
// snapshot. Its memory grows with the number of accounts and open days of one
// scope, not with the postings.
func Check(ctx context.Context, d *db.DB, report func(Finding)) error {
	err := Transactions.Check(ctx, d, func(s id.Scope, key int64, problem string) {
		report(Finding{CheckColumns, s, "balance_transaction", key, problem})
	})
	if err != nil {
		return err
	}
	err = Movements.Check(ctx, d, func(s id.Scope, key int64, problem string) {
		report(Finding{CheckColumns, s, "movement", key, problem})
	})
	if err != nil {
		return err
	}
	for last := lowest; ; {
		scope, ok, err := nextScope(ctx, d, last)
		if err != nil || !ok {
			return err
		}
		a := &audit{ctx: ctx, db: d, scope: id.ScopeOf(scope), report: report,
			sums: map[Account]*balanceRow{}, accrued: map[int64]int64{}, moved: map[int64]int64{}, open: map[money.Currency]int64{}}
		// The order matters: each fills what the next ones compare with.
		for _, check := range []func() error{a.transactions, a.movements, a.holds, a.maturities, a.remittances, a.balances, a.guards} {
			if err := check(); err != nil {
				return err
			}
		}
		last = scope
	}
}

func nextScope(ctx context.Context, d *db.DB, after int64) (next int64, found bool, err error) {
	for _, q := range qNextScopes {
		rows, err := q.All(ctx, d, after)
		if err != nil {
			return 0, false, err
		}
		if len(rows) > 0 && (!found || rows[0] < next) {
			next, found = rows[0], true
		}
	}
	return next, found, nil
}

// audit is the check of one scope.
type audit struct {
	ctx    context.Context
	db     *db.DB
	scope  id.Scope
	report func(Finding)

	sums    map[Account]*balanceRow  // of postings and holds, by account
	accrued map[int64]int64          // what transactions left in Pending, by maturity
	moved   map[int64]int64          // what the postings of maturities took out of it
	open    map[money.Currency]int64 // what maturities have still to move
}

func (a *audit) find(check, table string, key int64, format string, args ...any) {
	a.report(Finding{check, a.scope, table, key, fmt.Sprintf(format, args...)})
}

func (a *audit) sum(account Account) *balanceRow {
	r, ok := a.sums[account]
	if !ok {
		r = &balanceRow{}
		a.sums[account] = r
	}
	return r
}

// add is a sum that reports, rather than wraps, what can't be.
func (a *audit) add(to *int64, n int64, check, table string, key int64) {
	sum, err := plus(*to, n)
	if err != nil {
		a.find(check, table, key, "%v", err)
		return
	}
	*to = sum
}

func (a *audit) holds() error {
	return pages(a, qHolds, []any{lowest}, func(h keyedHold) []any { return []any{h.Key} }, func(h keyedHold) {
		if h.Row.Amount <= 0 {
			a.find(CheckHeld, "hold", h.Key, "amount %d", h.Row.Amount)
		}
		a.add(&a.sum(h.Row.Account).Held, h.Row.Amount, CheckHeld, "hold", h.Key)
	})
}

func (a *audit) guards() error {
	return pages(a, qGuards, []any{lowest, lowest}, func(g keyedGuard) []any { return []any{g.Subject, g.Kind} }, func(g keyedGuard) {
		r := g.Row
		if r.Reserved < 0 || r.Done < 0 || r.Ceiling < 0 || r.Ceiling-r.Reserved < r.Done {
			a.find(CheckGuard, "guard", g.Subject, "kind %d: reserved %d and done %d of %d", g.Kind, r.Reserved, r.Done, r.Ceiling)
		}
	})
}

// balances compares the stored balances with the sums.
func (a *audit) balances() error {
	debits, credits := map[money.Currency]int64{}, map[money.Currency]int64{}
	stored, err := ReadBalances(a.ctx, a.db, a.scope)
	if err != nil {
		return err
	}
	for _, b := range stored {
		want := *a.sum(b.Account)
		delete(a.sums, b.Account)
		key, c := int64(b.Account), b.Account.Currency()
		if !b.Account.known() {
			a.find(CheckBalance, "balance", key, "there is no such account")
		}
		if b.Debits != want.Debits || b.Credits != want.Credits {
			a.find(CheckBalance, "balance", key, "%v: debits %d and credits %d, postings add up to %d and %d",
				b.Account, b.Debits, b.Credits, want.Debits, want.Credits)
		}
		if b.Held != want.Held {
			a.find(CheckHeld, "balance", key, "%v: held %d, holds add up to %d", b.Account, b.Held, want.Held)
		}
		a.addTo(debits, c, b.Debits, key)
		a.addTo(credits, c, b.Credits, key)
		if b.Account.Kind() == Pending && b.Net() != a.open[c] {
			a.find(CheckMaturity, "balance", key, "%v: net %d, maturities have %d to move", b.Account, b.Net(), a.open[c])
		}
		if b.Account.Kind() == Pending {
			delete(a.open, c)
		}
	}
	a.leftover(debits, credits)
	return nil
}

func (a *audit) addTo(sums map[money.Currency]int64, c money.Currency, n, key int64) {
	sum := sums[c]
	a.add(&sum, n, CheckDoubleEntry, "balance", key)
	sums[c] = sum
}

// leftover reports sums that no balance stands against, and currencies whose
// two sides differ.
func (a *audit) leftover(debits, credits map[money.Currency]int64) {
	for _, account := range slices.Sorted(maps.Keys(a.sums)) {
		want := a.sums[account]
		a.find(CheckBalance, "balance", int64(account), "%v: no row, and postings of %d and %d, holds of %d",
			account, want.Debits, want.Credits, want.Held)
	}
	for _, c := range slices.Sorted(maps.Keys(a.open)) {
		if open := a.open[c]; open != 0 {
			a.find(CheckMaturity, "balance", int64(AccountOf(Pending, c)), "no row, and maturities have %d to move", open)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(debits)) {
		if debits[c] != credits[c] {
			a.find(CheckDoubleEntry, "balance", 0, "%s: debits %d, credits %d", c, debits[c], credits[c])
		}
	}
}

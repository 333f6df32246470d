package ledger

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// postingRow is a posting without its key.
type postingRow struct {
	Number           int64 // place among the postings that debit the account, from 1
	Transaction      int64
	Debit, Credit    Account
	Amount, Currency int64 // minor units; ISO 4217 numeric code
	At               time.Time
}

// keyedPosting is a whole posting.
type keyedPosting struct {
	Key int64
	Row postingRow
}

// columns are those beside the row's place, which is the account that it
// debits and its number there.
func (k *keyedPosting) columns(f *db.Fields) {
	db.Int(f, &k.Key)
	db.Int(f, &k.Row.Transaction)
	db.Int(f, &k.Row.Credit)
	db.Int(f, &k.Row.Amount)
	db.Int(f, &k.Row.Currency)
	db.Time(f, &k.Row.At)
}

func (k *keyedPosting) fields(f *db.Fields) {
	db.Int(f, &k.Row.Debit)
	db.Int(f, &k.Row.Number)
	k.columns(f)
}

// balanceRow is an account's state. Last is the number of the last posting that
// debits it: the row is locked from the number's making to the posting's commit,
// so numbers have no gaps and postings are committed in their order.
type balanceRow struct{ Debits, Credits, Held, Last int64 }

func (b *balanceRow) fields(f *db.Fields) {
	db.Int(f, &b.Debits)
	db.Int(f, &b.Credits)
	db.Int(f, &b.Held)
	db.Int(f, &b.Last)
}

// maturityRow is what of a currency becomes available on a day.
type maturityRow struct {
	Accrued int64 // sum of what transactions left in Pending; may be negative
	Posted  bool  // it was moved to Available
}

func (m *maturityRow) fields(f *db.Fields) {
	db.Int(f, &m.Accrued)
	db.Bool(f, &m.Posted)
}

type guardRow struct{ Ceiling, Reserved, Done int64 }

func (g *guardRow) fields(f *db.Fields) {
	db.Int(f, &g.Ceiling)
	db.Int(f, &g.Reserved)
	db.Int(f, &g.Done)
}

type holdRow struct {
	Account Account
	Amount  int64
}

func (h *holdRow) fields(f *db.Fields) {
	db.Int(f, &h.Account)
	db.Int(f, &h.Amount)
}

const (
	postingColumns = "key, txn, credit, amount, currency, at"
	wholePosting   = "debit, number, " + postingColumns
)

var (
	postings   = db.NewTable("posting", "scope, debit, number", postingColumns, (*keyedPosting).columns, db.AppendOnly())
	balances   = db.NewTable("balance", "scope, account", "debits, credits, held, last", (*balanceRow).fields)
	maturities = db.NewTable("maturity", "scope, key", "accrued, posted", (*maturityRow).fields)
	guards     = db.NewTable("guard", "scope, subject, kind", "ceiling, reserved, done", (*guardRow).fields)
	holds      = db.NewTable("hold", "scope, key", "account, amount", (*holdRow).fields)

	remittances = db.NewTable("remittance", "scope, key, side", remittanceColumns, (*remittanceRow).fields)
)

const remittanceColumns = "peer, account, amount, txn, state"

func (r *remittanceRow) fields(f *db.Fields) {
	db.Int(f, &r.Peer)
	db.Int(f, &r.Account)
	db.Int(f, &r.Amount)
	db.Int(f, &r.Txn)
	db.Int(f, &r.State)
}

func remittanceKey(s id.Scope, key int64, side remittanceSide) db.Key {
	return db.Key{Scope: s.Key(), ID: key, Sub: int64(side)}
}

func postingKey(s id.Scope, debit Account, number int64) db.Key {
	return db.Key{Scope: s.Key(), ID: int64(debit), Sub: number}
}

func balanceKey(s id.Scope, a Account) db.Key { return db.Key{Scope: s.Key(), ID: int64(a)} }

func guardKey(s id.Scope, subject int64, kind GuardKind) db.Key {
	return db.Key{Scope: s.Key(), ID: subject, Sub: int64(kind)}
}

func holdKey(s id.Scope, subject int64) db.Key { return db.Key{Scope: s.Key(), ID: subject} }

func maturityKey(s id.Scope, day int64, c money.Currency) db.Key {
	return db.Key{Scope: s.Key(), ID: maturityNumber(day, c)}
}

// NeedBalance names an account's balance for a step.
func NeedBalance(s id.Scope, a Account) db.Need { return balances.Need(balanceKey(s, a)) }

// NeedGuard names a guard for a step.
func NeedGuard(s id.Scope, subject int64, kind GuardKind) db.Need {
	return guards.Need(guardKey(s, subject, kind))
}

// NeedHold names a hold for a step.
func NeedHold(s id.Scope, subject int64) db.Need { return holds.Need(holdKey(s, subject)) }

// NeedMaturity names the maturity of a day and currency for a step.
func NeedMaturity(s id.Scope, day int64, c money.Currency) db.Need {
	return maturities.Need(maturityKey(s, day, c))
}

func (k *keyedPosting) entry() Entry {
	r := k.Row
	return Entry{k.Key, r.Number, r.Transaction, r.Debit, r.Credit, money.New(r.Amount, r.Debit.Currency()), r.At}
}

type keyedBalance struct {
	Account Account
	Row     balanceRow
}

func (k *keyedBalance) fields(f *db.Fields) {
	db.Int(f, &k.Account)
	k.Row.fields(f)
}

func (k *keyedBalance) balance() Balance {
	return Balance{k.Account, k.Row.Debits, k.Row.Credits, k.Row.Held}
}

type dueRow struct{ Scope, Key int64 }

var (
	qBalances = db.NewQuery("balances of a scope",
		"SELECT account, debits, credits, held, last FROM balance WHERE scope = ? ORDER BY account", (*keyedBalance).fields)
	qPostingsOf = db.NewQuery("postings of a transaction",
		"SELECT "+wholePosting+" FROM posting WHERE scope = ? AND txn = ? ORDER BY key, debit, number", (*keyedPosting).fields)
	qPostingsAfter = db.NewQuery("postings that debit an account, after a number",
		"SELECT "+wholePosting+" FROM posting WHERE scope = ? AND debit = ? AND number > ? ORDER BY number LIMIT ?", (*keyedPosting).fields)
	qDue = db.NewQuery("maturities that are due",
		"SELECT scope, key FROM maturity WHERE posted = 0 AND key < ? ORDER BY key LIMIT ?", func(r *dueRow, f *db.Fields) {
			db.Int(f, &r.Scope)
			db.Int(f, &r.Key)
		})
)

// ReadBalances gives the balances of a scope as committed, by account.
func ReadBalances(ctx context.Context, d *db.DB, s id.Scope) ([]Balance, error) {
	var list []Balance
	err := qBalances.Each(ctx, d, func(k keyedBalance) error {
		list = append(list, k.balance())
		return nil
	}, s.Key())
	return list, err
}

// EachScope gives every scope that the ledger has anything of, in order.
func EachScope(ctx context.Context, d *db.DB, f func(id.Scope) error) error {
	for last := lowest; ; {
		next, ok, err := nextScope(ctx, d, last)
		if err != nil || !ok {
			return err
		}
		if err := f(id.ScopeOf(next)); err != nil {
			return err
		}
		last = next
	}
}

// PostingsOf is the journal of a transaction: its postings in the order in
// which they were made.
func PostingsOf(ctx context.Context, d *db.DB, s id.Scope, transaction int64) ([]Entry, error) {
	var list []Entry
	err := qPostingsOf.Each(ctx, d, func(k keyedPosting) error {
		list = append(list, k.entry())
		return nil
	}, s.Key(), transaction)
	return list, err
}

// PostingsAfter gives the postings that debit an account after the one with a
// number, in the order in which they were committed, at most limit.
func PostingsAfter(ctx context.Context, d *db.DB, s id.Scope, debit Account, number int64, limit int) ([]Entry, error) {
	var list []Entry
	err := qPostingsAfter.Each(ctx, d, func(k keyedPosting) error {
		list = append(list, k.entry())
		return nil
	}, s.Key(), int64(debit), number, int64(limit))
	return list, err
}

// ReadGuard gives a guard as committed, and whether there is one. It is for
// showing; what decides is [Book.Guard].
func ReadGuard(ctx context.Context, d *db.DB, s id.Scope, subject int64, kind GuardKind) (Guard, bool, error) {
	r, ok, err := guards.Read(ctx, d, guardKey(s, subject, kind))
	return Guard(r), ok, err
}

package ledger

import (
	"maps"
	"math"
	"slices"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/money"
)

// transactions goes through the scope's transactions and postings side by side,
// both in the order of the transactions' keys.
func (a *audit) transactions() error {
	j := a.journal()
	for last := lowest; ; {
		keys, err := qTransactionKeys.All(a.ctx, a.db, a.scope.Key(), last, int64(checkPage))
		if err != nil {
			return err
		}
		bodies, err := a.bodies(keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := a.strays(j, key); err != nil {
				return err
			}
			if err := a.transaction(j, key, bodies[key]); err != nil {
				return err
			}
		}
		if len(keys) < checkPage {
			return a.strays(j, math.MaxInt64)
		}
		last = keys[len(keys)-1]
	}
}

// bodies reads transactions. Those that can't be read are left out: that is
// reported where columns are compared with bodies.
func (a *audit) bodies(keys []int64) (map[int64]*object.Object[Transaction], error) {
	found, err := Transactions.ReadMany(a.ctx, a.db, a.scope, keys)
	if err == nil {
		return found, nil
	}
	found = map[int64]*object.Object[Transaction]{}
	for _, key := range keys {
		if o, ok, err := Transactions.Read(a.ctx, a.db, a.scope, key); err == nil && ok {
			found[key] = o
		}
	}
	return found, a.ctx.Err()
}

// transaction takes the postings of one transaction and compares. body is nil
// where it could not be read.
func (a *audit) transaction(j *journal, key int64, body *object.Object[Transaction]) error {
	var m movement
	n, moved := 0, map[way]int64{}
	for {
		p, err := j.peek()
		if err != nil {
			return err
		}
		if p == nil || p.Row.Transaction != key {
			break
		}
		a.posting(p)
		if err := m.add(p.Row.Debit.Kind(), p.Row.Credit.Kind(), p.Row.Amount); err != nil {
			a.find(CheckPosting, "posting", p.Key, "%v", err)
		}
		if body != nil && p.Row.Debit.Currency() != body.Body.Currency {
			a.find(CheckPosting, "posting", p.Key, "%v in a transaction in %s", p.Row.Debit, body.Body.Currency)
		}
		moved[way{p.Row.Debit.Kind(), p.Row.Credit.Kind()}] += p.Row.Amount
		n++
		j.skip()
	}
	if n == 0 {
		a.find(CheckTransaction, "balance_transaction", key, "it has no postings")
	}
	if body == nil {
		return nil
	}
	if err := body.Body.agrees(m); err != nil {
		a.find(CheckTransaction, "balance_transaction", key, "%v", err)
	}
	a.wentAstray(key, &body.Body, moved)
	if m.pending != 0 {
		a.accrue(maturityNumber(Day(body.Body.AvailableOn), body.Body.Currency), m.pending)
	}
	return nil
}

func (a *audit) accrue(maturity, amount int64) {
	sum := a.accrued[maturity]
	a.add(&sum, amount, CheckMaturity, "maturity", maturity)
	a.accrued[maturity] = sum
}

// strays takes the postings before the transaction with key before. They are
// those of maturities, or of nothing that there is.
func (a *audit) strays(j *journal, before int64) error {
	for {
		p, err := j.peek()
		if err != nil || p == nil || p.Row.Transaction >= before {
			return err
		}
		a.posting(p)
		moved := false
		if p.Row.Transaction > 0 {
			if moved, err = a.movement(p); err != nil {
				return err
			}
		}
		if r := p.Row; r.Transaction < 0 && r.Transaction != lowest {
			a.matured(p)
		} else if !moved {
			a.find(CheckPosting, "posting", p.Key, "its transaction %d is not there", r.Transaction)
		}
		j.skip()
	}
}

// matured counts a maturity's posting.
func (a *audit) matured(p *keyedPosting) {
	var m movement
	kinds := [2]Kind{p.Row.Debit.Kind(), p.Row.Credit.Kind()}
	if kinds != [2]Kind{Pending, Available} && kinds != [2]Kind{Available, Pending} {
		a.find(CheckPosting, "posting", p.Key, "a maturity moved %v to %v", p.Row.Debit, p.Row.Credit)
	}
	maturity := -p.Row.Transaction
	if c, _ := money.CurrencyByNumeric(int(maturity % perKind)); c != p.Row.Debit.Currency() {
		a.find(CheckPosting, "posting", p.Key, "%v in a maturity in %q", p.Row.Debit, c)
	}
	if err := m.add(kinds[0], kinds[1], p.Row.Amount); err != nil {
		a.find(CheckPosting, "posting", p.Key, "%v", err)
	}
	sum := a.moved[maturity]
	a.add(&sum, m.pending, CheckMaturity, "maturity", maturity)
	a.moved[maturity] = sum
}

// posting checks what concerns one row, and counts it for the balances.
func (a *audit) posting(p *keyedPosting) {
	r := p.Row
	c := r.Debit.Currency()
	switch {
	case r.Amount <= 0:
		a.find(CheckPosting, "posting", p.Key, "amount %d", r.Amount)
	case !r.Debit.known() || !r.Credit.known() || r.Debit == r.Credit:
		a.find(CheckPosting, "posting", p.Key, "from %v to %v", r.Debit, r.Credit)
	case r.Credit.Currency() != c || r.Currency != int64(c.Numeric()):
		a.find(CheckPosting, "posting", p.Key, "from %v to %v in currency %d", r.Debit, r.Credit, r.Currency)
	}
	a.add(&a.sum(r.Debit).Debits, r.Amount, CheckBalance, "posting", p.Key)
	a.add(&a.sum(r.Credit).Credits, r.Amount, CheckBalance, "posting", p.Key)
}

// maturities compares the stored maturities with what accrued and what moved.
func (a *audit) maturities() error {
	err := pages(a, qMaturities, []any{lowest}, func(m keyedMaturity) []any { return []any{m.Key} }, a.maturity)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(a.accrued)) {
		if n := a.accrued[key]; n != 0 {
			a.find(CheckMaturity, "maturity", key, "no row, and transactions left %d to move", n)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.moved)) {
		a.find(CheckMaturity, "maturity", key, "no row, and its postings moved %d", -a.moved[key])
	}
	return nil
}

func (a *audit) maturity(m keyedMaturity) {
	if want := a.accrued[m.Key]; m.Row.Accrued != want {
		a.find(CheckMaturity, "maturity", m.Key, "accrued %d, transactions left %d", m.Row.Accrued, want)
	}
	moved := a.moved[m.Key]
	delete(a.accrued, m.Key)
	delete(a.moved, m.Key)
	if m.Row.Posted {
		if sum, err := plus(moved, m.Row.Accrued); err != nil || sum != 0 {
			a.find(CheckMaturity, "maturity", m.Key, "accrued %d, its postings moved %d", m.Row.Accrued, -moved)
		}
		return
	}
	if moved != 0 {
		a.find(CheckMaturity, "maturity", m.Key, "not posted, and its postings moved %d", -moved)
	}
	c, ok := money.CurrencyByNumeric(int(m.Key % perKind))
	if !ok {
		a.find(CheckMaturity, "maturity", m.Key, "in no currency")
	}
	sum := a.open[c]
	a.add(&sum, m.Row.Accrued, CheckMaturity, "maturity", m.Key)
	a.open[c] = sum
}

package ledger

import (
	"math"

	"github.com/florinpay/florin/internal/base/db"
)

// checkPage is how many rows a check reads at a time.
const checkPage = 1000

// scoped are the tables of this package: a scope is checked when it has a row
// in any of them.
var scoped = []string{"posting", "balance", "balance_transaction", "movement", "maturity", "guard", "hold", "remittance"}

var (
	qNextScopes = func() (list []*db.Query[int64]) {
		for _, table := range scoped {
			list = append(list, db.NewQuery("next scope of "+table,
				"SELECT scope FROM "+table+" WHERE scope > ? ORDER BY scope LIMIT 1", func(s *int64, f *db.Fields) { db.Int(f, s) }))
		}
		return list
	}()
	qJournal = db.NewQuery("check postings", "SELECT "+wholePosting+
		" FROM posting WHERE scope = ? AND (txn, key, debit, number) > (?, ?, ?, ?) ORDER BY txn, key, debit, number LIMIT ?", (*keyedPosting).fields)
	qTransactionKeys = db.NewQuery("check transactions",
		"SELECT key FROM balance_transaction WHERE scope = ? AND key > ? ORDER BY key LIMIT ?", func(k *int64, f *db.Fields) { db.Int(f, k) })
	qMovementKeys = db.NewQuery("check movements",
		"SELECT key FROM movement WHERE scope = ? AND key > ? ORDER BY key LIMIT ?", func(k *int64, f *db.Fields) { db.Int(f, k) })
	qMaturities = db.NewQuery("check maturities", "SELECT key, accrued, posted FROM maturity WHERE scope = ? AND key > ? ORDER BY key LIMIT ?",
		func(m *keyedMaturity, f *db.Fields) {
			db.Int(f, &m.Key)
			m.Row.fields(f)
		})
	qGuards = db.NewQuery("check guards",
		"SELECT subject, kind, ceiling, reserved, done FROM guard WHERE scope = ? AND (subject, kind) > (?, ?) ORDER BY subject, kind LIMIT ?",
		func(g *keyedGuard, f *db.Fields) {
			db.Int(f, &g.Subject)
			db.Int(f, &g.Kind)
			g.Row.fields(f)
		})
	qHolds = db.NewQuery("check holds", "SELECT key, account, amount FROM hold WHERE scope = ? AND key > ? ORDER BY key LIMIT ?",
		func(h *keyedHold, f *db.Fields) {
			db.Int(f, &h.Key)
			h.Row.fields(f)
		})
	qRemittances = db.NewQuery("check remittances",
		"SELECT key, side, "+remittanceColumns+" FROM remittance WHERE scope = ? AND (key, side) > (?, ?) ORDER BY key, side LIMIT ?",
		func(r *keyedRemittance, f *db.Fields) {
			db.Int(f, &r.Key)
			db.Int(f, &r.Side)
			r.Row.fields(f)
		})
)

// lowest is before all keys that are ever made.
const lowest = int64(math.MinInt64)

type keyedMaturity struct {
	Key int64
	Row maturityRow
}

type keyedGuard struct {
	Subject, Kind int64
	Row           guardRow
}

type keyedHold struct {
	Key int64
	Row holdRow
}

type keyedRemittance struct {
	Key  int64
	Side remittanceSide
	Row  remittanceRow
}

// pages hands all rows of a query to f, reading a page at a time. first are
// the arguments before all rows, and at gives those that stand at a row.
func pages[R any](a *audit, q *db.Query[R], first []any, at func(R) []any, f func(R)) error {
	for from := first; ; {
		page, err := q.All(a.ctx, a.db, append(append([]any{a.scope.Key()}, from...), int64(checkPage))...)
		if err != nil {
			return err
		}
		for _, r := range page {
			f(r)
		}
		if len(page) < checkPage {
			return nil
		}
		from = at(page[len(page)-1])
	}
}

// journal reads all postings of the audited scope in the order of their
// transactions.
type journal struct {
	audit *audit
	page  []keyedPosting
	last  keyedPosting
	done  bool
}

func (a *audit) journal() *journal {
	j := &journal{audit: a}
	j.last = keyedPosting{lowest, postingRow{Transaction: lowest, Debit: Account(lowest), Number: lowest}}
	return j
}

// peek gives the next posting, or nil at the end.
func (j *journal) peek() (*keyedPosting, error) {
	if len(j.page) == 0 && !j.done {
		var err error
		at := j.last.Row
		j.page, err = qJournal.All(j.audit.ctx, j.audit.db, j.audit.scope.Key(), at.Transaction, j.last.Key, int64(at.Debit), at.Number, int64(checkPage))
		if err != nil {
			return nil, err
		}
		j.done = len(j.page) < checkPage
	}
	if len(j.page) == 0 {
		return nil, nil
	}
	return &j.page[0], nil
}

// skip goes past the posting that peek gave.
func (j *journal) skip() {
	j.last, j.page = j.page[0], j.page[1:]
}

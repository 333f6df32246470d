package ledger

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/object/objecttest"
)

// behind changes the database behind the ledger's back and insists that
// something was changed.
func (b *bench) behind(sql string) {
	b.t.Helper()
	changed, err := int64(0), error(nil)
	if path, ok := strings.CutPrefix(b.address, "sqlite:"); ok {
		changed, err = execSQLite(path, sql)
	} else {
		changed, err = execPostgres(context.WithoutCancel(b.t.Context()), b.address, sql)
	}
	if err != nil || changed == 0 {
		b.t.Fatalf("%s: %d rows changed, %v", sql, changed, err)
	}
}

func execSQLite(path, sql string) (int64, error) {
	c, err := sqlite3.Open("file:" + path)
	if err != nil {
		return 0, err
	}
	err = errors.Join(c.EnableChecksums("main"), c.BusyTimeout(10*time.Second), c.Exec(sql))
	return c.Changes(), errors.Join(err, c.Close())
}

func execPostgres(ctx context.Context, address, sql string) (int64, error) {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return 0, err
	}
	tag, err := c.Exec(ctx, sql)
	return tag.RowsAffected(), errors.Join(err, c.Close(ctx))
}

// books writes something of everything: two charges, one of which is available,
// a refund under way and one made.
func (b *bench) books() {
	b.t.Helper()
	for _, on := range []time.Time{noon, noon.AddDate(0, 0, 2)} {
		t, list := charge(10_000, 320, "usd", on)
		if _, err := b.post(t, list...); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := b.mature(today, "usd"); err != nil {
		b.t.Fatal(err)
	}
	t, posting := refund(400, "usd")
	if _, err := b.post(t, posting); err != nil {
		b.t.Fatal(err)
	}
	b.do(func(tx *db.Tx) error { return b.book.OpenGuard(tx, b.s, 41, GuardRefund, 10_000) })
	b.do(func(tx *db.Tx) error { return b.book.Reserve(tx, b.s, 41, GuardRefund, 600) })
	b.do(func(tx *db.Tx) error {
		return b.book.Hold(tx, b.s, 51, AccountOf(Available, "usd"), 600, false)
	})
}

func TestCheckFindsDamage(t *testing.T) {
	const (
		firstPosting = " WHERE key = (SELECT MIN(key) FROM posting)"
		matured      = " WHERE txn < 0"
		firstTxn     = "(SELECT MIN(key) FROM balance_transaction)"
		lastNumber   = "(SELECT MAX(number) FROM posting)"
	)
	for name, c := range map[string]struct {
		sql  string
		want string // the rules that must be reported, by table
	}{
		"posting raised":                {"UPDATE posting SET amount = amount + 1" + firstPosting, "balance/balance transaction/balance_transaction"},
		"posting negated":               {"UPDATE posting SET amount = 0 - amount" + firstPosting, "posting/posting balance/balance"},
		"posting at the end of int64":   {"UPDATE posting SET amount = 9223372036854775807" + firstPosting, "balance/posting"},
		"posting deleted":               {"DELETE FROM posting" + firstPosting, "balance/balance transaction/balance_transaction"},
		"all postings of a transaction": {"DELETE FROM posting WHERE txn = " + firstTxn, "transaction/balance_transaction balance/balance"},
		"posting to another account":    {"UPDATE posting SET credit = 3840" + firstPosting, "balance/balance maturity/maturity"},
		"posting to no account":         {"UPDATE posting SET credit = 99840" + firstPosting, "posting/posting balance/balance"},
		"posting in another currency":   {"UPDATE posting SET debit = 1978, credit = 2978, currency = 978" + firstPosting, "posting/posting balance/balance"},
		"posting marked otherwise":      {"UPDATE posting SET currency = 978" + firstPosting, "posting/posting"},
		"posting across currencies":     {"UPDATE posting SET credit = 2978" + firstPosting, "posting/posting balance/balance"},
		"posting of another":            {"UPDATE posting SET txn = 5" + firstPosting, "posting/posting transaction/balance_transaction"},
		"posting of nothing":            {"UPDATE posting SET txn = 0" + firstPosting, "posting/posting"},
		"forged posting":                {"INSERT INTO posting SELECT scope, debit, 1 + " + lastNumber + ", 1, txn, credit, amount, currency, at FROM posting" + firstPosting, "transaction/balance_transaction balance/balance"},
		"forged scope":                  {"INSERT INTO posting SELECT scope + 1, debit, number, 1, txn, credit, amount, currency, at FROM posting" + firstPosting, "posting/posting balance/balance"},
		"maturity posted twice":         {"INSERT INTO posting SELECT scope, debit, 1 + " + lastNumber + ", 1, txn, credit, amount, currency, at FROM posting" + matured, "maturity/maturity balance/balance"},
		"maturity's posting deleted":    {"DELETE FROM posting" + matured, "maturity/maturity"},
		"maturity's posting elsewhere":  {"UPDATE posting SET credit = 6840" + matured, "posting/posting"},
		"maturity's posting of another": {"UPDATE posting SET txn = txn - 1000" + matured, "maturity/maturity"},
		"debits changed":                {"UPDATE balance SET debits = debits + 1 WHERE account = 3840", "balance/balance double entry/balance"},
		"credits changed":               {"UPDATE balance SET credits = credits - 1 WHERE account = 2840", "balance/balance maturity/balance"},
		"both sides changed":            {"UPDATE balance SET credits = credits + 1, debits = debits + 1 WHERE account = 4840", "balance/balance"},
		"balance deleted":               {"DELETE FROM balance WHERE account = 4840", "balance/balance"},
		"pending deleted":               {"DELETE FROM balance WHERE account = 2840", "balance/balance maturity/balance"},
		"balance of no account":         {"INSERT INTO balance SELECT scope, 99840, 0, 0, 0, 0 FROM balance WHERE account = 4840", "balance/balance"},
		"balances of nothing":           {"INSERT INTO balance SELECT scope + 1, 4840, 5, 5, 0, 0 FROM balance WHERE account = 4840", "balance/balance"},
		"held changed":                  {"UPDATE balance SET held = 0 WHERE account = 3840", "held/balance"},
		"hold deleted":                  {"DELETE FROM hold", "held/balance"},
		"hold changed":                  {"UPDATE hold SET amount = 0 - amount", "held/hold"},
		"transaction deleted":           {"DELETE FROM balance_transaction WHERE key = " + firstTxn, "posting/posting maturity/maturity"},
		"transaction's columns":         {"UPDATE balance_transaction SET source = 42 WHERE key = " + firstTxn, "columns/balance_transaction"},
		"transaction's body broken":     {"UPDATE balance_transaction SET body = substr(body, 1, 0) WHERE key = " + firstTxn, "columns/balance_transaction"},
		"maturity changed":              {"UPDATE maturity SET accrued = accrued + 1", "maturity/maturity maturity/balance"},
		"maturity opened again":         {"UPDATE maturity SET posted = 0", "maturity/maturity maturity/balance"},
		"maturity closed":               {"UPDATE maturity SET posted = 1", "maturity/maturity"},
		"maturity deleted":              {"DELETE FROM maturity WHERE posted = 0", "maturity/maturity maturity/balance"},
		"maturity in no currency":       {"INSERT INTO maturity SELECT scope, key + 1, 0, 0 FROM maturity WHERE posted = 0", "maturity/maturity"},
		"guard over its ceiling":        {"UPDATE guard SET ceiling = 599", "guard/guard"},
		"guard below nothing":           {"UPDATE guard SET done = 0 - 1", "guard/guard"},
		"guard with nothing reserved":   {"UPDATE guard SET reserved = 0 - 600", "guard/guard"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.books()
			b.sound()
			b.behind(c.sql)
			b.reports(c.want)
		})
	}
}

// TestCheckFindsDamagedBodies: what a transaction says is compared with its
// postings and its columns.
func TestCheckFindsDamagedBodies(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Transaction)
		want   string
	}{
		"net":     {func(t *Transaction) { t.Net++ }, "transaction/balance_transaction"},
		"amounts": {func(t *Transaction) { t.Amount++; t.FeeDetails[0].Amount++ }, "transaction/balance_transaction"},
		"day": {func(t *Transaction) { t.AvailableOn = t.AvailableOn.AddDate(0, 0, 1) },
			"maturity/maturity columns/balance_transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.books()
			b.sound()
			first := int64(math.MaxInt64)
			if err := Transactions.Scan(t.Context(), b.db, func(o *object.Object[Transaction]) error {
				first = min(first, o.Key)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			objecttest.Edit(t, b.db, "balance_transaction", b.s, first, c.change)
			b.reports(c.want)
		})
	}
}

// reports fails the test unless the books are found to break these rules.
func (b *bench) reports(want string) {
	b.t.Helper()
	found := map[string]bool{}
	for _, f := range b.findings() {
		b.t.Log(f)
		found[f.Check+"/"+f.Table] = true
	}
	for _, rule := range splitRules(want) {
		if !found[rule] {
			b.t.Errorf("%s is not reported", rule)
		}
	}
}

// splitRules parts "balance/balance double entry/balance" before each rule.
func splitRules(text string) (list []string) {
	words := strings.Fields(text)
	rule := ""
	for _, w := range words {
		rule = strings.TrimSpace(rule + " " + w)
		if strings.Contains(w, "/") {
			list = append(list, rule)
			rule = ""
		}
	}
	return list
}

// More rows than a page holds are all looked at.
func TestCheckGoesThroughPages(t *testing.T) {
	b := newBench(t)
	const n = 2*checkPage + 7
	needs := []db.Need{NeedBalance(b.s, AccountOf(Available, "usd"))}
	for i := range int64(n) {
		needs = append(needs, NeedGuard(b.s, i+1, GuardRefund), NeedHold(b.s, i+1), NeedMaturity(b.s, today+i%1100, "usd"))
	}
	err := b.db.Run(t.Context(), db.Step{Name: "test", Scope: b.s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		for i := range int64(n) {
			tr, list := charge(100, 3, "usd", noon.AddDate(0, 0, int(i%1100)))
			if _, err := b.book.Post(tx, b.s, tr, list...); err != nil {
				return err
			}
			if err := b.book.OpenGuard(tx, b.s, i+1, GuardRefund, i); err != nil {
				return err
			}
			if err := b.book.Hold(tx, b.s, i+1, AccountOf(Available, "usd"), 1, true); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.same(map[string]int64{"provider_clearing:usd": -100 * n, "pending:usd": 97 * n, "fees:usd": 3 * n}, b.net())
	b.sound()
	for _, sql := range []string{
		"UPDATE posting SET amount = amount + 1 WHERE key = (SELECT MAX(key) FROM posting)",
		"UPDATE guard SET done = 1 + ceiling WHERE subject = (SELECT MAX(subject) FROM guard)",
		"UPDATE hold SET amount = 2 WHERE key = (SELECT MAX(key) FROM hold)",
		"UPDATE maturity SET accrued = accrued + 1 WHERE key = (SELECT MAX(key) FROM maturity)",
	} {
		b.behind(sql)
	}
	rules := map[string]bool{}
	for _, f := range b.findings() {
		rules[f.Check] = true
	}
	b.same(map[string]bool{CheckBalance: true, CheckTransaction: true, CheckGuard: true, CheckHeld: true, CheckMaturity: true}, rules)
}

// A currency's money on one side only is what the checks of single rows can't see.
func TestCheckComparesTheSidesOfACurrency(t *testing.T) {
	b := newBench(t)
	tr, list := charge(100, 0, "eur", noon)
	if _, err := b.post(tr, list...); err != nil {
		t.Fatal(err)
	}
	b.behind("UPDATE balance SET debits = 99 WHERE account = 1978")
	var got []string
	for _, f := range b.findings() {
		got = append(got, f.Check)
	}
	b.same([]string{CheckBalance, CheckDoubleEntry}, got)
}

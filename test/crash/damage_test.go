//go:build unix && !probe

package crash

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/test/florin"
)

// subject is what is damaged: a charge that was captured and partly refunded,
// and what belongs to it.
type subject struct {
	charge, intent, attempt, txn int64
	posting                      int64 // one of the transaction's
	balance                      int64 // the account that it debits
	card                         int64 // what was charged

	heads, key string // the server's files
}

// damages are changes that somebody made with another program: what is changed,
// and the row that verify must name for it.
var damages = map[string]func(s subject) (sql []string, check, table string, key int64){
	"a posting edited": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE posting SET amount = amount + 1 WHERE key = %d", s.posting)}, ledger.CheckTransaction, "balance_transaction", s.txn
	},
	"a posting turned round": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE posting SET debit = credit, credit = debit, number = 1000000 WHERE key = %d", s.posting)}, ledger.CheckTransaction, "balance_transaction", s.txn
	},
	"a posting moved to another account": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE posting SET debit = %d WHERE key = %d", ledger.AccountOf(ledger.Bank, "usd"), s.posting)}, ledger.CheckBalance, "balance", s.balance
	},
	"a posting deleted": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("DELETE FROM posting WHERE key = %d", s.posting)}, ledger.CheckTransaction, "balance_transaction", s.txn
	},
	"a balance changed": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE balance SET credits = credits + 1 WHERE account = %d", s.balance)}, ledger.CheckBalance, "balance", s.balance
	},
	"a charge without postings": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("DELETE FROM posting WHERE txn = %d", s.txn)}, ledger.CheckTransaction, "balance_transaction", s.txn
	},
	"a charge without postings and transaction": func(s subject) ([]string, string, string, int64) {
		return []string{
			fmt.Sprintf("DELETE FROM posting WHERE txn = %d", s.txn),
			fmt.Sprintf("DELETE FROM balance_transaction WHERE key = %d", s.txn),
		}, "transactions", "charge", s.charge
	},
	"a column that differs from its body": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE payment_intent SET status = 'canceled' WHERE key = %d", s.intent)}, "columns", "payment_intent", s.intent
	},
	"an attempt's column that differs": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE attempt SET state = 'failed' WHERE key = %d", s.attempt)}, "columns", "attempt", s.attempt
	},
	"a guard opened": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("UPDATE guard SET done = done - 1 WHERE subject = %d AND kind = %d", s.charge, ledger.GuardRefund)}, "guards", "charge", s.charge
	},
	"a security code kept after the outcome": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("INSERT INTO card_cvc (scope, key, sealed, expires) SELECT scope, key, sealed, %d FROM card WHERE key = %d",
			time.Now().Add(time.Hour).UnixMicro(), s.card)}, payment.CheckCodes, "card_cvc", s.card
	},
	"an event deleted": func(s subject) ([]string, string, string, int64) {
		return []string{fmt.Sprintf("DELETE FROM event WHERE lane = %d AND seq = 2", s.intent)}, "events", "event", s.intent
	},
}

// TestVerifyFindsDamage: florin verify passes sound books, and names each row
// that was changed behind Florin's back.
func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	address, s := books(t)
	t.Run("none", func(t *testing.T) {
		report, err := florintest.New(t, florintest.Options{DB: copyOf(t, address)}).Verify(t.Context())
		if err != nil || !report.OK {
			t.Errorf("sound books: %+v, %v", report, err)
		}
	})
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) { // one at a time: PostgreSQL copies no database that is in use
			spoiled := copyOf(t, address)
			sql, check, table, key := damage(s)
			for _, statement := range sql {
				behind(t, spoiled, statement)
			}
			report, err := florintest.New(t, florintest.Options{DB: spoiled}).Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				if f.Check == check && f.Table == table && f.Key == key {
					return
				}
			}
			t.Errorf("verify does not name %s %s %d; ok is %t, findings %+v", check, table, key, report.OK, report.Findings)
		})
	}
}

// books makes payments of every sort, stops the server, and gives the database
// with one of the payments.
func books(t *testing.T) (address string, s subject) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heads := filepath.Join(t.TempDir(), "florin.heads")
	server := florintest.Start(t, florintest.Options{Args: []string{"--heads=" + heads}})
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "books"}
	l.round(4, func() bool { return l.journeys < 16 })
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	d := reader(t, server.DB)
	defer func() { _ = d.Close() }()
	err := payment.Charges.Scan(ctx, d, func(ch *object.Object[payment.Charge]) error {
		b := &ch.Body
		if b.Captured == 0 || b.Refunded == 0 || b.Currency != "usd" {
			return nil
		}
		journal, err := ledger.PostingsOf(ctx, d, ch.Scope, b.BalanceTransaction)
		a, ok, bad := payment.Attempts.Read(ctx, d, ch.Scope, int64(b.Attempt))
		if err = errors.Join(err, bad); len(journal) > 0 && ok {
			s = subject{card: a.Body.Card, charge: ch.Key, intent: int64(b.Intent), attempt: int64(b.Attempt), txn: b.BalanceTransaction,
				posting: journal[0].Key, balance: int64(journal[0].Debit), heads: heads, key: server.KeyFile()}
		}
		return err
	})
	if err != nil || s.posting == 0 {
		t.Fatalf("no charge to damage: %+v, %v", s, err)
	}
	return server.DB, s
}

// copyOf gives a copy of a database that nobody uses.
func copyOf(t *testing.T, address string) string {
	t.Helper()
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if left, err := os.Stat(path + "-wal"); err == nil && left.Size() > 0 {
			t.Fatalf("%s was not closed in good order: %s has %d bytes", path, left.Name(), left.Size())
		}
		to := filepath.Join(t.TempDir(), "florin.db")
		if err := os.WriteFile(to, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + to
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server, name := os.Getenv("FLORIN_TEST_DB"), "florin_"+strings.ToLower(rand.Text())
	if err := onPostgres(server, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, strings.TrimPrefix(u.Path, "/"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onPostgres(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// behind changes a database with another program's hands.
func behind(t *testing.T, address, sql string) {
	t.Helper()
	run := onPostgres
	if strings.HasPrefix(address, "sqlite:") {
		run = onSQLite
	}
	if err := run(address, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

var errNothing = errors.New("it changed no row")

// onSQLite goes through the same driver, which keeps the checksums of pages: a
// change of a file's bytes would be noticed by them before any book is read.
func onSQLite(address, sql string) error {
	c, err := sqlite3.Open("file:" + strings.TrimPrefix(address, "sqlite:"))
	if err != nil {
		return err
	}
	err = errors.Join(c.EnableChecksums("main"), c.BusyTimeout(10*time.Second), c.Exec(sql))
	if err == nil && c.Changes() == 0 {
		err = errNothing
	}
	return errors.Join(err, c.Close())
}

func onPostgres(address, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	tag, err := c.Exec(ctx, sql)
	if err == nil && tag.RowsAffected() == 0 && !strings.Contains(sql, "DATABASE") {
		err = errNothing
	}
	return errors.Join(err, c.Close(ctx))
}

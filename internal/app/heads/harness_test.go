package heads

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// bench is a database with a sealer, and a place for heads files.
type bench struct {
	t       *testing.T
	address string
	clock   *clock.Fixed
	db      *db.DB
	sealer  *ledger.Sealer
	dir     string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, address: dbtest.Address(t), clock: clock.At(noon), dir: t.TempDir()}
	b.db = dbtest.OpenAt(t, b.address, db.Options{Clock: b.clock})
	b.sealer = ledger.NewSealer(b.db)
	t.Cleanup(b.sealer.Stop)
	return b
}

// seals posts to each of the accounts and seals that, n times.
func (b *bench) seals(n int, accounts ...int64) {
	b.t.Helper()
	for range n {
		for _, account := range accounts {
			s := id.Scope{Account: account}
			err := b.db.Run(b.t.Context(), db.Step{Name: "test", Scope: s.Key(), Do: func(tx *db.Tx) error {
				_, err := (&ledger.Book{}).Post(tx, s, ledger.Transaction{Type: "charge", Currency: "usd", Amount: 100, Net: 100},
					ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Pending, Amount: money.New(100, "usd")})
				return err
			}})
			if err != nil {
				b.t.Fatal(err)
			}
		}
		if _, err := b.sealer.Run(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		b.clock.Advance(time.Second)
	}
}

func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) exporter(name string) *Exporter {
	return New(b.db, b.file(name), slog.New(slog.DiscardHandler))
}

func (b *bench) export(e *Exporter) {
	b.t.Helper()
	if err := e.Run(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) text(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.file(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.file(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// check compares a file with the database and wants problems that begin so.
func (b *bench) check(name string, want State, problems ...string) {
	b.t.Helper()
	var list []ledger.Finding
	got, err := Check(b.t.Context(), b.db, b.file(name), func(f ledger.Finding) { list = append(list, f) })
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("−want +got:\n%s", diff)
	}
	if len(list) != len(problems) {
		b.t.Fatalf("found %v, want %q", list, problems)
	}
	for i, f := range list {
		if f.Check != CheckHeads || !strings.Contains(f.Problem, problems[i]) {
			b.t.Errorf("found %v, want %q", f, problems[i])
		}
	}
}

// behind changes the database behind Florin's back.
func (b *bench) behind(sql string) {
	b.t.Helper()
	var err error
	if path, ok := strings.CutPrefix(b.address, "sqlite:"); ok {
		var c *sqlite3.Conn
		if c, err = sqlite3.Open("file:" + path); err == nil {
			err = errors.Join(c.EnableChecksums("main"), c.BusyTimeout(10*time.Second), c.Exec(sql), c.Close())
		}
	} else {
		var c *pgx.Conn
		ctx := context.WithoutCancel(b.t.Context())
		if c, err = pgx.Connect(ctx, b.address); err == nil {
			_, err = c.Exec(ctx, sql)
			err = errors.Join(err, c.Close(ctx))
		}
	}
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

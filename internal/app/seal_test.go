package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

func TestHeadsFile(t *testing.T) {
	for _, c := range []struct{ named, address, masterKeyFile, want string }{
		{"", "sqlite:florin.db", "", "florin.heads"},
		{"", "sqlite:/data/florin.db", "", "/data/florin.heads"},
		{"", "sqlite:/data/florin.db", "/keys/master", "/keys/florin.heads"},
		{"", "postgres://host/florin", "", "florin.heads"},
		{"", "postgres://host/florin", "keys/master", "keys/florin.heads"},
		{"/safe/heads", "sqlite:/data/florin.db", "/keys/master", "/safe/heads"},
	} {
		if got := headsFile(c.named, c.address, c.masterKeyFile); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// Sealing goes on over a restart, and what a process leaves behind is sealed
// when it closes. That a heads file belongs to another database is told once
// in a while, not each time.
func TestSealing(t *testing.T) {
	address, now := dbtest.Address(t), clock.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	c := Config{DB: address, Heads: filepath.Join(t.TempDir(), "heads"), Logger: slog.New(slog.DiscardHandler)}
	d := dbtest.OpenAt(t, address, db.Options{Clock: now})
	post := func() {
		t.Helper()
		s := id.Scope{Account: 7}
		err := d.Run(t.Context(), db.Step{Name: "test", Scope: s.Key(), Do: func(tx *db.Tx) error {
			_, err := (&ledger.Book{}).Post(tx, s, ledger.Transaction{Type: "charge", Currency: "usd", Amount: 100, Net: 100},
				ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Pending, Amount: money.New(100, "usd")})
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	examine := func(sealed, unsealed, heads int64) {
		t.Helper()
		r, err := Examine(t.Context(), Books{DB: address, Heads: c.Heads}, c.Logger)
		if err != nil || r.Sealing.Sealed != sealed || r.Sealing.Unsealed != unsealed || r.Heads.Lines != heads || len(r.Findings) > 0 {
			t.Errorf("%+v, %v; want %d sealed, %d unsealed, %d heads", r, err, sealed, unsealed, heads)
		}
	}
	run := func(s *sealing) {
		t.Helper()
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := newSealing(d, c)
	post()
	run(first)
	post()
	examine(1, 1, 1)
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	examine(2, 0, 2)
	second := newSealing(d, c)
	post()
	run(second)
	examine(3, 0, 3)

	text, err := os.ReadFile(c.Heads)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Heads, text[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	for i, told := range []bool{true, false, false, true, false} {
		if i == 3 {
			now.Advance(conflictPause)
		}
		if err := newSealing(d, c).run(t.Context()); err == nil {
			t.Error("damage is not noticed after a restart")
		}
		if err := second.run(t.Context()); (err != nil) != told {
			t.Errorf("%d: told %v", i, err)
		}
	}
	if err := os.WriteFile(c.Heads, text, 0o600); err != nil {
		t.Fatal(err)
	}
	post()
	run(second)
	examine(4, 0, 4)
}

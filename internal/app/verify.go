package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/schema"
)

// Finding is a row that breaks an invariant of the books.
type Finding struct {
	Check    string `json:"check"`
	Account  int64  `json:"account"` // row key of the account
	Livemode bool   `json:"livemode"`
	Table    string `json:"table"`
	Key      int64  `json:"key"`
	Problem  string `json:"problem"`
}

// Verify checks every invariant of the books at a database's address, and
// gives each row that breaks one. It writes nothing and needs no key.
func Verify(ctx context.Context, address string, log *slog.Logger) (findings []Finding, err error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("there is no database at %s", path)
		}
	}
	d, err := db.Open(ctx, address, db.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.CheckSchema(ctx, schema.Files); err != nil {
		return nil, err
	}
	version, err := d.SchemaVersion(ctx)
	if err == nil && version == 0 {
		err = errors.New("there are no books: the database is empty")
	}
	if err != nil {
		return nil, err
	}
	err = verify(ctx, d, func(f ledger.Finding) {
		findings = append(findings, Finding{f.Check, f.Scope.Account, f.Scope.Livemode, f.Table, f.Key, f.Problem})
	})
	return findings, err
}

func verify(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	if err := ledger.Check(ctx, d, report); err != nil {
		return err
	}
	payments := &payment.Service{DB: d, Book: &ledger.Book{}, Log: slog.New(slog.DiscardHandler)}
	if err := payments.Check(ctx, report); err != nil {
		return err
	}
	columns := func(kind string) func(id.Scope, int64, string) {
		return func(s id.Scope, key int64, problem string) {
			report(ledger.Finding{Check: "columns", Scope: s, Table: kind, Key: key, Problem: problem})
		}
	}
	if err := vault.Customers.Check(ctx, d, columns(vault.Customers.Name)); err != nil {
		return err
	}
	if err := vault.PaymentMethods.Check(ctx, d, columns(vault.PaymentMethods.Name)); err != nil {
		return err
	}
	if err := merchant.Accounts.Check(ctx, d, columns(merchant.Accounts.Name)); err != nil {
		return err
	}
	return event.Check(ctx, d, func(s id.Scope, lane, seq int64, problem string) {
		report(ledger.Finding{Check: "events", Scope: s, Table: "event", Key: lane, Problem: fmt.Sprintf("%s (sequence %d)", problem, seq)})
	})
}

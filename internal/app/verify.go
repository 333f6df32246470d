package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/schema"
)

// Verify checks every invariant of the books of a database, and reports each
// row that breaks one. It writes nothing and needs no key.
func Verify(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	if err := d.CheckSchema(ctx, schema.Files); err != nil {
		return err
	}
	version, err := d.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if version == 0 {
		return fmt.Errorf("there are no books: the database is empty")
	}
	if err := ledger.Check(ctx, d, report); err != nil {
		return err
	}
	payments := &payment.Service{DB: d, Book: &ledger.Book{}, Log: slog.Default()}
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

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/florinpay/florin/internal/app/heads"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/core/webhook"
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

// Books say what [Examine] checks. The zero value of a field is its default.
type Books struct {
	DB string // address
	// Heads is the file that keeps the heads of seals. If named, it has to be
	// there. Default: florin.heads beside MasterKeyFile, or where that would be.
	Heads         string
	MasterKeyFile string
}

// Report is what [Examine] found.
type Report struct {
	Findings []Finding
	Sealing  ledger.Sealing
	// HeadsFile is where the heads of seals were looked for. Without them a
	// chain of seals that was cut or made anew as a whole goes unnoticed.
	HeadsFile string
	Heads     heads.State
}

// Verify is [Examine] of the books at a database's address, for its findings.
func Verify(ctx context.Context, address string, log *slog.Logger) ([]Finding, error) {
	r, err := Examine(ctx, Books{DB: address}, log)
	return r.Findings, err
}

// Examine checks every invariant of the books, and gives each row that breaks
// one. It writes nothing and needs no key.
func Examine(ctx context.Context, b Books, log *slog.Logger) (r Report, err error) {
	if path, ok := strings.CutPrefix(b.DB, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return r, fmt.Errorf("there is no database at %s", path)
		}
	}
	if b.Heads != "" {
		if _, err := os.Stat(b.Heads); err != nil {
			return r, fmt.Errorf("the heads of seals can't be read: %w", err)
		}
	}
	d, err := db.Open(ctx, b.DB, db.Options{Logger: log})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.CheckSchema(ctx, schema.Files); err != nil {
		return r, err
	}
	version, err := d.SchemaVersion(ctx)
	if err == nil && version == 0 {
		err = errors.New("there are no books: the database is empty")
	}
	if err == nil {
		err = sameSchema(ctx, d)
	}
	if err != nil {
		return r, err
	}
	report := func(f ledger.Finding) {
		r.Findings = append(r.Findings, Finding{f.Check, f.Scope.Account, f.Scope.Livemode, f.Table, f.Key, f.Problem})
	}
	if err := settled(ctx, d, report); err != nil {
		return r, err
	}
	r.HeadsFile = headsFile(b.Heads, b.DB, b.MasterKeyFile)
	if r.Heads, err = heads.Check(ctx, d, r.HeadsFile, report); err != nil {
		return r, err
	}
	r.Sealing, err = ledger.CheckSeals(ctx, d, report)
	return r, err
}

// settled reports what verify finds in the books of one moment. Rows that change
// together are read apart, so on books that are being written to some seem not
// to agree. Only if any do is all checked again at a snapshot, which holds up
// checkpoints while it is read.
func settled(ctx context.Context, d *db.DB, report func(ledger.Finding)) (err error) {
	found := false
	if err := verify(ctx, d, func(ledger.Finding) { found = true }); err != nil || !found {
		return err
	}
	moment, err := d.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, moment.Close()) }()
	return verify(ctx, moment, report)
}

// columned is a kind of object whose narrow columns are derived from its body.
type columned interface {
	Check(ctx context.Context, d *db.DB, report func(s id.Scope, key int64, problem string)) error
}

func verify(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	if err := ledger.Check(ctx, d, report); err != nil {
		return err
	}
	payments := &payment.Service{DB: d, Book: &ledger.Book{}, Log: slog.New(slog.DiscardHandler)}
	if err := payments.Check(ctx, report); err != nil {
		return err
	}
	if err := (&payout.Service{DB: d}).Check(ctx, report); err != nil {
		return err
	}
	if err := (&dispute.Service{DB: d}).Check(ctx, report); err != nil {
		return err
	}
	if err := (&cash.Service{DB: d}).Check(ctx, report); err != nil {
		return err
	}
	if err := setup.Check(ctx, d, report); err != nil {
		return err
	}
	if err := settle.Check(ctx, d, report); err != nil {
		return err
	}
	for kind, k := range map[string]columned{vault.Customers.Name: vault.Customers, vault.PaymentMethods.Name: vault.PaymentMethods,
		vault.BalanceChanges.Name: vault.BalanceChanges, vault.TaxIDs.Name: vault.TaxIDs,
		vault.EphemeralKeys.Name: vault.EphemeralKeys,
		merchant.Accounts.Name:   merchant.Accounts, timeline.Clocks.Name: timeline.Clocks,
		vault.BankAccounts.Name: vault.BankAccounts, vault.BankTokens.Name: vault.BankTokens, file.Files.Name: file.Files, file.Links.Name: file.Links,
		offering.Configurations.Name: offering.Configurations, offering.Domains.Name: offering.Domains,
		webhook.Endpoints.Name: webhook.Endpoints, webhook.Replays.Name: webhook.Replays} {
		if err := k.Check(ctx, d, func(s id.Scope, key int64, problem string) {
			report(ledger.Finding{Check: "columns", Scope: s, Table: kind, Key: key, Problem: problem})
		}); err != nil {
			return err
		}
	}
	if err := webhook.Check(ctx, d, func(s id.Scope, endpoint int64, problem string) {
		report(ledger.Finding{Check: "webhooks", Scope: s, Table: webhook.Endpoints.Name, Key: endpoint, Problem: problem})
	}); err != nil {
		return err
	}
	return event.Check(ctx, d, func(s id.Scope, lane, seq int64, problem string) {
		report(ledger.Finding{Check: "events", Scope: s, Table: "event", Key: lane, Problem: fmt.Sprintf("%s (sequence %d)", problem, seq)})
	})
}

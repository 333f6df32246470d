package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/app"
)

// onDatabase are the flags of every command that works on a database by hand.
type onDatabase struct {
	DB   string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	JSON bool   `name:"json" help:"Answer in JSON, for programs."`
}

type accountCommand struct {
	Create accountCreate `cmd:"" help:"Make an account, with its first keys for test mode."`
	List   accountList   `cmd:"" help:"List the accounts, the oldest first."`
	Show   accountShow   `cmd:"" help:"Show an account with its settings and fees."`
}

type accountCreate struct {
	onDatabase
	Name                string           `help:"Name of the merchant."`
	Country             string           `help:"Country of the merchant, ISO 3166-1." default:"US"`
	Currency            string           `help:"Currency in which the account settles by default, ISO 4217." default:"usd"`
	StatementDescriptor string           `help:"What cardholders read on their statements, 5 to 22 characters."`
	APIVersion          string           `name:"api-version" help:"Version of Stripe's API that the account is served when it does not ask for another (default: the newest that Florin implements)."`
	RawCardTest         bool             `help:"Take card numbers as API parameters in test mode." default:"true" negatable:""`
	RawCardLive         bool             `help:"Take card numbers as API parameters in live mode. Whoever sends them answers for them (PCI DSS)." negatable:""`
	NegativeBalance     bool             `help:"Let refunds take the balance below zero." default:"true" negatable:""`
	SettlementDays      int              `help:"Days after a payment until its money is available, 0 to 365." default:"2"`
	FeeBasisPoints      *int64           `help:"Fee as a share of each payment, in hundredths of a per cent (default: 290)."`
	FeeFixed            map[string]int64 `help:"Fee as a fixed sum for each payment, in minor units, by currency: usd=30;eur=25 (default: about 30 US cents in common currencies)." placeholder:"CURRENCY=SUM;…"`
	Live                bool             `help:"Make keys for live mode too. They work once florin serve has a master key configured."`
}

// Run makes the account and shows its keys, this once.
func (c *accountCreate) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		a, keys, err := o.CreateAccount(ctx, app.AccountParams{
			Name: c.Name, Country: c.Country, Currency: c.Currency, StatementDescriptor: c.StatementDescriptor, APIVersion: c.APIVersion,
			Settings:       app.AccountSettings{RawCardTest: c.RawCardTest, RawCardLive: c.RawCardLive, NegativeBalance: c.NegativeBalance, SettlementDays: c.SettlementDays},
			FeeBasisPoints: c.FeeBasisPoints, FeeFixed: c.FeeFixed, Live: c.Live,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, struct {
				app.Account
				Keys []app.Key `json:"keys"`
			}{a, keys})
		}
		fmt.Printf("account %s\n\nIts keys, shown this once:\n\n", a.ID)
		return writeTable(os.Stdout, func(row func(...any)) {
			for _, k := range keys {
				row("  "+k.Kind, mode(k.Livemode), k.Plain)
			}
		})
	})
}

type accountList struct{ onDatabase }

// Run lists the accounts.
func (c *accountList) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		list, err := o.Accounts(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"accounts": list})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("ACCOUNT", "NAME", "COUNTRY", "CURRENCY", "CREATED")
			for _, a := range list {
				row(a.ID, cmp.Or(a.Name, "-"), a.Country, a.DefaultCurrency, moment(a.Created))
			}
		})
	})
}

type accountShow struct {
	onDatabase
	Account string `arg:"" optional:"" help:"Id of the account; not needed where there is only one."`
}

// Run shows one account.
func (c *accountShow) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		a, err := o.Account(ctx, c.Account)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, a)
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("account", a.ID)
			row("name", cmp.Or(a.Name, "-"))
			row("created", moment(a.Created))
			row("country", a.Country)
			row("currency", a.DefaultCurrency)
			row("statement descriptor", cmp.Or(a.StatementDescriptor, "-"))
			row("API version", cmp.Or(a.APIVersion, "-"))
			row("card numbers as parameters", "in test mode "+yes(a.Settings.RawCardTest)+", in live mode "+yes(a.Settings.RawCardLive))
			row("balance below zero", yes(a.Settings.NegativeBalance))
			row("money is available after", fmt.Sprint(a.Settings.SettlementDays, " days"))
			row("fee, share", fmt.Sprintf("%d.%02d %%", a.Fees.BasisPoints/100, a.Fees.BasisPoints%100))
			var fixed []string
			for _, c := range slices.Sorted(maps.Keys(a.Fees.Fixed)) {
				fixed = append(fixed, fmt.Sprintf("%s %d", c, a.Fees.Fixed[c]))
			}
			row("fee, fixed, in minor units", cmp.Or(strings.Join(fixed, ", "), "-"))
		})
	})
}

package merchant

import (
	"cmp"
	"context"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Account is a merchant.
type Account struct {
	Name                string         `json:"name"`
	Country             string         `json:"country"` // ISO 3166-1 alpha-2: "US"
	DefaultCurrency     money.Currency `json:"default_currency"`
	StatementDescriptor string         `json:"statement_descriptor,omitempty"`
	// APIVersion is the version of the API that the account is served when it
	// does not ask for another: "2026-08-26.dahlia".
	APIVersion string   `json:"api_version,omitempty"`
	Settings   Settings `json:"settings"`
	Fees       Schedule `json:"fees"`
	Payouts    Payouts  `json:"payouts,omitzero"`
	Profile    Profile  `json:"profile,omitzero"`
}

// Settings are what a merchant may or may not do.
type Settings struct {
	// RawCardTest and RawCardLive allow card numbers in API parameters, by mode.
	// Whoever sends them handles card data and answers for it, so that live
	// mode does not allow it unless asked to.
	RawCardTest bool `json:"raw_card_test"`
	RawCardLive bool `json:"raw_card_live"`
	// NegativeBalance lets refunds and disputes take the balance below zero.
	NegativeBalance bool `json:"negative_balance"`
	// SettlementDays is how many days after a payment its money is available.
	SettlementDays int `json:"settlement_days"`
}

// RawCardData reports whether card numbers may be sent in the mode.
func (s Settings) RawCardData(livemode bool) bool {
	if livemode {
		return s.RawCardLive
	}
	return s.RawCardTest
}

// DefaultSettings are those of an account that chooses none.
func DefaultSettings() Settings {
	return Settings{RawCardTest: true, NegativeBalance: true, SettlementDays: DefaultSettlementDays}
}

// DefaultSettlementDays is SettlementDays of an account that chooses none.
const DefaultSettlementDays = 2

// maxSettlementDays bounds SettlementDays; nobody's rules ask for more.
const maxSettlementDays = 365

// Accounts are the merchants' accounts. They are looked up by key alone.
var Accounts = object.Define(object.Spec[Account, struct{}]{
	Name: "account", Prefix: "acct", Schema: 1, Table: "account",
	Fields: func(*struct{}, *db.Fields) {},
	Derive: func(*Account) struct{} { return struct{}{} },
})

// Home is the scope that the account with key is stored in.
func Home(key int64) id.Scope { return id.Scope{Account: key} }

// Params are what an account is made of. What is left zero gets a default.
type Params struct {
	Name                string
	Country             string         // default "US"
	DefaultCurrency     money.Currency // default "usd"
	StatementDescriptor string
	APIVersion          string // default [Options.APIVersion]
	Settings            *Settings
	Fees                *Schedule
}

// accountOf checks the parameters and fills in defaults.
func (v *Service) accountOf(p Params) (Account, error) {
	a := Account{Name: p.Name, APIVersion: cmp.Or(p.APIVersion, v.apiVersion), Country: p.Country, DefaultCurrency: p.DefaultCurrency,
		StatementDescriptor: p.StatementDescriptor, Settings: DefaultSettings(), Fees: DefaultFees()}
	if a.Country == "" {
		a.Country = "US"
	}
	if a.DefaultCurrency == "" {
		a.DefaultCurrency = "usd"
	}
	if p.Settings != nil {
		a.Settings = *p.Settings
	}
	if p.Fees != nil {
		a.Fees = *p.Fees
	}
	return a, a.check()
}

func (a *Account) check() error {
	switch {
	case len(a.Country) != 2 || strings.Trim(a.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return fault.Param("country", "", "The country must be a two-letter ISO code in capitals, such as US.")
	case !a.DefaultCurrency.Known():
		return fault.Param("default_currency", "", "Invalid currency: %s.", a.DefaultCurrency)
	case a.StatementDescriptor != "" && !validDescriptor(a.StatementDescriptor):
		return fault.Param("statement_descriptor", "", "The statement descriptor must have 5 to 22 characters, at least one letter, and none of < > \\ ' \" *.")
	case a.Settings.SettlementDays < 0 || a.Settings.SettlementDays > maxSettlementDays:
		return fault.Param("settlement_days", "", "Money can become available after 0 to %d days.", maxSettlementDays)
	}
	if err := a.Payouts.check(); err != nil {
		return err
	}
	return a.Fees.check()
}

// validDescriptor applies the rules of card networks
// (https://docs.stripe.com/get-started/account/statement-descriptors).
func validDescriptor(s string) bool {
	letters := 0
	for _, r := range s {
		switch {
		case r < ' ' || r > '~' || strings.ContainsRune(`<>\'"*`, r):
			return false
		case 'a' <= r|0x20 && r|0x20 <= 'z':
			letters++
		}
	}
	return len(s) >= 5 && len(s) <= 22 && letters > 0
}

// OfShard gives the keys of the accounts of a shard.
func OfShard(ctx context.Context, d *db.DB, shard uint16) ([]int64, error) {
	return ofShard.All(ctx, d, int64(id.Shards), int64(shard))
}

// Alone reports whether there is one account: then whoever has its keys is whoever runs
// Florin, and not one of several merchants.
func (v *Service) Alone(ctx context.Context) (bool, error) {
	keys, err := someAccounts.All(ctx, v.db)
	return len(keys) < 2, err
}

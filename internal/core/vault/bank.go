package vault

import (
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/country"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Bank is what is shown of a bank account: all but its number and its holder.
type Bank struct {
	Country     string         `json:"y"` // ISO 3166-1 alpha-2
	Currency    money.Currency `json:"c"`
	Routing     string         `json:"r,omitempty"`
	Last4       string         `json:"l"`
	Fingerprint string         `json:"f"`
	HolderType  string         `json:"h,omitempty"` // individual, company
	AccountType string         `json:"a,omitempty"` // checking, savings, futsu, toza
	// Subject is the key of the data key that Sealed, a number and a holder's
	// name, is under.
	Subject int64  `json:"s"`
	Sealed  []byte `json:"p"`
}

// BankAccount is the body of a merchant's bank account.
type BankAccount struct {
	Bank
	Default  bool              `json:"d,omitempty"` // for its currency
	Deleted  bool              `json:"x,omitempty"`
	Status   string            `json:"st"` // new, or errored once a payout came back
	Metadata map[string]string `json:"m,omitempty"`
}

// The states of a bank account.
const (
	BankNew     = "new"
	BankErrored = "errored"
)

// BankToken is the body of a token of a bank account.
type BankToken struct {
	Bank
	Used bool `json:"u,omitempty"` // a bank account was made of it
}

type bankColumns struct{ Deleted int64 }

// BankAccounts are the merchants' bank accounts.
var BankAccounts = object.Define(object.Spec[BankAccount, bankColumns]{
	Name: "bank_account", Prefix: "ba", Schema: 1, Table: "bank_account", Columns: "deleted",
	Fields: func(c *bankColumns, f *db.Fields) { db.Int(f, &c.Deleted) },
	Derive: func(b *BankAccount) bankColumns {
		if b.Deleted {
			return bankColumns{1}
		}
		return bankColumns{}
	},
	Filters: []string{"deleted"},
})

// BankTokens are the tokens of bank accounts.
var BankTokens = object.Define(object.Spec[BankToken, struct{}]{
	Name: "bank_token", Prefix: "btok", Schema: 1, Table: "bank_token",
	Fields: func(*struct{}, *db.Fields) {},
	Derive: func(*BankToken) struct{} { return struct{}{} },
})

// BankInput is a bank account as somebody typed it.
type BankInput struct {
	Country, Routing        string
	Currency                money.Currency // empty: that of the country
	Number                  secret.Text    // spaces and dashes are passed over
	Holder                  string
	HolderType, AccountType string
	// Param is the parameter that it came in, which refusals name: "bank_account".
	Param string
}

// sealedBank is the sealed content of a bank account.
type sealedBank struct {
	Number string `json:"n"`
	Holder string `json:"h,omitempty"`
}

const fieldBank = "vault.bank_account"

// check validates the account. Errors are 400 and never repeat the number.
func (in *BankInput) check() (number string, err error) {
	if in.Param == "" {
		in.Param = "bank_account"
	}
	in.Country = strings.ToUpper(strings.TrimSpace(in.Country))
	where, ok := country.Of(in.Country)
	if !ok {
		return "", fault.Param(in.Param+"[country]", "country_unsupported", "Florin has no bank accounts in the country %q.", clipped(in.Country))
	}
	if in.Currency == "" {
		in.Currency = where.Currency
	}
	if in.Currency = money.Currency(strings.ToLower(string(in.Currency))); !in.Currency.Known() {
		return "", fault.Param(in.Param+"[currency]", "", "Invalid currency: %s.", clipped(string(in.Currency)))
	}
	if len(in.Holder) > maxHolder {
		return "", fault.Param(in.Param+"[account_holder_name]", "", "The name of an account's holder can have at most %d bytes.", maxHolder)
	}
	number = strings.ToUpper(separators.Replace(in.Number.Reveal()))
	in.Routing = separators.Replace(strings.TrimSpace(in.Routing))
	if number == "" {
		return "", fault.Param(in.Param+"[account_number]", "parameter_missing", "Missing required param: %s[account_number].", in.Param)
	}
	if !where.ValidRouting(in.Routing) {
		return "", fault.Param(in.Param+"[routing_number]", "routing_number_invalid", "The routing number is not one of a bank in %s.", in.Country)
	}
	if !where.ValidNumber(number) {
		return "", fault.Param(in.Param+"[account_number]", "account_number_invalid", "The account number is not one of an account in %s.", in.Country)
	}
	if home := where.Currency; in.Currency != home && !(in.Currency == "eur" && where.SEPA()) && !(in.Currency == "usd" && home != "usd") {
		return "", fault.Param(in.Param+"[currency]", "", "Bank accounts in %s are not paid out to in %s.", in.Country, in.Currency)
	}
	return number, nil
}

// maxHolder bounds the name of an account's holder.
const maxHolder = 200

func clipped(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}

// fingerprint is that of a bank account: the same for the same account.
func (in *BankInput) fingerprint(m *secret.Master, s id.Scope, number string) string {
	return fingerprint(m, s, "bank/"+in.Country+"/"+in.Routing+"/"+number)
}

// bankDefault is the default bank account of a currency.
type bankDefault struct {
	Account int64
	Next    time.Time // when an automatic payout is considered
}

var bankDefaults = db.NewTable("bank_default", "scope, key", "account, next", (*bankDefault).fields)

func (d *bankDefault) fields(f *db.Fields) {
	db.Int(f, &d.Account)
	db.Time(f, &d.Next)
}

func defaultKey(s id.Scope, c money.Currency) db.Key {
	return db.Key{Scope: s.Key(), ID: int64(c.Numeric())}
}

package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/country"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/method"
	"github.com/florinpay/florin/internal/provider"
)

// The types of payment methods that have something of their own here, besides
// [TypeCard].
const (
	TypeSEPA     = "sepa_debit"
	TypeACH      = "us_bank_account"
	TypeBacs     = "bacs_debit"
	TypeACSS     = "acss_debit"
	TypeBECS     = "au_becs_debit"
	TypeTransfer = "customer_balance"
)

// Kept lists the types of payment methods that the vault keeps.
func Kept() []string {
	return []string{TypeACSS, TypeBECS, TypeBacs, TypeCard, TypeTransfer, TypeSEPA, TypeACH}
}

// Account is what is shown of a bank account that payments are taken from. Its
// number is sealed as a card's is.
type Account struct {
	Country     string `json:"y"` // ISO 3166-1 alpha-2
	Bank        string `json:"b"` // bank code, routing number, sort code, institution number, BSB
	Branch      string `json:"r,omitempty"`
	BankName    string `json:"n,omitempty"`
	Last4       string `json:"l"`
	Fingerprint string `json:"fp"`
	HolderType  string `json:"h,omitempty"` // individual, company
	AccountType string `json:"a,omitempty"` // checking, savings
}

// AccountInput is a bank account as somebody typed it. Spaces and dashes are
// passed over.
type AccountInput struct {
	Number                  secret.Text // or the IBAN
	Bank, Branch            string
	HolderType, AccountType string
}

// clearAccount is the content of an account's row before it is sealed and after
// it is opened, and nowhere else.
type clearAccount struct {
	Country string `json:"y"`
	Routing string `json:"r,omitempty"`
	Number  string `json:"n"`
}

const fieldAccount = "vault.account.number"

// accountParams are the parameters in which an account of a kind comes.
var accountParams = map[method.Account]struct{ account, bank, branch string }{
	method.IBAN: {account: "iban"},
	method.ABA:  {"account_number", "routing_number", ""},
	method.Sort: {"account_number", "sort_code", ""},
	method.CPA:  {"account_number", "institution_number", "transit_number"},
	method.BSB:  {"account_number", "bsb_number", ""},
}

// written is how accounts of a kind are written where they are no IBANs: the
// country, the digits of bank and branch, and the bounds of the number's.
var written = map[method.Account]struct {
	country               string
	bank, branch, lo, top int
}{
	method.ABA:  {"US", 9, 0, 4, 17},
	method.Sort: {"GB", 6, 0, 8, 8},
	method.CPA:  {"CA", 3, 5, 7, 12},
	method.BSB:  {"AU", 6, 0, 5, 9},
}

// testBankName is the name of the bank that test accounts are at. Banks' own names
// stand in directories that Florin has none of.
const testBankName = "STRIPE TEST BANK"

var testBanks = []string{"110000000", "00011000"}

// check reads the account of a payment method of type t. Errors are 400, name the
// parameter, and never repeat the number.
func (in *AccountInput) check(t *method.Type) (Account, clearAccount, error) {
	at := accountParams[t.Account]
	number := strings.ToUpper(separators.Replace(in.Number.Reveal()))
	a := Account{Bank: separators.Replace(in.Bank), Branch: separators.Replace(in.Branch), HolderType: in.HolderType, AccountType: in.AccountType}
	refused := func(name, code, message string) (Account, clearAccount, error) {
		return Account{}, clearAccount{}, fault.Param(t.Name+"["+name+"]", code, "%s", message)
	}
	given := map[string]string{at.account: number, at.bank: a.Bank, at.branch: a.Branch, "account_holder_type": a.HolderType}
	for _, name := range t.Fields {
		if given[name] == "" {
			return refused(name, "parameter_missing", "Missing required param: "+t.Name+"["+name+"].")
		}
	}
	if t.Account == method.IBAN {
		iban, ok := country.ParseIBAN(number)
		if !ok {
			return refused(at.account, "account_number_invalid", "The IBAN you entered is invalid.")
		}
		a.Country, a.Bank, a.Branch = iban.Country, iban.Bank, iban.Branch
	} else {
		w := written[t.Account]
		switch {
		case len(a.Bank) != w.bank || !digits(a.Bank) || t.Account == method.ABA && !country.ABA(a.Bank):
			return refused(at.bank, "routing_number_invalid", "This is not the number of a bank: "+at.bank+".")
		case len(a.Branch) != w.branch || !digits(a.Branch):
			return refused(at.branch, "routing_number_invalid", "This is not the number of a bank's branch: "+at.branch+".")
		case len(number) < w.lo || len(number) > w.top || !digits(number):
			return refused(at.account, "account_number_invalid", "The account number is not one that a bank there has.")
		}
		a.Country = w.country
	}
	if undebitable[number] {
		return refused(at.account, "bank_account_unusable", "The bank account can't be debited.")
	}
	if t.Account == method.ABA && a.AccountType == "" {
		a.AccountType = "checking"
	}
	if slices.Contains(testBanks, a.Bank+a.Branch) {
		a.BankName = testBankName
	}
	a.Last4 = number[len(number)-4:]
	return a, clearAccount{Country: a.Country, Routing: routing(&a, t.Account), Number: number}, nil
}

// routing is the number that leads to the account's bank; an IBAN has it itself.
func routing(a *Account, kind method.Account) string {
	if kind == method.IBAN {
		return ""
	}
	return a.Bank + a.Branch
}

// takeAccount makes it a reference to a new payment method of type t.
func (f *MethodRef) takeAccount(t *method.Type, in *AccountInput) error {
	a, clear, err := in.check(t)
	if err != nil {
		return err
	}
	row := f.v.db.IDs().Next()
	if f.draft, err = f.v.sealAccount(f.scope, row, clear); err != nil {
		return err
	}
	a.Fingerprint = fingerprint(f.v.master, f.scope, "account/"+clear.Country+"/"+clear.Routing+"/"+clear.Number)
	f.body.Type, f.body.Account, f.body.CardRow = t.Name, &a, row
	return nil
}

// sealAccount seals an account as [Service.sealCard] seals a card.
func (v *Service) sealAccount(s id.Scope, row int64, a clearAccount) (*cardDraft, error) {
	subject, sealed, err := v.master.NewSubject(identity(s, row))
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	number, err := subject.Seal(plain, bound(fieldAccount, s, row))
	return &cardDraft{row: row, subject: sealed, number: number}, err
}

// AccountData opens a bank account for a provider, outside of steps and right
// before the call; row is [PaymentMethod.CardRow]. The holder's name is not part
// of it. Errors: [ErrNoCard], or internal.
func (v *Service) AccountData(ctx context.Context, s id.Scope, row int64) (provider.BankAccount, error) {
	var none provider.BankAccount
	subject, parts, err := v.parts(ctx, s, row)
	if err != nil {
		return none, err
	}
	plain, err := subject.Open(parts[partNumber], bound(fieldAccount, s, row))
	if err != nil {
		return none, err
	}
	var a clearAccount
	if json.Unmarshal(plain, &a) != nil {
		return none, fmt.Errorf("vault: account %d: the content of its row is not known", row)
	}
	return provider.BankAccount{Country: a.Country, Routing: a.Routing, Number: hidden.NewText(a.Number)}, nil
}

package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var externalAccountRoutes = map[string]route{
	"PostAccountsAccountExternalAccounts":     {createExternalAccount, merchant.ExternalAccounts, merchant.Write},
	"GetAccountsAccountExternalAccounts":      {listExternalAccounts, merchant.ExternalAccounts, merchant.Read},
	"GetAccountsAccountExternalAccountsId":    {retrieveExternalAccount, merchant.ExternalAccounts, merchant.Read},
	"PostAccountsAccountExternalAccountsId":   {updateExternalAccount, merchant.ExternalAccounts, merchant.Write},
	"DeleteAccountsAccountExternalAccountsId": {deleteExternalAccount, merchant.ExternalAccounts, merchant.Write},
	"PostAccountsAccountBankAccounts":         {createExternalAccount, merchant.ExternalAccounts, merchant.Write},
	"GetAccountsAccountBankAccountsId":        {retrieveExternalAccount, merchant.ExternalAccounts, merchant.Read},
	"PostAccountsAccountBankAccountsId":       {updateExternalAccount, merchant.ExternalAccounts, merchant.Write},
	"DeleteAccountsAccountBankAccountsId":     {deleteExternalAccount, merchant.ExternalAccounts, merchant.Write},
}

type shownBank struct {
	ID                 string             `json:"id"`
	Object             string             `json:"object"`
	Account            any                `json:"account"`
	HolderName         any                `json:"account_holder_name"`
	HolderType         any                `json:"account_holder_type"`
	AccountType        any                `json:"account_type"`
	Methods            []string           `json:"available_payout_methods"`
	BankName           any                `json:"bank_name"`
	Country            string             `json:"country"`
	Currency           money.Currency     `json:"currency"`
	Customer           any                `json:"customer"`
	Default            bool               `json:"default_for_currency"`
	Fingerprint        string             `json:"fingerprint"`
	FutureRequirements *shownRequirements `json:"future_requirements"`
	Last4              string             `json:"last4"`
	Metadata           map[string]string  `json:"metadata"`
	Requirements       *shownRequirements `json:"requirements"`
	RoutingNumber      any                `json:"routing_number"`
	Status             string             `json:"status"`
}

type shownRequirements struct {
	CurrentlyDue        []string `json:"currently_due"`
	Errors              []any    `json:"errors"`
	PastDue             []string `json:"past_due"`
	PendingVerification []string `json:"pending_verification"`
}

func noRequirements() *shownRequirements {
	return &shownRequirements{[]string{}, []any{}, []string{}, []string{}}
}

// testBanks are the names of banks that are made up for tests.
var testBanks = map[string]string{"110000000": "FLORIN TEST BANK"}

func renderBankAccount(v *view, o *object.Object[vault.BankAccount]) (any, error) {
	if o.Body.Deleted {
		return &shownDeletedBank{vault.BankAccounts.ID(o.Scope, o.Key), "bank_account", true, o.Body.Currency}, nil
	}
	return wholeBankAccount(v, o)
}

// shownDeletedBank is what is left to show of a bank account that was removed.
type shownDeletedBank struct {
	ID       string         `json:"id"`
	Object   string         `json:"object"`
	Deleted  bool           `json:"deleted"`
	Currency money.Currency `json:"currency"`
}

func wholeBankAccount(v *view, o *object.Object[vault.BankAccount]) (*shownBank, error) {
	out, err := bankOf(v, vault.BankAccounts.ID(o.Scope, o.Key), &o.Body.Bank)
	if err != nil {
		return nil, err
	}
	out.Default, out.Metadata, out.Status = o.Body.Default, metadata(o.Body.Metadata), o.Body.Status
	if payout.Instant(&o.Body) {
		out.Methods = append(out.Methods, "instant")
	}
	out.FutureRequirements, out.Requirements = noRequirements(), noRequirements()
	out.Account, err = v.ownAccount()
	return out, err
}

// bankOf shows what bank accounts and tokens of them have in common.
func bankOf(v *view, id string, b *vault.Bank) (*shownBank, error) {
	holder := ""
	if v.tx == nil { // what is sealed is not opened within a step
		var err error
		if holder, err = v.s.Vault.BankHolder(v.ctx, v.scope, b); err != nil {
			return nil, err
		}
	}
	return &shownBank{
		ID: id, Object: "bank_account", HolderName: text(holder), HolderType: text(b.HolderType), AccountType: text(b.AccountType), Methods: []string{"standard"},
		BankName: text(testBanks[b.Routing]), Country: b.Country, Currency: b.Currency, Fingerprint: b.Fingerprint, Last4: b.Last4,
		Metadata: map[string]string{}, RoutingNumber: text(b.Routing), Status: vault.BankNew,
	}, nil
}

type shownBankToken struct {
	ID          string     `json:"id"`
	Object      string     `json:"object"`
	BankAccount *shownBank `json:"bank_account"`
	ClientIP    any        `json:"client_ip"`
	Created     int64      `json:"created"`
	Livemode    bool       `json:"livemode"`
	Type        string     `json:"type"`
	Used        bool       `json:"used"`
}

func renderBankToken(v *view, o *object.Object[vault.BankToken]) (any, error) {
	bank, err := bankOf(v, vault.BankAccounts.ID(o.Scope, o.Key), &o.Body.Bank)
	return &shownBankToken{ID: vault.BankTokens.ID(o.Scope, o.Key), Object: "token", BankAccount: bank, Created: o.Created().Unix(),
		Livemode: o.Scope.Livemode, Type: "bank_account", Used: o.Body.Used}, err
}

// ownAccount refuses a path that names another account than the key's.
func ownAccount(c *call) error {
	if c.path["account"] != merchant.Accounts.ID(merchant.Home(c.scope.Account), c.scope.Account) {
		return fault.Missing(fault.NotFound, "account", "account", clip(c.path["account"]))
	}
	return nil
}

func createExternalAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	p := &vault.BankAccountParams{Metadata: newMetadata(c)}
	p.Default, _ = c.form.Bool("default_for_currency")
	name := "external_account"
	switch both := c.form.Has("bank_account"); {
	case both && c.form.Has(name):
		return nil, fault.Param("bank_account", "", "You may only specify one of these parameters: bank_account, external_account.")
	case !both && !c.form.Has(name):
		return nil, fault.Param(name, "parameter_missing", "Missing required param: external_account.")
	}
	if c.form.Has("bank_account") {
		name = "bank_account"
	}
	if at := c.form.Get(name); at.Kind() == form.Scalar {
		p.Token = at.Text()
	} else {
		p.Input = bankAt(at)
		p.Input.Param = name
		if at.Has("documents") {
			return nil, unsupported(name+"[documents]", "")
		}
	}
	return s.Vault.CreateBankAccount(c.ctx, c.scope, p, c.idem)
}

// bankAt reads a bank account as somebody typed it.
func bankAt(at *form.Value) *vault.BankInput {
	part := func(name string) string {
		s, _ := at.String(name)
		return s
	}
	return &vault.BankInput{Country: part("country"), Currency: money.Currency(strings.ToLower(part("currency"))), Routing: part("routing_number"),
		Number: secret.NewText(part("account_number")), Holder: part("account_holder_name"), HolderType: part("account_holder_type"), AccountType: part("account_type")}
}

func createBankToken(s *Server, c *call) (any, error) {
	at := c.form.Get("bank_account")
	if at.Kind() != form.Hash {
		return nil, fault.Param("bank_account", "", "Invalid hash")
	}
	if at.Has("payment_method") {
		return nil, unsupported("bank_account[payment_method]", "")
	}
	return s.Vault.CreateBankToken(c.ctx, c.scope, bankAt(at), c.idem)
}

func listExternalAccounts(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	url := strings.Replace(c.op.Path, "{account}", c.path["account"], 1)
	if kind, _ := c.form.String("object"); kind == "card" {
		return &list{Object: "list", URL: url, Data: []any{}}, nil // payouts go to banks alone
	}
	out, err := listOf(s, c, vault.BankAccounts, map[string]any{"deleted": int64(0)}, renderBankAccount)
	if l, ok := out.(list); ok {
		l.URL = url
		return l, err
	}
	return out, err
}

func retrieveExternalAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	o, err := named(s, c, vault.BankAccounts, "id")
	if err == nil && o.Body.Deleted {
		err = fault.Missing(fault.NotFound, "id", "external account", clip(c.path["id"]))
	}
	if err != nil {
		return nil, err
	}
	return renderBankAccount(s.view(c), o)
}

func updateExternalAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	return updateAnyExternalAccount(s, c)
}

// updateAnyExternalAccount needs no account in the path: the key tells whose it
// is.
func updateAnyExternalAccount(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "documents", "address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip", "exp_month", "exp_year", "name"); err != nil {
		return nil, err
	}
	p := &vault.BankAccountChange{Holder: textAt(c.form, "account_holder_name"), HolderType: textAt(c.form, "account_holder_type"),
		AccountType: textAt(c.form, "account_type"), Metadata: metadataAt(c.form)}
	if yes, ok := c.form.Bool("default_for_currency"); ok {
		p.Default = &yes
	}
	return s.Vault.UpdateBankAccount(c.ctx, c.scope, clip(c.path["id"]), p, c.idem)
}

func deleteExternalAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	return s.Vault.DeleteBankAccount(c.ctx, c.scope, clip(c.path["id"]), c.idem)
}

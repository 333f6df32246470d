package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var cashRoutes = map[string]route{
	"GetCustomersCustomerCashBalance":                        {retrieveCash, merchant.Customers, merchant.Read},
	"PostCustomersCustomerCashBalance":                       {updateCash, merchant.Customers, merchant.Write},
	"GetCustomersCustomerCashBalanceTransactions":            {listCashTransactions, merchant.Customers, merchant.Read},
	"GetCustomersCustomerCashBalanceTransactionsTransaction": {retrieveCashTransaction, merchant.Customers, merchant.Read},
	"PostCustomersCustomerFundingInstructions":               {fundingInstructions, merchant.Customers, merchant.Write},
	"PostTestHelpersCustomersCustomerFundCashBalance":        {fundCash, merchant.Customers, merchant.Write},
	"PostPaymentIntentsIntentApplyCustomerBalance":           {applyCash, merchant.PaymentIntents, merchant.Write},
}

type shownCash struct {
	Object          string           `json:"object"`
	Available       map[string]int64 `json:"available"`
	Customer        string           `json:"customer"`
	CustomerAccount any              `json:"customer_account"`
	Livemode        bool             `json:"livemode"`
	Settings        cashSettings     `json:"settings"`
}

type cashSettings struct {
	Mode    string `json:"reconciliation_mode"`
	Default bool   `json:"using_merchant_default"`
}

const (
	// merchantsMode is how cash balances are used where a customer has no setting
	// of its own, and asMerchant how a request says so.
	merchantsMode = "automatic"
	asMerchant    = "merchant_default"
)

// reconciliation is a mode as customers keep it.
func reconciliation(mode string) string {
	if mode == asMerchant {
		return ""
	}
	return mode
}

func renderCash(v *view, o *object.Object[cash.Balance]) (any, error) {
	customer, err := load(v, vault.Customers, o.Body.Customer)
	if err != nil {
		return nil, err
	}
	return shownCashOf(customer, o)
}

// shownCashOf shows the cash balance of a customer; b is nil where nothing has
// come yet.
func shownCashOf(customer *object.Object[vault.Customer], b *object.Object[cash.Balance]) (any, error) {
	mode := customer.Body.Reconciliation
	out := &shownCash{Object: cash.Balances.Name, Customer: vault.Customers.ID(customer.Scope, customer.Key), Livemode: customer.Scope.Livemode,
		Settings: cashSettings{Mode: mode, Default: mode == ""}}
	if mode == "" {
		out.Settings.Mode = merchantsMode
	}
	if b == nil || len(b.Body.Available) == 0 {
		return out, nil
	}
	out.Available = map[string]int64{}
	for currency, n := range b.Body.Available {
		api, err := money.New(n, currency).ToAPI()
		if err != nil {
			return nil, err
		}
		out.Available[string(currency)] = api
	}
	return out, nil
}

// cashOf shows a customer's cash balance within the customer.
func (v *view) cashOf(customer *object.Object[vault.Customer]) (any, error) {
	if customer.Body.Cash == 0 {
		return shownCashOf(customer, nil)
	}
	child := v.within("cash_balance")
	b, err := load(child, cash.Balances, customer.Body.Cash)
	v.shown = child.shown
	if err != nil {
		return nil, err
	}
	return shownCashOf(customer, b)
}

func retrieveCash(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	return s.view(c).cashOf(customer)
}

func updateCash(s *Server, c *call) (any, error) {
	mode, err := oneOf(c, "settings", "reconciliation_mode")
	if err != nil {
		return nil, err
	}
	var change *string
	if mode != "" {
		change = new(reconciliation(mode))
	}
	return s.Cash.Settle(c.ctx, c.scope, clip(c.path["customer"]), change, c.idem)
}

type shownCashTransaction struct {
	ID              string     `json:"id"`
	Object          string     `json:"object"`
	Created         int64      `json:"created"`
	Currency        string     `json:"currency"`
	Customer        any        `json:"customer"`
	CustomerAccount any        `json:"customer_account"`
	EndingBalance   int64      `json:"ending_balance"`
	Applied         *cashPaid  `json:"applied_to_payment,omitempty"`
	Funded          *cashFunds `json:"funded,omitempty"`
	Refunded        *cashBack  `json:"refunded_from_payment,omitempty"`
	Unapplied       *cashPaid  `json:"unapplied_from_payment,omitempty"`
	Livemode        bool       `json:"livemode"`
	NetAmount       int64      `json:"net_amount"`
	Type            string     `json:"type"`
}

type cashFunds struct {
	Transfer map[string]any `json:"bank_transfer"`
}

type cashPaid struct {
	Intent any `json:"payment_intent"`
}

type cashBack struct {
	Refund any `json:"refund"`
}

func renderCashTransaction(v *view, o *object.Object[cash.Transaction]) (any, error) {
	b, n := &o.Body, counter{currency: o.Body.Currency}
	out := &shownCashTransaction{
		ID: cash.Transactions.ID(o.Scope, o.Key), Object: cash.Transactions.Name, Created: o.Created().Unix(), Currency: string(b.Currency),
		EndingBalance: n.api(b.Ending), Livemode: o.Scope.Livemode, NetAmount: n.api(b.Net), Type: b.Type,
	}
	if n.err != nil {
		return nil, n.err
	}
	if err := out.cause(v, b); err != nil {
		return nil, err
	}
	var err error
	out.Customer, err = ref(v, "customer", vault.Customers, b.Customer, renderCustomer)
	return out, err
}

// cause fills in what changed the balance.
func (out *shownCashTransaction) cause(v *view, b *cash.Transaction) (err error) {
	child := v
	switch b.Type {
	case cash.Funded:
		// The sandbox's bank does not tell who has sent the money.
		out.Funded = &cashFunds{map[string]any{"type": b.Bank, "reference": text(b.Reference), b.Bank: senderOf(b.Bank)}}
		if b.Bank == "mx_bank_transfer" {
			delete(out.Funded.Transfer, b.Bank) // of which the API shows nothing
		}
	case cash.Applied:
		child, out.Applied = v.within("applied_to_payment"), &cashPaid{}
		out.Applied.Intent, err = ref(child, "payment_intent", payment.Intents, b.Intent, renderIntent)
	case cash.Unapplied:
		child, out.Unapplied = v.within("unapplied_from_payment"), &cashPaid{}
		out.Unapplied.Intent, err = ref(child, "payment_intent", payment.Intents, b.Intent, renderIntent)
	case cash.Refunded:
		child, out.Refunded = v.within("refunded_from_payment"), &cashBack{}
		out.Refunded.Refund, err = ref(child, "refund", payment.Refunds, b.Refund, renderRefund)
	}
	v.shown = child.shown
	return err
}

// senderOf are the fields about the sender of a transfer.
func senderOf(bank string) map[string]any {
	names := map[string][]string{
		euBankTransfer: {"bic", "iban_last4", "sender_name"}, "gb_bank_transfer": {"account_number_last4", "sender_name", "sort_code"},
		jpBankTransfer: {"sender_bank", "sender_branch", "sender_name"}, "us_bank_transfer": {"sender_name"},
	}
	out := map[string]any{}
	for _, name := range names[bank] {
		out[name] = nil
	}
	return out
}

func listCashTransactions(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	url := "/v1/customers/" + vault.Customers.ID(c.scope, customer.Key) + "/cash_balance_transactions"
	return listUnder(s, c, cash.Transactions, map[string]any{"customer": customer.Key}, url, renderCashTransaction)
}

func retrieveCashTransaction(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	o, err := named(s, c, cash.Transactions, "transaction")
	if err == nil && o.Body.Customer != customer.Key {
		err = fault.Missing(fault.NotFound, "transaction", cash.Transactions.Name, clip(c.path["transaction"]))
	}
	if err != nil {
		return nil, err
	}
	return renderCashTransaction(s.view(c), o)
}

func fundCash(s *Server, c *call) (any, error) {
	name, err := currencyParam(c)
	if err != nil {
		return nil, err
	}
	n, err := positive(c, "amount")
	if err != nil {
		return nil, err
	}
	amount, err := money.FromAPI(n, name)
	if err != nil {
		return nil, fault.Param("amount", "parameter_invalid_integer", "Invalid amount: %d can't be sent in %s.", n, name)
	}
	reference, _ := c.form.String("reference")
	return s.Cash.Fund(c.ctx, c.scope, clip(c.path["customer"]), amount, reference, c.idem)
}

// applyCash applies what a customer has sent to a payment that waits for it.
func applyCash(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	var p payment.ApplyParams
	if p.Amount, err = positive(c, "amount"); err != nil {
		return nil, err
	}
	if c.form.Has("currency") {
		if p.Currency, err = currencyParam(c); err != nil {
			return nil, err
		}
	}
	return s.Payment.ApplyFunds(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

// fundingInstructions says where a customer's money is to be sent. The accounts
// are made up of the customer, so that they are the same whenever they are asked
// for; no bank knows them, and money comes by the test helper alone.
func fundingInstructions(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	if c.scope.Livemode {
		return nil, fault.New(fault.Invalid, "", "Florin has no bank that takes transfers in live mode.")
	}
	account, err := s.Merchant.Account(c.ctx, c.scope)
	if err != nil {
		return nil, err
	}
	currency, err := currencyParam(c)
	if err != nil {
		return nil, err
	}
	transfer, err := transferAt(c, currency, customer.Key, account.Name)
	if err != nil {
		return nil, err
	}
	return map[string]any{"object": "funding_instructions", "bank_transfer": transfer, "currency": currency, "funding_type": "bank_transfer",
		"livemode": c.scope.Livemode}, nil
}

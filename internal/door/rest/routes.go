package rest

import (
	"sync"

	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
)

// route is what there is to an operation: what it does, and what a restricted
// key must be permitted for it.
type route struct {
	handle   handler
	resource merchant.Resource
	access   merchant.Access
}

// routes are the operations that are implemented, by their ids in the API
// document.
var routes = map[string]route{
	"PostPaymentIntents":              {createIntent, merchant.PaymentIntents, merchant.Write},
	"GetPaymentIntents":               {listIntents, merchant.PaymentIntents, merchant.Read},
	"GetPaymentIntentsIntent":         {retrieveIntent, merchant.PaymentIntents, merchant.Read},
	"PostPaymentIntentsIntentConfirm": {confirmIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCapture": {captureIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCancel":  {cancelIntent, merchant.PaymentIntents, merchant.Write},

	"GetCharges":       {listCharges, merchant.Charges, merchant.Read},
	"GetChargesCharge": {retrieveCharge, merchant.Charges, merchant.Read},

	"PostRefunds":      {createRefund, merchant.Charges, merchant.Write},
	"GetRefunds":       {listRefunds, merchant.Charges, merchant.Read},
	"GetRefundsRefund": {retrieveRefund, merchant.Charges, merchant.Read},

	"PostCustomers":           {createCustomer, merchant.Customers, merchant.Write},
	"GetCustomers":            {listCustomers, merchant.Customers, merchant.Read},
	"GetCustomersCustomer":    {retrieveCustomer, merchant.Customers, merchant.Read},
	"PostCustomersCustomer":   {updateCustomer, merchant.Customers, merchant.Write},
	"DeleteCustomersCustomer": {deleteCustomer, merchant.Customers, merchant.Write},

	"PostPaymentMethods":                    {createMethod, merchant.PaymentMethods, merchant.Write},
	"GetPaymentMethods":                     {listMethods, merchant.PaymentMethods, merchant.Read},
	"GetPaymentMethodsPaymentMethod":        {retrieveMethod, merchant.PaymentMethods, merchant.Read},
	"PostPaymentMethodsPaymentMethodAttach": {attachMethod, merchant.PaymentMethods, merchant.Write},
	"PostPaymentMethodsPaymentMethodDetach": {detachMethod, merchant.PaymentMethods, merchant.Write},

	"PostTokens": {createToken, merchant.Tokens, merchant.Write},

	"GetBalance":               {retrieveBalance, merchant.Balance, merchant.Read},
	"GetBalanceTransactions":   {listTransactions, merchant.BalanceSources, merchant.Read},
	"GetBalanceTransactionsId": {retrieveTransaction, merchant.BalanceSources, merchant.Read},

	"GetEvents":   {listEvents, merchant.Events, merchant.Read},
	"GetEventsId": {retrieveEvent, merchant.Events, merchant.Read},
}

// nouns are the kinds of object that replies and events show, by name. It is a
// function since renderers refer to it in turn.
var nouns = sync.OnceValue(func() map[string]noun {
	return map[string]noun{
		payment.Intents.Name:      nounOf(payment.Intents, renderIntent),
		payment.Charges.Name:      nounOf(payment.Charges, renderCharge),
		payment.Refunds.Name:      nounOf(payment.Refunds, renderRefund),
		vault.Customers.Name:      nounOf(vault.Customers, renderCustomer),
		vault.PaymentMethods.Name: nounOf(vault.PaymentMethods, renderMethod),
		vault.Tokens.Name:         nounOf(vault.Tokens, renderToken),
		ledger.Transactions.Name:  nounOf(ledger.Transactions, renderTransaction),
	}
})

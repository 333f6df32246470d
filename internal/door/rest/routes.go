package rest

import (
	"sync"

	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
)

// routes are the operations that are implemented, by their ids in the API
// document.
var routes = map[string]handler{
	"PostPaymentIntents":              createIntent,
	"GetPaymentIntents":               listIntents,
	"GetPaymentIntentsIntent":         retrieveIntent,
	"PostPaymentIntentsIntentConfirm": confirmIntent,
	"PostPaymentIntentsIntentCapture": captureIntent,
	"PostPaymentIntentsIntentCancel":  cancelIntent,

	"GetCharges":       listCharges,
	"GetChargesCharge": retrieveCharge,

	"PostRefunds":      createRefund,
	"GetRefunds":       listRefunds,
	"GetRefundsRefund": retrieveRefund,

	"PostCustomers":           createCustomer,
	"GetCustomers":            listCustomers,
	"GetCustomersCustomer":    retrieveCustomer,
	"PostCustomersCustomer":   updateCustomer,
	"DeleteCustomersCustomer": deleteCustomer,

	"PostPaymentMethods":                    createMethod,
	"GetPaymentMethods":                     listMethods,
	"GetPaymentMethodsPaymentMethod":        retrieveMethod,
	"PostPaymentMethodsPaymentMethodAttach": attachMethod,
	"PostPaymentMethodsPaymentMethodDetach": detachMethod,

	"PostTokens": createToken,

	"GetBalance":               retrieveBalance,
	"GetBalanceTransactions":   listTransactions,
	"GetBalanceTransactionsId": retrieveTransaction,

	"GetEvents":   listEvents,
	"GetEventsId": retrieveEvent,
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

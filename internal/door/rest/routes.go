package rest

import (
	"maps"
	"sync"

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
var routes = joined(
	accountRoutes,
	attemptRoutes,
	balanceRoutes,
	breakRoutes,
	cashRoutes,
	chargeRoutes,
	clockRoutes,
	confirmationRoutes,
	customerBalanceRoutes,
	customerMethodRoutes,
	customerRoutes,
	customerTaxRoutes,
	deliveryRoutes,
	directRoutes,
	disputeRoutes,
	endpointRoutes,
	ephemeralRoutes,
	eventRoutes,
	externalAccountRoutes,
	fileRoutes,
	intentRoutes,
	methodRoutes,
	offeringRoutes,
	payoutRoutes,
	refundRoutes,
	reviewRoutes,
	searchRoutes,
	setupRoutes,
	sourceRoutes,
	stripecliRoutes,
	tokenRoutes,
	warningRoutes,
)

// joined is one table of several; each stands in the file of its noun.
func joined(tables ...map[string]route) map[string]route {
	all := map[string]route{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// nouns are the kinds of object that replies and events show, by name. It is a
// function since renderers refer to it in turn.
var nouns = sync.OnceValue(func() map[string]noun {
	return map[string]noun{
		payment.Intents.Name:          nounOf(payment.Intents, renderIntent),
		payment.Charges.Name:          nounOf(payment.Charges, renderCharge),
		payment.Reviews.Name:          nounOf(payment.Reviews, renderReview),
		payment.Refunds.Name:          nounOf(payment.Refunds, renderRefund),
		payment.Attempts.Name:         nounOf(payment.Attempts, renderAttempt),
		dispute.Disputes.Name:         nounOf(dispute.Disputes, renderDispute),
		dispute.Warnings.Name:         nounOf(dispute.Warnings, renderWarning),
		vault.Customers.Name:          nounOf(vault.Customers, renderCustomer),
		vault.PaymentMethods.Name:     nounOf(vault.PaymentMethods, renderMethod),
		vault.Sources.Name:            nounOf(vault.Sources, renderSource),
		vault.Tokens.Name:             nounOf(vault.Tokens, renderToken),
		cash.Balances.Name:            nounOf(cash.Balances, renderCash),
		cash.Transactions.Name:        nounOf(cash.Transactions, renderCashTransaction),
		vault.BalanceChanges.Name:     nounOf(vault.BalanceChanges, renderBalanceChange),
		vault.EphemeralKeys.Name:      nounOf(vault.EphemeralKeys, renderEphemeralKey),
		vault.TaxIDs.Name:             nounOf(vault.TaxIDs, renderTaxID),
		vault.Mandates.Name:           nounOf(vault.Mandates, renderMandate),
		setup.Intents.Name:            nounOf(setup.Intents, renderSetup),
		setup.Attempts.Name:           nounOf(setup.Attempts, renderSetupAttempt),
		timeline.Clocks.Name:          nounOf(timeline.Clocks, renderClock),
		webhook.Endpoints.Name:        nounOf(webhook.Endpoints, renderEndpoint),
		webhook.Replays.Name:          nounOf(webhook.Replays, renderReplay),
		settle.Breaks.Name:            nounOf(settle.Breaks, renderBreak),
		payout.Payouts.Name:           nounOf(payout.Payouts, renderPayout),
		vault.BankAccounts.Name:       nounOf(vault.BankAccounts, renderBankAccount),
		vault.BankTokens.Name:         nounOf(vault.BankTokens, renderBankToken),
		merchant.Accounts.Name:        homeNoun(renderAccount),
		merchant.BalanceSettings:      homeNoun(renderBalanceSettings),
		ledger.Stands.Name:            nounOf(ledger.Stands, renderStand),
		ledger.Transactions.Name:      nounOf(ledger.Transactions, renderTransaction),
		vault.ConfirmationTokens.Name: nounOf(vault.ConfirmationTokens, renderConfirmation),
		offering.Configurations.Name:  nounOf(offering.Configurations, renderConfiguration),
		offering.Domains.Name:         nounOf(offering.Domains, renderDomain),
		file.Files.Name:               nounOf(file.Files, renderFile),
		file.Links.Name:               nounOf(file.Links, renderFileLink),
	}
})

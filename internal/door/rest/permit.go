package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/fault"
)

// permitted refuses what the caller's key may not do with the operation, beyond
// the operation itself.
func (c *call) permitted(s *Server) error {
	switch {
	case c.key.Customer != 0:
		return s.ephemeral(c)
	case !c.key.Secret:
		return publishable(c)
	case c.key.Restricted():
		return expandable(c)
	}
	return nil
}

// publishable refuses what a publishable key may not do. It may make tokens
// and payment methods, and see and confirm an intent whose client secret it
// shows.
func publishable(c *call) error {
	switch c.op.ID {
	case "PostTokens", "PostPaymentMethods":
		return nil
	case "GetPaymentIntentsIntent", "PostPaymentIntentsIntentConfirm",
		"GetSetupIntentsIntent", "PostSetupIntentsIntentConfirm", "PostSetupIntentsIntentVerifyMicrodeposits":
		if _, ok := c.form.String("client_secret"); ok {
			return nil // compared by the handler
		}
	}
	return fault.New(fault.Unauthenticated, "secret_key_required", "This API call cannot be made with a publishable API key. Please use a secret API key.")
}

// expanded are the fields in which answers show other objects when asked to,
// with the resource that those belong to. Fields that only lead to such fields,
// or show a list that is always empty, belong to none.
var expanded = map[string]merchant.Resource{
	"amount_details":              "",
	"balance_transaction":         merchant.BalanceSources,
	"balance_transactions":        merchant.BalanceSources, // of a dispute
	"charge":                      merchant.Charges,
	"charges":                     merchant.Charges,
	"customer":                    merchant.Customers,
	"data":                        "",
	"file":                        merchant.Files,
	"links":                       merchant.Files,
	"external_accounts":           merchant.ExternalAccounts,
	"destination":                 merchant.ExternalAccounts, // of a payout
	"original_payout":             merchant.Payout,
	"reversed_by":                 merchant.Payout,
	"account":                     merchant.AccountResource,
	"default_payment_method":      merchant.PaymentMethods,
	"default_source":              merchant.PaymentMethods,
	"invoice_settings":            "",
	"latest_attempt":              merchant.SetupIntents,
	"mandate":                     merchant.SetupIntents,
	"setup_intent":                merchant.SetupIntents,
	"latest_charge":               merchant.Charges,
	"failure_balance_transaction": merchant.BalanceSources,
	"line_items":                  "",
	"payment_intent":              merchant.PaymentIntents,
	"payment_method":              merchant.PaymentMethods,
	"refund":                      merchant.Charges,
	"refunds":                     merchant.Charges,
	"review":                      merchant.Charges,
	"source":                      merchant.Charges, // of a balance transaction: a charge, or what came of one
	"sources":                     merchant.PaymentMethods,
	"subscriptions":               "",
	"tax_ids":                     "",
	"applied_to_payment":          "",
	"cash_balance":                "",
	"refunded_from_payment":       "",
	"unapplied_from_payment":      "",
	"owner":                       "",
	"tax":                         "",
	"total_count":                 "",
	"test_clock":                  merchant.TestClocks,
}

// expandable refuses to show a restricted key, inside of what it may see, what
// it may not. It is decided by names, before anything is done, and what is not
// in the table is refused, so that a field that is new can't be a hole.
func expandable(c *call) error {
	for _, path := range c.expand {
		for field := range strings.SplitSeq(path, ".") {
			resource, ok := expanded[field]
			if !ok {
				return fault.New(fault.Forbidden, "", "A restricted key cannot expand this property (%s).", clip(path))
			}
			if resource == "" {
				continue
			}
			if err := c.key.Allow(resource, merchant.Read); err != nil {
				return err
			}
		}
	}
	return nil
}

// included is the version that decides which lists are shown unasked. To a
// restricted key they are shown only where it may see what they hold.
func (c *call) included() apiversion.Version {
	if c.key.Restricted() && c.version.IncludesAny() {
		for _, resource := range []merchant.Resource{merchant.Charges, merchant.PaymentMethods} {
			if c.key.Allow(resource, merchant.Read) != nil {
				return apiversion.Default()
			}
		}
	}
	return c.version
}

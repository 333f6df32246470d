package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fault"
)

func TestValidateExpand(t *testing.T) {
	const depth = "property_expansion_max_depth"
	tests := []struct{ operation, path, code, message string }{
		{"PostPaymentIntents", "customer", "", ""},
		{"PostPaymentIntents", "latest_charge.balance_transaction", "", ""},
		{"PostPaymentIntents", "latest_charge.refunds.data.balance_transaction", "", ""},
		{"PostPaymentIntents", "latest_charge.payment_method_details.card", "", ""},
		{"PostPaymentIntents", "payment_method.customer.default_source", "", ""},
		{"GetPaymentIntents", "data.customer", "", ""},
		{"GetPaymentIntentsSearch", "data.latest_charge", "", ""},
		{"GetChargesCharge", "refunds", "", ""},
		{"GetChargesCharge", "refunds.data", "", ""},
		{"GetCustomersCustomer", "default_source", "", ""},      // the answer may be a deleted customer
		{"GetBalanceTransactionsId", "source.customer", "", ""}, // a charge among others
		{"GetPricesPrice", "currency_options.usd.tiers", "", ""},
		{"GetSubscriptionsSubscriptionExposedId", "items.data.price.product", "", ""},
		{"GetCouponsCoupon", "applies_to", "", ""},
		{"GetInvoicesInvoice", "payment_intent.payment_method", "", ""}, // before 2025-03-31
		{"GetPaymentIntentsIntent", "charges.data.balance_transaction", "", ""},

		{"PostPaymentIntents", "metadata", "", "This property cannot be expanded (metadata)."},
		{"PostPaymentIntents", "amount", "", "This property cannot be expanded (amount)."},
		{"PostPaymentIntents", "customer.nothing", "", "This property cannot be expanded (customer.nothing)."},
		{"PostPaymentIntents", "", "", "This property cannot be expanded ()."},
		{"PostPaymentIntents", "customer.", "", "This property cannot be expanded (customer.)."},
		{"PostPaymentIntents", "*", "", "This property cannot be expanded (*)."},
		{"PostPaymentIntents", "data.customer", "", "This property cannot be expanded (data.customer)."},
		{"GetPaymentIntents", "customer", "", "This property cannot be expanded (customer). You may want to try expanding 'data.customer' instead."},
		{"GetQuotesQuotePdf", "customer", "", "This property cannot be expanded (customer)."},
		{"DeleteCustomersCustomer", "subscriptions", "", "This property cannot be expanded (subscriptions)."},
		{"GetSubscriptions", "data.items.data.price.product", depth,
			"You cannot expand more than 4 levels of a property. Property: data.items.data.price.product"},
	}
	for _, tt := range tests {
		var want *fault.Error
		if tt.message != "" {
			want = &fault.Error{Kind: fault.Invalid, Code: tt.code, Message: tt.message}
		}
		if diff := cmp.Diff(want, ByID(tt.operation).ValidateExpand([]string{tt.path})); diff != "" {
			t.Errorf("%s %s: %s", tt.operation, tt.path, diff)
		}
	}
	if err := ByID("PostPaymentIntents").ValidateExpand([]string{"customer", "amount"}); err == nil {
		t.Error("only the first path was looked at")
	}
}

// Every operation can be asked every field its answer lists.
func TestEveryListedFieldExpands(t *testing.T) {
	fields := 0
	for op := range All() {
		if op.answer == nil {
			continue
		}
		for _, e := range op.answer.edges {
			fields++
			if err := op.ValidateExpand([]string{e.name}); err != nil {
				t.Errorf("%s: %v", op.ID, err)
			}
		}
	}
	if fields < 1000 {
		t.Errorf("only %d fields", fields)
	}
}

func BenchmarkValidateExpand(b *testing.B) {
	op := ByID("GetPaymentIntents")
	b.ReportAllocs()
	for b.Loop() {
		if err := op.ValidateExpand([]string{"data.latest_charge.balance_transaction", "data.customer"}); err != nil {
			b.Fatal(err)
		}
	}
}

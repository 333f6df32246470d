package rest

import (
	"slices"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
)

// publicIntent is what holders of a publishable key and the client secret see
// of an intent: nothing of the merchant's own notes and customers.
type publicIntent struct {
	ID                                string         `json:"id"`
	Object                            string         `json:"object"`
	AllowedPaymentMethodTypes         any            `json:"allowed_payment_method_types"`
	Amount                            int64          `json:"amount"`
	AmountDetails                     amountDetails  `json:"amount_details"`
	AutomaticPaymentMethods           any            `json:"automatic_payment_methods"`
	CanceledAt                        any            `json:"canceled_at"`
	CancellationReason                any            `json:"cancellation_reason"`
	CaptureMethod                     string         `json:"capture_method"`
	ClientSecret                      string         `json:"client_secret"`
	ConfirmationMethod                string         `json:"confirmation_method"`
	Created                           int64          `json:"created"`
	Currency                          money.Currency `json:"currency"`
	Description                       any            `json:"description"`
	LastPaymentError                  any            `json:"last_payment_error"`
	Livemode                          bool           `json:"livemode"`
	NextAction                        any            `json:"next_action"`
	PaymentMethod                     any            `json:"payment_method"`
	PaymentMethodConfigurationDetails any            `json:"payment_method_configuration_details"`
	PaymentMethodTypes                []string       `json:"payment_method_types"`
	Processing                        any            `json:"processing"`
	ReceiptEmail                      any            `json:"receipt_email"`
	SetupFutureUsage                  any            `json:"setup_future_usage"`
	Shipping                          any            `json:"shipping"`
	Status                            payment.Status `json:"status"`
}

// fullIntent is what the merchant sees.
type fullIntent struct {
	publicIntent
	AmountCapturable           int64             `json:"amount_capturable"`
	AmountReceived             int64             `json:"amount_received"`
	Application                any               `json:"application"`
	ApplicationFeeAmount       any               `json:"application_fee_amount"`
	Charges                    *list             `json:"charges,omitempty"` // of versions that have it
	Customer                   any               `json:"customer"`
	CustomerAccount            any               `json:"customer_account"`
	ExcludedPaymentMethodTypes any               `json:"excluded_payment_method_types"`
	Hooks                      any               `json:"hooks,omitempty"` // when there are any
	LatestCharge               any               `json:"latest_charge"`
	ManagedPayments            any               `json:"managed_payments"`
	Metadata                   map[string]string `json:"metadata"`
	OnBehalfOf                 any               `json:"on_behalf_of"`
	PaymentDetails             paymentDetails    `json:"payment_details"`
	PaymentMethodOptions       map[string]any    `json:"payment_method_options"`
	Review                     any               `json:"review"`
	StatementDescriptor        any               `json:"statement_descriptor"`
	StatementDescriptorSuffix  any               `json:"statement_descriptor_suffix"`
	TransferData               any               `json:"transfer_data"`
	TransferGroup              any               `json:"transfer_group"`
}

func renderIntent(v *view, o *object.Object[payment.Intent]) (any, error) {
	if !v.secret {
		v = v.public()
	}
	i, n := &o.Body, counter{currency: o.Body.Currency}
	out := &fullIntent{
		publicIntent: publicIntent{
			ID: payment.Intents.ID(v.scope, o.Key), Object: "payment_intent",
			Amount: n.api(i.Amount), AmountDetails: amountDetailsOf(&i.Details),
			CancellationReason: text(i.CancellationReason), CaptureMethod: i.CaptureMethod,
			ClientSecret: v.s.ClientSecret(v.scope, o.Key), ConfirmationMethod: i.ConfirmationMethod,
			Created: o.Created().Unix(), Currency: i.Currency, Description: text(i.Description), Livemode: v.scope.Livemode, NextAction: nextAction(i.Action),
			PaymentMethodTypes: i.MethodTypes, SetupFutureUsage: text(i.SetupFutureUsage), Status: i.Status,
		},
		AmountCapturable: n.api(i.Capturable), AmountReceived: n.api(i.Received), Metadata: metadata(i.Metadata),
		PaymentDetails:       paymentDetails{text(i.CustomerReference), text(i.OrderReference)},
		PaymentMethodOptions: map[string]any{"card": cardOptionsOf(i)},
		StatementDescriptor:  text(i.Descriptor), StatementDescriptorSuffix: text(i.DescriptorSuffix), TransferGroup: text(i.TransferGroup),
	}
	if i.Awaits() {
		var err error
		if out.NextAction, err = instructionsOf(o); err != nil {
			return nil, err
		}
	}
	if slices.Contains(i.MethodTypes, vault.TypeTransfer) {
		out.PaymentMethodOptions[vault.TypeTransfer] = cashOptionsOf(&i.Cash)
	}
	if i.Automatic != "" {
		out.AutomaticPaymentMethods = map[string]any{"allow_redirects": i.Automatic, "enabled": true}
	} else {
		out.AllowedPaymentMethodTypes = i.MethodTypes
	}
	if len(i.ExcludedTypes) > 0 {
		out.ExcludedPaymentMethodTypes = i.ExcludedTypes
	}
	if i.Configuration != "" {
		out.PaymentMethodConfigurationDetails = map[string]any{"id": i.Configuration, "parent": nil}
	}
	if i.TaxCalculation != "" {
		out.Hooks = map[string]any{"inputs": map[string]any{"tax": map[string]any{"calculation": i.TaxCalculation}}}
	}
	if !i.CanceledAt.IsZero() {
		out.CanceledAt = i.CanceledAt.Unix()
	}
	if n.err != nil {
		return nil, n.err
	}
	if err := out.refer(v, i); err != nil {
		return nil, err
	}
	if _, wanted := v.within("amount_details").expand["line_items"]; wanted {
		out.AmountDetails.Lines = firstLines(v.scope, o.Key, i.Details.Lines)
	}
	if err := out.reach(v, i); err != nil {
		return nil, err
	}
	if v.secret && v.tx == nil && v.version.Includes("payment_intent.charges") {
		var err error
		if out.Charges, err = chargesOf(v.within("charges"), o.Key); err != nil {
			return nil, err
		}
	}
	if !v.secret {
		return &out.publicIntent, nil
	}
	return out, nil
}

// refer fills in the other objects that an intent shows.
func (out *fullIntent) refer(v *view, i *payment.Intent) (err error) {
	if out.PaymentMethod, err = ref(v, "payment_method", vault.PaymentMethods, i.Method, renderMethod); err != nil {
		return err
	}
	if i.LastError != nil && v.tx == nil {
		body := errorBody(&i.LastError.Error)
		body.Charge = payment.Charges.ID(v.scope, int64(i.LastError.Charge))
		if body.PaymentMethod, err = v.methodAt(i.LastError.Method); err != nil {
			return err
		}
		out.LastPaymentError = body
	}
	if !v.secret {
		return nil
	}
	if out.Customer, err = ref(v, "customer", vault.Customers, i.Customer, renderCustomer); err != nil {
		return err
	}
	if out.Review, err = ref(v, "review", payment.Reviews, i.Review, renderReview); err != nil {
		return err
	}
	out.LatestCharge, err = ref(v, "latest_charge", payment.Charges, int64(i.LatestCharge), renderCharge)
	return err
}

// reach fills in where the receipt and the goods go, which is sealed and not
// opened within a step.
func (out *fullIntent) reach(v *view, i *payment.Intent) error {
	if v.tx != nil || len(i.Contact.Sealed) == 0 {
		return nil
	}
	contact, err := v.s.Vault.Contact(v.ctx, v.scope, i.Contact)
	out.ReceiptEmail, out.Shipping = text(contact.Email), goodsTo(contact.Shipping)
	if contact.From != "" || contact.To != "" {
		if out.AmountDetails.Shipping == nil {
			out.AmountDetails.Shipping = &detailShipping{}
		}
		out.AmountDetails.Shipping.From, out.AmountDetails.Shipping.To = text(contact.From), text(contact.To)
	}
	return err
}

// public is the view of a browser, which may expand the payment method and
// nothing further: what stands in it is the merchant's.
func (v *view) public() *view {
	child := *v
	child.expand = node{}
	if _, ok := v.expand["payment_method"]; ok {
		child.expand["payment_method"] = node{}
	}
	return &child
}

// counter turns amounts of a currency into the numbers that the API has for
// them, and keeps the first error.
type counter struct {
	currency money.Currency
	err      error
}

func (n *counter) api(minor int64) int64 {
	out, err := money.New(minor, n.currency).ToAPI()
	if n.err == nil {
		n.err = err
	}
	return out
}

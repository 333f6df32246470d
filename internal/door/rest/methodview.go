package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
)

// shownMethod is Stripe's payment_method.
type shownMethod struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	AllowRedisplay  string            `json:"allow_redisplay"`
	BillingDetails  shownBilling      `json:"billing_details"`
	Created         int64             `json:"created"`
	Customer        any               `json:"customer"`
	CustomerAccount any               `json:"customer_account"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	Type            string            `json:"type"`
	shownTyped
}

// shownBilling is Stripe's billing_details. Its address is never null, since
// clients reach through it.
type shownBilling struct {
	Address shownAddress `json:"address"`
	Email   any          `json:"email"`
	Name    any          `json:"name"`
	Phone   any          `json:"phone"`
	TaxID   any          `json:"tax_id"`
}

// shownCard is the card of a payment_method. What Florin doesn't know of a card
// is null.
type shownCard struct {
	Brand             string      `json:"brand"`
	Checks            shownChecks `json:"checks"`
	Country           any         `json:"country"`
	DisplayBrand      string      `json:"display_brand"`
	ExpMonth          int         `json:"exp_month"`
	ExpYear           int         `json:"exp_year"`
	Fingerprint       string      `json:"fingerprint"`
	Funding           string      `json:"funding"`
	GeneratedFrom     any         `json:"generated_from"`
	Last4             string      `json:"last4"`
	Networks          any         `json:"networks"`
	RegulatedStatus   any         `json:"regulated_status"`
	ThreeDSecureUsage any         `json:"three_d_secure_usage"`
	Wallet            any         `json:"wallet"`
}

type shownChecks struct {
	Line1      any `json:"address_line1_check"`
	PostalCode any `json:"address_postal_code_check"`
	CVC        any `json:"cvc_check"`
}

type shownNetworks struct {
	Available []string `json:"available"`
	Preferred any      `json:"preferred"`
}

func renderMethod(v *view, o *object.Object[vault.PaymentMethod]) (any, error) {
	b := &o.Body
	out := &shownMethod{
		ID: vault.PaymentMethods.ID(o.Scope, o.Key), Object: vault.PaymentMethods.Name, AllowRedisplay: b.AllowRedisplay,
		shownTyped: typedOf(b), Created: o.Created().Unix(), Livemode: o.Scope.Livemode, Metadata: metadata(b.Metadata), Type: b.Type,
	}
	var err error
	if out.BillingDetails, err = v.billing(o); err != nil {
		return nil, err
	}
	out.Customer, err = ref(v, "customer", vault.Customers, b.Customer, renderCustomer)
	return out, err
}

// billing shows the billing details of a payment method. They are sealed, and
// not opened within a step.
func (v *view) billing(o *object.Object[vault.PaymentMethod]) (shownBilling, error) {
	if v.tx != nil {
		return shownBilling{}, nil
	}
	b, err := v.s.Vault.BillingDetails(v.ctx, o)
	return shownBilling{addressOf(b.Address), text(b.Email), text(b.Name), text(b.Phone), text(b.TaxID)}, err
}

func cardOf(c *vault.Card) shownCard {
	out := shownCard{
		Brand: c.Brand, Checks: checksOf(c.Checks), Country: text(c.Country), DisplayBrand: c.DisplayBrand(), ExpMonth: c.ExpMonth,
		ExpYear: c.ExpYear, Fingerprint: c.Fingerprint, Funding: c.Funding, Last4: c.Last4,
	}
	if len(c.Networks) > 0 {
		out.Networks = shownNetworks{c.Networks, text(c.Preferred)}
	}
	return out
}

func checksOf(k vault.Checks) shownChecks {
	return shownChecks{text(k.Line1), text(k.PostalCode), text(k.CVC)}
}

// chargedCard is payment_method_details.card of a charge. [view.cardDetails]
// fills in what the card says; the rest is for the charge to say.
type chargedCard struct {
	AmountAuthorized     any         `json:"amount_authorized"`
	AuthorizationCode    any         `json:"authorization_code"`
	Brand                any         `json:"brand"`
	CaptureBefore        int64       `json:"capture_before,omitempty"` // of an authorisation
	Checks               shownChecks `json:"checks"`
	Country              any         `json:"country"`
	ExpMonth             int         `json:"exp_month"`
	ExpYear              int         `json:"exp_year"`
	Extended             feature     `json:"extended_authorization"`
	Fingerprint          any         `json:"fingerprint"`
	Funding              any         `json:"funding"`
	Incremental          feature     `json:"incremental_authorization"`
	Installments         any         `json:"installments"`
	Last4                any         `json:"last4"`
	Mandate              any         `json:"mandate"`
	Multicapture         feature     `json:"multicapture"`
	Network              any         `json:"network"`
	NetworkToken         any         `json:"network_token"`
	NetworkTransactionID any         `json:"network_transaction_id"`
	Overcapture          overcapture `json:"overcapture"`
	RegulatedStatus      any         `json:"regulated_status"`
	ThreeDSecure         any         `json:"three_d_secure"`
	TransactionLinkID    any         `json:"transaction_link_id"`
	Wallet               any         `json:"wallet"`
}

// feature is something that a card payment could be done with.
type feature struct {
	Status string `json:"status"`
}

type overcapture struct {
	Maximum int64  `json:"maximum_amount_capturable"`
	Status  string `json:"status"`
}

// grant shows what an authorisation allows. amount is the charge's in API units.
func (card *chargedCard) grant(ch *payment.Charge, amount int64) error {
	card.Overcapture.Maximum = amount
	if !ch.CaptureBefore.IsZero() {
		card.CaptureBefore = ch.CaptureBefore.Unix()
	}
	g := ch.Granted
	if g == nil {
		return nil
	}
	if g.Extended {
		card.Extended.Status = "enabled"
	}
	if g.Increment && ch.Features.Increment {
		card.Incremental.Status = "available"
	}
	if g.Multicapture && ch.Features.Multicapture {
		card.Multicapture.Status = "available"
	}
	if !ch.Features.Overcapture || ch.MaxCapture <= ch.Amount {
		return nil
	}
	n := counter{currency: ch.Currency}
	card.Overcapture = overcapture{n.api(ch.MaxCapture), "available"}
	return n.err
}

// cardDetails begins the card of a charge that was paid with a version of a
// payment method. Within a step the card's own fields are empty.
func (v *view) cardDetails(r object.Ref) (*chargedCard, error) {
	out := &chargedCard{Extended: feature{"disabled"}, Incremental: feature{"unavailable"}, Multicapture: feature{"unavailable"}, Overcapture: overcapture{Status: "unavailable"}}
	o, err := v.methodVersion(r)
	if o == nil || err != nil {
		return out, err
	}
	c := &o.Body.Card
	out.Brand, out.Country, out.ExpMonth, out.ExpYear = c.Brand, text(c.Country), c.ExpMonth, c.ExpYear
	out.Fingerprint, out.Funding, out.Last4, out.Checks = c.Fingerprint, c.Funding, c.Last4, checksOf(c.Checks)
	if len(c.Networks) > 0 {
		out.Network = c.Networks[0]
	}
	if c.Preferred != "" {
		out.Network = c.Preferred
	}
	return out, nil
}

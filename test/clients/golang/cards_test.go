//go:build unix

package golang

import (
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v86"
)

const number = "4242424242424242"

func cardNumbered(number string) *stripe.TokenCreateParams {
	return &stripe.TokenCreateParams{Card: &stripe.CardParams{
		Number: stripe.String(number), ExpMonth: stripe.String("12"), ExpYear: stripe.String("2044"), CVC: stripe.String("123"),
	}}
}

func methodNumbered(number string) *stripe.PaymentMethodCreateParams {
	return &stripe.PaymentMethodCreateParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCreateCardParams{
		Number: stripe.String(number), ExpMonth: stripe.Int64(12), ExpYear: stripe.Int64(2044), CVC: stripe.String("123"),
	}}
}

func testToken(t *testing.T, f *flow) {
	token := ok(f.browser.V1Tokens.Create(t.Context(), cardNumbered(number)))(t)
	equal(t, map[string][2]any{"type": {token.Type, stripe.TokenTypeCard}, "last4": {token.Card.Last4, "4242"}, "used": {token.Used, false}})
	p := payment(1500, "usd", "")
	p.PaymentMethod = nil
	p.AddExtra("payment_method_data[type]", "card")
	p.AddExtra("payment_method_data[card][token]", token.ID)
	p.AddExpand("payment_method")
	intent := f.paid(t, p)
	equal(t, map[string][2]any{"status": {intent.Status, stripe.PaymentIntentStatusSucceeded}, "last4 paid with": {intent.PaymentMethod.Card.Last4, "4242"}})
	again := payment(1500, "usd", "")
	again.PaymentMethod, again.Extra = nil, p.Extra
	e := refused(f.sc.V1PaymentIntents.Create(t.Context(), again))(t)
	equal(t, map[string][2]any{"code": {e.Code, stripe.ErrorCodeTokenAlreadyUsed}, "type": {e.Type, stripe.ErrorTypeInvalidRequest}})

	token = ok(f.sc.V1Tokens.Create(t.Context(), cardNumbered("5555555555554444")))(t)
	method := ok(f.sc.V1PaymentMethods.Create(t.Context(), &stripe.PaymentMethodCreateParams{
		Type: stripe.String("card"), Card: &stripe.PaymentMethodCreateCardParams{Token: stripe.String(token.ID)},
	}))(t)
	created := ok(f.sc.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(900), Currency: stripe.String("usd"), PaymentMethod: stripe.String(method.ID),
	}))(t)
	equal(t, map[string][2]any{"status": {created.Status, stripe.PaymentIntentStatusRequiresConfirmation}, "brand": {method.Card.Brand, stripe.PaymentMethodCardBrandMastercard}})
	paid := ok(f.sc.V1PaymentIntents.Confirm(t.Context(), created.ID, &stripe.PaymentIntentConfirmParams{ReturnURL: stripe.String("https://shop.example/back")}))(t)
	equal(t, map[string][2]any{"status": {paid.Status, stripe.PaymentIntentStatusSucceeded}, "method": {paid.PaymentMethod.ID, method.ID}})
}

func testCardNumber(t *testing.T, f *flow) {
	p := methodNumbered(number)
	p.BillingDetails = &stripe.PaymentMethodCreateBillingDetailsParams{Name: stripe.String("Jenny Rosen")}
	method := ok(f.sc.V1PaymentMethods.Create(t.Context(), p))(t)
	equal(t, map[string][2]any{
		"brand": {method.Card.Brand, stripe.PaymentMethodCardBrandVisa}, "last4": {method.Card.Last4, "4242"}, "exp_year": {method.Card.ExpYear, int64(2044)},
		"name": {method.BillingDetails.Name, "Jenny Rosen"}, "has a fingerprint": {method.Card.Fingerprint != "", true},
	})
	if strings.Contains(string(method.LastResponse.RawJSON), number) {
		t.Error("the answer shows the card number")
	}
	pay := payment(1800, "usd", method.ID)
	pay.AddExpand("latest_charge")
	intent := f.paid(t, pay)
	equal(t, map[string][2]any{
		"name": {intent.LatestCharge.BillingDetails.Name, "Jenny Rosen"},
		"cvc":  {string(intent.LatestCharge.PaymentMethodDetails.Card.Checks.CVCCheck), "pass"},
	})
}

// testMistyped: some cards are refused when they are typed in, before anybody
// is asked.
func testMistyped(t *testing.T, f *flow) {
	for _, c := range []struct {
		spoil       func(*stripe.CardParams)
		code, param string
	}{
		{func(c *stripe.CardParams) { c.Number = stripe.String("4242424242424241") }, "incorrect_number", "number"},
		{func(c *stripe.CardParams) { c.ExpMonth = stripe.String("13") }, "invalid_expiry_month", "exp_month"},
		{func(c *stripe.CardParams) { c.ExpYear = stripe.String("1995") }, "invalid_expiry_year", "exp_year"},
		{func(c *stripe.CardParams) { c.CVC = stripe.String("99") }, "invalid_cvc", "cvc"},
	} {
		p := cardNumbered(number)
		c.spoil(p.Card)
		e := refused(f.sc.V1Tokens.Create(t.Context(), p))(t)
		equal(t, map[string][2]any{
			c.code + ": type": {e.Type, stripe.ErrorTypeCard}, c.code + ": code": {string(e.Code), c.code},
			c.code + ": status": {e.HTTPStatusCode, 402}, c.code + ": param": {e.Param, c.param},
		})
	}
}

func testAttach(t *testing.T, f *flow) {
	customer := ok(f.sc.V1Customers.Create(t.Context(), &stripe.CustomerCreateParams{Name: stripe.String("Ada")}))(t)
	to := &stripe.PaymentMethodAttachParams{Customer: stripe.String(customer.ID)}
	attached := ok(f.sc.V1PaymentMethods.Attach(t.Context(), "pm_card_visa", to))(t)
	equal(t, map[string][2]any{"customer": {attached.Customer.ID, customer.ID}, "has an id of its own": {attached.ID != "pm_card_visa", true}})
	list := &stripe.PaymentMethodListParams{Customer: stripe.String(customer.ID), Type: stripe.String("card")}
	if all := collect(t, t.Context(), f.sc.V1PaymentMethods.List(t.Context(), list)); len(all) != 1 || all[0].ID != attached.ID {
		t.Errorf("the list of payment methods is %v", all)
	}
	for range 2 {
		p := payment(700, "usd", attached.ID)
		p.Customer = stripe.String(customer.ID)
		intent := f.paid(t, p)
		equal(t, map[string][2]any{"status": {intent.Status, stripe.PaymentIntentStatusSucceeded}, "customer": {intent.Customer.ID, customer.ID}})
	}
	detached := ok(f.sc.V1PaymentMethods.Detach(t.Context(), attached.ID, nil))(t)
	if detached.Customer != nil {
		t.Errorf("after detaching it is %s's", detached.Customer.ID)
	}
	if all := collect(t, t.Context(), f.sc.V1PaymentMethods.List(t.Context(), list)); len(all) != 0 {
		t.Errorf("after detaching the list is %v", all)
	}
	e := refused(f.sc.V1PaymentMethods.Attach(t.Context(), attached.ID, to))(t)
	equal(t, map[string][2]any{"status": {e.HTTPStatusCode, 400}, "code": {e.Code, stripe.ErrorCode("")}})
	declined := refused(f.sc.V1PaymentMethods.Attach(t.Context(), "pm_card_visa_chargeDeclined", to))(t)
	equal(t, map[string][2]any{"type": {declined.Type, stripe.ErrorTypeCard}, "code": {declined.Code, stripe.ErrorCodeCardDeclined}})
}

func testBrowser(t *testing.T, f *flow) {
	created := ok(f.sc.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(700), Currency: stripe.String("usd")}))(t)
	seen := ok(f.browser.V1PaymentIntents.Retrieve(t.Context(), created.ID, &stripe.PaymentIntentRetrieveParams{ClientSecret: stripe.String(created.ClientSecret)}))(t)
	equal(t, map[string][2]any{"status": {seen.Status, stripe.PaymentIntentStatusRequiresPaymentMethod}})
	e := refused(f.browser.V1PaymentIntents.Retrieve(t.Context(), created.ID, nil))(t)
	equal(t, map[string][2]any{"status without the client secret": {e.HTTPStatusCode, 401}})
	e = refused(f.browser.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(created.ID)}))(t)
	equal(t, map[string][2]any{"status of a refund": {e.HTTPStatusCode, 401}})
}

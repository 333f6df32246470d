//go:build unix

package golang

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"
)

func testPay(t *testing.T, f *flow) {
	p := payment(2000, "usd", "pm_card_visa")
	p.Description = stripe.String("two coffees")
	p.AddMetadata("order", "6735")
	intent := f.paid(t, p)
	equal(t, map[string][2]any{
		"object": {intent.Object, "payment_intent"}, "status": {intent.Status, stripe.PaymentIntentStatusSucceeded},
		"amount": {intent.Amount, int64(2000)}, "amount_received": {intent.AmountReceived, int64(2000)}, "currency": {intent.Currency, stripe.CurrencyUSD},
		"livemode": {intent.Livemode, false}, "description": {intent.Description, "two coffees"}, "metadata.order": {intent.Metadata["order"], "6735"},
	})
	again := ok(f.sc.V1PaymentIntents.Retrieve(t.Context(), intent.ID, nil))(t)
	if diff := cmp.Diff(intent.LastResponse.RawJSON, again.LastResponse.RawJSON); diff != "" {
		t.Errorf("what was created and what is retrieved differ: %s", diff)
	}
	charge := ok(f.sc.V1Charges.Retrieve(t.Context(), intent.LatestCharge.ID, nil))(t)
	card := charge.PaymentMethodDetails.Card
	equal(t, map[string][2]any{
		"payment_intent": {charge.PaymentIntent.ID, intent.ID}, "status": {charge.Status, stripe.ChargeStatusSucceeded},
		"paid": {charge.Paid, true}, "captured": {charge.Captured, true}, "amount_captured": {charge.AmountCaptured, int64(2000)},
		"brand": {card.Brand, stripe.PaymentMethodCardBrand("visa")}, "last4": {card.Last4, "4242"},
		"outcome": {charge.Outcome.Type, "authorized"},
	})
}

func testPayInSteps(t *testing.T, f *flow) {
	created := ok(f.sc.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(500), Currency: stripe.String("jpy")}))(t)
	confirm := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_mastercard"), ReturnURL: stripe.String("https://shop.example/back")}
	intent := ok(f.sc.V1PaymentIntents.Confirm(t.Context(), created.ID, confirm))(t)
	equal(t, map[string][2]any{
		"status before": {created.Status, stripe.PaymentIntentStatusRequiresPaymentMethod}, "capture_method": {created.CaptureMethod, stripe.PaymentIntentCaptureMethodAutomaticAsync},
		"id": {intent.ID, created.ID}, "status": {intent.Status, stripe.PaymentIntentStatusSucceeded}, "amount_received": {intent.AmountReceived, int64(500)},
	})
	e := refused(f.sc.V1PaymentIntents.Confirm(t.Context(), created.ID, confirm))(t)
	equal(t, map[string][2]any{"code": {e.Code, stripe.ErrorCodePaymentIntentUnexpectedState}, "status": {e.HTTPStatusCode, 400}})
}

func testAllowedTypes(t *testing.T, f *flow) {
	p := payment(2000, "usd", "pm_card_visa")
	p.AutomaticPaymentMethods, p.AllowedPaymentMethodTypes = nil, []*string{stripe.String("card")}
	intent := f.paid(t, p)
	if diff := cmp.Diff([]string{"card"}, intent.PaymentMethodTypes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]stripe.PaymentIntentAllowedPaymentMethodType{"card"}, intent.AllowedPaymentMethodTypes); diff != "" {
		t.Error(diff)
	}
}

// declines are those of https://docs.stripe.com/testing#declined-payments, with
// the advice of https://docs.stripe.com/declines.
var declines = []struct{ method, code, decline, advice, param string }{
	{"pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later", ""},
	{"pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later", ""},
	{"pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later", ""},
	{"pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", ""},
	{"pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again", ""},
	{"pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data", "exp_month"},
	{"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data", "cvc"},
	{"pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later", ""},
	{"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "", ""},
	{"pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent", "", ""},
}

func testDeclines(t *testing.T, f *flow) {
	for _, want := range declines {
		t.Run(want.method, func(t *testing.T) {
			e := refused(f.sc.V1PaymentIntents.Create(t.Context(), payment(2000, "usd", want.method)))(t)
			if e.PaymentIntent == nil || e.PaymentIntent.LastPaymentError == nil || e.ChargeID == "" {
				t.Fatalf("the error lacks the intent, its last error or the charge: %v", e)
			}
			equal(t, map[string][2]any{
				"type": {e.Type, stripe.ErrorTypeCard}, "status": {e.HTTPStatusCode, 402}, "code": {string(e.Code), want.code},
				"decline_code": {string(e.DeclineCode), want.decline}, "advice_code": {e.AdviceCode, want.advice}, "param": {e.Param, want.param},
				"intent's status": {e.PaymentIntent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod},
				"last error":      {string(e.PaymentIntent.LastPaymentError.Code), want.code},
				"latest charge":   {e.PaymentIntent.LatestCharge.ID, e.ChargeID},
			})
			charge := ok(f.sc.V1Charges.Retrieve(t.Context(), e.ChargeID, nil))(t)
			equal(t, map[string][2]any{"charge's status": {charge.Status, stripe.ChargeStatusFailed}, "failure_code": {charge.FailureCode, want.code}})
			again := ok(f.sc.V1PaymentIntents.Confirm(t.Context(), e.PaymentIntent.ID, &stripe.PaymentIntentConfirmParams{
				PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://shop.example/back"),
			}))(t)
			equal(t, map[string][2]any{"status after another card": {again.Status, stripe.PaymentIntentStatusSucceeded}})
		})
	}
}

func testCaptureInPart(t *testing.T, f *flow) {
	intent := f.paid(t, reservation(5000, "eur", "pm_card_visa"))
	equal(t, map[string][2]any{"status": {intent.Status, stripe.PaymentIntentStatusRequiresCapture}, "amount_capturable": {intent.AmountCapturable, int64(5000)}})
	over := refused(f.sc.V1PaymentIntents.Capture(t.Context(), intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(5001)}))(t)
	equal(t, map[string][2]any{"param": {over.Param, "amount_to_capture"}, "status": {over.HTTPStatusCode, 400}})
	p := &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(3000)}
	p.AddExpand("latest_charge")
	captured := ok(f.sc.V1PaymentIntents.Capture(t.Context(), intent.ID, p))(t)
	equal(t, map[string][2]any{
		"status": {captured.Status, stripe.PaymentIntentStatusSucceeded}, "amount": {captured.Amount, int64(5000)}, "amount_received": {captured.AmountReceived, int64(3000)},
		"amount_capturable": {captured.AmountCapturable, int64(0)}, "amount_captured": {captured.LatestCharge.AmountCaptured, int64(3000)},
	})
	again := refused(f.sc.V1PaymentIntents.Capture(t.Context(), intent.ID, nil))(t)
	equal(t, map[string][2]any{"code": {again.Code, stripe.ErrorCodePaymentIntentUnexpectedState}})
}

func testCancel(t *testing.T, f *flow) {
	intent := f.paid(t, reservation(5000, "usd", "pm_card_visa"))
	canceled := ok(f.sc.V1PaymentIntents.Cancel(t.Context(), intent.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")}))(t)
	equal(t, map[string][2]any{
		"status": {canceled.Status, stripe.PaymentIntentStatusCanceled}, "reason": {canceled.CancellationReason, stripe.PaymentIntentCancellationReasonAbandoned},
		"amount_capturable": {canceled.AmountCapturable, int64(0)}, "has canceled_at": {canceled.CanceledAt >= canceled.Created, true},
	})
}

func testRefunds(t *testing.T, f *flow) {
	intent := f.paid(t, payment(2000, "usd", "pm_card_visa"))
	part := ok(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(500), Reason: stripe.String("requested_by_customer"),
	}))(t)
	equal(t, map[string][2]any{
		"status": {part.Status, stripe.RefundStatusSucceeded}, "amount": {part.Amount, int64(500)}, "charge": {part.Charge.ID, intent.LatestCharge.ID},
		"payment_intent": {part.PaymentIntent.ID, intent.ID}, "reason": {part.Reason, stripe.RefundReasonRequestedByCustomer},
	})
	over := refused(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(1501)}))(t)
	equal(t, map[string][2]any{"type": {over.Type, stripe.ErrorTypeInvalidRequest}, "param": {over.Param, "amount"}, "code": {over.Code, stripe.ErrorCode("")}})
	rest := ok(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{Charge: stripe.String(intent.LatestCharge.ID)}))(t)
	charge := ok(f.sc.V1Charges.Retrieve(t.Context(), intent.LatestCharge.ID, nil))(t)
	equal(t, map[string][2]any{"amount of the rest": {rest.Amount, int64(1500)}, "amount_refunded": {charge.AmountRefunded, int64(2000)}, "refunded": {charge.Refunded, true}})
	none := refused(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(intent.ID)}))(t)
	equal(t, map[string][2]any{"code": {none.Code, stripe.ErrorCodeChargeAlreadyRefunded}})
	list := collect(t, t.Context(), f.sc.V1Refunds.List(t.Context(), &stripe.RefundListParams{PaymentIntent: stripe.String(intent.ID)}))
	if len(list) != 2 || list[0].ID != rest.ID || list[1].ID != part.ID {
		t.Errorf("the list of refunds is %v", list)
	}
	uncaptured := f.paid(t, reservation(2000, "usd", "pm_card_visa"))
	e := refused(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(uncaptured.ID)}))(t)
	equal(t, map[string][2]any{"status": {e.HTTPStatusCode, 400}, "code": {e.Code, stripe.ErrorCode("")}, "param": {e.Param, ""}})
}

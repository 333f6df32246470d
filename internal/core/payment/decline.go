package payment

import (
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
)

// declines are the reasons that are told in other words than "Your card was
// declined.", or that come with advice: https://docs.stripe.com/declines/codes
var declines = map[string]fault.Error{
	"generic_decline":        {Code: "card_declined", AdviceCode: "try_again_later"},
	"insufficient_funds":     {Code: "card_declined", AdviceCode: "try_again_later", Message: "Your card has insufficient funds."},
	"lost_card":              {Code: "card_declined", AdviceCode: "do_not_try_again"},
	"stolen_card":            {Code: "card_declined", AdviceCode: "do_not_try_again"},
	"card_velocity_exceeded": {Code: "card_declined", Message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."},
	"expired_card":           {Code: "expired_card", AdviceCode: "confirm_card_data", Param: "exp_month", Message: "Your card has expired."},
	"incorrect_cvc":          {Code: "incorrect_cvc", AdviceCode: "confirm_card_data", Param: "cvc", Message: "Your card's security code is incorrect."},
	"incorrect_number":       {Code: "incorrect_number", AdviceCode: "confirm_card_data", Param: "number", Message: "Your card number is incorrect."},
	authenticationRequired:   {Code: authenticationRequired, Message: "Your card was declined. This transaction requires authentication."},
	notHandled:               {Code: authenticationRequired, Message: "This payment required an authentication action to complete, but `error_on_requires_action` was set. Confirm it without that parameter and handle its next_action."},
	"processing_error":       {Code: "processing_error", AdviceCode: "try_again_later", Message: "An error occurred while processing your card. Try again in a little bit."},
}

// declined is what the payer's side is told of a decline.
func declined(reason string) fault.Error {
	if reason == "" {
		reason = "generic_decline"
	}
	e, ok := declines[reason]
	if !ok {
		e = fault.Error{Code: "card_declined"}
	}
	if e.Message == "" {
		e.Message = "Your card was declined."
	}
	e.Kind, e.DeclineCode = fault.Declined, reason
	return e
}

// Refusal is what the payer's side is told of a decline for a reason: one of
// Stripe's decline codes.
func Refusal(reason string) *fault.Error {
	e := declined(reason)
	return &e
}

// failure is what is told of an outcome by which nothing was authorised.
func failure(o provider.Outcome) fault.Error {
	if o.Status == provider.Declined {
		return declined(o.Reason)
	}
	return declined("processing_error")
}

package payment

import (
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// maxAmex is the largest amount on American Express's cards, in API units: nine
// digits (https://docs.stripe.com/currencies).
const maxAmex = 999_999_999

// suits refuses to pay an intent with a method that it does not fit.
func (p *ConfirmParams) suits(i *Intent, m *vault.PaymentMethod) error {
	api, err := i.money(i.Amount).ToAPI()
	if err != nil {
		return err
	}
	const option = "payment_method_options[card]"
	switch {
	case p.AmountToConfirm != 0 && p.AmountToConfirm != api:
		return fault.Param("amount_to_confirm", "payment_intent_invalid_parameter", "The amount to confirm (%d) is not the amount of this PaymentIntent (%d).", p.AmountToConfirm, api)
	case m.Card.Brand == "amex" && api > maxAmex:
		return fault.Param("amount", "amount_too_large", "Amount must be no more than %d %s on an American Express card.", maxAmex, i.Currency)
	case !slices.Contains(i.MethodTypes, m.Type) || slices.Contains(i.ExcludedTypes, m.Type):
		return fault.Param("payment_method", "payment_intent_invalid_parameter", "This PaymentIntent does not take payment methods of type %s. It takes: %s.", m.Type, strings.Join(i.MethodTypes, ", "))
	case m.Type != vault.TypeCard:
		return nil
	case i.Card.Network != "" && !slices.Contains(m.Card.Networks, i.Card.Network):
		return fault.Param(option+"[network]", "payment_intent_invalid_parameter", "The card can't go over the network %s. It can go over: %s.", i.Card.Network, strings.Join(m.Card.Networks, ", "))
	case i.Card.RequireCVC != nil && *i.Card.RequireCVC && m.Customer != 0:
		return fault.Param(option+"[cvc_token]", "parameter_missing", "This PaymentIntent asks for the security code of a saved card to be given again, and none was.")
	}
	return nil
}

// features are what the intent wants its authorisation to allow. Money that is
// taken at once has no use for any.
func (i *Intent) features() provider.Features {
	if !i.manual() {
		return provider.Features{}
	}
	o := &i.Card
	return provider.Features{
		Increment: o.Incremental == IfAvailable, Multicapture: o.Multicapture == IfAvailable,
		Overcapture: o.Overcapture == IfAvailable, Extended: o.Extended == IfAvailable,
	}
}

// amountFromAPI makes an amount of a number of API units.
func amountFromAPI(n int64, c money.Currency) (money.Amount, error) {
	amount, err := money.FromAPI(n, c)
	if err != nil {
		return amount, fault.Param("amount", "parameter_invalid_integer", "Invalid amount: %d can't be charged in %s, whose smallest amount is larger.", n, c)
	}
	return amount, nil
}

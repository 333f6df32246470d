package payment

import (
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Types lists the types of payment methods that payments can be made with in s:
// cards, what the provider of new payments takes besides, and what Florin serves
// itself.
func (v *Service) Types(s id.Scope) []string {
	list := []string{vault.TypeCard}
	name := v.Default
	if s.Livemode {
		name = v.Live
	}
	for _, more := range [][]string{v.Providers[name].Methods, v.Own} {
		for _, t := range more {
			if !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
	}
	return list
}

// checkTypes refuses a list with a type that nobody serves.
func (v *Service) checkTypes(s id.Scope, types *[]string) error {
	if types == nil {
		return nil
	}
	available := v.Types(s)
	for _, t := range *types {
		if !slices.Contains(available, t) {
			return fault.Param("payment_method_types", "payment_intent_invalid_parameter", "The payment method type \"%s\" is not available. Available: %s.", t, strings.Join(available, ", "))
		}
	}
	return nil
}

package rest

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/fault"
)

const options = "payment_method_options"

// unshownOptions are options of types whose payments nobody makes here, or that
// only say one thing, and that no answer shows: taking them would be silence.
var unshownOptions = map[string][]string{
	"blik": {"code"}, "klarna": {"currency", "on_demand", "subscriptions"}, "p24": {"tos_shown_and_accepted"}, "paypal": {"risk_correlation_id"},
	"upi": {"mandate_options"}, "us_bank_account": {"networks"},
}

// givenOptions are what answers show of a type's options where nothing was said.
var givenOptions = map[string]map[string]any{
	"bancontact": {"preferred_language": "en"}, "boleto": {"expires_after_days": 3}, "oxxo": {"expires_after_days": 3},
}

// typeOptions reads payment_method_options of those types that have no options
// of their own here. available are the types that there are.
func typeOptions(c *call, available []string) (map[string]payment.TypeChange, error) {
	field := c.op.Params.Field(options)
	if field == nil || !c.form.Has(options) {
		return nil, nil
	}
	changes := map[string]payment.TypeChange{}
	allowed, _ := c.form.Strings("allowed_payment_method_types") // of which those that there are not count for nothing
	for typ, given := range c.form.Get(options).All() {
		if n, ok := given.Int64("mandate_options", "amount"); ok && n < 1 {
			return nil, fault.Param(options+"["+typ+"][mandate_options][amount]", "parameter_invalid_integer", "This value must be greater than or equal to 1.")
		}
		of := field.Param.Field(typ)
		if typ == vault.TypeCard || typ == vault.TypeTransfer || of == nil || slices.Contains(allowed, typ) && !slices.Contains(available, typ) {
			continue
		}
		for _, name := range unshownOptions[typ] {
			if given.Has(name) && !given.Cleared(name) {
				return nil, unsupported(options+"["+typ+"]["+name+"]", "")
			}
		}
		change := payment.TypeChange{Clear: given.Kind() == form.Scalar, Set: map[string]json.RawMessage{}}
		for name, value := range given.All() {
			option := of.Param.Field(name)
			if option == nil {
				continue
			}
			if given.Cleared(name) {
				change.Drop = append(change.Drop, name)
				continue
			}
			text, err := json.Marshal(plainOption(value, option.Param))
			if err != nil {
				return nil, err
			}
			change.Set[name] = text
		}
		changes[typ] = change
	}
	return changes, nil
}

// plainOption is a value as JSON has it, by what its parameter may be.
func plainOption(v *form.Value, p *spec.Param) any {
	switch {
	case v.Kind() == form.Hash && p.Type&spec.List == 0:
		out := map[string]any{}
		for name, part := range v.All() {
			if f := p.Field(name); f != nil && !v.Cleared(name) {
				out[name] = plainOption(part, f.Param)
			}
		}
		return out
	case p.Type&spec.List != 0 && v.Kind() != form.Scalar:
		out := []any{}
		for _, part := range v.All() {
			out = append(out, plainOption(part, p.Element))
		}
		return out
	case p.Type&spec.Integer != 0:
		if n, ok := v.Int64(); ok {
			return n
		}
	case p.Type&spec.Boolean != 0:
		if yes, ok := v.Bool(); ok {
			return yes
		}
	}
	return v.Text()
}

// showOptions adds what an intent says of types besides cards and customers'
// balances: of those that it takes, and where types are not listed of whatever it
// was told about.
func showOptions(out map[string]any, o payment.TypeOptions, types []string) {
	for _, typ := range slices.Concat(types, slices.Sorted(maps.Keys(o))) {
		if typ == vault.TypeCard || typ == vault.TypeTransfer {
			continue
		}
		shown := map[string]any{}
		maps.Copy(shown, givenOptions[typ])
		for name, text := range o[typ] {
			shown[name] = text
		}
		out[typ] = shown
	}
}

package payment

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

// TypeOptions are payment_method_options of types that have no options of their
// own here, by type and name: JSON as the API shows it.
type TypeOptions map[string]map[string]json.RawMessage

// TypeChange is what a request changes of the options of a type.
type TypeChange struct {
	Clear bool // all of them first
	Set   map[string]json.RawMessage
	Drop  []string
}

// Apply gives the options after changes by type.
func (o TypeOptions) Apply(changes map[string]TypeChange) TypeOptions {
	if len(changes) == 0 {
		return o
	}
	after := maps.Clone(o)
	if after == nil {
		after = TypeOptions{}
	}
	for typ, c := range changes {
		now := map[string]json.RawMessage{}
		if !c.Clear {
			maps.Copy(now, after[typ])
		}
		maps.Copy(now, c.Set)
		for _, name := range c.Drop {
			delete(now, name)
		}
		if after[typ] = now; c.Clear && len(now) == 0 {
			delete(after, typ)
		}
	}
	return after
}

// ApplyListed is Apply for an intent whose types are listed: changes of others are
// refused with code, and what was said of others before is dropped.
func (o TypeOptions) ApplyListed(changes map[string]TypeChange, types []string, code string) (TypeOptions, error) {
	for _, typ := range slices.Sorted(maps.Keys(changes)) {
		if !slices.Contains(types, typ) && !changes[typ].Clear {
			param := "payment_method_options[" + typ + "]"
			return nil, fault.Param(param, code, "You provided `%s`, but `%s` is not among this intent's payment_method_types.", param, typ)
		}
	}
	after := maps.Clone(o.Apply(changes))
	maps.DeleteFunc(after, func(typ string, _ map[string]json.RawMessage) bool { return !slices.Contains(types, typ) })
	return after, nil
}

// futureOf is how a method of a type is to be used later; empty: not at all.
func (i *Intent) futureOf(typ string) string {
	if typ == "" || typ == vault.TypeCard {
		return i.future()
	}
	var own string
	if text := i.Options[typ]["setup_future_usage"]; text != nil && json.Unmarshal(text, &own) == nil && own != "" {
		if own == "none" {
			return ""
		}
		return own
	}
	return i.SetupFutureUsage
}

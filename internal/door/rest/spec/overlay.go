package spec

import (
	"cmp"
	"slices"
)

// The tables below add what the document of 2026-08-26.dahlia lacks: names of
// later and of earlier versions, since every version's requests are taken by
// every version, and empty values that the API takes though the document has
// no word of it.

// renamed are parameters that an operation takes under a second name.
var renamed = []struct{ operation, name, like string }{
	// The train endive of 2026-09-30 knows the new name only.
	{"PostPaymentIntents", "allowed_payment_method_types", "payment_method_types"},
	{"PostPaymentIntentsIntent", "allowed_payment_method_types", "payment_method_types"},
	{"PostPaymentIntentsIntentConfirm", "allowed_payment_method_types", "payment_method_types"},
	{"PostSetupIntents", "allowed_payment_method_types", "payment_method_types"},
	{"PostSetupIntentsIntent", "allowed_payment_method_types", "payment_method_types"},
	{"PostSetupIntentsIntentConfirm", "payment_method_types", "allowed_payment_method_types"},
	// The document knows a token there, and the reference the account itself too.
	{"PostAccountsAccountExternalAccounts", "external_account", "bank_account"},
	{"PostAccountsAccountBankAccounts", "external_account", "bank_account"},
	{"PostCheckoutSessions", "allowed_payment_method_types", "payment_method_types"},
}

// lent are parts of a parameter that clients send though the document of the
// operation is silent about them: they are what they are in another operation.
var lent = []struct{ operation, within, name, by string }{
	{"PostPaymentIntents", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostPaymentIntentsIntent", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostPaymentIntentsIntentConfirm", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostTestHelpersConfirmationTokens", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostSetupIntents", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostSetupIntentsIntent", "payment_method_data", "card", "PostPaymentMethods"},
	{"PostSetupIntentsIntentConfirm", "payment_method_data", "card", "PostPaymentMethods"},
}

// clearable are parameters that the empty text unsets. The API's reference used
// to say so; the prose of the document still does for some.
var clearable = []struct {
	operation string
	names     []string
}{
	{"PostCustomers", []string{"description", "email", "name", "phone"}},
	{"PostCustomersCustomer", []string{"description", "email", "name", "phone"}},
	{"PostPaymentIntentsIntent", []string{"payment_method"}},
	{"PostSetupIntentsIntent", []string{"payment_method"}},
	{"PostTransfersIdReversals", []string{"description"}},
}

// retired are fields that answers of earlier versions had and clients pinned to
// those still expand.
var retired = []struct{ resource, name, target string }{
	{"charge", "destination", "account"},
	{"charge", "dispute", "dispute"},
	{"charge", "invoice", "invoice"},
	{"invoice", "charge", "charge"},
	{"invoice", "discount", "discount"},
	{"invoice", "payment_intent", "payment_intent"},
	{"invoice", "quote", "quote"},
	{"invoice", "subscription", "subscription"},
	{"payment_intent", "invoice", "invoice"},
	{"promotion_code", "coupon", "coupon"},
	{"subscription", "discount", "discount"},
}

// clearableParts are parameters that the empty text unsets in every hash which
// takes all of optional, without requiring them, and all of beside: checkouts
// send every line of an address, filled in or not.
var clearableParts = []struct{ optional, beside, names []string }{
	{
		optional: []string{"city", "country", "line1", "line2", "postal_code", "state"},
		names:    []string{"city", "country", "line1", "line2", "postal_code", "state", "town"},
	},
	{
		optional: []string{"phone"},
		beside:   []string{"address", "name"},
		names:    []string{"carrier", "phone", "tracking_number"},
	},
}

// addNames applies renamed and lent. A param may be shared with other
// operations, so changes are made to copies.
func addNames(byID map[string]*Operation) {
	for _, r := range renamed {
		op := byID[r.operation]
		op.Params = withField(op.Params, Field{Name: r.name, Param: op.Params.Field(r.like).Param})
	}
	for _, l := range lent {
		op := byID[l.operation]
		at := *op.Params.Field(l.within)
		at.Param = withField(at.Param, Field{Name: l.name, Param: byID[l.by].Params.Field(l.name).Param})
		op.Params = withField(op.Params, at)
	}
}

// allowClearing applies clearable and clearableParts.
func allowClearing(byID map[string]*Operation, params []Param) {
	for i := range params {
		for _, c := range clearableParts {
			if params[i].has(c.optional, false) && params[i].has(c.beside, true) {
				params[i].clear(c.names)
			}
		}
	}
	for _, c := range clearable {
		op := byID[c.operation]
		for _, name := range c.names {
			op.Params = withField(op.Params, withClear(*op.Params.Field(name)))
		}
	}
}

// has tells whether p has a field of each of names; unless required may be,
// none that is required.
func (p *Param) has(names []string, required bool) bool {
	for _, name := range names {
		if f := p.Field(name); f == nil || f.Required && !required {
			return false
		}
	}
	return true
}

// clear makes those of names that p has clearable, in place.
func (p *Param) clear(names []string) {
	for _, name := range names {
		if f := p.Field(name); f != nil {
			*f = withClear(*f)
		}
	}
}

// countable are searches whose total number is expandable: the API's reference
// says so, the document does not.
var countable = []string{"GetChargesSearch", "GetCustomersSearch", "GetPaymentIntentsSearch"}

func addCounts(byID map[string]*Operation) {
	for _, name := range countable {
		op := byID[name]
		op.answer = &shape{edges: append(slices.Clone(op.answer.edges), edge{name: "total_count"})}
	}
}

// addRetired applies retired, and the list of charges that a PaymentIntent had
// before 2022-11-15.
func addRetired(shapes []shape) {
	byName := map[string]*shape{}
	for i := range shapes {
		byName[shapes[i].name] = &shapes[i]
	}
	for _, r := range retired {
		s := byName[r.resource]
		s.edges = append(s.edges, edge{r.name, []*shape{byName[r.target]}})
	}
	intent := byName["payment_intent"]
	charges := &shape{edges: []edge{{"data", []*shape{byName["charge"]}}}}
	intent.edges = append(intent.edges, edge{"charges", []*shape{charges}})
}

// withField is a copy of the hash p that has f, in place of a field of its name.
func withField(p *Param, f Field) *Param {
	c := *p
	c.Fields = slices.Clone(p.Fields)
	i, found := slices.BinarySearchFunc(c.Fields, f.Name, func(f Field, name string) int { return cmp.Compare(f.Name, name) })
	if found {
		c.Fields[i] = f
	} else {
		c.Fields = slices.Insert(c.Fields, i, f)
	}
	return &c
}

// withClear is f, clearable.
func withClear(f Field) Field {
	p := *f.Param
	p.Type |= Clearable
	return Field{f.Name, f.Required, &p}
}

package rest

import (
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// configurationPrefix begins the ids of payment method configurations.
const configurationPrefix = id.Prefix("pmc")

// changesOf reads what a request says of an intent besides its money. It is one
// for creating, updating, confirming, capturing and incrementing: what the
// operation's document does not have can't be there.
func (s *Server) changesOf(c *call) (payment.Changes, error) {
	p := payment.Changes{
		Description: textAt(c.form, "description"), Descriptor: textAt(c.form, "statement_descriptor"),
		DescriptorSuffix: textAt(c.form, "statement_descriptor_suffix"), TransferGroup: textAt(c.form, "transfer_group"),
		RadarSession: textAt(c.form, "radar_options", "session"), TaxCalculation: textAt(c.form, "hooks", "inputs", "tax", "calculation"),
		Configuration: textAt(c.form, "payment_method_configuration"), Metadata: metadataAt(c.form),
	}
	if p.Configuration != nil {
		if _, shard, ok := configurationPrefix.ParseShard(*p.Configuration); !ok || shard != c.scope.Shard() {
			return p, fault.Missing(fault.Invalid, "payment_method_configuration", "payment_method_configuration", clip(*p.Configuration))
		}
	}
	if p.RadarSession == nil {
		p.RadarSession = textAt(c.form, "payment_method_data", "radar_options", "session")
	}
	p.CustomerReference, p.OrderReference = referencesAt(c.form)
	var err error
	for name, to := range map[string]**string{"setup_future_usage": &p.SetupFutureUsage, "capture_method": &p.CaptureMethod} {
		if *to, err = choice(c, name); err != nil {
			return p, err
		}
	}
	if p.MethodTypes, err = s.listedTypes(c); err != nil {
		return p, err
	}
	if p.ExcludedTypes, err = someOf(c, "excluded_payment_method_types"); err != nil {
		return p, err
	}
	if p.Contact, err = contactAt(c.form); err != nil {
		return p, err
	}
	if p.Card, err = cardChanges(c); err != nil {
		return p, err
	}
	if p.Options, err = typeOptions(c, s.Payment.Types(c.scope)); err != nil {
		return p, err
	}
	if p.Cash, err = cashChanges(c); err != nil {
		return p, err
	}
	p.Details = detailsAt(c.form.Get("amount_details"))
	if at := c.form.Get("amount_details", "shipping"); at != nil {
		p.Contact.From, p.Contact.To = cleared(at, "from_postal_code"), cleared(at, "to_postal_code")
	}
	return p, nil
}

// cleared is a text within a hash that may be emptied as a whole.
func cleared(at *form.Value, name string) *string {
	if at.Kind() == form.Scalar {
		return new(string)
	}
	return textAt(at, name)
}

// choice is a parameter that is one of those the document lists, or absent.
func choice(c *call, path ...string) (*string, error) {
	if !c.form.Has(path...) {
		return nil, nil
	}
	value, err := oneOf(c, path...)
	return &value, err
}

func referencesAt(f *form.Value) (customer, order *string) {
	at := f.Get("payment_details")
	if at == nil {
		return nil, nil
	}
	return cleared(at, "customer_reference"), cleared(at, "order_reference")
}

// contactAt reads where a receipt and goods go.
func contactAt(f *form.Value) (vault.ContactChanges, error) {
	p := vault.ContactChanges{Email: textAt(f, "receipt_email"), Shipping: shippingAt(f.Get("shipping"))}
	if p.Email != nil && !plausibleEmail(*p.Email) {
		return p, invalidEmail("receipt_email", *p.Email)
	}
	return p, nil
}

// cardChanges reads payment_method_options[card], as far as it is about the
// payment and not about authentication.
func cardChanges(c *call) (*payment.CardChanges, error) {
	const card = "card"
	at := c.form.Get(options, card)
	if at == nil {
		return nil, nil
	}
	if at.Get("installments", "plan") != nil && !at.Cleared("installments", "plan") {
		return nil, unsupported(options+"[card][installments][plan]", "No card has plans to pay in instalments here.")
	}
	p := &payment.CardChanges{Clear: at.Kind() == form.Scalar, SuffixKana: textAt(at, "statement_descriptor_suffix_kana"),
		SuffixKanji: textAt(at, "statement_descriptor_suffix_kanji")}
	var err error
	for name, to := range map[string]**string{
		"capture_method": &p.CaptureMethod, "network": &p.Network, "setup_future_usage": &p.SetupFutureUsage,
		"request_extended_authorization": &p.Extended, "request_incremental_authorization": &p.Incremental,
		"request_three_d_secure": &p.ThreeDSecure, "request_multicapture": &p.Multicapture, "request_overcapture": &p.Overcapture,
	} {
		if *to, err = choice(c, options, card, name); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]**bool{"require_cvc_recollection": &p.RequireCVC} {
		if yes, ok := at.Bool(name); ok {
			*to = &yes
		}
	}
	if yes, ok := at.Bool("installments", "enabled"); ok {
		p.Installments = &yes
	}
	return p, nil
}

// detailsAt reads amount_details; nil when it is not given.
func detailsAt(at *form.Value) *payment.AmountDetailsChanges {
	if at == nil {
		return nil
	}
	p := &payment.AmountDetailsChanges{
		Clear: at.Kind() == form.Scalar, Discount: figureAt(at, "discount_amount"),
		Shipping: figureAt(at, "shipping", "amount"), Tax: figureAt(at, "tax", "total_tax_amount"),
	}
	if enforce, ok := at.Bool("enforce_arithmetic_validation"); ok {
		p.Tolerate = !enforce
	}
	if lines := at.Get("line_items"); lines != nil {
		list := []payment.Line{}
		for _, l := range lines.All() {
			list = append(list, lineAt(l))
		}
		p.Lines = &list
	}
	return p
}

// figureAt reads a number that the empty text takes away, as it does when it
// stands for the hash around it.
func figureAt(at *form.Value, path ...string) *payment.Figure {
	if n, ok := at.Int64(path...); ok {
		return &payment.Figure{N: n}
	}
	if at.Cleared(path...) || at.Cleared(path[0]) {
		return &payment.Figure{None: true}
	}
	return nil
}

func lineAt(at *form.Value) payment.Line {
	var l payment.Line
	for name, to := range map[string]*string{"product_name": &l.Name, "product_code": &l.Code, "unit_of_measure": &l.Unit} {
		*to, _ = at.String(name)
	}
	for name, to := range map[string]*int64{"quantity": &l.Quantity, "unit_cost": &l.UnitCost, "discount_amount": &l.Discount} {
		*to, _ = at.Int64(name)
	}
	if n, ok := at.Int64("tax", "total_tax_amount"); ok {
		l.Tax = &n
	}
	for typ, options := range at.Get("payment_method_options").All() {
		for name, text := range options.All() {
			if l.Options == nil {
				l.Options = map[string]map[string]string{}
			}
			if l.Options[typ] == nil {
				l.Options[typ] = map[string]string{}
			}
			l.Options[typ][name] = text.Text()
		}
	}
	return l
}

// listedTypes reads which types of payment methods an intent is to take; nil
// when the request lists none. The older parameter payment_method_types lists
// types that all have to be there; of the newer one those that are there are
// taken.
func (s *Server) listedTypes(c *call) (*[]string, error) {
	if listed, ok := c.form.Strings("payment_method_types"); ok {
		types := slices.Compact(listed)
		return &types, s.someAllowed(c)
	}
	if allowed, ok := c.form.Strings("allowed_payment_method_types"); ok {
		there := slices.DeleteFunc(s.Payment.Types(c.scope), func(t string) bool { return !slices.Contains(allowed, t) })
		return &there, s.someAllowed(c)
	}
	return nil, nil
}

// automatic reads allow_redirects of automatic_payment_methods: empty when
// types are listed instead, or when they are switched off.
func automatic(c *call) (string, error) {
	listed := c.form.Has("payment_method_types") || c.form.Has("allowed_payment_method_types")
	enabled, isSet := c.form.Bool("automatic_payment_methods", "enabled")
	switch {
	case enabled && listed:
		return "", fault.Param("automatic_payment_methods", "", "You cannot enable `automatic_payment_methods` and specify `payment_method_types` or `allowed_payment_method_types`.")
	case listed, isSet && !enabled, !isSet && !c.version.AutomaticMethods():
		return "", nil
	}
	redirects, err := oneOf(c, "automatic_payment_methods", "allow_redirects")
	if redirects == "" {
		redirects = "always"
	}
	return redirects, err
}

// ofAll are the parts of payment_method_data that methods of every type have,
// besides the hash that is named after the type.
var ofAll = []string{"allow_redisplay", "billing_details", "metadata", "radar_options", "type"}

// methodParam reads what to pay with: a payment method's id, a test method's
// name, or a token's id, or the description of a new method. Nothing is said
// when both are empty.
func (s *Server) methodParam(c *call) (string, *vault.MethodInput, error) {
	const data = "payment_method_data"
	method, ok := c.form.String("payment_method")
	at := c.form.Get(data)
	if at == nil {
		return method, nil, nil
	}
	if ok && method != "" {
		return "", nil, fault.Param(data, "", "You may only specify one of these parameters: payment_method, payment_method_data.")
	}
	typ, _ := at.String("type")
	if !slices.Contains(vault.Kept(), typ) {
		return "", nil, fault.Param(data+"[type]", "", "The payment method type \"%s\" is not available. Available: %s.", clip(typ), strings.Join(vault.Kept(), ", "))
	}
	for name := range at.All() {
		if name != typ && !slices.Contains(ofAll, name) {
			return "", nil, fault.Param(data+"["+clip(name)+"]", "", "You cannot provide `%s[%s]` for a payment method of type %s.", data, clip(name), typ)
		}
	}
	if typ == vault.TypeCard && !at.Has("card") {
		return "", nil, fault.Param(data+"[card]", "parameter_missing", "Missing required param: %s[card].", data)
	}
	in, err := s.methodInputAt(c, at)
	if e, ok := fault.As(err); ok && strings.HasPrefix(e.Param, "billing_details") {
		named := *e
		named.Param = data + "[billing_details]" + strings.TrimPrefix(e.Param, "billing_details")
		return "", nil, &named
	}
	return "", in, err
}

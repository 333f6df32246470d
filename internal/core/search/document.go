package search

import (
	"context"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// fieldKind is what can be asked of a field.
type fieldKind int

const (
	token   fieldKind = iota // equal, in any letters
	part                     // that, or containing
	numeric                  // compared
)

// field describes a field of a noun.
type field struct {
	kind fieldKind
	// indexed fields have terms.
	indexed bool
}

type fields map[string]field

const metadataField = "metadata"

// The fields are those of https://docs.stripe.com/search.
var (
	customerFields = fields{
		"created": {kind: numeric}, "email": {part, true}, metadataField: {token, true}, "name": {part, true}, "phone": {part, true},
	}
	intentFields = fields{
		"amount": {kind: numeric}, "created": {kind: numeric}, "currency": {}, "customer": {}, metadataField: {token, true}, "status": {},
	}
	chargeFields = fields{
		"amount": {kind: numeric}, "billing_details.address.postal_code": {token, true}, "created": {kind: numeric}, "currency": {},
		"customer": {}, "disputed": {}, metadataField: {token, true}, "refunded": {}, "status": {},
		"payment_method_details.card.brand": {}, "payment_method_details.card.exp_month": {kind: numeric},
		"payment_method_details.card.exp_year": {kind: numeric}, "payment_method_details.card.fingerprint": {token, true},
		"payment_method_details.card.last4": {token, true},
	}
)

// document is what can be asked of an object: what is absent is null.
type document struct {
	texts    map[string]string
	numbers  map[string]int64
	metadata map[string]string
	gone     bool // is not to be found
}

func (d *document) set(field, text string) {
	if text != "" {
		d.texts[field] = text
	}
}

func newDocument(created int64, metadata map[string]string) *document {
	return &document{texts: map[string]string{}, numbers: map[string]int64{"created": created}, metadata: metadata}
}

func (d *document) money(s id.Scope, minor int64, c money.Currency, customer int64) error {
	n, err := money.New(minor, c).ToAPI()
	if err != nil {
		return err
	}
	d.numbers["amount"] = n
	d.set("currency", string(c))
	d.set("customer", vault.Customers.ID(s, customer))
	return nil
}

func customerDocument(ctx context.Context, v *Service, o *object.Object[vault.Customer]) (*document, error) {
	d := newDocument(o.Created().Unix(), o.Body.Metadata)
	if d.gone = o.Body.Deleted; d.gone {
		return d, nil
	}
	p, err := v.vault.CustomerPersonal(ctx, o)
	if err != nil {
		return nil, err
	}
	d.set("email", p.Email)
	d.set("name", p.Name)
	d.set("phone", p.Phone)
	return d, nil
}

func intentDocument(_ context.Context, _ *Service, o *object.Object[payment.Intent]) (*document, error) {
	d := newDocument(o.Created().Unix(), o.Body.Metadata)
	d.set("status", string(o.Body.Status))
	return d, d.money(o.Scope, o.Body.Amount, o.Body.Currency, o.Body.Customer)
}

// one makes documents of objects one by one.
func one[T any](made func(context.Context, *Service, *object.Object[T]) (*document, error)) func(context.Context, *Service, id.Scope, map[int64]*object.Object[T]) (map[int64]*document, error) {
	return func(ctx context.Context, v *Service, _ id.Scope, objects map[int64]*object.Object[T]) (map[int64]*document, error) {
		all := make(map[int64]*document, len(objects))
		for key, o := range objects {
			d, err := made(ctx, v, o)
			if err != nil {
				return nil, err
			}
			all[key] = d
		}
		return all, nil
	}
}

// chargeDocuments reads the methods that paid, as they were then, all at once.
func chargeDocuments(ctx context.Context, v *Service, s id.Scope, objects map[int64]*object.Object[payment.Charge]) (map[int64]*document, error) {
	refs := make([]object.Ref, 0, len(objects))
	for _, o := range objects {
		refs = append(refs, o.Body.Method)
	}
	methods, err := vault.PaymentMethods.ReadVersions(ctx, v.db, s, refs)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]*document, len(objects))
	for key, o := range objects {
		if all[key], err = chargeDocument(ctx, v, o, methods[o.Body.Method]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// chargeDocument is of a charge and the method that paid it; nil: unknown.
func chargeDocument(ctx context.Context, v *Service, o *object.Object[payment.Charge], m *object.Object[vault.PaymentMethod]) (*document, error) {
	ch := &o.Body
	d := newDocument(o.Created().Unix(), ch.Metadata)
	d.set("status", string(ch.Status))
	d.set("refunded", strconv.FormatBool(ch.Voided || ch.Captured > 0 && ch.Refunded == ch.Captured))
	d.set("disputed", strconv.FormatBool(len(ch.Complaints) > 0))
	if err := d.money(o.Scope, ch.Amount, ch.Currency, ch.Customer); err != nil || m == nil {
		return d, err
	}
	const card = "payment_method_details.card."
	d.set(card+"brand", m.Body.Card.Brand)
	d.set(card+"fingerprint", m.Body.Card.Fingerprint)
	d.set(card+"last4", m.Body.Card.Last4)
	d.numbers[card+"exp_month"], d.numbers[card+"exp_year"] = int64(m.Body.Card.ExpMonth), int64(m.Body.Card.ExpYear)
	billing, err := v.vault.BillingDetails(ctx, m)
	d.set("billing_details.address.postal_code", billing.Address.PostalCode)
	return d, err
}

// matches tells whether the query holds for a document.
func (q query) matches(d *document) bool {
	if d.gone {
		return false
	}
	for _, c := range q.clauses {
		if c.holds(d) == q.any {
			return q.any
		}
	}
	return !q.any
}

func (c *clause) holds(d *document) bool { return c.compare(d) != c.negate }

func (c *clause) compare(d *document) bool {
	if n, ok := d.numbers[c.field]; ok {
		return c.compareNumber(n)
	}
	text, ok := d.texts[c.field]
	if c.field == metadataField {
		text, ok = d.metadata[c.key]
	}
	switch text = strings.ToLower(text); {
	case c.null:
		return !ok
	case !ok:
		return false
	case c.op == contains:
		return strings.Contains(text, c.text)
	}
	return text == c.text
}

func (c *clause) compareNumber(n int64) bool {
	if c.null {
		return false
	}
	switch c.op {
	case above:
		return n > c.number
	case below:
		return n < c.number
	case aboveOrEqual:
		return n >= c.number
	case belowOrEqual:
		return n <= c.number
	}
	return n == c.number
}

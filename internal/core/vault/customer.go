package vault

import (
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
)

// Customer is the body of a customer. What is about a person is in Sealed; see
// [Service.CustomerPersonal].
type Customer struct {
	Description string            `json:"d,omitempty"`
	Metadata    map[string]string `json:"m,omitempty"`
	// Currency is what the customer's balance and invoices are in; empty until
	// the first of them.
	Currency string `json:"c,omitempty"`
	// Balance is what the customer owes (above zero) or has to its good (below),
	// in minor units of Currency; it goes into the next invoice.
	Balance int64 `json:"b,omitempty"`
	// DefaultSource is the payment method that the legacy field default_source
	// names; 0 for none.
	DefaultSource int64 `json:"ds,omitempty"`
	// InvoiceMethod is invoice_settings.default_payment_method; 0 for none.
	InvoiceMethod int64    `json:"im,omitempty"`
	Locales       []string `json:"l,omitempty"` // preferred_locales, best first
	// TaxExempt is "none", "exempt" or "reverse".
	TaxExempt string `json:"te,omitempty"`
	// TestClock is the clock whose time is the customer's; 0: the system's.
	TestClock int64 `json:"tc,omitempty"`
	// InvoicePrefix begins the numbers of the customer's invoices, and NextInvoice
	// is the next of them; 0 is 1.
	InvoicePrefix string `json:"ip,omitempty"`
	NextInvoice   int64  `json:"ni,omitempty"`
	// What invoices say: CustomFields and a Footer, and how they show tax.
	CustomFields []CustomField `json:"cf,omitempty"`
	Footer       string        `json:"if,omitempty"`
	TaxDisplay   string        `json:"td,omitempty"` // exclude_tax, include_inclusive_tax
	// Reconciliation is how money of the cash balance is used: "automatic",
	// "manual", or empty for the merchant's default.
	Reconciliation string `json:"rm,omitempty"`
	// Cash is the key of the customer's cash balance; 0 for none yet.
	Cash int64 `json:"ca,omitempty"`
	// Deleted: by the API. Such a customer is still there to look at, and may
	// not be used.
	Deleted bool `json:"x,omitempty"`
	// Sealed is the personal data, under the customer's own data key; empty when
	// there is none.
	Sealed []byte `json:"p,omitempty"`
	// EmailHash is a keyed hash of the address, 0 for none.
	EmailHash int64 `json:"h,omitempty"`
}

// CustomField is a line that a customer wants on invoices.
type CustomField struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

type customerColumns struct {
	EmailHash int64
	Deleted   bool
	TestClock int64
}

// Customers are the API's customers.
var Customers = object.Define(object.Spec[Customer, customerColumns]{
	Name: "customer", Prefix: "cus", Schema: 1, Fades: true,
	Table: "customer", Columns: "email_hash, deleted, test_clock",
	Fields: func(n *customerColumns, f *db.Fields) {
		db.Int(f, &n.EmailHash)
		db.Bool(f, &n.Deleted)
		db.Int(f, &n.TestClock)
	},
	Derive:  func(c *Customer) customerColumns { return customerColumns{c.EmailHash, c.Deleted, c.TestClock} },
	Filters: []string{"email_hash", "deleted", "test_clock"},
	Index: func(c *Customer) int64 {
		if c.Deleted || len(c.Metadata) == 0 && len(c.Sealed) == 0 {
			return 0
		}
		parts := []string{string(c.Sealed)}
		for _, k := range slices.Sorted(maps.Keys(c.Metadata)) {
			parts = append(parts, k, c.Metadata[k])
		}
		return object.Digest(parts...)
	},
})

// CustomerParams is what a request says about a customer. Nil leaves a field
// as it is (on creation: empty); a pointer to the zero value empties it.
type CustomerParams struct {
	Name, Email, Phone *string
	Address            *Address
	Shipping           *Shipping
	Description        *string
	Metadata           *Metadata
	// BusinessName and IndividualName are the names by those words; Name need be
	// neither.
	BusinessName, IndividualName *string
	TaxIP                        *string // where the customer is, for tax
	InvoicePrefix                *string
	NextInvoice                  *int64
	CustomFields                 *[]CustomField
	Footer, TaxDisplay           *string
	Reconciliation               *string
	// Balance is set by an adjustment, in Currency where the customer has none yet.
	Balance  *int64
	Currency string
	// TaxIDs are made with the customer. On creation only.
	TaxIDs    []TaxIDInput
	Locales   *[]string
	TaxExempt *string
	// TestClock is the clock that the customer lives by, 0 for none. On creation
	// only.
	TestClock int64
	// PaymentMethod is attached: an id or a test name. On creation only.
	PaymentMethod string
	// Source is a token to make a source of, which becomes the default one. On
	// creation only.
	Source string
	// NewSource becomes the default source in place of the one before, which goes.
	// On updates only.
	NewSource *SourceInput
	// DefaultSource names one of the customer's sources, in DefaultParam. On
	// updates only.
	DefaultSource *string
	DefaultParam  string
	// InvoiceMethod names the payment method for invoices; it must be attached
	// to the customer.
	InvoiceMethod *string
}

// Metadata is a change to an object's metadata: keys to set, keys to remove, or
// all to remove first.
type Metadata struct {
	Clear bool
	Set   map[string]string
	Unset []string
}

// Apply gives the metadata that old becomes; old stays as it is. Nil changes
// nothing.
func (m *Metadata) Apply(old map[string]string) map[string]string {
	if m == nil {
		return old
	}
	result := map[string]string{}
	if !m.Clear {
		maps.Copy(result, old)
	}
	for _, k := range m.Unset {
		delete(result, k)
	}
	maps.Copy(result, m.Set)
	return result
}

// apply changes the plain fields. It is pure, so that a step may repeat it.
func (p *CustomerParams) apply(c *Customer) {
	set(&c.Description, p.Description)
	set(&c.Locales, p.Locales)
	set(&c.TaxExempt, p.TaxExempt)
	set(&c.InvoicePrefix, p.InvoicePrefix)
	set(&c.NextInvoice, p.NextInvoice)
	set(&c.CustomFields, p.CustomFields)
	set(&c.Footer, p.Footer)
	set(&c.TaxDisplay, p.TaxDisplay)
	set(&c.Reconciliation, p.Reconciliation)
	c.Metadata = p.Metadata.Apply(c.Metadata)
}

// personal reports whether the personal data is spoken of.
func (p *CustomerParams) personal() bool {
	return p.Name != nil || p.Email != nil || p.Phone != nil || p.Address != nil || p.Shipping != nil ||
		p.BusinessName != nil || p.IndividualName != nil || p.TaxIP != nil
}

// applyPersonal changes the personal data.
func (p *CustomerParams) applyPersonal(to *Personal) {
	set(&to.Name, p.Name)
	set(&to.Email, p.Email)
	set(&to.Phone, p.Phone)
	set(&to.BusinessName, p.BusinessName)
	set(&to.IndividualName, p.IndividualName)
	set(&to.TaxIP, p.TaxIP)
	if p.Address != nil {
		to.Address = unlessZero(p.Address)
	}
	if p.Shipping != nil {
		to.Shipping = unlessZero(p.Shipping)
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// unlessZero copies *p, or gives nil where it says that there is nothing.
func unlessZero[T comparable](p *T) *T {
	if *p == *new(T) {
		return nil
	}
	return new(*p)
}

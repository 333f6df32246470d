package vault

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
)

// TypeCard is the type of payment methods that are cards.
const TypeCard = "card"

// Card is what is shown of a card.
type Card struct {
	Brand       string `json:"b"`           // Stripe's name of the scheme, or "unknown"
	Last4       string `json:"l"`           // last four digits
	ExpMonth    int    `json:"em"`          // 1–12
	ExpYear     int    `json:"ey"`          // four digits
	Funding     string `json:"f"`           // "credit", "debit", "prepaid" or "unknown"
	Country     string `json:"y,omitempty"` // of the issuer, ISO 3166-1 alpha-2; empty when not known
	Fingerprint string `json:"fp"`          // 16 base62 characters
	Checks      Checks `json:"k"`
	// Networks are those that the card can go over, Brand's first.
	Networks []string `json:"n,omitempty"`
	// Preferred is the network that the payer chose; empty when none.
	Preferred string `json:"np,omitempty"`
	// Test is the [TestCard]'s name, in test mode, for whoever imitates its
	// peculiarities; empty for other numbers and in live mode.
	Test string `json:"t,omitempty"`
}

// DisplayBrand is the brand to show: that of the preferred network.
func (c *Card) DisplayBrand() string {
	if c.Preferred != "" {
		return c.Preferred
	}
	if c.Brand == Unknown {
		return "other"
	}
	return c.Brand
}

// Checks are "pass", "fail", "unavailable", "unchecked", or empty for what was
// not given.
type Checks struct {
	CVC        string `json:"c,omitempty"`
	Line1      string `json:"1,omitempty"`
	PostalCode string `json:"p,omitempty"`
}

// PaymentMethod is the body of a payment method. What is about a person is in
// Sealed; see [Service.BillingDetails].
type PaymentMethod struct {
	Type string `json:"t"`
	Card Card   `json:"c"` // of TypeCard; otherwise empty
	// Account is of the types whose payments are taken from a bank account; nil:
	// it is none of them.
	Account *Account `json:"ac,omitempty"`
	// CardRow is the key of the sealed number; see [Service.CardData] and
	// [Service.AccountData]. 0: there is none.
	CardRow int64 `json:"r"`
	// Customer is whom it is attached to; 0 for nobody.
	Customer int64 `json:"cu,omitempty"`
	// Owner is whom it is or was attached to; whoever is erased takes it along.
	Owner int64 `json:"o,omitempty"`
	// Detached: it was attached once, and may not be used again.
	Detached bool `json:"d,omitempty"`
	// UsedUp: a payment without a customer was made with it; it may not be used
	// again.
	UsedUp bool `json:"u,omitempty"`
	// Source: it is a customer's source, too, and known by its older id.
	Source bool `json:"so,omitempty"`
	// SetUp is what its holder has agreed to its being used for again: [OnSession],
	// [OffSession], or empty for nothing.
	SetUp string `json:"su,omitempty"`
	// Mandates are the keys of those given for it, which are erased along with it.
	Mandates       []int64           `json:"ma,omitempty"`
	Metadata       map[string]string `json:"m,omitempty"`
	AllowRedisplay string            `json:"ar,omitempty"` // "always", "limited" or "unspecified"
	// Subject is the key of the data key that Sealed is under; 0 for none.
	Subject int64  `json:"s,omitempty"`
	Sealed  []byte `json:"p,omitempty"` // Billing; empty when there is none
}

// What a payment method is set up for: Stripe's setup_future_usage and usage.
const (
	OnSession  = "on_session"  // while its holder is there
	OffSession = "off_session" // while its holder is away, too
)

// NoteSetUp notes what a payment method was set up for; the wider use stays.
func (m *PaymentMethod) NoteSetUp(usage string) {
	if usage != "" && m.SetUp != OffSession {
		m.SetUp = usage
	}
}

// Spent reports whether the payment method may not be used again.
func (m *PaymentMethod) Spent() bool { return m.Detached || m.UsedUp }

type methodColumns struct {
	Customer int64
	Type     string
	Owner    int64
}

// PaymentMethods are the API's payment methods.
var PaymentMethods = object.Define(object.Spec[PaymentMethod, methodColumns]{
	Name: "payment_method", Prefix: "pm", Schema: 1,
	Table: "payment_method", Columns: "customer, type, owner",
	Fields: func(n *methodColumns, f *db.Fields) {
		db.Int(f, &n.Customer)
		db.Text(f, &n.Type)
		db.Int(f, &n.Owner)
	},
	Derive:  func(m *PaymentMethod) methodColumns { return methodColumns{m.Customer, m.Type, m.Owner} },
	Filters: []string{"customer", "type"},
})

// MethodInput describes a new payment method: a card, or a token of one, or
// what its type needs.
type MethodInput struct {
	Type           string        // one of [Kept]
	Card           *CardInput    // nil when Token is given
	Account        *AccountInput // of the types that have a bank account
	Token          string        // an id, or a test name
	Billing        Billing
	Metadata       map[string]string
	AllowRedisplay string // empty: "unspecified"
}

// BillingParams is what a request changes of billing details. Nil leaves a
// field as it is; a pointer to the zero value empties it.
type BillingParams struct {
	Name, Email, Phone, TaxID *string
	Address                   *Address // whole
	Parts                     AddressParts
}

// AddressParts are changes of single parts of an address.
type AddressParts struct {
	City, Country, Line1, Line2, PostalCode, State *string
}

func (p *AddressParts) apply(to *Address) {
	set(&to.City, p.City)
	set(&to.Country, p.Country)
	set(&to.Line1, p.Line1)
	set(&to.Line2, p.Line2)
	set(&to.PostalCode, p.PostalCode)
	set(&to.State, p.State)
}

func (p *BillingParams) apply(to *Billing) {
	set(&to.Name, p.Name)
	set(&to.Email, p.Email)
	set(&to.Phone, p.Phone)
	set(&to.TaxID, p.TaxID)
	set(&to.Address, p.Address)
	p.Parts.apply(&to.Address)
}

// MethodParams is what a request changes of a payment method. Nil leaves a
// field as it is.
type MethodParams struct {
	Billing           *BillingParams
	ExpMonth, ExpYear *int
	Preferred         *string // network
	// HolderType and AccountType are of a bank account.
	HolderType, AccountType *string
	Metadata                *Metadata
	AllowRedisplay          *string
}

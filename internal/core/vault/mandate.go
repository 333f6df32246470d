package vault

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// MandateStatus is Stripe's status of a mandate.
type MandateStatus string

const (
	// MandatePending: its holder has agreed, and it is not known yet that it is
	// the holder. Left when that is known.
	MandatePending MandateStatus = "pending"
	// MandateActive: it may be relied on.
	MandateActive MandateStatus = "active"
	// MandateInactive: it may not, and never will be.
	MandateInactive MandateStatus = "inactive"
)

// Mandate is the body of a mandate: the permission to use a payment method. From
// where it was given is personal and in Sealed; see [Service.Acceptance].
type Mandate struct {
	Status     MandateStatus `json:"st"`
	Method     int64         `json:"m"`
	Acceptance string        `json:"a"`           // "online" or "offline"
	AcceptedAt time.Time     `json:"at,omitzero"` // when it was given; zero: not told
	Sealed     []byte        `json:"p,omitempty"` // Online; empty when there is none
	// Single is the one payment that it holds for; nil: it holds for any.
	Single *Single `json:"s,omitempty"`
}

// Single is a payment: its amount in ISO 4217 minor units.
type Single struct {
	Amount   int64          `json:"a"`
	Currency money.Currency `json:"c"`
}

// Online is from where a mandate was given.
type Online struct {
	IP        string `json:"i,omitempty"`
	UserAgent string `json:"u,omitempty"`
}

type mandateColumns struct{ Method int64 }

// Mandates are the API's mandates.
var Mandates = object.Define(object.Spec[Mandate, mandateColumns]{
	Name: "mandate", Prefix: "mandate", Schema: 1, Table: "mandate", Columns: "method",
	Fields:  func(n *mandateColumns, f *db.Fields) { db.Int(f, &n.Method) },
	Derive:  func(m *Mandate) mandateColumns { return mandateColumns{m.Method} },
	Filters: []string{"method"},
})

// MandateInput is how a permission was given.
type MandateInput struct {
	Acceptance string // "online" or "offline"
	AcceptedAt time.Time
	Online     Online
}

// MandateDraft is a mandate on its way into the store.
type MandateDraft struct {
	key    int64
	body   Mandate
	person personDraft
}

// DraftMandate prepares a mandate, outside of the step that is to write it. Nil
// for nil.
func (v *Service) DraftMandate(s id.Scope, in *MandateInput) (*MandateDraft, error) {
	if in == nil {
		return nil, nil
	}
	d := &MandateDraft{key: v.db.IDs().Next()}
	var err error
	d.person, err = sealPerson(v, s, d.key, fieldMandate, in.Online)
	d.body = Mandate{Status: MandatePending, Acceptance: in.Acceptance, AcceptedAt: in.AcceptedAt, Sealed: d.person.sealed}
	return d, err
}

// For makes the mandate hold for one payment of that amount.
func (d *MandateDraft) For(a money.Amount) {
	if d != nil {
		d.body.Single = &Single{a.Minor(), a.Currency()}
	}
}

// Insert writes the mandate for a payment method, and gives its key; 0 for nil.
func (d *MandateDraft) Insert(tx *db.Tx, m *object.Object[PaymentMethod]) (int64, error) {
	if d == nil {
		return 0, nil
	}
	d.person.insert(tx, m.Scope)
	body := d.body
	body.Method = m.Key
	if _, err := Mandates.Insert(tx, m.Scope, d.key, body); err != nil {
		return 0, err
	}
	m.Body.Mandates = append(m.Body.Mandates, d.key)
	return d.key, PaymentMethods.Update(tx, m)
}

// Standing is the key of the mandate that was given for a method before and holds
// for more than one payment; 0: there is none.
func Standing(tx *db.Tx, m *object.Object[PaymentMethod]) (int64, error) {
	for i := len(m.Body.Mandates) - 1; i >= 0; i-- {
		o, ok, err := Mandates.Get(tx, m.Scope, m.Body.Mandates[i])
		if err != nil {
			return 0, err
		}
		if ok && o.Body.Status == MandateActive && o.Body.Single == nil {
			return o.Key, nil
		}
	}
	return 0, nil
}

// SettleMandate makes a pending mandate active or inactive, and tells of it. Key
// 0 is none.
func (v *Service) SettleMandate(tx *db.Tx, s id.Scope, key int64, active bool, by event.Request) error {
	o, ok, err := Mandates.Get(tx, s, key)
	if err != nil || !ok || o.Body.Status != MandatePending {
		return err
	}
	o.Body.Status = MandateInactive
	if active {
		o.Body.Status = MandateActive
	}
	if err := Mandates.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, v, Mandates, o, "mandate.updated", by)
}

// Acceptance opens from where a mandate was given. It is empty for one that was
// erased.
func (v *Service) Acceptance(ctx context.Context, o *object.Object[Mandate]) (Online, error) {
	return openPerson[Online](ctx, v, o.Scope, o.Key, fieldMandate, o.Body.Sealed)
}

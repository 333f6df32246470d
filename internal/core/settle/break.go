package settle

import (
	"fmt"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/money"
)

// Type is what kind of difference a break is.
type Type string

// The types of breaks.
const (
	// MissingHere: they tell of money that the books know nothing of.
	MissingHere Type = "missing_here"
	// MissingThere: the books have money that they should have told of by now.
	MissingThere Type = "missing_there"
	// Amount: both have it, with different amounts.
	Amount Type = "amount"
	// Fee: they kept another fee than was agreed on.
	Fee Type = "fee"
	// Currency: both have it, in different currencies.
	Currency Type = "currency"
	// Duplicate: they tell of it more than once.
	Duplicate Type = "duplicate"
	// Status: they say that it happened and the books say that it did not.
	Status Type = "status"
	// Timing: they have told of it, and the money is late.
	Timing Type = "timing"
	// UnknownOutcome: nobody could find out what became of an operation.
	UnknownOutcome Type = "unknown_outcome"
	// Contradiction: a provider has said two things that can't both be true.
	Contradiction Type = "contradiction"
)

// Types are all there are.
var Types = []Type{MissingHere, MissingThere, Amount, Fee, Currency, Duplicate, Status, Timing, UnknownOutcome, Contradiction}

// State is where a break stands; see the package's documentation.
type State string

// The states of a break.
const (
	Open     State = "open"
	Resolved State = "resolved"
)

type trigger string

const (
	explained trigger = "explained"
	changed   trigger = "changed"
)

var machine = fsm.New("break",
	fsm.Row[State, trigger]{From: Open, On: changed, To: Open},
	fsm.Row[State, trigger]{From: Open, On: explained, To: Resolved},
)

// Side is what one side says, in ISO 4217 minor units: positive for money that
// the provider owes for it, negative for money that it is owed. No currency: it
// says nothing.
type Side struct {
	Amount   int64          `json:"amount"`
	Currency money.Currency `json:"currency,omitempty"`
}

// Break is a difference that nothing explains.
type Break struct {
	Type  Type  `json:"type"`
	State State `json:"state"`
	// Subject is the id of what it is about: an object's, or, where the books have
	// none, the name that the other side gives.
	Subject  string `json:"subject"`
	Provider string `json:"provider"`
	// Ours is what the books say, and Theirs what the provider or the bank says.
	Ours   Side `json:"ours,omitzero"`
	Theirs Side `json:"theirs,omitzero"`
	// Clearing tells that the difference of the two stands in the books, or is to:
	// in provider_clearing, or in bank where a statement differs.
	Clearing bool `json:"clearing,omitempty"`
	// Items are the keys of what it is about among what is reconciled, in its scope;
	// none where a report or a statement has no part in it.
	Items []int64 `json:"items,omitempty"`
	// File and Line are where it was found; empty where it was in no file.
	File string `json:"file,omitempty"`
	Line int64  `json:"line,omitempty"`
	Note string `json:"note,omitempty"`
	// Owner is who looks into it; empty: nobody yet.
	Owner      string      `json:"owner,omitempty"`
	Resolution *Resolution `json:"resolution,omitempty"`
}

// Resolution is how a break came to its end.
type Resolution struct {
	By       string    `json:"by"`
	Why      string    `json:"why"`
	Evidence string    `json:"evidence,omitempty"`
	At       time.Time `json:"at"`
	// Treatment is where the difference was booked, and Movements are the keys of
	// the movements by which; none where there was nothing to book.
	Treatment Treatment `json:"treatment,omitempty"`
	Movements []int64   `json:"movements,omitempty"`
}

// Treatment is where a difference goes when its break is resolved.
type Treatment string

// The treatments.
const (
	// NoPosting books nothing: there is no difference in the books.
	NoPosting Treatment = "none"
	// AsCost books it as what the provider has cost, or has given.
	AsCost Treatment = "cost"
	// AsReceived books it as money that the bank has received, or has paid.
	AsReceived Treatment = "bank"
)

// Treatments are all there are.
var Treatments = []Treatment{NoPosting, AsCost, AsReceived}

// difference is what the two sides differ by, by currency: positive where the
// books have more.
func (b *Break) difference() map[money.Currency]int64 {
	by := map[money.Currency]int64{}
	if b.Ours.Currency != "" {
		by[b.Ours.Currency] += b.Ours.Amount
	}
	if b.Theirs.Currency != "" {
		by[b.Theirs.Currency] -= b.Theirs.Amount
	}
	for c, n := range by {
		if n == 0 {
			delete(by, c)
		}
	}
	return by
}

// Difference is what the two sides differ by, positive where the books have
// more; where they are in two currencies, all that the books have. Its currency
// is empty where neither side names one.
func (b *Break) Difference() Side {
	switch {
	case b.Ours.Currency == "":
		return Side{-b.Theirs.Amount, b.Theirs.Currency}
	case b.Ours.Currency != b.Theirs.Currency:
		return b.Ours
	}
	return Side{b.Ours.Amount - b.Theirs.Amount, b.Ours.Currency}
}

// maxText bounds what is said of a break, in bytes.
const maxText = 5000

func (b *Break) check() error {
	switch {
	case !slices.Contains(Types, b.Type):
		return fmt.Errorf("settle: no type %q of breaks; there are %v", b.Type, Types)
	case b.Subject == "" || len(b.Subject) > maxText || len(b.Note) > maxText:
		return fmt.Errorf("settle: a %s break about nothing, or with too much said of it", b.Type)
	case b.Ours.Currency != "" && !b.Ours.Currency.Known() || b.Theirs.Currency != "" && !b.Theirs.Currency.Known():
		return fmt.Errorf("settle: a break of %v and %v", b.Ours, b.Theirs)
	}
	return nil
}

type columns struct {
	State    State
	Type     Type
	Provider string
}

// Breaks are the breaks.
var Breaks = object.Define(object.Spec[Break, columns]{
	Name: "florin.break", Prefix: "brk", Schema: 1, Table: "settle_break", Columns: "state, type, provider",
	Fields: func(c *columns, f *db.Fields) {
		db.Text(f, &c.State)
		db.Text(f, &c.Type)
		db.Text(f, &c.Provider)
	},
	Derive:  func(b *Break) columns { return columns{b.State, b.Type, b.Provider} },
	Filters: []string{"state", "type", "provider"},
})

package bank

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// Deposit is money that another has paid into the account, or, where the amount
// is negative, taken from it.
type Deposit struct {
	Reference string
	Amount    int64 // minor units
	Currency  string
	At        time.Time // when it is booked
	Note      string    // what was written to it
}

func (d *Deposit) fields(f *db.Fields) {
	db.Text(f, &d.Reference)
	db.Int(f, &d.Amount)
	db.Text(f, &d.Currency)
	db.Time(f, &d.At)
	db.Text(f, &d.Note)
}

// Receive books a deposit, once: another one of the same reference is refused
// unless it says the same, and then changes nothing.
func (b *Book) Receive(ctx context.Context, d Deposit) error {
	if !validReference(d.Reference) || d.Amount == 0 || d.Amount > maxAmount || d.Amount < -maxAmount {
		return refuse(invalidField, "a deposit has a reference and an amount")
	}
	d.At = d.At.UTC().Truncate(time.Second)
	return b.db.Run(ctx, db.Step{Name: "bank.receive", Needs: []db.Need{deposits.Need(entryKey(d.Reference))}, Do: func(tx *db.Tx) error {
		have, ok, err := deposits.Get(tx, entryKey(d.Reference))
		switch {
		case err != nil:
			return err
		case ok && have != d:
			return refuse(referenceConflict, "the reference names another deposit")
		case !ok:
			deposits.Insert(tx, entryKey(d.Reference), d)
		}
		return nil
	}})
}

// StatementFault is what goes wrong with statements.
type StatementFault string

// What goes wrong with the statement of a day.
const (
	MissingEntry  StatementFault = "missing_entry"  // its first entry is left out
	DoubleEntry   StatementFault = "double_entry"   // its first entry is there twice
	WrongEntry    StatementFault = "wrong_entry"    // its first entry is one less
	StrangeEntry  StatementFault = "strange_entry"  // there is an entry of which nobody knows
	BareEntry     StatementFault = "bare_entry"     // the reference of its first entry stands in the text alone
	CutStatement  StatementFault = "cut_statement"  // the file is cut off in its middle, each time
	LateStatement StatementFault = "late_statement" // the file is there a day later
)

// statementFaults are all there are.
var statementFaults = []StatementFault{MissingEntry, DoubleEntry, WrongEntry, StrangeEntry, BareEntry, CutStatement, LateStatement}

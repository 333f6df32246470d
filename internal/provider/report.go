package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

// Reports is how a provider tells, in files, what it has settled, or a bank what
// has gone through an account.
type Reports struct {
	// List gives the files of days that are over in a time zone, the oldest first,
	// from the day after on ("2026-11-21"; empty: all). A file that was made anew is
	// a file of its own, of a higher version.
	List func(ctx context.Context, zone *time.Location, after string) ([]ReportFile, error)
	// Fetch gives a file as it is. The caller closes it.
	Fetch func(ctx context.Context, f ReportFile) (io.ReadCloser, error)
	// Read gives the lines of a file, in their order. It fails, with an error that
	// wraps [ErrReport], on a file that is not whole or not as it should be; lines
	// that were given before that are then to be forgotten.
	Read func(from io.Reader, line func(ReportLine) error) error
	// Sheets gives what the statements in a file say of themselves; nil where files
	// are reports. It fails as Read does.
	Sheets func(from io.Reader) ([]Sheet, error)
	// Fee is what was agreed on as the fee of a line, ISO minor units; known is
	// false where nothing was.
	Fee func(kind LineKind, gross money.Amount) (fee int64, known bool)
}

// ErrReport says that a file is no report, or not all of one.
var ErrReport = errors.New("the report is not as it should be")

// BadReport makes an error that wraps [ErrReport].
func BadReport(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrReport, fmt.Sprintf(format, args...))
}

// ReportFile is a file that there is to fetch.
type ReportFile struct {
	Name    string // names it at the provider
	Day     string // of the account's time zone, "2026-11-21"
	Version int    // from 1; of one day the highest counts
	// Statement: it is a bank's, of an account, rather than of what was settled.
	Statement bool
}

// Sheet is what a statement says of itself.
type Sheet struct {
	Account  string // the bank's name of it
	Currency money.Currency
	// Number is its place in the account's sequence; 0: it has none. Banks begin anew
	// with 1, as at the turn of the year.
	Number int64
	Day    string // that it ends with, "2026-11-21"
	// Opening and Closing are the balances, ISO minor units. Opened: it has an opening
	// one.
	Opened           bool
	Opening, Closing int64
}

// LineKind is what a line of a report tells of.
type LineKind string

// The kinds of lines. They are stored by name; a name never changes.
const (
	LineCapture         LineKind = "capture"          // money taken
	LineRefund          LineKind = "refund"           // money given back
	LineRefundFailed    LineKind = "refund_failed"    // a refund that came back
	LineDispute         LineKind = "dispute"          // money that a dispute took
	LineDisputeReversal LineKind = "dispute_reversal" // and returned
	LineFee             LineKind = "fee"              // a fee for itself
	LineDeposit         LineKind = "deposit"          // what the provider pays out of a batch, all together
	LineEntry           LineKind = "entry"            // a movement of a bank account
)

// ReportLine is a line of a report, or an entry of a statement.
type ReportLine struct {
	Number int64 // within the file, from 1
	Kind   LineKind
	// Reference is ours of the operation; of a dispute the provider's id, of a
	// deposit the batch's, of an entry that of the transfer (end to end).
	Reference string
	// Text is what else may name it: what was written to a transfer.
	Text string
	// Batch names the deposit that it is part of.
	Batch string
	// Gross is what was moved, Fee what was kept of it, and Net what remains, ISO
	// minor units: positive for money that comes to us (of a fee: that was kept). A
	// deposit and an entry have a Net alone.
	Gross, Fee, Net int64
	Currency        money.Currency
	At              time.Time // when it happened; of an entry, when it was booked
}

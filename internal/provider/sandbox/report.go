package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// What the sandbox keeps of what it settles: of money taken a share and a fixed
// sum, never more than was taken; and a sum for each dispute. Minor units.
const (
	feeBasisPoints = 20
	feeFixed       = 5
	feeDispute     = 500
)

// Fee is what the sandbox keeps of a line of its reports; see
// [provider.Reports.Fee].
func Fee(kind provider.LineKind, gross money.Amount) (int64, bool) {
	n := gross.Minor()
	switch kind {
	case provider.LineCapture:
		if n < 0 { // a capture that is undone
			fee, _ := Fee(kind, money.New(-n, gross.Currency()))
			return -fee, true
		}
		return min(n, (n*feeBasisPoints+5_000)/10_000+feeFixed), true
	case provider.LineDispute:
		return feeDispute, true
	case provider.LineRefund, provider.LineRefundFailed, provider.LineDisputeReversal:
		return 0, true
	}
	return 0, false
}

// closing is how long after the end of a day what happened in it is settled.
const closing = 10 * time.Minute

// paysAfter is how long after the end of a day its deposits are at the bank.
const paysAfter = 8 * time.Hour

// settlement is what the book says of a day of a time zone.
type settlement struct {
	day   string
	lines []provider.ReportLine
}

// moved is what the book says of one movement, as long as it may be undone.
type moved struct {
	day  string
	at   int // place in its day
	line provider.ReportLine
}

// settler goes through the book and collects what is settled of each day.
type settler struct {
	zone  *time.Location
	now   time.Time
	days  map[string][]provider.ReportLine
	moves map[string]moved // by reference
	taken map[string]bool  // disputes by which money is gone
}

func (s *settler) add(at time.Time, kind provider.LineKind, reference string, gross int64, currency string) {
	day := at.In(s.zone).Format(time.DateOnly)
	fee, _ := Fee(kind, money.New(gross, money.Currency(currency)))
	l := provider.ReportLine{Kind: kind, Reference: reference, Batch: batchOf(day, currency), Gross: gross, Fee: fee, Net: gross - fee, Currency: money.Currency(currency), At: at}
	s.moves[reference] = moved{day, len(s.days[day]), l}
	s.days[day] = append(s.days[day], l)
}

// batchOf names the deposit of a day in a currency.
func batchOf(day, currency string) string {
	return "SBX-" + strings.ReplaceAll(day, "-", "") + "-" + strings.ToUpper(currency)
}

func (s *settler) operation(op Operation) {
	switch {
	case op.State == Approved && (op.Kind == Sale || op.Kind == Capture):
		amount := op.Amount
		if op.Kind == Sale && op.Granted != nil {
			amount = op.Granted.Amount
		}
		s.add(op.Time, provider.LineCapture, op.Reference, amount, op.Currency)
	case op.State == Approved && op.Kind == Refund:
		s.add(op.Time, provider.LineRefund, op.Reference, -op.Amount, op.Currency)
	case op.State == Pending && op.Kind == Refund && !op.Settles.After(s.now):
		s.add(op.Settles, provider.LineRefund, op.Reference, -op.Amount, op.Currency)
	case op.Kind == Event && op.Result == codeApproved: // a debit, on the day on which it is known
		s.add(op.Time, provider.LineCapture, op.Original, op.Amount, op.Currency)
	case op.State == Approved && op.Kind == Reversal:
		s.undo(op)
	}
	for _, n := range op.Notices {
		s.notice(op, n)
	}
}

// undo takes a movement out of its day, or, once the day is over, adds its
// opposite.
func (s *settler) undo(op Operation) {
	m, ok := s.moves[op.Original]
	if !ok {
		return // no money had moved
	}
	if day := op.Time.In(s.zone).Format(time.DateOnly); day != m.day {
		s.add(op.Time, m.line.Kind, op.Original, -m.line.Gross, op.Currency)
		return
	}
	s.days[m.day][m.at].Kind = "" // left out
}

func (s *settler) notice(op Operation, n Notice) {
	switch {
	case n.Kind == noticeRefundFailed:
		s.add(n.At, provider.LineRefundFailed, n.Reference, op.Amount, op.Currency)
	case n.Dispute != nil:
		d := n.Dispute
		takes := d.Status == needsResponse || d.Status == underReview || d.Status == lost
		if takes == s.taken[d.ID] {
			return
		}
		s.taken[d.ID] = takes
		if takes {
			s.add(n.At, provider.LineDispute, d.ID, -d.Amount, d.Currency)
		} else {
			s.add(n.At, provider.LineDisputeReversal, d.ID, d.Amount, d.Currency)
		}
	}
}

// settlements goes through the book and gives the days that are over and have
// anything, the oldest first, without deposits. only, if not empty, is the one
// day that is wanted.
func (s *Simulator) settlements(ctx context.Context, zone *time.Location, only string) ([]settlement, error) {
	now := s.clock.Now().Add(-closing)
	all := &settler{zone, now, map[string][]provider.ReportLine{}, map[string]moved{}, map[string]bool{}}
	if err := s.age(ctx); err != nil {
		return nil, err
	}
	for op, err := range s.book.Operations(ctx) {
		if err != nil {
			return nil, err
		}
		all.operation(op)
	}
	today := now.In(zone).Format(time.DateOnly)
	var list []settlement
	for day, lines := range all.days {
		lines = slices.DeleteFunc(lines, func(l provider.ReportLine) bool { return l.Kind == "" })
		if day < today && len(lines) > 0 && (only == "" || only == day) {
			list = append(list, settlement{day, lines})
		}
	}
	slices.SortFunc(list, func(a, b settlement) int { return cmp.Compare(a.day, b.day) })
	return list, nil
}

// deposits are what is paid out of a day: one for each currency.
func (t settlement) deposits(zone *time.Location) (list []provider.ReportLine) {
	start, err := time.ParseInLocation(time.DateOnly, t.day, zone)
	if err != nil {
		return nil // a day is made by formatting one
	}
	at := start.AddDate(0, 0, 1).Add(paysAfter)
	of := map[money.Currency]int{}
	for _, l := range t.lines {
		place, ok := of[l.Currency]
		if !ok {
			place = len(list)
			of[l.Currency] = place
			list = append(list, provider.ReportLine{Kind: provider.LineDeposit, Currency: l.Currency, Batch: batchOf(t.day, string(l.Currency)), Reference: batchOf(t.day, string(l.Currency)), At: at})
		}
		list[place].Net += l.Net
	}
	return list
}

// Deposit is money that the sandbox pays out to a bank account, or, where it is
// negative, takes from there. One of a reference is made once.
type Deposit struct {
	Reference string
	Amount    int64 // minor units
	Currency  string
	At        time.Time
}

// payOut has the bank know of the deposits of a day.
func (s *Simulator) payOut(ctx context.Context, list []provider.ReportLine) error {
	for _, l := range list {
		s.mu.Lock()
		done := s.paid[l.Reference]
		s.mu.Unlock()
		if done || s.deposit == nil || l.Net == 0 { // nobody pays out nothing
			continue
		}
		if err := s.deposit(ctx, Deposit{l.Reference, l.Net, string(l.Currency), l.At}); err != nil {
			return fmt.Errorf("sandbox: deposit %s: %w", l.Reference, err)
		}
		s.mu.Lock()
		s.paid[l.Reference] = true
		s.mu.Unlock()
	}
	return nil
}

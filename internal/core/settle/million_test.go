package settle_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// booked is a world whose books stand in a database.
type booked struct {
	scale
	*house
	dir        string
	report     string
	statements []string
	rowOf      []int32 // of each line of the report, its row; -1: a deposit
	txns       []int64 // the transactions, ascending
	rows       []int32 // and the row of each
	txnOf      map[string]int64
	want       map[string]int
}

// Every difference between the books in a database, a report and statements is
// found by a run as a break of its type, nothing is matched that is not the same,
// and running again changes nothing. FLORIN_RUNS is how many rows there are.
func TestEveryDifferenceIsFoundInTheDatabase(t *testing.T) {
	b := &booked{scale: newScale(t, 3_000), house: openHouse(t), dir: t.TempDir(), txnOf: map[string]int64{}, want: map[string]int{}}
	b.prepare(t)
	b.clock.Advance(5 * 24 * time.Hour)
	runtime.GC()
	debug.FreeOSMemory()
	resetPeak()
	if name := os.Getenv("FLORIN_PROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
	}
	took, used := b.measure(t)
	pprof.StopCPUProfile()
	top := peak()
	breaks := b.breaks(t)
	state := b.lines(t)
	t.Logf("%d rows against %d lines and %d statements in %v (%v of processor time), peak %d MiB, %d breaks", b.scale.rows, len(b.rowOf)-1, len(b.statements), took, used, top, len(breaks))
	// Where others have had the processors, the time tells nothing.
	if b.scale.rows >= 1_000_000 && (took > time.Minute && used > took || top > 1536) {
		t.Errorf("it took %v and %d MiB, want a minute and 1536 MiB at most", took, top)
	}
	b.compare(t, breaks)
	b.house.verify()

	took, used = b.measure(t)
	t.Logf("again in %v (%v of processor time)", took, used)
	if diff := gocmp.Diff(breaks, b.breaks(t)); diff != "" {
		t.Errorf("another run: %s", diff)
	}
	if diff := gocmp.Diff(state, b.lines(t)); diff != "" {
		t.Errorf("another run: %s", diff)
	}
}

// measure runs once, and tells how long that takes and how much of the
// processors, on this side, it uses.
func (b *booked) measure(t *testing.T) (took, used time.Duration) {
	t.Helper()
	started, before := time.Now(), processorTime(t)
	if err := b.Settle.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return time.Since(started).Round(time.Millisecond), (processorTime(t) - before).Round(time.Millisecond)
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// prepare writes the files and fills the books, and notes what is to be found.
func (b *booked) prepare(t *testing.T) {
	t.Helper()
	b.report = filepath.Join(b.dir, "report.csv")
	rowOf, transfers, unequal := b.scale.report(t, b.report)
	b.rowOf = rowOf
	deposits := len(transfers)
	transfers = append(transfers, b.paidOut(len(transfers))...)
	files, entries, strays := b.statement(t, filepath.Join(b.dir, "statement"), transfers)
	b.statements = files
	slices.Sort(b.statements)
	b.fill(t)
	b.fillPayouts(t, transfers[deposits:])
	b.expectRows()
	b.expectTransfers(transfers, deposits, unequal, entries)
	for reference, i := range strays {
		b.expect("bank", settle.MissingHere, reference, settle.Side{Amount: 0, Currency: i.Currency}, settle.Side{Amount: i.Amount, Currency: i.Currency})
	}
	b.Settle.Providers = []provider.Provider{
		{Name: sandbox.Name, Reports: &provider.Reports{List: listed(b.report), Fetch: fetched, Read: sandbox.ReadReport, Fee: agreed}},
		{Name: bank.Name, PayOut: b.atBank.PayOut, Reports: &provider.Reports{List: listed(b.statements...), Fetch: fetched, Read: bank.ReadStatement}},
	}
}

func listed(files ...string) func(context.Context, *time.Location, string) ([]provider.ReportFile, error) {
	return func(context.Context, *time.Location, string) (list []provider.ReportFile, err error) {
		for _, name := range files {
			list = append(list, provider.ReportFile{Name: name, Day: "2026-11-20", Version: 1, Statement: strings.Contains(name, "statement")})
		}
		return list, nil
	}
}

func fetched(_ context.Context, f provider.ReportFile) (io.ReadCloser, error) { return os.Open(f.Name) }

// fill books the rows, as what takes and gives back money books them.
func (b *booked) fill(t *testing.T) {
	t.Helper()
	const atOnce = 1_000
	var list []settle.Item
	flush := func() {
		var keys []int64
		if err := b.DB.Run(t.Context(), db.Step{Name: "test.fill", Scope: b.scope.Key(), Do: func(tx *db.Tx) error {
			keys = keys[:0]
			for _, i := range list {
				transaction, postings := asBooked(i)
				posted, err := (&ledger.Book{}).Post(tx, b.scope, transaction, postings...)
				if err != nil {
					return err
				}
				keys = append(keys, posted.Key)
			}
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
		for n, key := range keys {
			b.txns, b.rows = append(b.txns, key), append(b.rows, int32((list[n].Key-1)%int64(b.scale.rows)))
			if f := b.fate(int(b.rows[len(b.rows)-1])); f != fine {
				b.txnOf[list[n].Reference] = key
			}
		}
		list = list[:0]
	}
	for i := range b.books() {
		if list = append(list, i); len(list) == atOnce {
			flush()
		}
	}
	flush()
	if !slices.IsSorted(b.txns) {
		t.Fatal("the keys of transactions do not ascend")
	}
}

// asBooked is the transaction of a row with its postings.
func asBooked(i settle.Item) (ledger.Transaction, []ledger.Posting) {
	of := ledger.Transaction{Type: "charge", ReportingCategory: "charge", SourceKind: "charge", Source: i.Key, Currency: i.Currency, Amount: i.Amount, Net: i.Amount,
		AvailableOn: began.Add(200 * 24 * time.Hour), Provider: sandbox.Name, Reference: i.Reference}
	amount := money.New(max(i.Amount, -i.Amount), i.Currency)
	switch i.Kind {
	case provider.LineRefund:
		of.Type, of.ReportingCategory, of.SourceKind = "refund", "refund", "refund"
		return of, []ledger.Posting{{Debit: ledger.Available, Credit: ledger.ProviderClearing, Amount: amount}}
	case provider.LineDispute:
		of.Type, of.ReportingCategory, of.SourceKind = ledger.TypeAdjustment, ledger.CategoryDispute, "dispute"
		return of, []ledger.Posting{{Debit: ledger.Available, Credit: ledger.Disputes, Amount: amount}, {Debit: ledger.Disputes, Credit: ledger.ProviderClearing, Amount: amount}}
	}
	return of, []ledger.Posting{{Debit: ledger.ProviderClearing, Credit: ledger.Pending, Amount: amount}}
}

func (b *booked) fillPayouts(t *testing.T, list []settle.Item) {
	t.Helper()
	for chunk := range slices.Chunk(list, 1_000) {
		if err := b.DB.Run(t.Context(), db.Step{Name: "test.payouts", Scope: b.scope.Key(), Do: func(tx *db.Tx) error {
			for _, i := range chunk {
				if _, err := (&ledger.Book{}).Move(tx, b.scope, ledger.Movement{Type: "payout_paid", SourceKind: "payout", Source: i.Key, Currency: i.Currency, Provider: bank.Name, Reference: i.Reference},
					ledger.Posting{Debit: ledger.PayoutInTransit, Credit: ledger.Bank, Amount: money.New(-i.Amount, i.Currency)}); err != nil {
					return err
				}
			}
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
	}
}

// spelled is a break in a line of text. A line that is told twice is named by the
// file and its number, which do not count.
func spelled(from string, kind settle.Type, subject string, ours, theirs settle.Side) string {
	if at := strings.LastIndex(subject, ": "); at >= 0 {
		subject = subject[at+2:]
	}
	return fmt.Sprintf("%s %s %s %d%s/%d%s", from, kind, subject, ours.Amount, ours.Currency, theirs.Amount, theirs.Currency)
}

func (b *booked) expect(from string, kind settle.Type, subject string, ours, theirs settle.Side) {
	b.want[spelled(from, kind, subject, ours, theirs)]++
}

// expectRows notes the break of each row that something befell.
func (b *booked) expectRows() {
	for n := range b.scale.rows {
		f := b.fate(n)
		if f == fine || f == rounded || f == rewritten || f == undoneBy {
			continue
		}
		i, lines := b.row(n), b.scale.lines(n)
		name := ledger.Transactions.ID(b.scope, b.txnOf[i.Reference])
		ours, none := settle.Side{Amount: i.Amount, Currency: i.Currency}, settle.Side{Amount: 0, Currency: i.Currency}
		theirs := settle.Side{}
		if len(lines) > 0 {
			theirs = settle.Side{Amount: lines[0].Gross, Currency: lines[0].Currency}
		}
		switch f {
		case notThere:
			b.expect(sandbox.Name, settle.MissingThere, name, ours, none)
		case notHere:
			b.expect(sandbox.Name, settle.MissingHere, lines[0].Reference, none, theirs)
		case twice:
			b.expect(sandbox.Name, settle.Duplicate, lines[0].Reference, none, theirs)
		case amountOff:
			b.expect(sandbox.Name, settle.Amount, name, ours, theirs)
		case currencyOff:
			b.expect(sandbox.Name, settle.Currency, name, ours, theirs)
		case feeOff:
			fee, _ := agreed(i.Kind, money.New(i.Amount, i.Currency))
			b.expect(sandbox.Name, settle.Fee, name, settle.Side{Amount: fee, Currency: i.Currency}, settle.Side{Amount: lines[0].Fee, Currency: i.Currency})
		case ambiguous:
			for _, one := range []settle.Item{i, b.twin(n)} {
				b.expect(sandbox.Name, settle.MissingThere, ledger.Transactions.ID(b.scope, b.txnOf[one.Reference]), ours, none)
				b.expect(sandbox.Name, settle.MissingHere, lines[0].Reference, none, theirs)
			}
		}
	}
}

// expectTransfers notes the breaks of deposits and payouts.
func (b *booked) expectTransfers(transfers []settle.Item, deposits int, unequal map[string]int64, entries map[int64]settle.Type) {
	for n, i := range transfers {
		told, none := settle.Side{Amount: i.Amount, Currency: i.Currency}, settle.Side{Amount: 0, Currency: i.Currency}
		received, kind := told, entries[i.Key]
		if kind == settle.Amount {
			received.Amount++
		}
		if entries[-i.Key] == settle.Duplicate {
			b.expect(bank.Name, settle.Duplicate, i.Reference, none, told)
		}
		batch, _, _ := strings.Cut(i.Reference, ":")
		sum := told
		if i.Currency == "usd" {
			sum.Amount -= unequal[batch]
		}
		switch {
		case n < deposits && kind == settle.MissingThere:
			b.expect(sandbox.Name, settle.Timing, i.Reference, told, none)
		case n < deposits && sum != received:
			b.expect(sandbox.Name, settle.Amount, i.Reference, sum, received)
		case n >= deposits && kind == settle.MissingThere:
			b.expect(bank.Name, kind, i.Reference, told, none)
		case n >= deposits && kind == settle.Amount:
			b.expect(bank.Name, kind, i.Reference, told, received)
		}
	}
}

// breaks are all breaks, in order, with their versions.
func (b *booked) breaks(t *testing.T) (list []string) {
	t.Helper()
	if err := settle.Breaks.Scan(t.Context(), b.DB, func(o *object.Object[settle.Break]) error {
		x := &o.Body
		list = append(list, fmt.Sprintf("%s\x00%s %d", spelled(x.Provider, x.Type, x.Subject, x.Ours, x.Theirs), x.State, o.Version))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// compare holds the breaks against those that were to be found.
func (b *booked) compare(t *testing.T, breaks []string) {
	t.Helper()
	got := map[string]int{}
	for _, text := range breaks {
		what, state, _ := strings.Cut(text, "\x00")
		if got[what]++; state != "open 1" {
			t.Errorf("%s: %s", what, state)
		}
	}
	types := map[string]int{}
	for what, n := range b.want {
		words := strings.Fields(what)
		types[words[0]+" "+words[1]] += n
	}
	t.Logf("to be found: %v", types)
	wrong := 0
	for _, what := range slices.Sorted(maps.Keys(merged(got, b.want))) {
		if got[what] != b.want[what] {
			if wrong++; wrong < 20 {
				t.Errorf("%s: %d breaks, want %d", what, got[what], b.want[what])
			}
		}
	}
}

func merged(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// lines looks at what became of each line, and counts; a line that is matched with
// a row that is not its own is a false match.
func (b *booked) lines(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	if err := settle.EachKept(t.Context(), b.DB, func(k settle.Kept) {
		switch {
		case k.Provider == bank.Name:
			found["entries"]++
			if k.Txn != 0 && !strings.EqualFold(k.Ours, cmp.Or(k.Reference, k.Ours)) || k.Txn != 0 && k.Reference == "" && !strings.Contains(k.Text, k.Ours) {
				t.Errorf("a false match: the entry %+v", k)
			}
		case k.Kind == provider.LineDeposit:
			found[fmt.Sprintf("deposits %v", k.Settled)]++
		default:
			b.judgeLine(t, k)
			found[fmt.Sprintf("lines %v %v", k.Matched, k.Settled)]++
		}
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// judgeLine holds what became of a line of the report against its row's fate.
func (b *booked) judgeLine(t *testing.T, k settle.Kept) {
	t.Helper()
	n := int(b.rowOf[k.Number])
	if k.Txn != 0 {
		at, ok := slices.BinarySearch(b.txns, k.Txn)
		if !ok || int(b.rows[at]) != n {
			t.Fatalf("a false match: line %d of row %d with %s", k.Number, n, k.Ours)
		}
	}
	matched, ours := true, k.Txn != 0
	switch f := b.fate(n); f {
	case fine, rounded, rewritten, amountOff, feeOff:
		ours = true
	case notHere, ambiguous:
		matched, ours = false, false
	case currencyOff, undoneBy:
		ours = false
	}
	if k.Matched != matched || (k.Txn != 0) != ours {
		t.Fatalf("line %d of row %d of fate %d: %+v", k.Number, n, b.fate(n), k)
	}
}

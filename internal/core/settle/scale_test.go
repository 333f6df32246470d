package settle_test

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// fate is what befell a row on its way from the books to the report.
type fate int

const (
	fine      fate = iota
	rounded        // the fee is off by one, as rounding is
	rewritten      // the reference is written in capitals and without its underscore
	notThere       // the report has no line of it
	notHere        // the books have no row of it
	twice          // the report has two lines of it
	amountOff
	feeOff
	currencyOff
	ambiguous // two rows of one amount and time whose references, rewritten, are the same
	undoneBy  // the books have no row, and the report a line and another that undoes it
	fates
)

// perMille is how often each fate is, of a thousand rows.
var perMille = [fates]int{rounded: 20, rewritten: 5, notThere: 2, notHere: 2, twice: 2, amountOff: 2, feeOff: 2, currencyOff: 2, ambiguous: 1, undoneBy: 1}

// scale is a world of so many rows, made of a seed: every row can be made again
// from its number, so that what is expected takes no room.
type scale struct {
	seed    uint64
	rows    int
	batches int // deposits
	payouts int
	odds    int // of each way in which an entry can be wrong, one in so many
}

// newScale is a world of so many rows, or of FLORIN_RUNS.
func newScale(t *testing.T, rows int) scale {
	t.Helper()
	s := scale{seed: 20261122, rows: rows}
	if text := os.Getenv("FLORIN_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		s.rows = n
	}
	s.batches, s.payouts = max(10, s.rows/75), max(10, s.rows/60) // 13,333 and 16,667 of a million, and some in another currency
	s.odds = min(200, max(20, s.rows/100))
	t.Logf("seed %d, %d rows, %d batches, %d payouts", s.seed, s.rows, s.batches, s.payouts)
	return s
}

func (s scale) random(what string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", what, n)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

func (s scale) fate(n int) fate {
	draw := s.random("fate", n).IntN(1000)
	for f, rate := range perMille {
		if draw -= rate; draw < 0 && rate > 0 {
			return fate(f)
		}
	}
	return fine
}

var began = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// firstAttempt is the key of the first row's attempt; they are about a millisecond
// apart.
const firstAttempt = int64(1) << 60

// row is a row of the books.
func (s scale) row(n int) settle.Item {
	r := s.random("row", n)
	i := settle.Item{Scope: 2, Key: int64(n) + 1, Kind: provider.LineCapture, Reference: payment.Reference(id.Scope{Account: id.Shards + 1}, payment.AttemptID(firstAttempt+4096*int64(n))), Amount: 100 + r.Int64N(50_000),
		Currency: "usd", At: began.Add(time.Duration(r.IntN(86_400)) * time.Second)}
	switch draw := r.IntN(100); {
	case draw < 8:
		i.Kind, i.Amount = provider.LineRefund, -i.Amount
	case draw < 10:
		i.Kind, i.Amount = provider.LineDispute, -i.Amount
	}
	return i
}

// twin is the second row of an ambiguous two.
func (s scale) twin(n int) settle.Item {
	i := s.row(n)
	i.Key += int64(s.rows)
	i.Reference = "pa_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, i.Reference[3:])
	return i
}

// books are the rows of the books.
func (s scale) books() iter.Seq[settle.Item] {
	return func(yield func(settle.Item) bool) {
		for n := range s.rows {
			f := s.fate(n)
			if f == notHere || f == undoneBy {
				continue
			}
			if !yield(s.row(n)) || f == ambiguous && !yield(s.twin(n)) {
				return
			}
		}
	}
}

func agreed(kind provider.LineKind, gross money.Amount) (int64, bool) {
	if kind != provider.LineCapture {
		return 0, true
	}
	return gross.Minor()/50 + 5, true
}

// lines are those of the report about a row.
func (s scale) lines(n int) (list []provider.ReportLine) {
	i := s.row(n)
	fee, _ := agreed(i.Kind, money.New(i.Amount, i.Currency))
	l := provider.ReportLine{Kind: i.Kind, Reference: i.Reference, Gross: i.Amount, Fee: fee, Currency: i.Currency, At: i.At.Add(3 * time.Second)}
	plain := func(text string) string { return strings.ToUpper(strings.ReplaceAll(text, "_", "")) }
	switch s.fate(n) {
	case rounded:
		l.Fee++
	case rewritten:
		l.Reference = plain(l.Reference)
	case notThere:
		return nil
	case twice:
		list = append(list, l)
	case amountOff:
		l.Gross += 1 + int64(n%7)
		l.Fee, _ = agreed(l.Kind, money.New(l.Gross, l.Currency))
	case feeOff:
		l.Fee += 2
	case currencyOff:
		l.Currency = "eur"
	case ambiguous:
		l.Reference = plain(l.Reference)
		list = append(list, l)
	case undoneBy:
		back := l
		back.Gross, back.Fee = -l.Gross, -l.Fee
		list = append(list, back)
	}
	list = append(list, l)
	for i := range list {
		list[i].Net = list[i].Gross - list[i].Fee
	}
	return list
}

func (s scale) batch(n int) string { return fmt.Sprintf("SBX-%06d", n) }

// paidOut are the payouts, as items numbered from after on.
func (s scale) paidOut(after int) []settle.Item {
	list := make([]settle.Item, s.payouts)
	for n := range list {
		i := s.row(n)
		i.Key, i.Kind, i.Reference, i.Amount = int64(after+n)+1, provider.LineEntry, "poa"+i.Reference[2:], -100-int64(n)
		list[n] = i
	}
	return list
}

// report writes the report, in another order than the books', and tells of which
// row each line is, deposits left out.
func (s scale) report(t *testing.T, path string) (rowOf []int32, deposits []settle.Item, unequal map[string]int64) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<16)
	out, err := sandbox.NewReportWriter(buffered, "2026-11-20", "America/New_York", 1)
	if err != nil {
		t.Fatal(err)
	}
	rowOf = append(rowOf, -1)
	sums := map[string]int64{}
	const stride = 1_000_003 // a prime: all rows are met, in another order
	for k := range s.rows {
		n := int(uint64(k) * stride % uint64(s.rows))
		for _, l := range s.lines(n) {
			l.Batch = s.batch(k * s.batches / s.rows)
			if err := out.Write(l); err != nil {
				t.Fatal(err)
			}
			rowOf = append(rowOf, int32(n))
			sums[l.Batch+string(l.Currency)] += l.Net
		}
	}
	unequal = map[string]int64{}
	for n := range s.batches {
		for _, c := range []money.Currency{"usd", "eur"} {
			sum, ok := sums[s.batch(n)+string(c)]
			if !ok {
				continue
			}
			if c == "usd" && n%200 == 7 { // the deposit is not the sum of its lines
				sum += 13
				unequal[s.batch(n)] = 13
			}
			l := provider.ReportLine{Kind: provider.LineDeposit, Reference: s.batch(n) + ":" + string(c), Batch: s.batch(n), Net: sum, Currency: c, At: began.Add(30 * time.Hour)}
			if err := out.Write(l); err != nil {
				t.Fatal(err)
			}
			rowOf = append(rowOf, -1)
			deposits = append(deposits, settle.Item{Scope: 1, Key: int64(len(deposits)) + 1, Kind: provider.LineEntry, Reference: l.Reference, Amount: sum, Currency: c, At: l.At})
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := buffered.Flush(); err != nil {
		t.Fatal(err)
	}
	return rowOf, deposits, unequal
}

// statement writes a statement of each currency about transfers, and tells what
// is expected of each, by its item.
func (s scale) statement(t *testing.T, path string, transfers []settle.Item) (files []string, want map[int64]settle.Type, strays map[string]settle.Item) {
	t.Helper()
	want, strays = map[int64]settle.Type{}, map[string]settle.Item{}
	entries := map[money.Currency][]bank.StatementEntry{}
	for n, i := range transfers {
		e := bank.StatementEntry{Reference: i.Reference, Amount: i.Amount, At: i.At, ID: strconv.Itoa(n)}
		switch s.random("entry", n).IntN(s.odds) {
		case 0:
			want[i.Key] = settle.MissingThere
			continue
		case 1:
			want[i.Key], e.Amount = settle.Amount, e.Amount+1
		case 2:
			want[-i.Key] = settle.Duplicate
			entries[i.Currency] = append(entries[i.Currency], e)
		case 3: // named in its text alone
			e.Reference, e.Text = "NOTPROVIDED", "settlement "+i.Reference+" thank you"
		case 4: // rewritten
			e.Reference = strings.ToUpper(e.Reference)
		case 5: // money that nobody knows of, of an amount that somebody has
			x := bank.StatementEntry{Reference: fmt.Sprintf("X%d", n), Amount: e.Amount, At: e.At}
			strays[x.Reference] = i
			entries[i.Currency] = append(entries[i.Currency], x)
		}
		entries[i.Currency] = append(entries[i.Currency], e)
	}
	for c, list := range entries {
		name := path + "." + string(c)
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := bank.WriteStatement(file, bank.Heading{ID: "S1", Number: 1, Day: "2026-11-21", Currency: c, Made: began, Before: 1_000_000}, list); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	return files, want, strays
}

// Every difference between a million rows of the books, as many lines of a report
// and 30,000 entries of statements is found, and nothing is matched that is not
// the same. FLORIN_RUNS is how many rows there are.
func TestEveryDifferenceIsFound(t *testing.T) {
	s := newScale(t, 10_000)
	dir := t.TempDir()
	rowOf, transfers, unequal := s.report(t, filepath.Join(dir, "report.csv"))
	transfers = append(transfers, s.paidOut(len(transfers))...)
	statements, wantEntries, strays := s.statement(t, filepath.Join(dir, "statement"), transfers)
	runtime.GC()
	debug.FreeOSMemory()
	resetPeak()

	started := time.Now()
	found := s.reconcile(t, filepath.Join(dir, "report.csv"), rowOf, unequal)
	entries, read := s.reconcileBank(t, statements, transfers, wantEntries, len(strays))
	took := time.Since(started)
	t.Logf("%d rows against %d lines and %d entries in %v, peak %d MiB; stages and breaks: %v, of entries: %v", s.rows, len(rowOf)-1, read, took.Round(time.Millisecond), peak(), found, entries)
	if s.rows >= 1_000_000 && (took > time.Minute || peak() > 1536) {
		t.Errorf("it took %v and %d MiB, want a minute and 1536 MiB at most", took, peak())
	}
}

// reconcile matches the report, and holds each match against the row's fate.
func (s scale) reconcile(t *testing.T, path string, rowOf []int32, unequal map[string]int64) map[string]int {
	t.Helper()
	m := settle.NewMatcher(settle.Rules{Window: 48 * time.Hour, Tolerance: 1, Fee: agreed}, s.rows)
	for i := range s.books() {
		m.Add(i)
	}
	found := map[string]int{}
	tell := func(got settle.Match) error {
		s.judge(t, got, rowOf)
		found[fmt.Sprintf("%d %s", got.Stage, got.Break)]++
		return nil
	}
	lumps := settle.NewLumps()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := sandbox.ReadReport(file, func(l provider.ReportLine) error {
		line := settle.Line{File: 1, Number: l.Number, ReportLine: l}
		lumps.Add(line)
		if l.Kind == provider.LineDeposit {
			return nil
		}
		if got, ok := m.Match(line); ok {
			return tell(got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := m.Finish(tell); err != nil {
		t.Fatal(err)
	}
	if err := lumps.Unequal(func(batch, currency string, _, _, more int64) error {
		if currency != "usd" || unequal[batch] != more {
			t.Errorf("the deposit %s in %s is %d more than its lines", batch, currency, more)
		}
		delete(unequal, batch)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for batch := range unequal {
		t.Errorf("the deposit %s was not found to be unequal", batch)
	}
	counts := map[fate]int{}
	for n := range s.rows {
		counts[s.fate(n)]++
	}
	for name, want := range map[string]int{
		"1 ": counts[fine] + counts[rounded] + counts[twice], "2 ": counts[rewritten], "0 missing_there": counts[notThere] + 2*counts[ambiguous],
		"0 missing_here": counts[notHere] + 2*counts[ambiguous], "1 duplicate": counts[twice], "1 amount": counts[amountOff], "1 fee": counts[feeOff],
		"1 currency": counts[currencyOff], "3 ": 2 * counts[undoneBy],
	} {
		if found[name] != want {
			t.Errorf("stage and break %q: %d, want %d", name, found[name], want)
		}
	}
	return found
}

// judge holds one match against the fate of its row.
func (s scale) judge(t *testing.T, got settle.Match, rowOf []int32) {
	t.Helper()
	n := -1
	if got.Line.Number > 0 {
		n = int(rowOf[got.Line.Number])
	}
	item := int(got.Item.Key) - 1
	if got.Item.Key > int64(s.rows) { // a twin
		item = int(got.Item.Key) - s.rows - 1
	}
	if n >= 0 && got.Item.Key != 0 && n != item {
		t.Fatalf("a false match: line %d of row %d with row %d (%+v)", got.Line.Number, n, item, got)
	}
	if n < 0 {
		n = item
	}
	allowed := map[fate][]string{
		fine: {"1 "}, rounded: {"1 "}, rewritten: {"2 "}, notThere: {"0 missing_there"}, notHere: {"0 missing_here"}, twice: {"1 ", "1 duplicate"},
		amountOff: {"1 amount"}, feeOff: {"1 fee"}, currencyOff: {"1 currency"}, ambiguous: {"0 missing_there", "0 missing_here"}, undoneBy: {"3 "},
	}
	is := fmt.Sprintf("%d %s", got.Stage, got.Break)
	for _, ok := range allowed[s.fate(n)] {
		if is == ok {
			return
		}
	}
	t.Fatalf("row %d of fate %d: stage and break %q", n, s.fate(n), is)
}

// reconcileBank matches the statements with what was to go through the account.
func (s scale) reconcileBank(t *testing.T, files []string, transfers []settle.Item, want map[int64]settle.Type, strays int) (found map[string]int, entries int) {
	t.Helper()
	m := settle.NewMatcher(settle.Rules{Window: 120 * time.Hour}, len(transfers))
	for _, i := range transfers {
		m.Add(i)
	}
	found = map[string]int{}
	tell := func(got settle.Match) error {
		found[fmt.Sprintf("%d %s", got.Stage, got.Break)]++
		key := got.Item.Key
		switch {
		case got.Break == settle.Duplicate:
			key = -key
		case got.Break == settle.MissingHere:
			strays--
			return nil
		}
		if want[key] != got.Break {
			t.Errorf("transfer %d: %q at stage %d, want %q", key, got.Break, got.Stage, want[key])
		}
		delete(want, key)
		return nil
	}
	for n, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		err = bank.ReadStatement(file, func(l provider.ReportLine) error {
			entries++
			if got, ok := m.Match(settle.Line{File: int64(n) + 2, Number: l.Number, ReportLine: l}); ok {
				return tell(got)
			}
			return nil
		})
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Finish(tell); err != nil {
		t.Fatal(err)
	}
	if strays != 0 || len(want) > 0 {
		t.Errorf("%d entries that nobody knows of and %d differences were not found", strays, len(want))
	}
	return found, entries
}

// resetPeak makes the kernel count the peak of memory anew, where it can.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peak is the most memory that the process has had resident since then, in MiB; 0
// where the kernel does not tell.
func peak() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n / 1024
		}
	}
	return 0
}

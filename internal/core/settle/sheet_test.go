package settle_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
)

// day is a statement of a day of November 2026 of an account that nothing moves on
// but one entry.
type day struct {
	day, number   int
	before, moved int64
	again         bool // another file of the same statement
}

func (d day) file(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	h := bank.Heading{ID: fmt.Sprint("S", d.day, d.again), Number: int64(d.number), Day: fmt.Sprintf("2026-11-%02d", d.day), Currency: "usd", Before: d.before}
	if err := bank.WriteStatement(&out, h, []bank.StatementEntry{{Reference: fmt.Sprint("X", d.day), Amount: d.moved, At: time.Date(2026, 11, d.day, 9, 0, 0, 0, time.UTC)}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A statement that is missing in the sequence, and one that does not begin with
// what the one before it ended with, are breaks until they are explained.
func TestStatementsAreAChain(t *testing.T) {
	onSQLite(t)
	first := day{day: 2, number: 1, before: 100, moved: 10}
	for name, c := range map[string]struct {
		runs [][]day    // the files that each run finds
		want [][]string // and the breaks of statements that are open after it
	}{
		"as it should be": {[][]day{{first, {3, 2, 110, -5, false}}, {{6, 3, 105, 1, false}}}, [][]string{nil, nil}},
		"one is missing, and comes": {[][]day{{first, {4, 3, 105, 1, false}}, {{3, 2, 110, -5, false}}},
			[][]string{{"timing 2026-11-04 number 3: the statements 2 to 2 have not come 0/0"}, nil}},
		"another comes in its place": {[][]day{{first, {4, 3, 105, 1, false}}, {{3, 2, 110, -4, false}}},
			[][]string{{"timing 2026-11-04 number 3: the statements 2 to 2 have not come 0/0"}, {"amount 2026-11-04 number 3: it begins 106/105"}}},
		"one is wrong, and corrected": {[][]day{{first, {3, 2, 111, -5, false}}, {{3, 2, 110, -5, true}}},
			[][]string{{"amount 2026-11-03 number 2: it begins 110/111"}, nil}},
		"one is missing where there are no numbers": {[][]day{{{day: 2, before: 100, moved: 10}, {day: 4, before: 105, moved: 1}}, {{day: 3, before: 110, moved: -5}}},
			[][]string{{"amount 2026-11-04 number 0: it begins 110/105"}, nil}},
		"a new year": {[][]day{{{2, 250, 100, 10, false}, {3, 1, 110, 1, false}, {4, 2, 111, 1, false}}}, [][]string{nil}},
	} {
		t.Run(name, func(t *testing.T) {
			h := openHouse(t)
			files, texts := []provider.ReportFile(nil), map[string][]byte{}
			h.Settle.Providers = []provider.Provider{{Name: bank.Name, PayOut: h.atBank.PayOut, Reports: &provider.Reports{
				List: func(context.Context, *time.Location, string) ([]provider.ReportFile, error) { return files, nil },
				Fetch: func(_ context.Context, f provider.ReportFile) (io.ReadCloser, error) {
					return io.NopCloser(bytes.NewReader(texts[f.Name])), nil
				},
				Read: bank.ReadStatement, Sheets: bank.ReadSheets}}}
			for n, found := range c.runs {
				for _, d := range found {
					name := fmt.Sprintf("%d-%d-%v", n, d.day, d.again)
					files, texts[name] = append(files, provider.ReportFile{Name: name, Day: fmt.Sprintf("2026-11-%02d", d.day), Version: 1, Statement: true}), d.file(t)
				}
				for range 2 { // the second changes nothing
					if err := h.Settle.Run(t.Context()); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(c.want[n], h.brokenChains()); diff != "" {
						t.Errorf("after run %d (-want +got)\n%s", n+1, diff)
					}
				}
			}
		})
	}
}

// brokenChains are the open breaks about statements.
func (h *house) brokenChains() (list []string) {
	h.t.Helper()
	all, _, err := settle.Breaks.List(h.t.Context(), h.DB, h.scope, object.Range{Limit: 100, Where: map[string]any{"state": "open"}})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range all {
		b := &o.Body
		var day string
		var number int
		if n, _ := fmt.Sscanf(b.Subject, "statement of %s of florin in usd, number %d", &day, &number); n == 0 {
			continue
		}
		note := b.Note
		if b.Type == settle.Amount {
			note = note[:len("it begins")]
		}
		list = append(list, fmt.Sprintf("%s %s number %d: %s %d/%d", b.Type, day, number, note, b.Ours.Amount, b.Theirs.Amount))
	}
	slices.Sort(list)
	return list
}

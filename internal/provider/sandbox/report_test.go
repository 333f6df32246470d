package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

func TestReportsConform(t *testing.T) {
	providertest.RunReports(t, providertest.ReportHarness{Start: func(t *testing.T) providertest.ReportInstance {
		c := clock.At(noon)
		w := providertest.World{Clock: c, Timeout: 10 * time.Second}
		var err error
		if w.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		p := startInstance(t, w, openBook(t, filepath.Join(t.TempDir(), "sandbox.book"))).Provider
		count := 0
		return providertest.ReportInstance{Provider: p, Pass: func(days int) { c.Advance(time.Duration(days) * 24 * time.Hour) }, Move: func(n int) (references []string) {
			for range n {
				count++
				reference := fmt.Sprintf("move-%d", count)
				out := p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: reference, Amount: money.New(1000+int64(count), "usd"), Capture: true,
					Card: provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")}})
				if out.Status != provider.Approved {
					t.Fatal(out)
				}
				references = append(references, reference)
			}
			return references
		}}
	}})
}

// What the book has is told as what it comes to.
func TestWhatIsSettled(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	next := at.AddDate(0, 0, 1)
	s := &settler{time.UTC, next.AddDate(0, 0, 5), map[string][]provider.ReportLine{}, map[string]moved{}, map[string]bool{}}
	for _, op := range []Operation{
		{Reference: "a", Kind: Sale, Amount: 10_000, Currency: "usd", State: Approved, Time: at},
		{Reference: "declined", Kind: Sale, Amount: 1, Currency: "usd", State: Declined, Time: at},
		{Reference: "auth", Kind: Authorize, Amount: 500, Currency: "usd", State: Approved, Time: at},
		{Reference: "cap", Kind: Capture, Original: "auth", Amount: 400, Currency: "usd", State: Approved, Time: at},
		{Reference: "part", Kind: Sale, Amount: 900, Currency: "usd", State: Approved, Time: at, Granted: &Granted{Amount: 600}},
		{Reference: "undone", Kind: Sale, Amount: 70, Currency: "usd", State: Approved, Time: at},
		{Reference: "r1", Kind: Reversal, Original: "undone", Amount: 70, Currency: "usd", State: Approved, Time: at},
		{Reference: "late", Kind: Sale, Amount: 80, Currency: "usd", State: Approved, Time: at},
		{Reference: "r2", Kind: Reversal, Original: "late", Amount: 80, Currency: "usd", State: Approved, Time: next},
		{Reference: "void", Kind: Reversal, Original: "auth", Amount: 500, Currency: "usd", State: Approved, Time: at},
		{Reference: "back", Kind: Refund, Original: "a", Amount: 300, Currency: "usd", State: Approved, Time: at},
		{Reference: "waits", Kind: Refund, Original: "a", Amount: 200, Currency: "usd", State: Pending, Time: at, Settles: next},
		{Reference: "e1", Kind: Event, Amount: 300, Currency: "usd", State: Approved, Time: next, Notices: []Notice{{Kind: noticeRefundFailed, Reference: "back", At: next}}},
		{Reference: "debit", Kind: Sale, Amount: 250, Currency: "eur", State: Pending, Time: at, Method: "sepa_debit"},
		{Reference: "bounces", Kind: Sale, Amount: 260, Currency: "eur", State: Pending, Time: at, Method: "sepa_debit"},
		{Reference: "e3", Kind: Event, Original: "debit", Ends: "debit", Amount: 250, Currency: "eur", State: Approved, Result: codeApproved, Method: "sepa_debit", Time: next},
		{Reference: "e4", Kind: Event, Original: "bounces", Ends: "bounces", Amount: 260, Currency: "eur", State: Approved, Result: codeNoFunds, Method: "sepa_debit", Time: next},
		{Reference: "e2", Kind: Event, State: Approved, Time: at, Notices: []Notice{
			{At: at, Dispute: &Dispute{ID: "inquiry", Status: warning + needsResponse, Amount: 10, Currency: "usd"}},
			{At: at, Dispute: &Dispute{ID: "dp", Status: needsResponse, Amount: 10_000, Currency: "usd"}},
			{At: at, Dispute: &Dispute{ID: "dp", Status: underReview, Amount: 10_000, Currency: "usd"}},
			{At: next, Dispute: &Dispute{ID: "dp", Status: won, Amount: 10_000, Currency: "usd"}}}},
	} {
		s.operation(op)
	}
	var got []string
	for _, day := range []string{"2026-11-20", "2026-11-21"} {
		for _, l := range s.days[day] {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %d %d %d", day[8:], l.Kind, l.Reference, l.Gross, l.Fee, l.Net)))
		}
	}
	want := []string{"20 capture a 10000 25 9975", "20 capture cap 400 6 394", "20 capture part 600 6 594", "20  undone 70 5 65", "20 capture late 80 5 75",
		"20 refund back -300 0 -300", "20 dispute dp -10000 500 -10500", "21 capture late -80 -5 -75", "21 refund waits -200 0 -200",
		"21 refund_failed back 300 0 300", "21 capture debit 250 6 244", "21 dispute_reversal dp 10000 0 10000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The layout is that of the transcript.
func TestReportLayout(t *testing.T) {
	text, err := os.ReadFile("testdata/report.csv")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := NewReportWriter(&out, "2026-11-20", "America/New_York", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := ReadReport(bytes.NewReader(text), w.Write); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), out.String()); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadReport(f *testing.F) {
	text, err := os.ReadFile("testdata/report.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("florin sandbox settlement,1,2026-11-20,UTC,1\n\"kind"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var list []provider.ReportLine
		err := ReadReport(bytes.NewReader(text), func(l provider.ReportLine) error { list = append(list, l); return nil })
		if err != nil {
			if !errors.Is(err, provider.ErrReport) {
				t.Errorf("%v", err)
			}
			return
		}
		var out bytes.Buffer
		w, err := NewReportWriter(&out, "2026-11-20", "UTC", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if err := w.Write(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var again []provider.ReportLine
		if err := ReadReport(&out, func(l provider.ReportLine) error { again = append(again, l); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(list, again, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Error(diff)
		}
	})
}

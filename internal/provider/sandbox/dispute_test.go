package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
)

// told asks the simulator for all notices, some time after the script began.
func (s *script) told(after time.Duration) []Notice {
	s.t.Helper()
	s.sim.clock = clock.At(scriptBegun.Add(after))
	if err := s.sim.age(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	list, err := s.sim.book.Notices(s.t.Context(), 0, maxNotices)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

var scriptBegun = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func said(list []Notice) (lines []string) {
	for _, n := range list {
		line := fmt.Sprint(n.Number, " ", n.Kind, " ", n.Reference, " ", n.Reason)
		if d := n.Dispute; d != nil {
			line += fmt.Sprint(d.Status, " ", d.Reason, " ", d.Amount, " ", d.Currency, " ", d.Due.Sub(scriptBegun))
		}
		lines = append(lines, line)
	}
	return lines
}

// TestDisputeCards: the dispute is told of in the answer, and exactly once by
// the feed; and is lost when its time is over.
func TestDisputeCards(t *testing.T) {
	const due = " eur 216h0m0s"
	tests := []struct {
		card       string
		atOnce, to []string
	}{
		{"4242424242424242", nil, nil},
		{"4000000000000259", []string{"1 dispute x needs_response fraudulent 1000" + due}, []string{"2 dispute x lost fraudulent 1000" + due}},
		{"4000000000002685", []string{"1 dispute x needs_response product_not_received 1000" + due}, []string{"2 dispute x lost product_not_received 1000" + due}},
		{"4000000000001976", []string{"1 dispute x warning_needs_response fraudulent 1000" + due}, []string{"2 dispute x warning_closed fraudulent 1000" + due}},
		{"4000000000005423", []string{"1 fraud_warning x misc"}, nil},
		{"4000000404000079", []string{"1 dispute x needs_response fraudulent 500" + due, "2 dispute x needs_response fraudulent 500" + due},
			[]string{"3 dispute x lost fraudulent 500" + due, "4 dispute x lost fraudulent 500" + due}},
		{"4000000404000038", []string{"1 dispute x needs_response fraudulent 1000" + due}, []string{"2 dispute x lost fraudulent 1000" + due}},
		{"4000008400000779", []string{"1 dispute x needs_response noncompliant 1000" + due}, []string{"2 dispute x lost noncompliant 1000" + due}},
		{"5105008400000002", []string{"1 dispute x needs_response noncompliant 1000" + due}, []string{"2 dispute x lost noncompliant 1000" + due}},
		{"4000000001000043", []string{"1 dispute x needs_response fraudulent 1000" + due}, []string{"2 dispute x lost fraudulent 1000" + due}},
	}
	for _, test := range tests {
		for _, captured := range []bool{false, true} {
			s := newScript(t)
			var op Operation
			if captured {
				if auth := s.with(test.card, request{Reference: "auth", Kind: Authorize, Amount: 1000}); len(auth.Notices) > 0 {
					t.Errorf("%s: an authorisation is disputed: %+v", test.card, auth)
				}
				s.ask(Capture, "x", "auth", 1000, false)
				op, _, _ = s.book.Find(t.Context(), "x")
			} else {
				op = s.with(test.card, request{Reference: "x", Kind: Sale, Amount: 1000})
			}
			if diff := cmp.Diff(test.atOnce, said(op.Notices)); diff != "" {
				t.Errorf("%s, in the answer (captured: %t):\n%s", test.card, captured, diff)
			}
			if diff := cmp.Diff(test.atOnce, said(s.told(answerTime-time.Millisecond))); diff != "" {
				t.Errorf("%s, before it is due:\n%s", test.card, diff)
			}
			for range 2 {
				if diff := cmp.Diff(append(append([]string(nil), test.atOnce...), test.to...), said(s.told(answerTime))); diff != "" {
					t.Errorf("%s, once it is due:\n%s", test.card, diff)
				}
			}
		}
	}
}

// contest answers the first dispute about x.
func (s *script) contest(reference string, evidence map[string]string) Operation {
	s.t.Helper()
	req := request{Reference: reference, Kind: Contest, Original: "x", Dispute: disputeID("x", 0), Evidence: evidence}
	if refused := req.check(); refused != nil {
		s.t.Fatal(refused)
	}
	op, err := s.sim.process(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return op
}

// TestContests: what each answer to a dispute leads to.
func TestContests(t *testing.T) {
	text := func(s string) map[string]string {
		return map[string]string{"uncategorized_text": s, "customer_name": "Jane Roe"}
	}
	const delay = time.Minute
	tests := []struct {
		name, card string
		evidence   map[string]string
		code       string
		atOnce     string // the dispute's status in the answer
		later      string // and when all is over
	}{
		{"won", "4000000000000259", text("winning_evidence"), "00", "won", "won"},
		{"lost", "4000000000000259", text("losing_evidence"), "00", "lost", "lost"},
		{"given in", "4000000000000259", nil, "00", "lost", "lost"},
		{"reviewed", "4000000000000259", text("It was delivered."), "00", "under_review", "lost"},
		{"no evidence at all", "4000000000000259", map[string]string{}, "00", "under_review", "lost"},
		{"no inquiry to escalate", "4000000000000259", text("escalate_inquiry_evidence"), "00", "under_review", "lost"},
		{"inquiry answered", "4000000000001976", text("winning_evidence"), "00", "warning_closed", "warning_closed"},
		{"inquiry given in", "4000000000001976", nil, "00", "warning_closed", "warning_closed"},
		{"inquiry reviewed", "4000000000001976", text("?"), "00", "warning_under_review", "warning_closed"},
		{"inquiry escalated", "4000000000001976", text("escalate_inquiry_evidence"), "00", "needs_response", "lost"},
		{"no dispute", "4242424242424242", nil, "25", "", ""},
	}
	for _, test := range tests {
		s := newScript(t)
		s.sim.rules.delay = delay
		s.with(test.card, request{Reference: "x", Kind: Sale, Amount: 1000})
		op := s.contest("c", test.evidence)
		status := ""
		if len(op.Notices) > 0 {
			status = op.Notices[0].Dispute.Status
		}
		if op.Code != test.code || status != test.atOnce || op.Evidence != len(test.evidence) {
			t.Errorf("%s: %s %q (%d)", test.name, op.Code, status, op.Evidence)
		}
		if test.atOnce == "" {
			continue
		}
		if again := s.contest("c", test.evidence); !cmp.Equal(again, op) {
			t.Errorf("%s: the same answer again: %s", test.name, cmp.Diff(op, again))
		}
		want := codeNotPermitted
		if status == needsResponse {
			want = codeApproved
		}
		if got := s.contest("d", text("losing_evidence")).Code; got != want {
			t.Errorf("%s: another answer: %s, want %s", test.name, got, want)
		}
		end := s.told(2 * answerTime)
		if last := end[len(end)-1].Dispute.Status; last != test.later {
			t.Errorf("%s: in the end %s, want %s\n%v", test.name, last, test.later, said(end))
		}
		for i, n := range end {
			if n.Number != int64(i+1) {
				t.Errorf("%s: the numbers of %v", test.name, said(end))
			}
		}
	}
	s := newScript(t)
	s.with("4000000000000259", request{Reference: "x", Kind: Sale, Amount: 1000})
	s.sim.clock = clock.At(scriptBegun.Add(answerTime))
	if got := s.contest("late", text("winning_evidence")).Code; got != codeNotPermitted {
		t.Errorf("too late: %s", got)
	}
	if got := s.ask(Reversal, "undo", "x", 1000, false); got != codeNotPermitted {
		t.Errorf("a disputed sale is undone: %s", got)
	}
}

// TestRefundCards: one is pending for a while, the other approved and then told
// to have failed, after which its money can be refunded anew.
func TestRefundCards(t *testing.T) {
	const delay = time.Minute
	s := newScript(t)
	s.sim.rules.delay = delay
	s.with("4000000000007726", request{Reference: "slow", Kind: Sale, Amount: 1000})
	s.with("4000000000005126", request{Reference: "bad", Kind: Sale, Amount: 1000})
	stands := func(reference string) string {
		op, _, err := s.book.Find(t.Context(), reference)
		if err == nil {
			op, err = s.sim.stand(op)
		}
		return fmt.Sprint(op.State, " ", op.Code, " ", err)
	}
	s.ask(Refund, "f1", "slow", 600, false)
	s.ask(Refund, "f2", "bad", 600, false)
	if got := s.ask(Refund, "f3", "slow", 401, false) + s.ask(Refund, "f4", "bad", 401, false); got != "1313" {
		t.Errorf("more than is left: %s", got)
	}
	if got := stands("f1") + ", " + stands("f2"); got != "pending 09 <nil>, approved 00 <nil>" {
		t.Error(got)
	}
	if list := s.told(delay - time.Millisecond); len(list) > 0 {
		t.Errorf("too early: %v", said(list))
	}
	if diff := cmp.Diff([]string{"1 refund_failed f2 expired_or_canceled_card"}, said(s.told(delay))); diff != "" {
		t.Error(diff)
	}
	if got := stands("f1"); got != "approved 00 <nil>" {
		t.Error(got)
	}
	if got := s.ask(Reversal, "v", "f2", 600, false) + s.ask(Refund, "f5", "bad", 1000, false) + s.ask(Refund, "f6", "slow", 401, false); got != "120013" {
		t.Errorf("afterwards: %s", got)
	}
}

// TestUndoneRefundDoesNotFail: nothing is told of what is not there any more.
func TestUndoneRefundDoesNotFail(t *testing.T) {
	s := newScript(t)
	s.with("4000000000005126", request{Reference: "x", Kind: Sale, Amount: 1000})
	s.ask(Refund, "f", "x", 1000, false)
	s.ask(Reversal, "v", "f", 1000, false)
	if list := s.told(time.Hour); len(list) > 0 {
		t.Errorf("%v", said(list))
	}
	if ops, err := s.book.Due(t.Context(), scriptBegun.Add(time.Hour), 10); err != nil || len(ops) > 0 {
		t.Errorf("still due: %+v %v", ops, err)
	}
}

// TestFeedThroughTwoNodes: notices of sales through two handles at once, while a
// reader follows, and time is made to pass by both: each notice is seen once,
// and none is passed over.
func TestFeedThroughTwoNodes(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		two := []*DBBook{openDBBook(t, address, db.Options{}), openDBBook(t, address, db.Options{})}
		now := clock.At(scriptBegun)
		sims := []*Simulator{NewSimulator(two[0], Options{Clock: now}), NewSimulator(two[1], Options{Clock: now})}
		const sales = 30
		var wg sync.WaitGroup
		for i := range sales {
			wg.Go(func() {
				_, err := sims[i%2].process(request{Reference: fmt.Sprint("s", i), Kind: Sale, Amount: 100, Currency: "eur",
					Card: &card{hidden.NewText("4000000000000259"), 12, 2034, hidden.Text{}}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		seen := map[string]int{}
		after := int64(0)
		read := func(b *DBBook) {
			list, err := b.Notices(context.WithoutCancel(t.Context()), after, 7)
			if err != nil {
				t.Error(err)
			}
			for _, n := range list {
				if n.Number != after+1 {
					t.Errorf("%d follows %d", n.Number, after)
				}
				after = n.Number
				seen[n.Reference+" "+n.Dispute.Status]++
			}
		}
		for range 20 {
			read(two[0])
		}
		wg.Wait()
		for _, sim := range sims {
			sim.clock = clock.At(scriptBegun.Add(answerTime))
			wg.Go(func() {
				if err := sim.age(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for range 20 {
			read(two[1])
		}
		for i := range sales {
			for _, status := range []string{needsResponse, lost} {
				if n := seen[fmt.Sprintf("s%d %s", i, status)]; n != 1 {
					t.Errorf("s%d was told of as %s %d times", i, status, n)
				}
			}
		}
		if after != 2*sales {
			t.Errorf("%d notices", after)
		}
	})
}

// TestNoticesOutliveTheProcess: the feed, and what is due, are in the file.
func TestNoticesOutliveTheProcess(t *testing.T) {
	path := t.TempDir() + "/b.book"
	s := &script{t: t, book: openBook(t, path)}
	s.sim = NewSimulator(s.book, Options{Clock: clock.At(scriptBegun)})
	s.with("4000000000000259", request{Reference: "x", Kind: Sale, Amount: 1000})
	first := s.told(0)
	if err := s.book.Close(); err != nil {
		t.Fatal(err)
	}
	s.book = openBook(t, path)
	s.sim = NewSimulator(s.book, Options{Clock: clock.At(scriptBegun)})
	if diff := cmp.Diff(first, s.told(0)); diff != "" || len(first) != 1 {
		t.Errorf("%v %s", first, diff)
	}
	if list := s.told(answerTime); len(list) != 2 {
		t.Errorf("%v", said(list))
	}
}

func TestFeedQueries(t *testing.T) {
	_, _, url := newServer(t, Options{})
	for query, status := range map[string]int{
		"": 200, "?after=0": 200, "?after=5&limit=1": 200, "?limit=100": 200,
		"?limit=0": 400, "?limit=101": 400, "?limit=x": 400, "?after=-1": 400, "?after=x": 400,
	} {
		got, body := call(t, "GET", url+noticesPath+query, "")
		if got != status || status == 200 && body != `{"notices":[]}` {
			t.Errorf("%s: %d %s", query, got, body)
		}
	}
}

// TestHostileFeeds: a list that is none is an error, and not the end of the list.
func TestHostileFeeds(t *testing.T) {
	good := Notice{Number: 5, Kind: noticeFraud, Reference: "r", At: noon}
	change := func(f func(*Notice)) []Notice {
		n := good
		f(&n)
		return []Notice{good, n}
	}
	tests := map[string]struct {
		list []Notice
		good bool
	}{
		"one":            {[]Notice{good}, true},
		"none":           {[]Notice{}, true},
		"two":            {change(func(n *Notice) { n.Number = 6 }), true},
		"twice":          {change(func(*Notice) {}), false},
		"falling":        {change(func(n *Notice) { n.Number = 4 }), false},
		"no reference":   {change(func(n *Notice) { n.Number, n.Reference = 6, "" }), false},
		"no kind":        {change(func(n *Notice) { n.Number, n.Kind = 6, "" }), false},
		"no dispute":     {change(func(n *Notice) { n.Number, n.Kind = 6, noticeDispute }), false},
		"no list at all": {nil, false},
	}
	for name, test := range tests {
		body, err := json.Marshal(map[string][]Notice{"notices": test.list})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeNotices(2, body); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decodeNotices(5, []byte(`{"notices":[{"number":5,"kind":"fraud_warning","reference":"r"}]}`)); err == nil {
		t.Error("what was told before is told again")
	}
}

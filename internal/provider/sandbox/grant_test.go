package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
)

// ask plays a request without a card, some time after the script began.
func (s *script) ask(kind Kind, reference, original string, amount int64, more bool) string {
	s.t.Helper()
	op, err := s.sim.process(request{Reference: reference, Kind: kind, Original: original, Amount: amount, Currency: "eur", More: more})
	if err != nil {
		s.t.Fatalf("%s %s: %v", kind, reference, err)
	}
	return op.Code
}

// TestGrants: what each wish for a feature comes to.
func TestGrants(t *testing.T) {
	at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	week, month := at.Add(7*24*time.Hour), at.Add(30*24*time.Hour)
	tests := []struct {
		kind     Kind
		amount   int64
		features []string
		want     *Granted
	}{
		{Authorize, 1000, nil, &Granted{Amount: 1000, MaxCapture: 1000, Expires: week}},
		{Authorize, 0, nil, &Granted{Expires: week}},
		{Authorize, 1001, []string{"overcapture"}, &Granted{Amount: 1001, MaxCapture: 1201, Expires: week}},
		{Authorize, 1000, []string{"extended"}, &Granted{Amount: 1000, MaxCapture: 1000, Extended: true, Expires: month}},
		{Authorize, 1000, []string{"increment", "multicapture"}, &Granted{Amount: 1000, MaxCapture: 1000, Increment: true, Multicapture: true, Expires: week}},
		{Authorize, 1077, nil, &Granted{Amount: 1077, MaxCapture: 1077, Expires: week}},
		{Authorize, 1077, []string{"partial"}, &Granted{Amount: 538, MaxCapture: 538, Expires: week}},
		{Authorize, 1000, []string{"partial"}, &Granted{Amount: 1000, MaxCapture: 1000, Expires: week}},
		{Sale, 1077, []string{"partial"}, &Granted{Amount: 538, MaxCapture: 538}},
		{Sale, 1000, []string{"partial", "increment", "overcapture"}, nil},
	}
	for i, test := range tests {
		op := newScript(t).with("4242424242424242", request{Reference: fmt.Sprint("g", i), Kind: test.kind, Amount: test.amount, Features: test.features})
		if diff := cmp.Diff(test.want, op.Granted); diff != "" || op.Code != codeApproved || op.Amount != test.amount {
			t.Errorf("%s of %d with %v: %s %s", test.kind, test.amount, test.features, op.Code, diff)
		}
	}
}

// TestParts plays histories of one authorisation, or sale, named x.
func TestParts(t *testing.T) {
	type step struct {
		kind      Kind
		reference string
		original  string
		amount    int64
		more      bool
		want      string
	}
	all := []string{"increment", "multicapture", "overcapture"}
	tests := []struct {
		name     string
		kind     Kind
		amount   int64
		features []string
		steps    []step
	}{
		{"raised, and captured over", Authorize, 1000, all, []step{
			{Increment, "i1", "x", 500, false, "00"},
			{Increment, "i2", "x", 51, false, "51"},
			{Increment, "i3", "x", maxAmount - 1499, false, "13"},
			{Capture, "c1", "x", 1801, false, "13"},
			{Capture, "c2", "x", 1800, false, "00"},
			{Increment, "i4", "x", 1, false, "12"},
		}},
		{"an increment undone", Authorize, 1000, all[:1], []step{
			{Increment, "i1", "x", 500, false, "00"},
			{Reversal, "r1", "i1", 499, false, "13"},
			{Reversal, "r1b", "i1", 500, false, "00"},
			{Capture, "c1", "x", 1001, false, "13"},
			{Capture, "c2", "x", 1000, false, "00"},
		}},
		{"an increment that a capture rests on", Authorize, 1000, all[:1], []step{
			{Increment, "i1", "x", 500, false, "00"},
			{Capture, "c1", "x", 1, false, "00"},
			{Reversal, "r1", "i1", 500, false, "12"},
		}},
		{"released with its increments", Authorize, 1000, all[:1], []step{
			{Increment, "i1", "x", 500, false, "00"},
			{Reversal, "r1", "x", 1499, false, "13"},
			{Reversal, "r2", "x", 1500, false, "00"},
			{Increment, "i2", "x", 500, false, "12"},
			{Capture, "c1", "x", 1, false, "12"},
		}},
		{"features not asked for", Authorize, 1000, nil, []step{
			{Increment, "i1", "x", 1, false, "12"},
			{Capture, "c1", "x", 500, true, "12"},
			{Capture, "c2", "x", 1001, false, "13"},
			{Increment, "i2", "nobody", 1, false, "25"},
		}},
		{"in parts, and refunded over several", Authorize, 1000, all[1:2], []step{
			{Capture, "c1", "x", 400, true, "00"},
			{Refund, "f1", "x", 401, false, "13"},
			{Capture, "c2", "x", 601, true, "13"},
			{Capture, "c3", "x", 300, true, "00"},
			{Refund, "f2", "x", 650, false, "00"},
			{Reversal, "r1", "c3", 300, false, "12"},
			{Capture, "c4", "x", 300, false, "00"},
			{Reversal, "r2", "c3", 300, false, "00"},
			{Refund, "f3", "x", 51, false, "13"},
			{Capture, "c5", "x", 1, false, "12"},
			{Refund, "f4", "x", 50, false, "00"},
			{Reversal, "r3", "x", 1000, false, "12"},
		}},
		{"the rest of what was captured in parts is released", Authorize, 1000, all[1:2], []step{
			{Capture, "c1", "x", 400, true, "00"},
			{Reversal, "r1", "x", 600, false, "00"},
			{Capture, "c2", "x", 1, true, "12"},
			{Refund, "f1", "x", 400, false, "00"},
		}},
		{"approved in part", Authorize, 1077, []string{"partial"}, []step{
			{Capture, "c1", "x", 539, false, "13"},
			{Reversal, "r1", "x", 538, false, "00"},
		}},
		{"sold in part", Sale, 1077, []string{"partial"}, []step{
			{Refund, "f1", "x", 539, false, "13"},
			{Refund, "f2", "x", 538, false, "00"},
			{Increment, "i1", "x", 1, false, "12"},
		}},
	}
	for _, test := range tests {
		s := newScript(t)
		s.with("4242424242424242", request{Reference: "x", Kind: test.kind, Amount: test.amount, Features: test.features})
		for _, st := range test.steps {
			if got := s.ask(st.kind, st.reference, st.original, st.amount, st.more); got != st.want {
				t.Errorf("%s: %s %s of %d: %s, want %s", test.name, st.kind, st.reference, st.amount, got, st.want)
			}
		}
	}
}

// TestExpiry: an authorisation is captured before it expires or not at all.
func TestExpiry(t *testing.T) {
	for _, test := range []struct {
		features []string
		valid    time.Duration
	}{{[]string{"increment"}, 7 * 24 * time.Hour}, {[]string{"increment", "extended"}, 30 * 24 * time.Hour}} {
		s := newScript(t)
		begun := s.sim.clock.Now()
		for _, x := range []string{"x", "y"} {
			s.with("4242424242424242", request{Reference: x, Kind: Authorize, Amount: 1000, Features: test.features})
		}
		s.sim.clock = clock.At(begun.Add(test.valid - time.Millisecond))
		if got := s.ask(Capture, "early", "x", 1000, false); got != "00" {
			t.Errorf("%v, before its end: %s", test.features, got)
		}
		s.sim.clock = clock.At(begun.Add(test.valid))
		if got := s.ask(Capture, "late", "y", 1000, false) + s.ask(Increment, "more", "y", 1000, false); got != "1212" {
			t.Errorf("%v, after its end: %s", test.features, got)
		}
		if got := s.ask(Reversal, "release", "y", 1000, false); got != "00" {
			t.Errorf("an expired authorisation can't be released: %s", got)
		}
	}
}

// TestAddresses: what is sent is checked, and nothing of it kept.
func TestAddresses(t *testing.T) {
	tests := []struct{ card, line1, postal string }{
		{"4242424242424242", "pass", "pass"},
		{"4000000000000036", "pass", "fail"},
		{"4000058400306072", "pass", "fail"},
		{"4000000000000028", "fail", "pass"},
		{"4000000000000010", "fail", "fail"},
		{"4000000000000044", "unavailable", "unavailable"},
	}
	line1, postal := hidden.NewText("1 High Street"), hidden.NewText("12345")
	for _, test := range tests {
		s := newScript(t)
		for reference, b := range map[string]*billing{"none": nil, "both": {line1, postal}, "line1": {Line1: line1}, "postal": {PostalCode: postal}} {
			op := s.with(test.card, request{Reference: reference, Kind: Sale, Amount: 100, Billing: b})
			want := [2]string{test.line1, test.postal}
			if b == nil || b.Line1.IsZero() {
				want[0] = ""
			}
			if b == nil || b.PostalCode.IsZero() {
				want[1] = ""
			}
			if got := [2]string{op.Line1Check, op.PostalCheck}; got != want || op.State != Approved {
				t.Errorf("%s, %s: %v, want %v", test.card, reference, got, want)
			}
		}
		for _, op := range listed(t, s.book) {
			if text := fmt.Sprintf("%+v", op); containsAny(text, "High Street", "12345") {
				t.Errorf("an address in the book: %s", text)
			}
		}
	}
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

package sandbox

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
)

func TestCards(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	good := func(number, cvc string) card { return card{hidden.NewText(number), 11, 2026, hidden.NewText(cvc)} }
	tests := []struct {
		card      card
		code, cvc string
	}{
		{good("4242424242424242", "123"), "00", "pass"},
		{good("4242424242424242", ""), "00", "unchecked"},
		{good("4000000000000101", "123"), "00", "fail"},
		{good("4000000000000101", ""), "00", "unchecked"},
		{good("4000000000000127", "123"), "N7", "fail"},
		{good("4000000000000002", "123"), "05", "pass"},
		{good("4000000000000341", "123"), "05", "pass"},
		{good("4000000000009995", "123"), "51", "pass"},
		{good("4000000000009987", "123"), "41", "pass"},
		{good("4000000000009979", "123"), "43", "pass"},
		{good("4000000000000069", "123"), "54", "pass"},
		{good("4000000000000119", "123"), "96", "pass"},
		{good("4000000000006975", "123"), "65", "pass"},
		{good("4100000000000019", "123"), "59", "pass"},
		{good("4242424242424241", "123"), "14", "unchecked"}, // fails Luhn
		{good("4111111111111111", "123"), "14", "unchecked"}, // passes Luhn, but is no card of ours
		{card{hidden.NewText("4242424242424242"), 10, 2026, hidden.NewText("123")}, "54", "pass"},
		{card{hidden.NewText("4242424242424242"), 12, 2025, hidden.NewText("123")}, "54", "pass"},
	}
	for _, test := range tests {
		code, cvc := test.card.verdict(now)
		if code != test.code || cvc != test.cvc {
			t.Errorf("%s %d/%d: %s %s, want %s %s", test.card.Number.Reveal(), test.card.ExpMonth, test.card.ExpYear, code, cvc, test.code, test.cvc)
		}
	}
	for number := range approving {
		if code, _ := good(number, "123").verdict(now); code != codeApproved {
			t.Errorf("%s: %s", number, code)
		}
		if !luhn(number) || declining[number] != "" || brand(number) == "" {
			t.Errorf("%s: Luhn %t, also declined %q, brand %q", number, luhn(number), declining[number], brand(number))
		}
	}
	for number, code := range declining {
		if !luhn(number) || reasons[code] == "" {
			t.Errorf("%s: Luhn %t, reason %q", number, luhn(number), reasons[code])
		}
	}
}

// luhn is ISO/IEC 7812-1's check of the last digit.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// script plays requests against a fresh simulator and lists the codes.
type script struct {
	t    *testing.T
	sim  *Simulator
	book *FileBook
}

func newScript(t *testing.T) *script {
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	now := clock.At(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	return &script{t, NewSimulator(book, Options{Clock: now}), book}
}

func (s *script) do(kind Kind, reference, original string, amount int64) string {
	s.t.Helper()
	return s.in("eur", kind, reference, original, amount)
}

func (s *script) in(currency string, kind Kind, reference, original string, amount int64) string {
	s.t.Helper()
	req := request{Reference: reference, Kind: kind, Original: original, Amount: amount, Currency: currency}
	if kind.takesCard() {
		req.Card = &card{hidden.NewText("4242424242424242"), 12, 2034, hidden.NewText("123")}
	}
	op, err := s.sim.process(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", kind, reference, err)
	}
	return op.Code
}

// TestStateByKind is the full product: every state that an operation can be
// in, and every kind that names it as its original.
func TestStateByKind(t *testing.T) {
	states := []struct {
		name   string
		amount int64
		make   func(s *script)
		target string
		// The codes of a capture and a refund of 1, and of a reversal of it all.
		capture, refund, reversal string
	}{
		{"nothing", 100, func(*script) {}, "x", "25", "25", "25"},
		{"declined authorisation", 1e12, func(s *script) { s.do(Authorize, "x", "", 1e12) }, "x", "12", "12", "25"},
		{"authorisation", 100, func(s *script) { s.do(Authorize, "x", "", 100) }, "x", "00", "12", "00"},
		{"captured authorisation", 100, func(s *script) { s.do(Authorize, "x", "", 100); s.do(Capture, "c", "x", 60) }, "x", "12", "00", "12"},
		{"refunded authorisation", 100, func(s *script) {
			s.do(Authorize, "x", "", 100)
			s.do(Capture, "c", "x", 60)
			s.do(Refund, "f", "x", 60)
		}, "x", "12", "13", "12"},
		{"authorisation whose capture is undone", 100, func(s *script) {
			s.do(Authorize, "x", "", 100)
			s.do(Capture, "c", "x", 60)
			s.do(Reversal, "v", "c", 60)
		}, "x", "00", "12", "00"},
		{"released authorisation", 100, func(s *script) { s.do(Authorize, "x", "", 100); s.do(Reversal, "v", "x", 100) }, "x", "12", "12", "00"},
		{"sale", 100, func(s *script) { s.do(Sale, "x", "", 100) }, "x", "12", "00", "00"},
		{"refunded sale", 100, func(s *script) { s.do(Sale, "x", "", 100); s.do(Refund, "f", "x", 100) }, "x", "12", "13", "12"},
		{"sale whose refund is undone", 100, func(s *script) {
			s.do(Sale, "x", "", 100)
			s.do(Refund, "f", "x", 100)
			s.do(Reversal, "v", "f", 100)
		}, "x", "12", "00", "00"},
		{"undone sale", 100, func(s *script) { s.do(Sale, "x", "", 100); s.do(Reversal, "v", "x", 100) }, "x", "12", "12", "00"},
		{"capture", 60, func(s *script) { s.do(Authorize, "a", "", 100); s.do(Capture, "x", "a", 60) }, "x", "12", "12", "00"},
		{"refunded capture", 60, func(s *script) {
			s.do(Authorize, "a", "", 100)
			s.do(Capture, "x", "a", 60)
			s.do(Refund, "f", "a", 1)
		}, "x", "12", "12", "12"},
		{"refund", 60, func(s *script) { s.do(Sale, "a", "", 100); s.do(Refund, "x", "a", 60) }, "x", "12", "12", "00"},
		{"reversal", 100, func(s *script) { s.do(Sale, "a", "", 100); s.do(Reversal, "x", "a", 100) }, "x", "12", "12", "12"},
	}
	for _, st := range states {
		for kind, want := range map[Kind]string{Capture: st.capture, Refund: st.refund, Reversal: st.reversal} {
			s := newScript(t)
			st.make(s)
			amount := int64(1)
			if kind == Reversal {
				amount = st.amount
			}
			if got := s.do(kind, "new", st.target, amount); got != want {
				t.Errorf("%s of %s: %s, want %s", kind, st.name, got, want)
			}
		}
	}
}

func TestAmountsAndCurrencies(t *testing.T) {
	s := newScript(t)
	s.do(Authorize, "a", "", 100)
	s.do(Sale, "s", "", 100)
	steps := []struct {
		code, currency string
		kind           Kind
		original       string
		amount         int64
	}{
		{"13", "eur", Sale, "", maxAmount + 1},
		{"13", "eur", Capture, "a", 101},
		{"12", "usd", Capture, "a", 100},
		{"13", "eur", Reversal, "a", 99},
		{"12", "usd", Reversal, "a", 100},
		{"00", "eur", Capture, "a", 100},
		{"13", "eur", Refund, "s", 101},
		{"12", "usd", Refund, "s", 1},
		{"00", "eur", Refund, "s", 60},
		{"13", "eur", Refund, "s", 41},
		{"00", "eur", Refund, "s", 40},
		{"13", "eur", Refund, "s", 1},
	}
	for i, step := range steps {
		if got := s.in(step.currency, step.kind, fmt.Sprint("n", i), step.original, step.amount); got != step.code {
			t.Errorf("step %d, %s %d %s: %s, want %s", i, step.kind, step.amount, step.currency, got, step.code)
		}
	}
}

// TestReversalLeavesOneTrace: a reversal that finds nothing, or finds its work
// done, is not in the book.
func TestReversalLeavesOneTrace(t *testing.T) {
	s := newScript(t)
	s.do(Reversal, "v1", "x", 100)
	s.do(Sale, "x", "", 100)
	s.do(Reversal, "v2", "x", 100)
	s.do(Reversal, "v3", "x", 100)
	s.do(Reversal, "v2", "x", 100)
	var got []string
	for op, err := range s.book.Operations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, op.Reference)
	}
	if diff := cmp.Diff([]string{"x", "v2"}, got); diff != "" {
		t.Error(diff)
	}
	op, err := s.sim.process(request{Reference: "v3", Kind: Reversal, Original: "x", Amount: 100, Currency: "eur"})
	if id, _ := names("v2"); err != nil || op.Reference != "v3" || op.ID != id {
		t.Errorf("the third reversal is answered with %+v, %v", op, err)
	}
}

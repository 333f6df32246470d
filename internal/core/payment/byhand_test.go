package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// mute can't be asked, repeats nothing and takes nothing back but by a void.
func mute(p *provider.Provider) {
	noInquiry(p)
	noReplay(p)
}

// TestByHand: what nobody can find out within a day opens a break, and a person
// who knows settles it, once, with what follows.
func TestByHand(t *testing.T) {
	for _, name := range []string{"sale", "authorize", "capture", "refund", "increment"} {
		for happened, fault := range map[bool]sandbox.Mode{true: sandbox.Reset, false: sandbox.Refused} {
			op := named(name)
			t.Run(name+" "+string(fault), func(t *testing.T) {
				t.Parallel()
				s := open(t, mute, func(p *provider.Provider) { p.Reverse = nil })
				i := op.ready(s)
				s.inject(sandbox.Fault{Mode: fault, Kind: op.kind})
				if r, err := op.do(s, i, key("k")); err != nil || r.Error != nil {
					t.Fatal(r, err)
				}
				a := s.last(int64(i))
				say := payment.Resolution{Succeeded: happened, Evidence: "case 42", By: "jo"}
				r, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, nil)
				if err != nil || r.Error == nil || !strings.Contains(r.Error.Message, "found out by itself") {
					t.Errorf("before a day is over: %+v %v", r, err)
				}
				s.clock.Advance(25 * time.Hour)
				s.sweep()
				if diff := cmp.Diff([]string{"unknown_outcome " + s.reference(a)}, s.broken()); diff != "" {
					t.Error(diff)
				}
				nothing := say
				nothing.Evidence = " "
				if _, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), nothing, nil); err == nil {
					t.Error("without evidence")
				}
				r, err = s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, key("hand"))
				if err != nil || r.Error != nil {
					t.Fatal(r, err)
				}
				again, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, key("hand"))
				if err != nil || !again.Replayed {
					t.Errorf("said again under its key: %+v %v", again, err)
				}
				if r, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, nil); err != nil || r.Error == nil {
					t.Errorf("said again under no key: %+v %v", r, err)
				}
				want := map[bool]payment.State{true: payment.Approved, false: payment.Failed}[happened]
				b := s.last(int64(i)).Body
				if b.State != want || b.Resolution == nil || b.Resolution.Evidence != "case 42" || b.Resolution.By != "jo" || !b.Break.IsZero() || !b.Due.IsZero() {
					t.Errorf("%+v", b)
				}
				if len(s.broken()) != 0 {
					t.Errorf("breaks: %v", s.broken())
				}
				s.agree()
			})
		}
	}
}

// TestContradictionByHand: a person who finds that a provider was wrong to say
// that something succeeded has the charge wait for it no more.
func TestContradictionByHand(t *testing.T) {
	t.Parallel()
	op := named("capture")
	s := open(t)
	i := op.ready(s)
	wait := s.overdue(op, i)
	a := s.last(int64(i))
	wait()
	s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Capture})
	if r, err := captureIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	late := provider.Outcome{Status: provider.Approved}
	if err := s.Late(t.Context(), s.scope, payment.AttemptID(a.Key), late); err != nil {
		t.Fatal(err)
	}
	say := payment.Resolution{Succeeded: true, Evidence: "a file", By: "jo"}
	r, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, nil)
	if err != nil || r.Error == nil || !strings.Contains(r.Error.Message, "no room") {
		t.Errorf("while another may take its place: %+v %v", r, err)
	}
	if again, _, _ := payment.Attempts.Read(t.Context(), s.DB, s.scope, a.Key); again.Body.Break.IsZero() || again.Body.Resolution != nil {
		t.Errorf("a refusal left something behind: %+v", again.Body)
	}
	say.Succeeded = false
	if r, err := s.ResolveByHand(t.Context(), s.scope, payment.AttemptID(a.Key), say, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	ch, _, err := payment.Charges.Read(t.Context(), s.DB, s.scope, int64(a.Body.Charge))
	if err != nil || len(ch.Body.Contradicted) != 0 || len(s.broken()) != 0 {
		t.Errorf("%+v %v, breaks %v", ch.Body.Contradicted, err, s.broken())
	}
	for range 3 {
		s.clock.Advance(30 * time.Second)
		s.sweep()
	}
	if again, _, _ := payment.Attempts.Read(t.Context(), s.DB, s.scope, a.Key); again.Body.State != payment.Failed {
		t.Errorf("%+v", again.Body)
	}
}

package providertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/provider"
)

// laterCases are about what an authorisation leads to, and about what is told
// unasked.
func laterCases() []testCase {
	return []testCase{
		{"authenticate", authenticates},
		{"increment", increments},
		{"capture in parts", capturesParts},
		{"contest a dispute", contests},
		{"notices", notices},
	}
}

// authenticates: no money moves, and inquiry tells what came of it.
func authenticates(t *testing.T, b *bench) {
	needs(t, b.Provider.Authenticate != nil)
	reference := b.ref("3ds")
	out := b.authenticate(t.Context(), t, reference)
	switch {
	case out.Status == provider.Pending && out.Action == "":
		t.Error("pending, and the payer has nowhere to go")
	case out.Status == provider.Approved && out.ThreeDS == nil:
		t.Error("approved without a result")
	case out.Status != provider.Pending && out.Status != provider.Approved:
		t.Errorf("%v (%s)", out.Status, out.Message)
	}
	if b.Provider.Inquire == nil {
		return
	}
	f := b.inquire(t.Context(), t, reference)
	if diff := cmp.Diff(out.ThreeDS, f.Outcome.ThreeDS); diff != "" || f.Outcome.Status != out.Status || f.Outcome.Action != out.Action {
		t.Errorf("the inquiry tells something else: %+v and %+v", out, f)
	}
	if b.Provider.Capture != nil {
		must(t, "capture an authentication", b.capture(t.Context(), t, b.ref("cap"), reference, 1), provider.Declined)
	}
}

func increments(t *testing.T, b *bench) {
	needs(t, b.Provider.Increment != nil, b.Provider.Authorize != nil)
	ctx, auth, inc := t.Context(), b.ref("auth"), b.ref("inc")
	b.raisable(t, auth)
	out := must(t, "raise", b.increment(ctx, t, inc, auth, 500), provider.Approved)
	if out.Granted == nil || out.Granted.Amount != 1500 || out.Granted.MaxCapture < 1500 {
		t.Errorf("granted: %+v", out.Granted)
	}
	b.settled(t, inc, provider.Approved)
	must(t, "raise nothing known", b.increment(ctx, t, b.ref("inc"), "nobody", 500), provider.Declined)
	plain := b.ref("auth")
	must(t, "authorise", b.authorize(ctx, t, plain, 1000, false), provider.Approved)
	must(t, "raise what was not to be", b.increment(ctx, t, b.ref("inc"), plain, 500), provider.Declined)
	if b.Provider.Capture != nil {
		must(t, "capture what it was raised to", b.capture(ctx, t, b.ref("cap"), auth, 1500), provider.Approved)
	}
}

func capturesParts(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Capture != nil, b.Provider.Increment != nil)
	auth := b.ref("auth")
	b.raisable(t, auth)
	part := func(minor int64, more bool) provider.Outcome {
		reference := b.ref("cap")
		return b.note(t, reference, b.Provider.Capture(t.Context(), provider.CaptureRequest{
			Reference: reference, Original: auth, Amount: b.amount(minor), More: more,
		}))
	}
	must(t, "a part", part(400, true), provider.Approved)
	must(t, "too much", part(601, true), provider.Declined)
	must(t, "another part", part(300, true), provider.Approved)
	must(t, "the last part", part(200, false), provider.Approved)
	must(t, "what was released", part(100, false), provider.Declined)
	if b.Provider.Refund != nil {
		must(t, "refund too much", b.refund(t.Context(), t, b.ref("ref"), auth, 901), provider.Declined)
		must(t, "refund all parts", b.refund(t.Context(), t, b.ref("ref"), auth, 900), provider.Approved)
	}
}

func contests(t *testing.T, b *bench) {
	needs(t, b.Provider.Contest != nil, !b.h.Dispute.Number.IsZero())
	ctx, sale, answer := t.Context(), b.ref("sale"), b.ref("con")
	d := b.disputed(t, sale)
	must(t, "answer a dispute that is none", b.contest(ctx, t, b.ref("con"), sale, "nothing"), provider.Declined)
	must(t, "answer", b.contest(ctx, t, answer, sale, d.ID), provider.Approved)
	b.settled(t, answer, provider.Approved)
	must(t, "answer again", b.contest(ctx, t, b.ref("con"), sale, d.ID), provider.Declined)
	second := b.disputed(t, b.ref("sale"))
	if second.ID == d.ID {
		t.Errorf("two disputes are called %s", d.ID)
	}
}

// notices: they are numbered in the order in which they happened, told again
// when asked again, and told once when each is asked for after the last.
func notices(t *testing.T, b *bench) {
	needs(t, b.Provider.Notices != nil, !b.h.Dispute.Number.IsZero())
	want := map[string]bool{}
	for range 5 {
		sale := b.ref("sale")
		b.disputed(t, sale)
		want[sale] = true
	}
	all, err := b.Provider.Notices(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var one []provider.Notice
	for after := int64(0); len(one) <= len(all); {
		next, err := b.Provider.Notices(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(next) == 0 {
			break
		}
		if len(next) > 1 || next[0].Number <= after {
			t.Fatalf("after %d: %+v", after, next)
		}
		after, one = next[0].Number, append(one, next...)
	}
	if diff := cmp.Diff(all, one); diff != "" {
		t.Errorf("one by one they differ:\n%s", diff)
	}
	for _, n := range all {
		delete(want, n.Reference)
		if n.At.IsZero() {
			t.Errorf("a notice without a time: %+v", n)
		}
	}
	if len(want) > 0 {
		t.Errorf("nothing is told of %v", want)
	}
}

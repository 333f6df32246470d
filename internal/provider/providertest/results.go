package providertest

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// resultCases are about what operations do when nothing goes wrong.
func resultCases() []testCase {
	return []testCase{
		{"what it can do is visible", capabilities},
		{"authorize", authorizes},
		{"capture", captures},
		{"refund", refunds},
		{"reverse an authorisation", reversesAuthorisation},
		{"reverse what was taken", reversesTaken},
		{"reverse twice", reversesTwice},
		{"unknown references", unknownReferences},
		{"the same reference twice", sameReferenceTwice},
		{"a reference used for something else", referenceReused},
	}
}

func capabilities(t *testing.T, b *bench) {
	p := b.Provider
	if p.Name == "" {
		t.Error("it has no name")
	}
	if p.Traits.Timeout <= 0 || p.Traits.Horizon <= 0 {
		t.Errorf("a time-out and a horizon are more than nothing: %+v", p.Traits)
	}
	if p.Inquire == nil && p.Reverse == nil && p.Traits.ReplayWindow == 0 {
		t.Error("an unknown outcome could never be settled: it has no inquiry, no replay and no reversal")
	}
	if p.Authorize == nil && (p.Capture != nil || p.Refund != nil) {
		t.Error("it captures or refunds what it can't authorise")
	}
}

// needs skips a case that is about an operation which the provider lacks.
func needs(t *testing.T, operations ...bool) {
	t.Helper()
	for _, there := range operations {
		if !there {
			t.Skip("the provider does not have the operation")
		}
	}
}

func authorizes(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil)
	ctx := t.Context()
	for _, sale := range []bool{false, true} {
		ok, no := b.ref("ok"), b.ref("no")
		out := must(t, "approve", b.authorize(ctx, t, ok, 1050, sale), provider.Approved)
		if len(out.Raw) < 2 || !out.Raw[0].Sent || out.Raw[1].Sent {
			t.Errorf("the exchange is not in Raw: %+v", out.Raw)
		}
		out = must(t, "decline", b.charge(ctx, t, no, 1050, sale, b.h.Decline), provider.Declined)
		if out.Reason != b.h.Reason || out.Code != b.h.Code {
			t.Errorf("declined for %q with %q, want %q with %q", out.Reason, out.Code, b.h.Reason, b.h.Code)
		}
		b.settled(t, ok, provider.Approved)
		b.settled(t, no, provider.Declined)
	}
}

// settled checks an operation by inquiry, if there is one.
func (b *bench) settled(t *testing.T, reference string, want provider.Status) {
	t.Helper()
	if b.Provider.Inquire != nil {
		mustFind(t, "inquire "+reference, b.inquire(t.Context(), t, reference), provider.Found, want)
	}
}

func captures(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Capture != nil)
	ctx := t.Context()
	auth, declined := b.ref("auth"), b.ref("declined")
	must(t, "authorise", b.authorize(ctx, t, auth, 1000, false), provider.Approved)
	must(t, "authorise", b.charge(ctx, t, declined, 1000, false, b.h.Decline), provider.Declined)
	must(t, "capture too much", b.capture(ctx, t, b.ref("cap"), auth, 1001), provider.Declined)
	must(t, "capture what was declined", b.capture(ctx, t, b.ref("cap"), declined, 1000), provider.Declined)
	must(t, "capture nothing known", b.capture(ctx, t, b.ref("cap"), "nobody", 1), provider.Declined)
	part := b.ref("cap")
	must(t, "capture a part", b.capture(ctx, t, part, auth, 400), provider.Approved)
	b.settled(t, part, provider.Approved)
	again := b.ref("cap")
	must(t, "capture the rest, which was released", b.capture(ctx, t, again, auth, 600), provider.Declined)
	b.settled(t, again, provider.Declined)
}

func refunds(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Refund != nil)
	ctx := t.Context()
	sale := b.ref("sale")
	must(t, "sale", b.authorize(ctx, t, sale, 1000, true), provider.Approved)
	part := b.ref("ref")
	must(t, "refund a part", b.refund(ctx, t, part, sale, 400), provider.Approved)
	must(t, "refund too much", b.refund(ctx, t, b.ref("ref"), sale, 601), provider.Declined)
	must(t, "refund the rest", b.refund(ctx, t, b.ref("ref"), sale, 600), provider.Approved)
	must(t, "refund more", b.refund(ctx, t, b.ref("ref"), sale, 1), provider.Declined)
	must(t, "refund nothing known", b.refund(ctx, t, b.ref("ref"), "nobody", 1), provider.Declined)
	b.settled(t, part, provider.Approved)
	if b.Provider.Capture == nil {
		return
	}
	auth := b.ref("auth")
	must(t, "authorise", b.authorize(ctx, t, auth, 1000, false), provider.Approved)
	must(t, "refund what is not captured", b.refund(ctx, t, b.ref("ref"), auth, 1), provider.Declined)
	must(t, "capture", b.capture(ctx, t, b.ref("cap"), auth, 700), provider.Approved)
	must(t, "refund more than captured", b.refund(ctx, t, b.ref("ref"), auth, 701), provider.Declined)
	must(t, "refund what was captured", b.refund(ctx, t, b.ref("ref"), auth, 700), provider.Approved)
}

func reversesAuthorisation(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Reverse != nil)
	ctx := t.Context()
	auth, rev := b.ref("auth"), b.ref("rev")
	must(t, "authorise", b.authorize(ctx, t, auth, 1000, false), provider.Approved)
	mustFind(t, "release", b.reverse(ctx, t, rev, auth, 1000), provider.Found, provider.Approved)
	b.settled(t, rev, provider.Approved)
	b.settled(t, auth, provider.Approved) // it did happen; that it was undone is another operation
	if b.Provider.Capture == nil {
		return
	}
	must(t, "capture what is released", b.capture(ctx, t, b.ref("cap"), auth, 1000), provider.Declined)
	auth, capture := b.ref("auth"), b.ref("cap")
	must(t, "authorise", b.authorize(ctx, t, auth, 1000, false), provider.Approved)
	must(t, "capture", b.capture(ctx, t, capture, auth, 1000), provider.Approved)
	mustFind(t, "release what is captured", b.reverse(ctx, t, b.ref("rev"), auth, 1000), provider.Found, provider.Declined)
	mustFind(t, "undo the capture", b.reverse(ctx, t, b.ref("rev"), capture, 1000), provider.Found, provider.Approved)
	if b.Provider.Refund != nil {
		must(t, "refund a capture undone", b.refund(ctx, t, b.ref("ref"), auth, 1), provider.Declined)
	}
}

func reversesTaken(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Reverse != nil, b.Provider.Refund != nil)
	ctx := t.Context()
	sale, refund := b.ref("sale"), b.ref("ref")
	must(t, "sale", b.authorize(ctx, t, sale, 1000, true), provider.Approved)
	must(t, "refund", b.refund(ctx, t, refund, sale, 300), provider.Approved)
	mustFind(t, "undo a refunded sale", b.reverse(ctx, t, b.ref("rev"), sale, 1000), provider.Found, provider.Declined)
	mustFind(t, "undo the refund", b.reverse(ctx, t, b.ref("rev"), refund, 300), provider.Found, provider.Approved)
	mustFind(t, "undo the sale", b.reverse(ctx, t, b.ref("rev"), sale, 1000), provider.Found, provider.Approved)
	must(t, "refund a sale undone", b.refund(ctx, t, b.ref("ref"), sale, 1), provider.Declined)
}

func reversesTwice(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Reverse != nil)
	ctx := t.Context()
	sale, rev := b.ref("sale"), b.ref("rev")
	must(t, "sale", b.authorize(ctx, t, sale, 1000, true), provider.Approved)
	for _, reference := range []string{rev, rev, b.ref("rev")} {
		mustFind(t, "undo", b.reverse(ctx, t, reference, sale, 1000), provider.Found, provider.Approved)
	}
	if n := b.count(t, func(e Entry) bool { return e.Original == sale }); n != 1 {
		t.Errorf("the sale was undone %d times", n)
	}
}

func unknownReferences(t *testing.T, b *bench) {
	ctx := t.Context()
	if b.Provider.Inquire != nil {
		mustFind(t, "inquire", b.inquire(ctx, t, b.ref("nobody")), provider.NotFound, 0)
	}
	if b.Provider.Reverse == nil {
		return
	}
	late, rev := b.ref("late"), b.ref("rev")
	mustFind(t, "reverse", b.reverse(ctx, t, rev, late, 1000), provider.NotFound, 0)
	if b.Provider.Authorize == nil {
		return
	}
	// The original was only on its way. The same reversal must find it now, or
	// an unknown outcome would be called failed while the money is taken.
	must(t, "sale", b.authorize(ctx, t, late, 1000, true), provider.Approved)
	mustFind(t, "reverse again", b.reverse(ctx, t, rev, late, 1000), provider.Found, provider.Approved)
}

func sameReferenceTwice(t *testing.T, b *bench) {
	needs(t, b.Provider.Traits.ReplayWindow > 0)
	for _, op := range b.operations() {
		s := b.prepare(t, op)
		first := must(t, "first "+string(op), s.send(t.Context()), provider.Approved)
		again := must(t, "second "+string(op), s.send(t.Context()), provider.Approved)
		if again.ID != first.ID || again.AuthorizationCode != first.AuthorizationCode {
			t.Errorf("%s: the second answer differs: %+v and %+v", op, first, again)
		}
		if n := b.count(t, s.is); n != 1 {
			t.Errorf("%s: the same reference had %d effects", op, n)
		}
	}
}

// referenceReused: what a provider says to another request under a used
// reference is its own affair, but it must not be Failed, which would deny
// what the reference did, and it must have no effect.
func referenceReused(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Traits.ReplayWindow > 0)
	sale := b.ref("sale")
	must(t, "sale", b.authorize(t.Context(), t, sale, 1000, true), provider.Approved)
	out := b.authorize(t.Context(), t, sale, 2000, true)
	if out.Status == provider.Failed || out.Status == provider.Approved {
		t.Errorf("another amount under a used reference: %v", out.Status)
	}
	if n := b.count(t, func(e Entry) bool { return e.Reference == sale && e.Amount == b.amount(1000) }); n != 1 {
		t.Errorf("the book has the sale %d times", n)
	}
}

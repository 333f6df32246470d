package providertest

import (
	"context"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// connectionCases are about what can't be sent, and about many at once.
func connectionCases() []testCase {
	return []testCase{
		{"nobody listens", nobodyListens},
		{"the provider goes away", goesAway},
		{"cancelled before it is sent", cancelledBefore},
		{"a hundred with one reference", oneReference},
		{"a hundred on one original", oneOriginal},
	}
}

// sendEverything calls every operation there is, with references of its own.
func (b *bench) sendEverything(ctx context.Context, t *testing.T) map[Operation]provider.Outcome {
	t.Helper()
	p, outs := b.Provider, map[Operation]provider.Outcome{}
	if p.Authorize != nil {
		outs[Authorize] = b.authorize(ctx, t, b.ref("auth"), 1000, false)
		outs[Sale] = b.authorize(ctx, t, b.ref("sale"), 1000, true)
	}
	if p.Capture != nil {
		outs[Capture] = b.capture(ctx, t, b.ref("cap"), "nobody", 1000)
	}
	if p.Refund != nil {
		outs[Refund] = b.refund(ctx, t, b.ref("ref"), "nobody", 1000)
	}
	if p.Reverse != nil {
		f := b.reverse(ctx, t, b.ref("rev"), "nobody", 1000)
		if f.Answer != provider.NoAnswer {
			t.Errorf("a reversal that can't be sent: answer %d", f.Answer)
		}
		outs[Reverse] = f.Outcome
	}
	if p.Authenticate != nil {
		outs[Authenticate] = b.authenticate(ctx, t, b.ref("3ds"))
	}
	if p.Increment != nil {
		outs[Increment] = b.increment(ctx, t, b.ref("inc"), "nobody", 1000)
	}
	if p.Contest != nil {
		outs[Contest] = b.contest(ctx, t, b.ref("con"), "nobody", "nothing")
	}
	if p.Notices != nil {
		if list, err := p.Notices(ctx, 0, 10); err == nil {
			t.Errorf("notices that can't be asked for: %+v", list)
		}
	}
	if p.Inquire != nil {
		if f := b.inquire(ctx, t, "nobody"); f.Answer != provider.NoAnswer {
			t.Errorf("an inquiry that can't be sent: answer %d", f.Answer)
		}
	}
	return outs
}

func nobodyListens(t *testing.T, b *bench) {
	b.Stop()
	for op, out := range b.sendEverything(t.Context(), t) {
		must(t, string(op), out, provider.Failed)
		if !out.Retryable {
			t.Errorf("%s: what was never sent may be tried anew", op)
		}
	}
}

// goesAway: over a connection that was good before, it may be known that
// nothing was sent or not; what is told must be true.
func goesAway(t *testing.T, b *bench) {
	for _, op := range b.operations() {
		must(t, string(op), b.prepare(t, op).send(t.Context()), provider.Approved)
	}
	b.Stop()
	for op, out := range b.sendEverything(t.Context(), t) {
		if out.Status != provider.Failed && out.Status != provider.Unknown {
			t.Errorf("%s with nobody there: %v", op, out.Status)
		}
	}
}

func cancelledBefore(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for op, out := range b.sendEverything(ctx, t) {
		must(t, string(op), out, provider.Failed)
	}
}

const crowd = 100

// together runs f in a crowd of goroutines.
func together(f func(i int)) {
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func oneReference(t *testing.T, b *bench) {
	needs(t, b.Provider.Traits.ReplayWindow > 0)
	for _, op := range b.operations() {
		s := b.prepare(t, op)
		var outs [crowd]provider.Outcome
		together(func(i int) { outs[i] = s.send(t.Context()) })
		if n := b.count(t, s.is); n != 1 {
			t.Errorf("%s: %d effects", op, n)
		}
		must(t, "afterwards "+string(op), s.send(t.Context()), provider.Approved)
		for _, out := range outs {
			// A busy machine may let a call time out; nothing else may differ.
			if out.Status != provider.Approved && out.Status != provider.Unknown {
				t.Errorf("%s: %v (%s)", op, out.Status, out.Message)
			}
		}
	}
}

// oneOriginal: captures and refunds race for the same money.
func oneOriginal(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Capture != nil, b.Provider.Refund != nil)
	auth := b.ref("auth")
	must(t, "authorise", b.authorize(t.Context(), t, auth, 1000, false), provider.Approved)
	together(func(int) { b.capture(t.Context(), t, b.ref("cap"), auth, 1000) })
	together(func(int) { b.refund(t.Context(), t, b.ref("ref"), auth, 300) })
	for op, want := range map[Operation]int{Capture: 1, Refund: 3} {
		if n := b.count(t, func(e Entry) bool { return e.Original == auth && e.Operation == op }); n != want {
			t.Errorf("%s: %d approved, want %d", op, n, want)
		}
	}
}

package providertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/provider"
)

// equalHistories runs random operations under random faults, twice for each
// seed, and compares all that was seen, to the byte and to the nanosecond.
func equalHistories(t *testing.T, h Harness) {
	var all []string
	for seed := range uint64(3) {
		first, second := history(t, h, seed), history(t, h, seed)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("seed %d gave two histories:\n%s", seed, diff)
		}
		if !strings.Contains(first, " unknown ") || !strings.Contains(first, " approved ") {
			t.Errorf("seed %d: a history without both success and doubt proves nothing", seed)
		}
		if slices.Contains(all, first) {
			t.Errorf("seed %d gives the history of another", seed)
		}
		all = append(all, first)
	}
}

// history is what one actor saw in one life of the simulator.
func history(t *testing.T, h Harness, seed uint64) string {
	var told strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := virtualWorld(t)
		w.Seed, w.FaultRate = seed, 300
		b := newBench(t, h, w)
		r := rand.New(rand.NewPCG(seed, 1))
		var refs []string
		for range 60 {
			ref, out := b.randomStep(t, r, refs)
			refs = append(refs, ref)
			fmt.Fprintf(&told, "%d %s %v %s %s %s %v\n", w.Clock.Now().UnixNano(), ref, out.Status, out.ID, out.Code, out.Message, out.Raw)
		}
		b.sleep(t, b.Provider.Traits.Horizon)
		b.allSettled(t, refs)
	})
	return told.String()
}

// randomStep does something with what was there before, or with nothing.
func (b *bench) randomStep(t *testing.T, r *rand.Rand, refs []string) (string, provider.Outcome) {
	t.Helper()
	ops := b.operations()
	if len(ops) == 0 {
		t.Skip("the provider has no operation to try")
	}
	op, ctx, original := ops[r.IntN(len(ops))], t.Context(), "nobody"
	if len(refs) > 0 {
		original = refs[r.IntN(len(refs))]
	}
	reference := b.ref(string(op))
	switch op {
	case Authenticate:
		return reference, b.authenticate(ctx, t, reference)
	case Increment:
		return reference, b.increment(ctx, t, reference, original, 100)
	case Contest:
		return reference, b.contest(ctx, t, reference, original, "nothing")
	case Capture:
		return reference, b.capture(ctx, t, reference, original, 1000)
	case Refund:
		return reference, b.refund(ctx, t, reference, original, 400)
	case Reverse:
		return reference, b.reverse(ctx, t, reference, original, 1000).Outcome
	}
	return reference, b.authorize(ctx, t, reference, 1000, op == Sale)
}

// allSettled asks about every reference until there is an answer, and compares
// it with the book.
func (b *bench) allSettled(t *testing.T, refs []string) {
	t.Helper()
	if b.Provider.Inquire == nil {
		return
	}
	entries, err := b.Book()
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		var f provider.Finding
		for range 20 {
			if f = b.inquire(t.Context(), t, ref); f.Answer != provider.NoAnswer {
				break
			}
		}
		at := slices.IndexFunc(entries, func(e Entry) bool { return e.Reference == ref })
		switch {
		case f.Answer == provider.NoAnswer:
			t.Errorf("%s: no answer in twenty inquiries", ref)
		case (f.Answer == provider.Found) != (at >= 0):
			t.Errorf("%s: answer %d, in the book: %t", ref, f.Answer, at >= 0)
		case at >= 0 && (f.Outcome.Status == provider.Approved) != entries[at].Approved:
			t.Errorf("%s: %v, and in the book %+v", ref, f.Outcome.Status, entries[at])
		}
	}
}

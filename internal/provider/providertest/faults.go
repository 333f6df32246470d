package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/provider"
)

// faultCases are about what goes wrong on the way, once for every operation.
func faultCases() []testCase {
	after := func(f func(w World) time.Duration) func(*bench) time.Duration {
		return func(b *bench) time.Duration { return f(b.world) }
	}
	none := after(func(World) time.Duration { return 0 })
	return []testCase{
		{"answer lost", faulty(Lost, none, true)},
		{"connection reset after processing", faulty(Reset, none, true)},
		{"answer is garbage", faulty(Garbage, none, true)},
		{"answer after the time-out", faulty(Late, after(func(w World) time.Duration { return 2 * w.Timeout }), true)},
		{"connection closed before processing", faulty(Refused, none, false)},
		{"processed after the time-out", processedLate},
		{"answer late but in time", lateInTime},
		{"the inquiry goes wrong", inquiryFaults},
		{"cancelled in the middle", cancelledMidway},
	}
}

// subject is one call of an operation, ready to be made.
type subject struct {
	operation Operation
	reference string
	original  string
	send      func(context.Context) provider.Outcome // the same request each time
}

// is picks the subject's effect out of a book, whatever reference it has.
func (s subject) is(e Entry) bool {
	return e.Operation == s.operation && (e.Reference == s.reference || s.original != "" && e.Original == s.original)
}

// operations lists what the provider has and can be tried.
func (b *bench) operations() []Operation {
	p := b.Provider
	var ops []Operation
	if p.Authorize == nil {
		return nil
	}
	ops = append(ops, Authorize, Sale)
	if p.Capture != nil {
		ops = append(ops, Capture)
	}
	if p.Refund != nil {
		ops = append(ops, Refund)
	}
	if p.Reverse != nil {
		ops = append(ops, Reverse)
	}
	if p.Authenticate != nil {
		ops = append(ops, Authenticate)
	}
	if p.Increment != nil {
		ops = append(ops, Increment)
	}
	if p.Contest != nil && !b.h.Dispute.Number.IsZero() {
		ops = append(ops, Contest)
	}
	return ops
}

// prepare does what op builds on.
func (b *bench) prepare(t *testing.T, op Operation) subject {
	t.Helper()
	s := subject{operation: op, reference: b.ref(string(op))}
	var dispute string
	switch op {
	case Authenticate, Authorize, Sale:
	case Increment:
		s.original = b.ref("original")
		b.raisable(t, s.original)
	case Contest:
		s.original = b.ref("original")
		dispute = b.disputed(t, s.original).ID
	default:
		s.original = b.ref("original")
		must(t, "prepare "+string(op), b.authorize(t.Context(), t, s.original, 1000, op != Capture), provider.Approved)
	}
	s.send = func(ctx context.Context) provider.Outcome {
		switch op {
		case Authenticate:
			return b.authenticate(ctx, t, s.reference)
		case Increment:
			return b.increment(ctx, t, s.reference, s.original, 600)
		case Contest:
			return b.contest(ctx, t, s.reference, s.original, dispute)
		case Capture:
			return b.capture(ctx, t, s.reference, s.original, 600)
		case Refund:
			return b.refund(ctx, t, s.reference, s.original, 600)
		case Reverse:
			f := b.reverse(ctx, t, s.reference, s.original, 1000)
			if (f.Answer == provider.Found) != (f.Outcome.Status == provider.Approved || f.Outcome.Status == provider.Declined) {
				t.Errorf("reverse: answer %d with outcome %v", f.Answer, f.Outcome.Status)
			}
			return f.Outcome
		}
		return b.authorize(ctx, t, s.reference, 1000, op == Sale)
	}
	return s
}

// faulty makes each operation go wrong by effect: it must be Unknown, and then
// the truth must come out: happened says what it is.
func faulty(effect Effect, delay func(*bench) time.Duration, happened bool) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		for _, op := range b.operations() {
			s := b.prepare(t, op)
			b.inject(t, Fault{Effect: effect, Operation: op, Delay: delay(b)})
			must(t, string(op), s.send(t.Context()), provider.Unknown)
			b.resolve(t, s, happened)
		}
	}
}

// resolve settles an unknown outcome as the platform does, by inquiry and by
// replay, and looks into the book for the one effect.
func (b *bench) resolve(t *testing.T, s subject, happened bool) {
	t.Helper()
	ctx, what := t.Context(), string(s.operation)
	if b.Provider.Inquire != nil {
		want := provider.NotFound
		if happened {
			want = provider.Found
		}
		mustFind(t, "inquire after "+what, b.inquire(ctx, t, s.reference), want, provider.Approved)
	}
	effects := 0
	if happened {
		effects = 1
	}
	if n := b.count(t, s.is); n != effects {
		t.Errorf("%s: the book has %d effects, want %d", what, n, effects)
	}
	if b.Provider.Traits.ReplayWindow > 0 {
		must(t, "replay "+what, s.send(ctx), provider.Approved)
		if n := b.count(t, s.is); n != 1 {
			t.Errorf("%s: the book has %d effects after the replay", what, n)
		}
	}
}

// processedLate: the request reaches the provider's hands, but is processed
// only after the caller has given up.
func processedLate(t *testing.T, b *bench) {
	for _, op := range b.operations() {
		s := b.prepare(t, op)
		delay := b.world.Timeout * 2
		begun := b.world.Clock.Now()
		b.inject(t, Fault{Effect: SlowProcess, Operation: op, Delay: delay})
		must(t, string(op), s.send(t.Context()), provider.Unknown)
		if b.Provider.Inquire != nil && b.world.Clock.Now().Before(begun.Add(delay*3/4)) {
			mustFind(t, "inquire early after "+string(op), b.inquire(t.Context(), t, s.reference), provider.NotFound, 0)
		}
		b.sleep(t, delay)
		b.resolve(t, s, true)
	}
}

func (b *bench) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	if err := b.world.Clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func lateInTime(t *testing.T, b *bench) {
	for _, op := range b.operations() {
		s := b.prepare(t, op)
		b.inject(t, Fault{Effect: Late, Operation: op, Delay: b.world.Timeout / 10})
		must(t, string(op), s.send(t.Context()), provider.Approved)
	}
}

// inquiryFaults: an inquiry that goes wrong tells nothing. It may be repeated
// under the hood, and then tells the truth; never that nothing happened.
func inquiryFaults(t *testing.T, b *bench) {
	needs(t, b.Provider.Authorize != nil, b.Provider.Inquire != nil)
	sale := b.ref("sale")
	must(t, "sale", b.authorize(t.Context(), t, sale, 1000, true), provider.Approved)
	for _, effect := range []Effect{Lost, Reset, Refused, Garbage} {
		b.inject(t, Fault{Effect: effect, Operation: Inquire})
		if f := b.inquire(t.Context(), t, sale); f.Answer == provider.NotFound {
			t.Errorf("%s: not found", effect)
		}
		mustFind(t, "ask again", b.inquire(t.Context(), t, sale), provider.Found, provider.Approved)
	}
}

func cancelledMidway(t *testing.T, b *bench) {
	for _, op := range b.operations() {
		s := b.prepare(t, op)
		b.inject(t, Fault{Effect: Lost, Operation: op})
		ctx, cancel := context.WithTimeout(t.Context(), b.world.Timeout/3)
		out := s.send(ctx)
		cancel()
		must(t, string(op), out, provider.Unknown)
		b.resolve(t, s, true)
	}
}

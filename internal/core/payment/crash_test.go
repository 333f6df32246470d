package payment_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
)

// lose runs an operation in a process that ends before (or, with sent, right
// after) the exchange with the provider: its goroutine exits there, and nothing
// that it knew is left.
func (s *shop) lose(l *line, sent bool, op operation, i payment.IntentID, r *idem.Request) {
	s.t.Helper()
	end := func() { runtime.Goexit() }
	at := &l.before
	if sent {
		at = &l.after
	}
	at.Store(&end)
	ended, returned := make(chan struct{}), false
	go func() {
		defer close(ended)
		_, _ = op.do(s, i, r)
		returned = true
	}()
	<-ended
	at.Store(nil)
	if returned {
		s.t.Fatal("the operation came to an end")
	}
	if a := s.last(int64(i)); a.Body.State != payment.Sending {
		s.t.Fatalf("the attempt is %s", a.Body.State)
	}
}

// lease is how long an operation in these tests keeps others away.
const lease = timeout + payment.Margin

func TestCrash(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			for name, f := range map[string]func(*shop, *line, operation, payment.IntentID, *idem.Request){
				"retried":           (*shop).retried,
				"swept":             (*shop).swept,
				"retried and swept": (*shop).retriedAndSwept,
				"taken over":        (*shop).takenOver,
			} {
				t.Run(name, func(t *testing.T) {
					s := *s
					s.t = t
					i := op.ready(&s)
					effects, _ := s.approved(op.kind)
					tried := len(s.attempts(int64(i)))
					s.lose(&l, true, op, i, key(name))
					calls := l.calls.Load()
					f(&s, &l, op, i, key(name))
					if n := l.calls.Load(); n != calls {
						t.Errorf("%d new submissions", n-calls)
					}
					if n := len(s.attempts(int64(i))); n != tried+1 {
						t.Errorf("%d new attempts", n-tried)
					}
					if n, _ := s.approved(op.kind); n != effects+1 {
						t.Errorf("%d effects", n-effects)
					}
					if b := s.intent(int64(i)).Body; b.Status != op.done {
						t.Errorf("the intent is %s", b.Status)
					}
					s.once(op, i)
					s.agree()
					s.inOrder()
				})
			}
		})
	}
}

// once checks that an operation which happened, and of which nobody was told
// that its outcome is unknown, has its events once each and in order.
func (s *shop) once(op operation, i payment.IntentID) {
	s.t.Helper()
	var want []string
	for _, typ := range append(append(want, op.before...), op.happened...) {
		if typ != "payment_intent.processing" && typ != "refund.updated" && typ != "charge.refund.updated" {
			want = append(want, typ)
		}
	}
	if diff := cmp.Diff(want, s.types(int64(i))); diff != "" {
		s.t.Errorf("events: %s", diff)
	}
}

func (s *shop) retried(_ *line, op operation, i payment.IntentID, r *idem.Request) {
	s.clock.Advance(lease - time.Second)
	if got, err := op.do(s, i, r); fault.KindOf(err) != fault.KeyInUse {
		s.t.Errorf("within the lease: %+v %v", got, err)
	}
	s.clock.Advance(2 * time.Second)
	got, err := op.do(s, i, r)
	if err != nil || got.Error != nil {
		s.t.Fatalf("after the lease: %+v %v", got, err)
	}
	s.replays(op, i, r, got)
}

func (s *shop) swept(_ *line, op operation, i payment.IntentID, r *idem.Request) {
	s.clock.Advance(lease - time.Second)
	s.sweep()
	if a := s.last(int64(i)).Body; a.State != payment.Sending || a.Tries != 0 {
		s.t.Errorf("swept within the lease: %+v", a)
	}
	s.clock.Advance(2 * time.Second)
	s.sweep()
	first, err := op.do(s, i, r)
	if err != nil || first.Error != nil || !first.Replayed {
		s.t.Fatalf("after the sweep: %+v %v", first, err)
	}
	s.replays(op, i, r, first)
}

// forfeit ends what processes hold, if they are all gone, and tells how many
// leases ended.
func (s *shop) forfeit(gone bool) int {
	s.t.Helper()
	n, err := s.Forfeit(s.t.Context(), func(int64) bool { return gone })
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// takenOver: long before the lease is over it is known that its holder is gone.
func (s *shop) takenOver(_ *line, op operation, i payment.IntentID, r *idem.Request) {
	s.clock.Advance(time.Second)
	if n := s.forfeit(false); n != 0 {
		s.t.Errorf("%d leases of those who live have ended", n)
	}
	s.sweep()
	if a := s.last(int64(i)).Body; a.State != payment.Sending || a.Tries != 0 {
		s.t.Errorf("swept within the lease: %+v", a)
	}
	if n := s.forfeit(true); n != 1 {
		s.t.Errorf("%d leases have ended", n)
	}
	s.sweep()
	first, err := op.do(s, i, r)
	if err != nil || first.Error != nil || !first.Replayed {
		s.t.Fatalf("after it was taken over: %+v %v", first, err)
	}
	s.replays(op, i, r, first)
}

// TestResolverDies: what a process leaves behind that dies while it finds out
// what became of another's operation is taken over too, once it is known to be
// gone, and not before.
func TestResolverDies(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			through := l.alter()
			s := open(t, func(p *provider.Provider) {
				through(p)
				p.Inquire = nil // so that it sends again
			})
			i := op.ready(s)
			effects, _ := s.approved(op.kind)
			s.lose(&l, true, op, i, key("k"))
			s.clock.Advance(lease + time.Second)
			die := func() { runtime.Goexit() }
			l.before.Store(&die)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = s.Resolve(t.Context(), s.scope, payment.AttemptID(s.last(int64(i)).Key))
				t.Error("the resolver came to an end")
			}()
			<-ended
			l.before.Store(nil)
			s.sweep()
			s.forfeit(false)
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Sending || a.Tries != 1 {
				t.Errorf("within the resolver's lease: %s after %d tries", a.State, a.Tries)
			}
			if n := s.forfeit(true); n != 1 {
				t.Errorf("%d leases have ended", n)
			}
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Approved {
				t.Errorf("after it was taken over: %s", a.State)
			}
			if n := s.forfeit(true); n != 0 {
				t.Errorf("%d leases have ended of what is over", n)
			}
			if n, _ := s.approved(op.kind); n != effects+1 {
				t.Errorf("%d effects", n-effects)
			}
			s.agree()
			s.inOrder()
		})
	}
}

func (s *shop) retriedAndSwept(_ *line, op operation, i payment.IntentID, r *idem.Request) {
	s.clock.Advance(lease + time.Second)
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			if n%3 == 0 {
				s.sweep()
				return
			}
			got, err := op.do(s, i, r)
			if err != nil && fault.KindOf(err) != fault.KeyInUse || err == nil && got.Error != nil {
				s.t.Errorf("%+v %v", got, err)
			}
		})
	}
	wg.Wait()
	s.clock.Advance(time.Minute)
	s.sweep()
}

// TestCrashBeforeSending: nothing arrived. That is known after the horizon, not
// before, and until then the payment is told to be in processing.
func TestCrashBeforeSending(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			i := op.ready(s)
			before, _ := s.approved(op.kind)
			s.lose(&l, false, op, i, key("k"))
			calls := l.calls.Load()
			s.clock.Advance(lease + time.Second)
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Unknown {
				t.Errorf("the provider knows nothing of it now; the attempt is %s", a.State)
			}
			s.clock.Advance(2 * time.Second)
			first, err := op.do(s, i, key("k"))
			if err != nil || first.Error != nil {
				t.Fatalf("%+v %v", first, err)
			}
			s.meanwhile(op, i)
			s.rest()
			want := append(append([]string(nil), op.before...), op.failed...)
			if diff := cmp.Diff(want, s.types(int64(i))); diff != "" {
				t.Errorf("events: %s", diff)
			}
			if n, _ := s.approved(op.kind); n != before || l.calls.Load() != calls {
				t.Errorf("%d effects of %d calls", n-before, l.calls.Load()-calls)
			}
			if b := s.intent(int64(i)).Body; b.Status != op.undone || b.Attempt != 0 {
				t.Errorf("%+v", b)
			}
			s.replays(op, i, key("k"), first)
			s.agree()
		})
	}
}

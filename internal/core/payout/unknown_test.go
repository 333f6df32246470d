package payout_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
)

// Whatever happens to the answer, the money goes out once, or not at all and
// is back.
func TestUnknownOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		fault bank.Fault
		alter func(*provider.Provider)
		sent  int
	}{
		"never answered":           {bank.Fault{Mode: bank.Lost}, nil, 1},
		"reset":                    {bank.Fault{Mode: bank.Reset}, nil, 1},
		"garbage":                  {bank.Fault{Mode: bank.Garbage}, nil, 1},
		"answered too late":        {bank.Fault{Mode: bank.Late, Delay: 2 * timeout}, nil, 1},
		"cut":                      {bank.Fault{Mode: bank.Cut}, nil, 0},
		"processed later":          {bank.Fault{Mode: bank.SlowProcess, Delay: 2 * timeout}, nil, 1},
		"no inquiry, lost":         {bank.Fault{Mode: bank.Lost}, func(p *provider.Provider) { p.Inquire = nil }, 1},
		"no inquiry, cut, replays": {bank.Fault{Mode: bank.Cut}, func(p *provider.Provider) { p.Inquire = nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, c.alter)
			s.account("000123456789")
			if err := s.sim.Inject(c.fault); err != nil {
				t.Fatal(err)
			}
			p := s.pay(6000, "instant", nil)
			if b := s.payout(p.Key).Body; b.Status != payout.InTransit || s.attempt(p).Body.State != payout.Unknown {
				t.Fatalf("while nobody knows: %s, %s", b.Status, s.attempt(p).Body.State)
			}
			if reply, err := s.Cancel(t.Context(), s.scope, p.Key, nil); err != nil || reply.Error == nil {
				t.Errorf("canceled while nobody knows: %+v %v", reply, err)
			}
			if diff := cmp.Diff(map[string]int64{"available": 4000, "payout_in_transit": 6000}, s.balances()); diff != "" {
				t.Error(diff)
			}
			s.inOrder()
			for c.sent == 1 && len(s.sent()) == 0 && c.fault.Mode == bank.SlowProcess {
				time.Sleep(timeout / 20) // the bank processes in real time
			}
			s.wait(10 * time.Minute)
			if n := len(s.sent()); n != c.sent {
				t.Fatalf("%d transfers", n)
			}
			want, status := map[string]int64{"available": 4000, "bank": 6000}, payout.Paid
			if c.sent == 0 {
				want, status = map[string]int64{"available": 10_000}, payout.Failed
			}
			if diff := cmp.Diff(want, s.balances()); diff != "" || s.payout(p.Key).Body.Status != status {
				t.Errorf("%s: %s", s.payout(p.Key).Body.Status, diff)
			}
			if b := s.attempt(p).Body; !b.Due.IsZero() && c.sent == 1 {
				t.Errorf("somebody still looks after it: %+v", b)
			}
		})
	}
}

// A process that dies before or after the bank was asked leaves the rest to the
// sweeper.
func TestCrash(t *testing.T) {
	for name, sent := range map[string]bool{"before it was sent": false, "after it was sent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.account("000123456789")
			die := func() { runtime.Goexit() }
			if sent {
				s.lines(nil, die, false)
			} else {
				s.lines(die, nil, false)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = s.Create(context.Background(), s.scope, payout.Params{Amount: 6000, Currency: "usd", Method: "instant"}, key("k"))
				t.Error("it came to an end")
			}()
			<-ended
			s.lines(nil, nil, false)
			p := s.pay(6000, "instant", key("k")) // the reply that was recorded
			if a := s.attempt(p).Body; a.State != payout.Sending {
				t.Fatalf("the attempt is %s", a.State)
			}
			s.sweep()
			if err := s.Resolve(t.Context(), s.scope, p.Body.Attempt); err != nil {
				t.Error(err)
			}
			if a := s.attempt(p).Body; a.State != payout.Sending || a.Tries != 1 {
				t.Errorf("swept within the lease: %+v", a)
			}
			s.inOrder()
			s.clock.Advance(timeout + payout.Margin)
			s.sweep()
			if a := s.attempt(p).Body; !sent && (a.State != payout.Unknown || a.Absent.IsZero()) {
				t.Errorf("what the bank knows nothing of, asked once: %+v", a)
			}
			s.wait(10 * time.Minute)
			want, n := map[string]int64{"available": 10_000}, 0
			if sent {
				want, n = map[string]int64{"available": 4000, "bank": 6000}, 1
			}
			if diff := cmp.Diff(want, s.balances()); diff != "" || len(s.sent()) != n || s.called() != 1 {
				t.Errorf("%d transfers of %d calls; %s", len(s.sent()), s.called(), diff)
			}
		})
	}
}

// Where it is known that the process is gone, nobody waits for its lease: neither
// a sender's nor that of one who asks.
func TestADeadProcessIsTakenOver(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	forfeit := func(want int, gone bool) {
		t.Helper()
		if n, err := s.Forfeit(t.Context(), func(int64) bool { return gone }); n != want || err != nil {
			t.Errorf("%d leases have ended, want %d: %v", n, want, err)
		}
	}
	dies := func(do func()) {
		t.Helper()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			do()
			t.Error("it came to an end")
		}()
		<-ended
	}
	s.lines(nil, func() { runtime.Goexit() }, false)
	dies(func() {
		_, _ = s.Create(context.Background(), s.scope, payout.Params{Amount: 6000, Currency: "usd", Method: "instant"}, key("k"))
	})
	s.lines(nil, nil, false)
	p := s.pay(6000, "instant", key("k"))
	forfeit(0, false)
	s.sweep()
	if a := s.attempt(p).Body; a.State != payout.Sending {
		t.Fatalf("within the sender's lease: %s", a.State)
	}
	forfeit(1, true)
	bank := s.Banks[s.Default]
	deaf := bank
	deaf.Inquire = func(context.Context, string) provider.Finding {
		runtime.Goexit()
		return provider.Finding{}
	}
	s.Banks[s.Default] = deaf
	dies(func() { _ = s.Resolve(t.Context(), s.scope, p.Body.Attempt) })
	s.Banks[s.Default] = bank
	s.sweep()
	if a := s.attempt(p).Body; a.State != payout.Sending || a.Tries != 2 {
		t.Fatalf("within the lease of who asks: %s after %d tries", a.State, a.Tries)
	}
	forfeit(1, true)
	s.sweep()
	if a := s.attempt(p).Body; a.State != payout.Approved {
		t.Errorf("after it was taken over: %s", a.State)
	}
	forfeit(0, true)
	if diff := cmp.Diff(map[string]int64{"available": 4000, "bank": 6000}, s.balances()); diff != "" || len(s.sent()) != 1 || s.called() != 1 {
		t.Errorf("%d transfers of %d calls; %s", len(s.sent()), s.called(), diff)
	}
	s.inOrder()
}

// What can't be sent waits for the bank, and is sent once.
func TestBankIsDown(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	s.lines(nil, nil, true)
	p := s.pay(6000, "instant", nil)
	s.wait(5 * time.Minute)
	if b := s.payout(p.Key).Body; b.Status != payout.Pending || s.attempt(p).Body.State != payout.Queued || len(s.sent()) != 0 {
		t.Errorf("%+v", b)
	}
	s.lines(nil, nil, false)
	s.wait(10 * time.Minute)
	if b := s.payout(p.Key).Body; b.Status != payout.Paid || len(s.sent()) != 1 {
		t.Errorf("%+v", b)
	}
}

// Many sweepers at once send a payout once.
func TestSweepersAtOnce(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	for range 4 {
		s.pay(1000, "", nil)
	}
	for range 4 {
		s.clock.Advance(25 * time.Hour)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := s.Sweep(context.Background(), 100); err != nil {
					t.Error(err)
				}
				if err := s.Listen(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if diff := cmp.Diff(map[string]int64{"available": 6000, "bank": 4000}, s.balances()); diff != "" || len(s.sent()) != 4 || s.called() != 4 {
		t.Errorf("%d transfers of %d calls; %s", len(s.sent()), s.called(), diff)
	}
}

// A bank that knew nothing of a payout, said twice, and then does: the money is
// out, so it leaves the balance again.
func TestLateSuccess(t *testing.T) {
	var blind atomic.Bool
	s := open(t, func(p *provider.Provider) {
		through := p.Inquire
		p.Inquire = func(ctx context.Context, reference string) provider.Finding {
			if blind.Load() {
				return provider.Finding{Answer: provider.NotFound}
			}
			return through(ctx, reference)
		}
	})
	s.account("000123456789")
	if err := s.sim.Inject(bank.Fault{Mode: bank.Reset}); err != nil {
		t.Fatal(err)
	}
	blind.Store(true)
	p := s.pay(6000, "instant", nil)
	for range 40 {
		s.clock.Advance(5 * time.Second)
		s.sweep()
		if s.payout(p.Key).Body.Status == payout.Failed {
			break
		}
	}
	if b := s.payout(p.Key).Body; b.Status != payout.Failed || b.FailureCode != "could_not_process" {
		t.Fatalf("%+v", b)
	}
	s.inOrder()
	s.pay(10_000, "", nil) // spent meanwhile
	blind.Store(false)
	s.clock.Advance(10 * time.Minute)
	s.sweep()
	if b := s.payout(p.Key).Body; b.Status != payout.Paid || b.FailureCode != "" {
		t.Errorf("%+v", b)
	}
	if diff := cmp.Diff(map[string]int64{"available": -6000, "bank": 6000, "payout_in_transit": 10_000}, s.balances()); diff != "" {
		t.Error(diff)
	}
}

package payment_test

import (
	"context"
	"sync/atomic"

	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// line is what lies between a shop and the simulator. Zero, it just passes on.
type line struct {
	// down: nobody listens at the other end, so that nothing can be sent.
	down atomic.Bool
	// calls counts operations handed to the provider; inquiries are not.
	calls atomic.Int64
	// before and after, if set, run in the goroutine of a call that moves money,
	// around the exchange with the simulator.
	before, after atomic.Pointer[func()]
}

func (l *line) run(at *atomic.Pointer[func()]) {
	if f := at.Load(); f != nil {
		(*f)()
	}
}

// nobody listens there: no system gives this port to one who asks for any.
const nobody = "http://127.0.0.1:1"

// alter puts the line into a provider.
func (l *line) alter() func(*provider.Provider) {
	return func(p *provider.Provider) {
		up, dead := *p, sandbox.New(nobody, sandbox.ConnectorOptions{Timeout: timeout})
		p.Authorize = through(l, up.Authorize, dead.Authorize)
		p.Capture = through(l, up.Capture, dead.Capture)
		p.Refund = through(l, up.Refund, dead.Refund)
		p.Increment = through(l, up.Increment, dead.Increment)
		p.Reverse = through(l, up.Reverse, dead.Reverse)
		p.Inquire = func(ctx context.Context, reference string) provider.Finding {
			if l.down.Load() {
				return dead.Inquire(ctx, reference)
			}
			return up.Inquire(ctx, reference)
		}
	}
}

func through[R, O any](l *line, up, dead func(context.Context, R) O) func(context.Context, R) O {
	return func(ctx context.Context, r R) O {
		l.calls.Add(1)
		if l.down.Load() {
			return dead(ctx, r)
		}
		l.run(&l.before)
		o := up(ctx, r)
		l.run(&l.after)
		return o
	}
}

func traits(change func(*provider.Traits)) func(*provider.Provider) {
	return func(p *provider.Provider) { change(&p.Traits) }
}

func noInquiry(p *provider.Provider) { p.Inquire = nil }

func noReplay(p *provider.Provider) { p.Traits.ReplayWindow = 0 }

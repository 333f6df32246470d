package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/florinpay/florin/internal/provider"
)

// watched stands between the node and its acquirer.
func (n *node) watched(p provider.Provider) provider.Provider {
	seen := p
	seen.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		op := "authorize"
		if r.Capture {
			op = "sale"
		}
		return exchange(n, ctx, op, r.Reference, func(ctx context.Context) provider.Outcome { return p.Authorize(ctx, r) }, told)
	}
	seen.Capture = watch(n, "capture", p.Capture, func(r provider.CaptureRequest) string { return r.Reference })
	seen.Refund = watch(n, "refund", p.Refund, func(r provider.RefundRequest) string { return r.Reference })
	seen.Authenticate = watch(n, "authenticate", p.Authenticate, func(r provider.AuthenticateRequest) string { return r.Reference })
	seen.Increment = watch(n, "increment", p.Increment, func(r provider.IncrementRequest) string { return r.Reference })
	seen.Contest = watch(n, "contest", p.Contest, func(r provider.ContestRequest) string { return r.Reference })
	seen.Reverse = func(ctx context.Context, r provider.ReverseRequest) provider.Finding {
		return exchange(n, ctx, "reversal", r.Reference, func(ctx context.Context) provider.Finding { return p.Reverse(ctx, r) }, found)
	}
	n.watchQuestions(&seen, p, "inquiry", "notices")
	return seen
}

// watchedBank stands between the node and its bank.
func (n *node) watchedBank(p provider.Provider) provider.Provider {
	seen := p
	seen.PayOut = watch(n, "payout", p.PayOut, func(r provider.PayoutRequest) string { return r.Reference })
	n.watchQuestions(&seen, p, "payout inquiry", "payout notices")
	return seen
}

func (n *node) watchQuestions(seen *provider.Provider, p provider.Provider, inquiry, notices string) {
	if p.Inquire != nil {
		seen.Inquire = func(ctx context.Context, reference string) provider.Finding {
			return exchange(n, ctx, inquiry, reference, func(ctx context.Context) provider.Finding { return p.Inquire(ctx, reference) }, found)
		}
	}
	seen.Notices = func(ctx context.Context, after int64, limit int) ([]provider.Notice, error) {
		return n.hear(ctx, notices, p, after, limit)
	}
}

// watch is an operation of a provider with the scheduler before and behind it.
func watch[R any](n *node, op string, call func(context.Context, R) provider.Outcome, reference func(R) string) func(context.Context, R) provider.Outcome {
	return func(ctx context.Context, r R) provider.Outcome {
		return exchange(n, ctx, op, reference(r), func(ctx context.Context) provider.Outcome { return call(ctx, r) }, told)
	}
}

var errDead = errors.New("the node has died")

// again is how many notices are told once more where that befalls them.
const again = 3

// hear asks for notices. Where there are none nothing is made of it: machines
// ask all the time.
func (n *node) hear(ctx context.Context, op string, p provider.Provider, after int64, limit int) ([]provider.Notice, error) {
	if n.dead.Load() {
		return nil, errDead
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.life, cancel)()
	list, err := p.Notices(ctx, after, limit)
	if err != nil || len(list) == 0 {
		return list, err
	}
	v := n.w.turns.park(&parked{name: n.label(ctx, op, fmt.Sprintf("%d after %d", len(list), after)), place: atReceive, what: op, node: n})
	switch v.fault {
	case stallTold:
		n.w.stall(v.delay)
	case toldAgain: // what was told before, too
		list, err = p.Notices(ctx, max(0, after-again), limit)
	case toldMixed:
		n.w.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	case toldNothing:
		list, err = nil, errors.New("the connection breaks")
	}
	if n.dead.Load() {
		return nil, errDead
	}
	return list, err
}

func told(o provider.Outcome) string { return fmt.Sprintf("%s %s", o.Status, o.Code) }

func found(f provider.Finding) string { return fmt.Sprintf("answer %d, %s", f.Answer, told(f.Outcome)) }

// exchange calls the provider, unless its node dies before, and gives nothing
// where its node dies afterwards.
func exchange[T any](n *node, ctx context.Context, op, reference string, call func(context.Context) T, say func(T) string) (out T) {
	if n.dead.Load() {
		return out
	}
	name := n.label(ctx, op, reference)
	v := n.w.turns.park(&parked{name: name + " send", place: atSend, what: op, node: n})
	if v.fault == stallAsked {
		n.w.stall(v.delay)
	}
	left := v.fault == crashAsked && v.applied // its bytes are on their way
	if n.dead.Load() && !left {
		return out
	}
	if left { // nobody calls them back
		ctx = context.WithoutCancel(ctx)
	}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	if !left {
		defer context.AfterFunc(n.life, cancel)()
	}
	got := call(bounded)
	v = n.w.turns.park(&parked{name: name + " " + say(got), place: atReceive, what: op, node: n})
	if v.fault == stallTold {
		n.w.stall(v.delay)
	}
	if n.dead.Load() {
		return out
	}
	return got
}

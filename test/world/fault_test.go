package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// mishap is what may befall an actor, or a request to the sandbox.
type mishap string

// What may befall a step.
const (
	crashBefore mishap = "crash before"     // its node dies while it is queued; it may happen all the same
	crashAfter  mishap = "crash after"      // it is committed, and its node dies before it knows
	commitFails mishap = "commit fails"     // it does not happen, and its caller is told so
	commitLost  mishap = "commit lost"      // it happens, and its caller is told that the database is away
	slowBefore  mishap = "slow before"      // it waits long before it is queued
	slowAfter   mishap = "slow after"       // it is committed, and the answer takes long
	jump        mishap = "clock jump"       // its node's clock jumps before it
	replyLost   mishap = "reply lost"       // the client's connection breaks before the reply
	crashAsked  mishap = "crash, then sent" // a node dies when it is about to call a provider
	crashTold   mishap = "crash, answered"  // a node dies with a provider's answer in its hands
	stallAsked  mishap = "stall before send"
	stallTold   mishap = "stall after answer"
)

var (
	stepFaults = []mishap{crashBefore, crashAfter, commitFails, commitLost, slowBefore, slowAfter, jump}
	sendFaults = []mishap{crashAsked, stallAsked}
	toldFaults = []mishap{crashTold, stallTold}
)

// verdict is what befalls an actor whose turn it is.
type verdict struct {
	fault mishap
	delay time.Duration
	// applied: a step whose node dies while it is queued happens all the same.
	applied bool
}

// How much befalls one world at most, so that its payments come to an end: of
// what the seed is after, and of everything else.
const (
	maxFocus    = 8
	maxCrashes  = 6
	maxJumps    = 4
	maxFaults   = 24
	faultRate   = 50 // of a thousand turns
	maxStall    = 40 * time.Second
	maxJump     = 90 * time.Second
	maxSkew     = payment.Margin / 2 // of a clock, where nodes may not rely on being told of their mistake
	maxDowntime = 15 * time.Second
)

// decide says what befalls p, whose turn it is. It is the scheduler's.
func (w *world) decide(p *parked) verdict {
	v := w.draw(p)
	mark := ""
	if v.fault != "" {
		mark = " !! " + string(v.fault)
		if v.delay != 0 {
			mark += " " + v.delay.String()
		}
		w.hits.count(v.fault, p.what)
	}
	if p.place != atTrain {
		w.history.add("%s%s", p.name, mark)
	}
	switch v.fault {
	case crashBefore, crashAsked, crashTold:
		w.crash(p.node)
	case jump:
		p.node.clock.jump(v.delay)
	}
	return v
}

func (w *world) draw(p *parked) verdict {
	if w.calm || p.node == nil || p.node.dead.Load() || !p.node.up.Load() {
		return verdict{}
	}
	var kinds []mishap
	switch p.place {
	case atStep:
		kinds = stepFaults
	case atSend:
		kinds = sendFaults
	case atReceive:
		kinds = toldFaults
	}
	if len(kinds) == 0 {
		return verdict{}
	}
	f := kinds[w.random.IntN(len(kinds))]
	dying := w.made.dying && p.place != atStep && w.random.IntN(3) == 0
	switch {
	case p.what == w.focus.op && slices.Contains(kinds, w.focus.fault) && w.focused < maxFocus && w.random.IntN(3) > 0:
		w.focused++
		return w.befall(w.focus.fault)
	case w.faults < maxFaults && (dying || w.random.IntN(1000) < faultRate):
		w.faults++
		return w.befall(f)
	}
	return verdict{}
}

// befall makes a verdict of a fault, if there is still room for it.
func (w *world) befall(f mishap) verdict {
	v := verdict{fault: f, applied: w.random.IntN(2) == 0}
	switch f {
	case crashBefore, crashAfter, crashAsked, crashTold:
		if w.crashes++; w.crashes > maxCrashes && f != w.focus.fault {
			return verdict{}
		}
	case jump:
		if w.jumps++; w.jumps > maxJumps && f != w.focus.fault {
			return verdict{}
		}
		v.delay = w.jump()
	case slowBefore, slowAfter, stallAsked, stallTold:
		v.delay = w.between(time.Second, maxStall)
	}
	return v
}

// jump is where a clock jumps to, from the right time. Nothing comes of clocks
// that differ by the margin of a lease. Beyond that a node may believe too soon
// that a provider will not come to an operation any more, and has to ask it once
// more to find out; a world has one such clock at most.
func (w *world) jump() time.Duration {
	to := w.between(-maxSkew, maxSkew)
	if !w.made.mute && !w.made.hasty && w.jumps == 1 {
		to = w.between(-maxJump, maxJump)
	}
	return to
}

// between draws a duration, of microseconds, so that few timers end together.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64((most-least)/time.Microsecond)))*time.Microsecond
}

// plan is what a world is made like, so that what its seed is after can happen.
type plan struct {
	nodes int
	// mute: the provider can't be asked how an operation stands.
	mute bool
	// replay is the provider's window: 0 is the sandbox's, less is none.
	replay time.Duration
	// hasty: the provider is believed to have processed what it will ever
	// process before it has, so that what was called failed succeeds late.
	hasty bool
	// dying: nodes die while they call the provider, and stay away for longer
	// than a lease.
	dying bool
	// wrong is what the sandbox does wrong at first, by its operations.
	wrong []sandbox.Mode
	at    []sandbox.Kind
}

// afterLate are what is done when something succeeds that was called failed.
var afterLate = []string{"payment.late", "payment.rest", "payment.give-back", "job.claim", "job.record", "ledger.mature"}

func (w *world) plan() (p plan) {
	p.nodes = 2 + w.random.IntN(2)
	kinds := []sandbox.Kind{sandbox.Sale, sandbox.Authorize, sandbox.Capture, sandbox.Refund}
	switch f, op := w.focus.fault, w.focus.op; {
	case slices.Contains(sandboxFaults, f):
		p.wrong, p.at, p.mute = []sandbox.Mode{sandbox.Mode(f)}, []sandbox.Kind{sandbox.Kind(op)}, f == "contradict"
		if op == "inquiry" { // somebody must have a reason to ask
			p.wrong, p.at = append(p.wrong, sandbox.Lost), append(p.at, kinds...)
		}
	case slices.Contains(afterLate, op):
		p.hasty, p.wrong, p.at = true, []sandbox.Mode{sandbox.SlowProcess, sandbox.Refused}, kinds[:2]
	case op == "payment.reversed":
		p.mute, p.replay, p.wrong, p.at = true, -1, []sandbox.Mode{sandbox.Lost, sandbox.Reset}, kinds[:2]
	case op == "payment.resume":
		p.nodes, p.dying = 1, true
	case op == "inquiry", op == "payment.claim", op == "payment.reschedule":
		p.wrong, p.at = []sandbox.Mode{sandbox.Lost, sandbox.Reset, sandbox.Refused}, kinds
	case w.random.IntN(8) == 0:
		p.mute = true
	case w.random.IntN(8) == 0:
		p.mute, p.replay = true, -1
	case w.random.IntN(8) == 0:
		p.hasty = true
	}
	return p
}

// The figures of a hasty provider: a lease of 11 s, absence that counts 19 s after
// it was first told, and what is slow processed after that, but before it is asked
// about once more, 32 s later, even by clocks that differ.
const (
	hastyTimeout = time.Second
	hastyHorizon = 8 * time.Second
	hastyDelay   = 28500 * time.Millisecond
)

// longest is how long the sandbox may take for what is slow.
func (p plan) longest() time.Duration {
	if p.hasty {
		return hastyDelay
	}
	return sandbox.Horizon - time.Second
}

// late is how many times as long its machines wait for what is soon. A hasty
// provider's figures leave no room.
func (p plan) late() time.Duration {
	if p.hasty {
		return 1
	}
	return 4
}

// inject gives the sandbox what it does wrong at first.
func (w *world) inject() {
	count := 2
	if w.focus.fault == "contradict" || w.made.hasty {
		count = 6 // much has to come together
	}
	for _, kind := range w.made.at {
		for _, mode := range w.made.wrong {
			rule := sandbox.Fault{Mode: mode, Kind: kind, Count: count, Delay: w.made.longest() - w.between(0, 500*time.Millisecond)}
			if err := w.sim.Inject(rule); err != nil {
				panic(fmt.Sprint("world: ", err))
			}
		}
	}
}

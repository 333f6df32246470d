package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/bank"
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
	toldAgain   mishap = "told again"     // notices come with some that came before
	toldMixed   mishap = "out of order"   // notices come in another order
	toldNothing mishap = "told nothing"   // the connection breaks before the notices
	hookRefuses mishap = "answers 500"    // a webhook's receiver fails
	hookHangs   mishap = "hangs"          // it never answers
	hookLate    mishap = "answers late"   // its 2xx comes when nobody waits for it any more
	hookSlow    mishap = "answers slowly" // its 2xx comes just in time
	hookLost    mishap = "2xx lost"       // it has taken the event, and the connection breaks before its 2xx
)

var (
	stepFaults = []mishap{crashBefore, crashAfter, commitFails, commitLost, slowBefore, slowAfter, jump}
	sendFaults = []mishap{crashAsked, stallAsked}
	toldFaults = []mishap{crashTold, stallTold}
	newsFaults = []mishap{crashTold, stallTold, toldAgain, toldMixed, toldNothing}
	hookFaults = []mishap{hookRefuses, hookHangs, hookLate, hookSlow, hookLost}
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
	maxFocus    = 9
	maxCrashes  = 6
	maxJumps    = 4
	maxFaults   = 24
	maxHooks    = 10
	faultRate   = 50 // of a thousand turns
	maxStall    = 40 * time.Second
	maxJump     = 90 * time.Second
	maxSkew     = payment.Margin / 2 // of a clock, where nodes may not rely on being told of their mistake
	maxDrift    = time.Second        // where clocks differ by no more than they may
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
		w.skewed = w.skewed || v.delay.Abs() > maxDrift
		p.node.clock.jump(v.delay)
	}
	return v
}

func (w *world) draw(p *parked) verdict {
	if w.calm || p.node == nil || p.node.dead.Load() || !p.node.up.Load() {
		return verdict{}
	}
	kinds, budget, spent := faultsAt(p), maxFaults, &w.faults
	if p.place == atHook {
		budget, spent = maxHooks, &w.hooks
	}
	if len(kinds) == 0 {
		return verdict{}
	}
	f := kinds[w.random.IntN(len(kinds))]
	dying := w.made.dying && (p.place == atSend || p.place == atReceive) && w.random.IntN(3) == 0
	switch {
	case p.what == w.focus && !w.made.outside && w.focused < maxFocus && w.random.IntN(3) > 0:
		w.focused++
		return w.befall(kinds[(w.made.turn+w.focused)%len(kinds)], true)
	case *spent < budget && (dying || w.random.IntN(1000) < faultRate):
		*spent++
		return w.befall(f, false)
	}
	return verdict{}
}

// faultsAt is what may befall an actor where it is.
func faultsAt(p *parked) []mishap {
	switch {
	case p.place == atStep:
		return stepFaults
	case p.place == atSend:
		return sendFaults
	case p.place == atReceive && slices.Contains(newsOps, p.what):
		return newsFaults
	case p.place == atReceive:
		return toldFaults
	case p.place == atHook:
		return hookFaults
	}
	return nil
}

// befall makes a verdict of a fault, if there is still room for it, and it is
// not one of those that are left out.
func (w *world) befall(f mishap, sought bool) verdict {
	v := verdict{fault: f, applied: w.random.IntN(2) == 0}
	if w.drawn++; w.without.fault(w.drawn - 1) {
		return verdict{}
	}
	switch f {
	case crashBefore, crashAfter, crashAsked, crashTold:
		if w.crashes++; w.crashes > maxCrashes && !sought {
			return verdict{}
		}
	case jump:
		if w.jumps++; w.jumps > maxJumps && !sought {
			return verdict{}
		}
		v.delay = w.jump()
	case slowBefore, slowAfter, stallAsked, stallTold, hookLate, hookSlow:
		v.delay = w.between(time.Second, maxStall)
	}
	return v
}

// jump is where a clock jumps to, from the right time. Nothing comes of clocks
// that differ by the margin of a lease. Beyond that a node may believe too soon
// that a provider will not come to an operation any more, and has to ask it once
// more to find out; a world has one such clock at most.
func (w *world) jump() time.Duration {
	if !w.made.skewed {
		return w.between(-maxDrift, maxDrift)
	}
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
	nodes, receivers int
	// round is in which round of what is sought the seed is, and turn with which
	// fault it begins.
	round, turn int
	// scene is what its clients do most; empty: this and that.
	scene string
	// outside: it is after what goes wrong at the provider rather than here.
	outside bool
	// skewed: clocks differ by more than they may where webhooks are concerned.
	skewed bool
	// morning is when the bank's next day begins.
	morning time.Duration
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
	// wrong is what the sandbox does wrong at first, by its operations, and
	// bounced what the bank does.
	wrong   []sandbox.Mode
	at      []sandbox.Kind
	bounced []bank.Mode
	// settles: days pass, and books are compared with reports and statements; files
	// is which of those go wrong the most.
	settles bool
	files   string
	// pushes is what goes wrong with what they send unasked.
	pushes []push.Mode
}

// afterLate are what is done when something succeeds that was called failed.
var afterLate = []string{"payment.late", "payment.rest", "payment.give-back", "job.claim", "job.record", "ledger.mature"}

// payers are the sandbox's operations that take money or promise it.
var payers = []sandbox.Kind{sandbox.Sale, sandbox.Authorize, sandbox.Capture, sandbox.Refund}

func (w *world) plan(at focus, round int) (p plan) {
	p.nodes, p.receivers, p.round, p.outside = 2+w.random.IntN(2), 1+w.random.IntN(2), round, at.outside
	p.pushes = pushModes
	if w.random.IntN(3) > 0 { // what contradicts itself is for a person
		p.pushes = pushModes[:len(pushModes)-1]
	}
	p.morning = w.between(20*time.Second, 100*time.Second)
	p.skewed, p.scene = w.random.IntN(2) == 0, sceneOf(at.op)
	switch op := at.op; {
	case at.outside && slices.Contains(fileOps, op):
		p.files = op
	case at.outside && op == "payout":
		p.bounced = turned(bankModes, round)
	case at.contradicts && op == "payout push":
		p.pushes = []push.Mode{push.Contradict}
	case at.contradicts: // of which one gets to know who sends it again before he is told how it stands
		p.mute, p.wrong, p.at, p.pushes = true, []sandbox.Mode{sandbox.Contradict}, []sandbox.Kind{sandbox.Kind(op)}, []push.Mode{push.Delay}
	case at.outside:
		p.wrong, p.at = turned(sandboxModes[1:], round), []sandbox.Kind{sandbox.Kind(op)}
		if op == "inquiry" { // somebody must have a reason to ask
			p.at = append(p.at, payers...)
		}
	case slices.Contains(afterLate, op):
		p.hasty, p.wrong, p.at = true, []sandbox.Mode{sandbox.SlowProcess, sandbox.Refused}, payers[:2]
	case op == "payment.reversed":
		p.mute, p.replay, p.wrong, p.at = true, -1, []sandbox.Mode{sandbox.Lost, sandbox.Reset}, payers[:2]
	case op == "report", op == "statement", strings.HasPrefix(op, "settle."):
		p.files = op
	case op == "payment.resume", op == "setup.resume":
		p.nodes, p.dying = 1, true
	case op == "inquiry", op == "payment.claim", op == "payment.reschedule":
		p.wrong, p.at = []sandbox.Mode{sandbox.Lost, sandbox.Reset, sandbox.Refused}, payers
	case op == "payout inquiry", op == "payout.claim", op == "payout.reschedule":
		p.bounced = []bank.Mode{bank.Lost, bank.Cut, bank.Reset}
	case w.random.IntN(8) == 0:
		p.mute = true
	case w.random.IntN(8) == 0:
		p.mute, p.replay = true, -1
	case w.random.IntN(8) == 0:
		p.hasty = true
	}
	p.settles = p.files != "" || !p.mute && !p.hasty && !p.dying && w.random.IntN(6) == 0
	return p
}

// turned begins a list elsewhere each round.
func turned[T any](list []T, round int) []T {
	return slices.Concat(list[round%len(list):], list[:round%len(list)])
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
	return 6
}

// inject gives the sandbox and the bank what they do wrong at first.
func (w *world) inject() {
	if w.without.outside {
		return
	}
	count := 2
	switch {
	case w.made.outside && !w.made.mute:
		count = 1
	case w.made.mute || w.made.hasty:
		count = 6 // much has to come together
	}
	// Each has a delay of its own, so that what is done at once is not processed at
	// once, in whatever order, later.
	for _, kind := range w.made.at {
		for _, mode := range w.made.wrong {
			for range count {
				rule := sandbox.Fault{Mode: mode, Kind: kind, Delay: w.made.longest() - w.between(0, 500*time.Millisecond)}
				if err := w.sim.Inject(rule); err != nil {
					panic(fmt.Sprint("world: ", err))
				}
			}
		}
	}
	for _, mode := range w.made.bounced {
		if err := w.bank.Inject(bank.Fault{Mode: mode, Count: 2, Delay: w.between(time.Second, 15*time.Second)}); err != nil {
			panic(fmt.Sprint("world: ", err))
		}
	}
}

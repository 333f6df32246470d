package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// cell is one fault at one operation.
type cell struct {
	fault mishap
	op    string
}

// sandboxModes are what goes wrong at the sandbox, by its operations, and
// bankModes at the bank.
var (
	sandboxModes = []sandbox.Mode{sandbox.Contradict, sandbox.Lost, sandbox.Late, sandbox.Reset, sandbox.Refused, sandbox.Garbage, sandbox.SlowProcess, sandbox.Duplicate}
	bankModes    = []bank.Mode{bank.Lost, bank.Late, bank.Reset, bank.Cut, bank.Garbage, bank.SlowProcess}
	sandboxKinds = []string{"authorize", "sale", "capture", "refund", "reversal", "inquiry", "authenticate", "increment", "contest", "notices"}
	// providerOps are what nodes ask of either, and newsOps what those tell.
	providerOps = []string{"authorize", "sale", "capture", "refund", "reversal", "inquiry", "authenticate", "increment", "contest", "payout", "payout inquiry"}
	newsOps     = []string{"notices", "payout notices"}
)

var (
	// steps are all that a node of this world does to the database while it is
	// up. A step that is not here makes the test fail.
	steps = []string{
		"payment.create", "payment.confirm", "payment.capture", "payment.cancel", "payment.refund", "payment.increment", "payment.contest",
		"payment.settle", "payment.claim", "payment.reschedule", "payment.resume", "payment.reversed", "payment.rest", "payment.late",
		"payment.give-back", "payment.expire", "payment.notice", "payment.notices-read",
		"setup.create", "setup.cancel", "setup.settle", "setup.claim", "setup.resume",
		"payout.create", "payout.cancel", "payout.reverse", "payout.submit", "payout.settle", "payout.claim", "payout.reschedule",
		"payout.returned", "payout.noticed", "payout.automatic",
		"cash.fund", "timeline.create", "timeline.advance", "timeline.move", "timeline.delete", "timeline.clear",
		"job.claim", "job.record", "ledger.seal", "ledger.mature", "search.build", "search.index",
		"vault.create_payment_method", "vault.create_customer", "vault.attach_payment_method",
		"webhook.spread", "webhook.claim", "webhook.record", "webhook.release", "webhook.put-off", "webhook.renew",
	}
	// requests are what clients ask for.
	requests = []string{"method", "create", "confirm", "capture", "cancel", "refund", "evidence", "close", "increment", "customer", "setup", "setup cancel",
		"payout", "payout cancel", "payout reverse", "cash", "clock", "attach", "advance"}
)

// impossible are the cells that can't be hit, and why.
var impossible = map[cell]string{
	{"contradict", "inquiry"}:  "an inquiry changes nothing: asked again it tells the same",
	{"contradict", "reversal"}: "a reversal may be said twice to every provider: that is what one promises who has it",
	{"duplicate", "inquiry"}:   "an inquiry changes nothing: delivered twice it is answered twice",
	{"contradict", "notices"}:  "the feed is read: asked again it tells the same",
	{"duplicate", "notices"}:   "the feed is read: asked twice it is answered twice",
}

// incidental are steps that a world has too seldom for seeds to be after them,
// and why.
var incidental = map[string]string{
	"ledger.tell_available": "the job that tells of a maturity runs once a day at most, and a world has few days",
}

// possible lists the cells of the matrix.
func possible() (list []cell) {
	add := func(faults []mishap, ops []string) {
		for _, op := range ops {
			for _, f := range faults {
				if impossible[cell{f, op}] == "" {
					list = append(list, cell{f, op})
				}
			}
		}
	}
	add(mishaps(sandboxModes), sandboxKinds)
	add(mishaps(bankModes), []string{"payout"})
	add(slices.Concat(sendFaults, toldFaults), providerOps)
	add(newsFaults, newsOps)
	add(stepFaults, steps)
	add(hookFaults, []string{"webhook"})
	add([]mishap{replyLost}, requests)
	return list
}

func mishaps[M ~string](modes []M) (list []mishap) {
	for _, m := range modes {
		list = append(list, mishap(m))
	}
	return list
}

// rare are the steps that need much to come together.
var rare = append([]string{"payment.resume", "payment.reversed"}, afterLate...)

// rare reports whether a fault shows only where much comes together.
func (c cell) rare() bool { return c.fault == "contradict" || slices.Contains(rare, c.op) }

// focus is what a seed is after: what may befall an operation here, or outside.
type focus struct {
	op      string
	outside bool
}

// sought is what the seeds are after, in turn: each operation, a rare one thrice,
// and those of which a world has one or two more often still.
func sought() (list []focus) {
	for _, op := range slices.Concat(steps, providerOps, newsOps, []string{"webhook"}) {
		times := 1
		switch {
		case op == "ledger.mature":
			times = 4
		case slices.Contains(rare, op):
			times = 2
		}
		list = append(list, slices.Repeat([]focus{{op, false}}, times)...)
	}
	for _, op := range append(slices.Clone(sandboxKinds), "payout") {
		list = append(list, focus{op, true})
	}
	return list
}

// hits counts the cells that were hit.
type hits struct {
	mu    sync.Mutex
	cells map[cell]int
}

func (h *hits) count(f mishap, op string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells == nil {
		h.cells = map[cell]int{}
	}
	h.cells[cell{f, op}]++
}

func (h *hits) merge(o *hits) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells == nil {
		h.cells = map[cell]int{}
	}
	for c, n := range o.cells {
		h.cells[c] += n
	}
}

// check says which cells were hit less than so often, rare ones less than
// another number of times, and what was hit that is no cell.
func (h *hits) check(t *testing.T, least, leastRare int) {
	t.Helper()
	all := possible()
	for _, c := range all {
		want := least
		if c.rare() {
			want = leastRare
		}
		if h.cells[c] < want {
			t.Errorf("%s at %s: %d hits, want %d", c.fault, c.op, h.cells[c], want)
		}
	}
	for c := range h.cells {
		if !slices.Contains(all, c) && impossible[c] == "" && incidental[c.op] == "" {
			t.Errorf("%s at %s is in no cell of the matrix", c.fault, c.op)
		}
	}
}

// table is the matrix, for people.
func (h *hits) table() string {
	byFault := map[mishap]map[string]int{}
	for c, n := range h.cells {
		if byFault[c.fault] == nil {
			byFault[c.fault] = map[string]int{}
		}
		byFault[c.fault][c.op] = n
	}
	var b strings.Builder
	for _, f := range slices.Sorted(maps.Keys(byFault)) {
		fmt.Fprintf(&b, "%-18s", f)
		for _, op := range slices.Sorted(maps.Keys(byFault[f])) {
			fmt.Fprintf(&b, " %s:%d", op, byFault[f][op])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

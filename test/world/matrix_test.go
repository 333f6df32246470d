package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/base/push"
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
	pushModes    = []push.Mode{push.Duplicate, push.Reorder, push.Delay, push.Drop, push.Forge, push.Garbage, push.Burst, push.Contradict}
	sandboxKinds = []string{"authorize", "sale", "capture", "refund", "reversal", "inquiry", "authenticate", "increment", "contest", "notices"}
	// providerOps are what nodes ask of either, and newsOps what those tell.
	providerOps = []string{"authorize", "sale", "capture", "refund", "reversal", "inquiry", "authenticate", "increment", "contest", "payout", "payout inquiry"}
	newsOps     = []string{"notices", "payout notices"}
	// fileOps are the files that providers make of each day.
	fileOps = []string{"report", "statement"}
)

var (
	// steps are all that a node of this world does to the database while it is
	// up. A step that is not here makes the test fail.
	steps = []string{
		"payment.create", "payment.confirm", "payment.capture", "payment.cancel", "payment.refund", "payment.increment", "payment.contest",
		"payment.settle", "payment.claim", "payment.reschedule", "payment.resume", "payment.reversed", "payment.rest", "payment.late",
		"payment.give-back", "payment.expire", "payment.notice", "payment.notices-read", "news.store", "news.applied", "payment.heard",
		"setup.create", "setup.cancel", "setup.settle", "setup.claim", "setup.resume",
		"payout.create", "payout.cancel", "payout.reverse", "payout.submit", "payout.settle", "payout.claim", "payout.reschedule",
		"payout.returned", "payout.noticed", "payout.automatic",
		"cash.fund", "cash.settle", "payment.apply_funds", "timeline.create", "timeline.advance", "timeline.move", "timeline.delete",
		"job.claim", "job.record", "ledger.seal", "ledger.mature", "search.index",
		"vault.create_payment_method", "vault.create_customer", "vault.attach_payment_method", "vault.delete_customer",
		"settle.schedule", "settle.collect", "settle.file", "settle.file_told", "settle.lines", "settle.whole", "settle.supersede", "settle.match", "settle.sheets", "settle.sheets_told",
		"settle.post", "settle.deposit", "settle.summary", "settle.again",
		"webhook.spread", "webhook.claim", "webhook.record", "webhook.release", "webhook.put-off", "webhook.renew", "webhook.still",
	}
	// requests are what clients ask for.
	requests = []string{"method", "create", "confirm", "capture", "cancel", "refund", "evidence", "close", "increment", "customer", "setup", "setup cancel",
		"payout", "payout cancel", "payout reverse", "cash", "cash settings", "apply", "clock", "attach", "advance"}
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
	"ledger.receive":        "no request moves money between accounts yet",
	"ledger.remitted":       "likewise",
	"search.build":          "the index is built before anything befalls anybody, unless its node is slow",
	"dispute.expire":        "a dispute is open for nine days",
	"payment.notice-kept":   "a notice is kept where it could not be applied, which is where a step failed",
	"payment.notice-stray":  "the sandbox tells of nothing that it was not asked for",
	"setup.abandon":         "a payer may take a day",
	"setup.later":           "a setup that somebody has claimed is given back only where its outcome is still open",
	"payout.rest":           "the bank has to have known nothing of a payout, twice",
	"webhook.stop":          "no endpoint is disabled or deleted",
	"cash.reconcile":        "money comes back to a balance only where a payment from it is given back to it, and seldom is another one waiting",
	"timeline.clear":        "a clock seldom has work planned on its line when it is deleted",
	"timeline.again":        "moving a clock seldom takes longer than the 20 s of a turn",
	"vault.erase_customer":  "customers are erased with the clock that they are on, after its time",
	"vault.erase_methods":   "likewise",
	"cash.arrived":          "a world brings a bank of its own, and its statements do not tell of customers' money",
	"news.expire":           "messages are kept for months",

	"retention.due":           "nothing is too old before a month is over",
	"retention.again":         "likewise",
	"idem.expire":             "likewise",
	"event.expire":            "likewise",
	"webhook.expire":          "likewise",
	"webhook.expire-attempts": "likewise",
	"object.fade":             "likewise",

	"payment.notice-contradicted": "what is told of nothing that there is seldom says two things",
	"payout.notice-contradicted":  "likewise",
	"vault.expire_cvc":            "security codes go with the outcome; what is left of them goes by the minute",
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
	add(mishaps(reportModes), fileOps[:1])
	add(mishaps(statementModes), fileOps[1:])
	add(stepFaults, steps)
	add(hookFaults, []string{"webhook"})
	add(mishaps(pushModes), []string{"push", "payout push"})
	add([]mishap{replyLost}, requests)
	return list
}

func mishaps[M ~string](modes []M) (list []mishap) {
	for _, m := range modes {
		list = append(list, mishap(m))
	}
	return list
}

// rare are the operations that need much to come together, and those that a world
// has one or two of: how many seeds in each round are after them.
var rare = map[string]int{
	"payment.resume": 2, "payment.reversed": 15, "payment.late": 2, "payment.rest": 4, "payment.give-back": 2, "job.claim": 2, "job.record": 2,
	"ledger.mature": 4, "payout.automatic": 7, "payout.submit": 2, "payout.returned": 17, "payout.noticed": 42, "payout.cancel": 2, "payout.reverse": 2,
	"payout.reschedule": 2, "timeline.delete": 3, "payment.expire": 2, "vault.delete_customer": 5, "webhook.renew": 2, "webhook.put-off": 2, "payout notices": 18, "setup.cancel": 9, "setup.claim": 2, "cash.settle": 2,
	"setup.resume": 14, "settle.file": 6, "settle.post": 18, "settle.deposit": 17, "settle.supersede": 50, "settle.sheets": 6, "settle.sheets_told": 10, "settle.file_told": 6,
	"settle.whole": 4, "settle.again": 6, "settle.match": 3, "settle.lines": 3, "settle.summary": 3, "settle.collect": 2, "settle.schedule": 2,
}

// seldom are the operations and faults that two hundred worlds need not have.
// The proof's worlds have them as they have all others.
var seldom = []string{"close", "contradict", "payout notices", "setup cancel", "settle.supersede", "settle.sheets_told",
	"settle.file_told", "settle.post", "settle.deposit", "file_twice", "late_file", "cut_statement", "payout.noticed"}

// focus is what a seed is after: what may befall an operation here, or outside, or
// that its provider contradicts itself.
type focus struct {
	op                   string
	outside, contradicts bool
}

// sought is what the seeds are after, in turn: first each operation, and then what is
// rare again and again.
func sought() (list []focus) {
	often := map[focus]int{}
	var each []focus
	add := func(f focus, times int) {
		if often[f] == 0 {
			each = append(each, f)
		}
		often[f] += times
	}
	for _, op := range slices.Concat(steps, providerOps, newsOps, []string{"webhook"}) {
		add(focus{op: op}, max(1, rare[op]))
	}
	for _, op := range slices.Concat(sandboxKinds, fileOps, []string{"payout"}) {
		times := 1
		if slices.Contains([]string{"increment", "contest", "notices", "payout"}, op) {
			times = 3
		}
		add(focus{op: op, outside: true}, times)
		if impossible[cell{mishap(sandbox.Contradict), op}] == "" && slices.Contains(sandboxKinds, op) {
			add(focus{op: op, outside: true, contradicts: true}, times+1)
		}
	}
	add(focus{op: "authenticate", outside: true, contradicts: true}, 2)
	add(focus{op: "payout push", outside: true, contradicts: true}, 2)
	for turn := 0; len(each) > 0; turn++ {
		list = append(list, each...)
		each = slices.DeleteFunc(each, func(f focus) bool { return often[f] <= turn+1 })
	}
	return list
}

// focusOf is what a seed is after, in which round, and with which fault it begins:
// with another one in each round, and with each of several seeds that are after the
// same.
func focusOf(seed uint64) (at focus, round, turn int) {
	all := sought()
	place := int(seed % uint64(len(all)))
	round = int(seed) / len(all)
	return all[place], round, round + place
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

// check says which cells were hit less than so often, and what was hit that is
// no cell.
func (h *hits) check(least int) (problems []string) {
	all := possible()
	for _, c := range all {
		if h.cells[c] < least {
			problems = append(problems, fmt.Sprintf("%s at %s: %d hits, want %d", c.fault, c.op, h.cells[c], least))
		}
	}
	return append(problems, h.strange(all)...)
}

// checkSome says which operations nothing has befallen, and which faults nobody.
func (h *hits) checkSome() (problems []string) {
	all := possible()
	ops, faults := map[string]int{}, map[mishap]int{}
	for _, c := range all {
		ops[c.op] += h.cells[c]
		faults[c.fault] += h.cells[c]
	}
	for op, n := range ops {
		if n == 0 && !slices.Contains(seldom, op) {
			problems = append(problems, "nothing befell "+op)
		}
	}
	for f, n := range faults {
		if n == 0 && !slices.Contains(seldom, string(f)) {
			problems = append(problems, string(f)+" befell nobody")
		}
	}
	return append(problems, h.strange(all)...)
}

func (h *hits) strange(all []cell) (problems []string) {
	for c := range h.cells {
		if !slices.Contains(all, c) && impossible[c] == "" && incidental[c.op] == "" {
			problems = append(problems, fmt.Sprintf("%s at %s is in no cell of the matrix", c.fault, c.op))
		}
	}
	return problems
}

// TestMatrix holds that an empty cell, an operation without a fault, and what is
// in no cell are noticed; and that seeds are after each operation.
func TestMatrix(t *testing.T) {
	full := func() *hits {
		h := &hits{cells: map[cell]int{}}
		for _, c := range possible() {
			h.cells[c] = least
		}
		return h
	}
	if found := append(full().check(least), full().checkSome()...); len(found) > 0 {
		t.Error("a full matrix: ", found)
	}
	seeds := sought()
	for _, c := range possible() {
		h := full()
		h.cells[c]--
		if len(h.check(least)) != 1 {
			t.Errorf("%v is short of a hit, and it goes unnoticed", c)
		}
		for other := range h.cells {
			if other.op == c.op {
				h.cells[other] = 0
			}
		}
		if len(h.checkSome()) == 0 && !slices.Contains(seldom, c.op) {
			t.Errorf("nothing befell %s, and it goes unnoticed", c.op)
		}
		if at := (focus{op: c.op}); !slices.Contains(seeds, at) && !slices.Contains(seeds, focus{op: c.op, outside: true}) && !slices.Contains(requests, c.op) && !strings.HasSuffix(c.op, "push") {
			t.Errorf("no seed is after %s", c.op)
		}
	}
	h := full()
	h.count(jump, "payment.unheard")
	if len(h.check(least)) != 1 || len(h.checkSome()) != 1 {
		t.Error("a step that is in no cell goes unnoticed")
	}
	for op := range rare {
		if !slices.Contains(slices.Concat(steps, newsOps), op) {
			t.Errorf("there is no %s to be rare", op)
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

package world

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// reportModes are what goes wrong with the reports of the sandbox, and
// statementModes with the statements of the bank.
var (
	reportModes = []sandbox.Mode{sandbox.WrongAmount, sandbox.WrongFee, sandbox.WrongCurrency, sandbox.MissingRow, sandbox.DuplicateRow,
		sandbox.LateFile, sandbox.FileTwice, sandbox.CorrectedFile, sandbox.TruncatedFile}
	statementModes = []bank.StatementFault{bank.MissingEntry, bank.DoubleEntry, bank.WrongEntry, bank.StrangeEntry, bank.BareEntry, bank.CutStatement, bank.LateStatement}
)

// mornings are the days on which reconciliation runs, soon after its hour: on the
// first things go wrong, and the last is so late that what is missing counts as
// missing.
var mornings = []int{2, 3, 4, 6, 7}

// atNine is a little after the hour of reconciliation on a day of January.
func atNine(day int) time.Time { return time.Date(2026, 1, day, 9, 2, 0, 0, time.UTC) }

// planted is what was made to go wrong with files.
type planted struct {
	reports    []sandbox.ReportFault
	statements map[string]bank.StatementFault // by day
}

// plant makes files go wrong: those of the days on which the world does something,
// and the statements of the days after them.
func (w *world) plant() {
	random := rand.New(rand.NewPCG(w.seed, 99))
	w.planted.statements = map[string]bank.StatementFault{}
	if w.without.outside {
		return
	}
	var moved []string
	for op, err := range w.book.Operations(context.Background()) {
		if err == nil && op.State == sandbox.Approved && (op.Kind == sandbox.Sale || op.Kind == sandbox.Capture || op.Kind == sandbox.Refund) {
			moved = append(moved, op.Reference)
		}
	}
	for n, day := range []string{"2026-01-01", "2026-01-02"} {
		if w.made.files == "report" || random.IntN(3) == 0 {
			f := sandbox.ReportFault{Mode: reportModes[random.IntN(len(reportModes))], Day: day}
			if w.made.files == "report" {
				f.Mode = reportModes[(w.made.round+n*4)%len(reportModes)]
			}
			if w.focus == "settle.supersede" {
				f.Mode = sandbox.CorrectedFile
			}
			if len(moved) > 0 && random.IntN(2) == 0 {
				f.Reference = moved[random.IntN(len(moved))]
			}
			if err := w.sim.InjectReport(f); err != nil {
				w.fail("planting: %v", err)
			}
			w.planted.reports = append(w.planted.reports, f)
		}
	}
	for n, day := range []string{"2026-01-02", "2026-01-03"} {
		if w.made.files == "statement" || random.IntN(3) == 0 {
			f := statementModes[random.IntN(len(statementModes))]
			if w.made.files == "statement" {
				f = statementModes[(w.made.round+n*3)%len(statementModes)]
			}
			if err := w.bank.InjectStatement(day, f); err != nil {
				w.fail("planting: %v", err)
			}
			w.planted.statements[day] = f
		}
	}
}

// deposit has the bank book what the sandbox pays out.
func (w *world) deposit(ctx context.Context, d sandbox.Deposit) error {
	return w.ledger.Receive(ctx, bank.Deposit{Reference: d.Reference, Amount: d.Amount, Currency: d.Currency, At: d.At, Note: "SETTLEMENT " + d.Reference})
}

// evening lets the first day end, and the first reconciliation run while things go
// wrong; further ones too where the seed is after what no day has before them.
// Nobody is at anything when time is passed over, since nothing takes that long.
func (w *world) evening() {
	w.peace("evening")
	w.plant()
	w.focused, w.faults, w.crashes = 0, 0, 0
	w.calm = false
	w.pass(w.course.Now().Add(time.Hour + time.Minute)) // it is planned within the hour
	time.Sleep(10 * time.Second)
	w.night(mornings[0])
	more := 0
	switch {
	case w.focus == "settle.sheets_told":
		more = 3
	case slices.Contains(secondDay, w.focus):
		more = 1
	}
	for _, day := range mornings[1 : 1+more] {
		w.focused, w.faults, w.crashes = 0, 0, 0
		w.night(day)
	}
}

// secondDay are the steps for which a report and a statement have to meet.
var secondDay = []string{"settle.post", "settle.deposit", "settle.sheets", "settle.supersede", "settle.again"}

// night passes to the hour of reconciliation on a day, and lets it run while things
// go wrong.
func (w *world) night(day int) {
	for range 3 {
		w.peace("night")
		w.calm = false
		if now := w.course.Now(); now.Before(atNine(day)) {
			w.pass(atNine(day))
		} else { // whoever ran it has died, and its lease is over
			w.pass(now.Add(31 * time.Minute))
		}
		for range 10 {
			if time.Sleep(5 * time.Second); w.ran() {
				return
			}
		}
	}
}

// pass passes over the time until then, at a moment in which everybody waits: who
// is awake at the same instant must not see it before or after by luck.
func (w *world) pass(until time.Time) {
	w.turns.park(&parked{name: "time passes", place: atClient})
	w.course.pass(until.Sub(w.course.Now()))
}

// peace lets nothing befall anybody until nobody is at anything.
func (w *world) peace(name string) {
	w.turns.park(&parked{name: name, place: atClient})
	w.calm = true
	w.boots.Wait()
	for w.stalls.Load() > 0 {
		time.Sleep(time.Second)
	}
	w.untilQuiet(1)
}

// ran reports whether reconciliation has run, and is planned for another day.
func (w *world) ran() bool {
	list, err := job.ListNext(context.Background(), w.db, 1000)
	if err != nil {
		w.fail("jobs: %v", err)
	}
	for _, j := range list {
		if j.Kind == settle.RunJob {
			return j.Due.After(w.course.Now().Add(time.Hour))
		}
	}
	return false
}

// mornings lets reconciliation run on the days that follow, in peace.
func (w *world) mornings() {
	for _, day := range mornings[1:] {
		if !w.course.Now().Before(atNine(day)) {
			continue // it ran among mishaps
		}
		w.pass(atNine(day))
		for tries := 0; !w.ran(); tries++ {
			if tries == 60 {
				w.fail("reconciliation does not run on day %d", day)
				return
			}
			time.Sleep(5 * time.Second)
		}
		w.untilQuiet(1)
	}
}

package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// files are what a provider tells in the files of days that are over.
type files struct {
	lines []provider.ReportLine
	day   []string // of each line
	cut   int      // files that can't be read
}

// read fetches what there is, in the highest version of each day.
func (w *world) readFiles(p provider.Provider) (f files) {
	ctx := context.Background()
	list, err := p.Reports.List(ctx, time.UTC, "")
	if err != nil {
		w.fail("files of %s: %v", p.Name, err)
	}
	last := map[string]provider.ReportFile{}
	for _, one := range list {
		name := one.Day
		if one.Statement {
			name = one.Name // one for each currency
		}
		if one.Version >= last[name].Version {
			last[name] = one
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		body, err := p.Reports.Fetch(ctx, last[name])
		if err != nil {
			w.fail("%s: %v", name, err)
			continue
		}
		var lines []provider.ReportLine
		if err := p.Reports.Read(body, func(l provider.ReportLine) error { lines = append(lines, l); return nil }); err != nil {
			lines = nil
			f.cut++
		}
		_ = body.Close()
		for _, l := range lines {
			f.lines, f.day = append(f.lines, l), append(f.day, last[name].Day)
		}
	}
	return f
}

// sums are amounts by currency.
type sums map[money.Currency]int64

// reconciled holds that the books, the sandbox's reports and the bank's statements
// agree, but for what open breaks name, and that each of these is there since
// something was planted, and each that something planted leads to is there.
func (w *world) reconciled(b *books) {
	acquirer := sandbox.New("http://sandbox.invalid", sandbox.ConnectorOptions{Clock: w.course, DialContext: w.wire.Dial})
	teller := bank.New("bank.invalid", bank.ConnectorOptions{Clock: w.course, DialContext: w.bankWire.Dial})
	told, shown := w.readFiles(acquirer), w.readFiles(teller)
	w.sim.HealReports()
	w.bank.HealStatements()
	truth, moved := w.readFiles(acquirer), w.readFiles(teller)
	open := w.openBreaks()
	w.explained(open, truth, moved)
	for _, a := range b.attempts {
		if !a.Body.Break.IsZero() {
			return // nobody can say
		}
	}
	w.sameSums(b, told, shown, truth, moved, open)
}

func (w *world) openBreaks() (list []*object.Object[settle.Break]) {
	err := settle.Breaks.Scan(context.Background(), w.db, func(o *object.Object[settle.Break]) error {
		if o.Body.State == settle.Open {
			list = append(list, o)
		}
		return nil
	})
	if err != nil {
		w.fail("breaks: %v", err)
	}
	return list
}

// leadsTo are the breaks that what is planted may lead to, by provider and type,
// the first of which it must if anything comes of it.
var leadsTo = map[mishap][]string{
	mishap(sandbox.WrongAmount):   {"sandbox amount"},
	mishap(sandbox.WrongFee):      {"sandbox fee"},
	mishap(sandbox.WrongCurrency): {"sandbox currency"},
	mishap(sandbox.MissingRow):    {"sandbox missing_there", "sandbox amount"},
	mishap(sandbox.DuplicateRow):  {"sandbox duplicate", "sandbox amount"},
	mishap(sandbox.TruncatedFile): {"sandbox timing", "sandbox missing_there", "bank missing_here"},
	mishap(bank.MissingEntry):     {"", "bank missing_there", "sandbox timing", "bank amount"},
	mishap(bank.DoubleEntry):      {"", "bank duplicate", "bank missing_here", "bank amount"},
	mishap(bank.WrongEntry):       {"", "bank amount", "sandbox amount"},
	mishap(bank.StrangeEntry):     {"bank missing_here", "bank amount"},
	mishap(bank.CutStatement):     {"bank timing", "bank missing_there", "sandbox timing", "bank amount"},
}

// explained compares the breaks that are open with what was planted.
func (w *world) explained(open []*object.Object[settle.Break], truth, moved files) {
	may, have := map[string]bool{}, map[string]bool{}
	must := func(f mishap, op, day string, lines files, reference string) {
		at := slices.Index(lines.day, day)
		if reference != "" {
			at = slices.IndexFunc(lines.lines, func(l provider.ReportLine) bool { return l.Reference == reference })
		}
		if at < 0 || lines.day[at] != day {
			return // there was nothing to go wrong
		}
		w.hits.count(f, op)
		list := leadsTo[f]
		for _, one := range list {
			may[one] = true
		}
		if len(list) > 0 && list[0] != "" && !slices.ContainsFunc(open, func(o *object.Object[settle.Break]) bool { return brief2(o) == list[0] }) {
			w.fail("%s of %s leads to no break: %v", f, day, list[0])
		}
	}
	for _, f := range w.planted.reports {
		switch f.Mode {
		case sandbox.TruncatedFile, sandbox.LateFile, sandbox.FileTwice: // are of the whole file
			f.Reference = ""
		}
		must(mishap(f.Mode), "report", f.Day, truth, f.Reference)
	}
	for day, f := range w.planted.statements {
		must(mishap(f), "statement", day, moved, "")
	}
	for _, o := range open {
		have[brief2(o)] = true
		w.history.add("break %s of %s: %v and %v %s", brief2(o), o.Body.Subject, o.Body.Ours, o.Body.Theirs, o.Body.Note)
		if !may[brief2(o)] && o.Body.Type != settle.Contradiction && o.Body.Type != settle.UnknownOutcome {
			w.fail("nothing explains the break %s of %s: %v and %v %s", brief2(o), o.Body.Subject, o.Body.Ours, o.Body.Theirs, o.Body.Note)
		}
	}
}

func brief2(o *object.Object[settle.Break]) string {
	return fmt.Sprintf("%s %s", o.Body.Provider, o.Body.Type)
}

// sameSums compares balances with what files tell:
//
//	owed by the provider = what is of no file yet + what is told and not yet at the bank + what breaks name
//	cost = fees of what is at the bank
//	bank = statements + what is of none yet, or is left out and booked so lately that nobody asks yet + what breaks name
func (w *world) sameSums(b *books, told, shown, truth, moved files, open []*object.Object[settle.Break]) {
	owed, cost, bankHas := sums{}, sums{}, sums{}
	for account, n := range w.owed(b) {
		owed[account.Currency()] -= n
	}
	for _, l := range truth.lines {
		if l.Kind != provider.LineDeposit {
			owed[l.Currency] -= l.Gross
		}
	}
	paid := map[string]bool{}
	for _, l := range shown.lines {
		bankHas[l.Currency] += l.Net
		for _, word := range append(strings.Fields(l.Text), l.Reference) {
			paid[word] = true
		}
	}
	for _, l := range told.lines {
		if l.Kind == provider.LineDeposit && l.Net == 0 {
			paid[l.Batch] = true // by nothing, which no statement shows
		}
	}
	for _, l := range told.lines {
		switch {
		case l.Kind == provider.LineDeposit:
		case paid[l.Batch]:
			cost[l.Currency] += l.Fee
		default:
			owed[l.Currency] += l.Gross
		}
	}
	for _, o := range open {
		if !o.Body.Clearing {
			continue
		}
		into := owed
		if o.Body.Provider == bank.Name {
			into = bankHas
		}
		into[o.Body.Ours.Currency] += o.Body.Ours.Amount
		into[o.Body.Theirs.Currency] -= o.Body.Theirs.Amount
	}
	w.untold(bankHas)
	w.awaited(bankHas, shown, moved, open)
	for _, balance := range w.balances(b) {
		want, counted := sums(nil), true
		switch balance.Account.Kind() {
		case ledger.ProviderClearing:
			want = owed
		case ledger.ProviderCost:
			want = cost
		case ledger.Bank:
			want = bankHas
		default:
			counted = false
		}
		if c := balance.Account.Currency(); counted && -balance.Net() != want[c] {
			w.fail("%s stands at %d, and by files and breaks at %d", balance.Account, -balance.Net(), want[c])
		}
	}
}

// untold adds what no statement tells of: transfers of today, and what customers
// sent ahead, which the simulated bank does not know.
func (w *world) untold(into sums) {
	ctx := context.Background()
	today := w.course.Now().Format(time.DateOnly)
	list, err := w.ledger.Transfers(ctx)
	for _, t := range list {
		out := -t.Amount
		if t.Original != "" {
			out = t.Amount
		}
		late := func(at time.Time) bool { return at.Format(time.DateOnly) >= today }
		switch {
		case t.State == bank.Arrived && late(t.Ended):
			into[money.Currency(t.Currency)] += out
		case t.State == bank.Returned && t.Ended.After(t.Arrives):
			if late(t.Arrives) {
				into[money.Currency(t.Currency)] += out
			}
			if late(t.Ended) {
				into[money.Currency(t.Currency)] -= out
			}
		}
	}
	if err == nil {
		err = cash.Transactions.Scan(ctx, w.db, func(t *object.Object[cash.Transaction]) error {
			if t.Body.Type == cash.Funded {
				into[t.Body.Currency] += t.Body.Net
			}
			return nil
		})
	}
	if err != nil {
		w.fail("what no statement tells of: %v", err)
	}
}

// awaited adds what statements left out and was booked so lately that no run has
// opened a break about it.
func (w *world) awaited(into sums, shown, moved files, open []*object.Object[settle.Break]) {
	type entry struct {
		reference string
		net       int64
	}
	there, broken := map[entry]bool{}, map[entry]bool{} // a payout and its return have one reference
	for _, l := range shown.lines {
		for _, word := range append(strings.Fields(l.Text), l.Reference) {
			there[entry{word, l.Net}] = true
		}
	}
	for _, o := range open {
		reference, _, _ := strings.Cut(o.Body.Subject, " item ")
		broken[entry{reference, o.Body.Ours.Amount}] = true
	}
	since := w.course.Now().Add(-settle.Grace - 24*time.Hour) // the last run was within a day
	err := ledger.Transactions.Scan(context.Background(), w.db, func(t *object.Object[ledger.Transaction]) error {
		e := entry{t.Body.Reference, t.Body.Net}
		if t.Body.Provider != bank.Name || there[e] || broken[e] || t.At.Before(since) {
			return nil
		}
		if slices.ContainsFunc(moved.lines, func(l provider.ReportLine) bool { return l.Reference == e.reference && l.Net == e.net }) {
			into[t.Body.Currency] += e.net
		}
		return nil
	})
	if err != nil {
		w.fail("what statements left out: %v", err)
	}
}

// balances are those of the merchant.
func (w *world) balances(b *books) []ledger.Balance {
	scope := id.Scope{}
	for _, i := range b.intents {
		scope = i.Scope
	}
	list, err := ledger.ReadBalances(context.Background(), w.db, scope)
	if err != nil {
		w.fail("balances: %v", err)
	}
	return list
}

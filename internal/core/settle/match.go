package settle

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Item is a movement of money that the books have and that a report is to tell
// of.
type Item struct {
	Scope, Key int64 // where it is stored
	Kind       provider.LineKind
	Reference  string
	Amount     int64 // ISO minor units; positive: the provider owes it, or the bank got it
	Currency   money.Currency
	At         time.Time
}

// Line is a line of a report as the matcher sees it.
type Line struct {
	File, Number int64 // where it is stored
	provider.ReportLine
}

// Stage is by what an item and a line were found to be the same.
type Stage int8

// The stages, in the order in which they are tried.
const (
	Unmatched Stage = iota
	// Exact: the same reference and kind.
	Exact
	// Composite: a reference that is the same but for how it is written, the same
	// amount and currency, within the window of time, and no other candidate.
	Composite
	// Undone: two lines of one name, of which the one undoes the other, and nothing
	// in the books.
	Undone
)

// Match is what the matcher found. Item or Line are zero where that side has
// nothing.
type Match struct {
	Stage Stage
	// Break is what is wrong with it; empty: nothing.
	Break Type
	// Item and Line are where the two are stored.
	Item struct{ Scope, Key int64 }
	Line struct{ File, Number int64 }
	// Fee is the fee that was agreed on, where Break is Fee.
	Fee int64
}

// Rules are what the matcher goes by.
type Rules struct {
	// Window is how far the times of two may be apart in the composite stage.
	Window time.Duration
	// Tolerance is by how much a fee may be off, ISO minor units: what rounding
	// does.
	Tolerance int64
	// Fee is what was agreed on; nil: nothing.
	Fee func(provider.LineKind, money.Amount) (fee int64, known bool)
}

// Matcher compares items with lines. Items are added first, all of them; lines then
// come one after another, in any order, and are forgotten unless they find
// nothing. It never matches by an amount alone.
//
// For equal items and equal lines in the same order it says the same. Of items it
// keeps some hundred bytes each.
type Matcher struct {
	rules Rules
	items []held
	exact map[digest]int32 // the first item of a reference and kind
	doubt []doubtful       // lines that name an item of another amount, in their order
	left  []stray          // lines that name no item
	more  []int32          // the next item of the same reference and kind; parallel to items
}

type digest [16]byte

// held is an item without its texts.
type held struct {
	scope, key, amount, at int64
	written                digest // the reference however it is written, and the kind
	currency               int16
	taken                  bool
}

// doubtful is a line that names items, none of which has its amount.
type doubtful struct {
	name         digest
	file, number int64
	currency     int16
	amount       int64
	entry        bool // of a statement
}

// stray is a line that names no item.
type stray struct {
	file, number, amount, at, fee int64
	written                       digest
	currency                      int16
	kind                          provider.LineKind
}

// NewMatcher makes a matcher; room is how many items are expected.
func NewMatcher(r Rules, room int) *Matcher {
	return &Matcher{rules: r, items: make([]held, 0, room), more: make([]int32, 0, room), exact: make(map[digest]int32, room)}
}

func named(kind provider.LineKind, reference string) (d digest) {
	var buf [128]byte
	sum := sha256.Sum256(append(append(append(buf[:0], kind...), 0), reference...))
	copy(d[:], sum[:])
	return d
}

// written is a reference however it is written: its letters, small, and digits.
func written(kind provider.LineKind, reference string) digest {
	return named(kind, "~"+strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, reference))
}

const none = int32(-1)

// Add adds an item.
func (m *Matcher) Add(i Item) {
	at := int32(len(m.items))
	m.items = append(m.items, held{i.Scope, i.Key, i.Amount, i.At.Unix(), written(i.Kind, i.Reference), int16(i.Currency.Numeric()), false})
	name := named(i.Kind, i.Reference)
	next, ok := m.exact[name]
	if !ok {
		next = none
	}
	m.more = append(m.more, next)
	m.exact[name] = at
}

// Match looks for the item of a line. What it finds at once it tells at once; ok
// is false for a line of which [Matcher.Finish] tells.
func (m *Matcher) Match(l Line) (found Match, ok bool) {
	name, first, known := m.find(l)
	currency := int16(l.Currency.Numeric())
	if !known {
		m.left = append(m.left, stray{l.File, l.Number, l.amount(), l.At.Unix(), l.Fee, written(l.Kind, l.Reference), currency, l.Kind})
		return found, false
	}
	if i := m.same(first, l.amount(), currency); i != nil {
		i.taken = true
		return m.judge(Exact, i, l.File, l.Number, l.Kind, l.amount(), l.Fee, l.Currency), true
	}
	m.doubt = append(m.doubt, doubtful{name, l.File, l.Number, currency, l.amount(), l.Kind == provider.LineEntry})
	return found, false
}

// same gives the first of an amount among items of one name that none has.
func (m *Matcher) same(first int32, amount int64, currency int16) *held {
	for at := first; at != none; at = m.more[at] {
		if i := &m.items[at]; !i.taken && i.amount == amount && i.currency == currency {
			return i
		}
	}
	return nil
}

// exactly is [Matcher.Match] for lines of which nothing is kept: it finds the item
// of this very reference with the same amount and the fee that was agreed on, and
// nothing else.
func (m *Matcher) exactly(l Line) (found Match, ok bool) {
	first, known := m.exact[named(l.Kind, l.Reference)]
	if !known {
		return found, false
	}
	i := m.same(first, l.amount(), int16(l.Currency.Numeric()))
	if i == nil {
		return found, false
	}
	if found = m.judge(Exact, i, l.File, l.Number, l.Kind, l.amount(), l.Fee, l.Currency); found.Break != "" {
		return found, false
	}
	i.taken = true
	return found, true
}

// maxWords is how many words of a text may be an item's reference.
const maxWords = 16

// find gives the items that a line names: by its reference, or, where that is
// nobody's, by one that stands as a word of its own in what was written to it.
func (m *Matcher) find(l Line) (name digest, first int32, known bool) {
	name = named(l.Kind, l.Reference)
	if first, known = m.exact[name]; known {
		return name, first, true
	}
	for n, word := range strings.Fields(l.Text) {
		if n == maxWords {
			break
		}
		quoted := named(l.Kind, word)
		if first, known = m.exact[quoted]; known {
			return quoted, first, true
		}
	}
	return name, none, false
}

// amount is what a line says that was moved.
func (l *Line) amount() int64 {
	if l.Kind == provider.LineDeposit || l.Kind == provider.LineEntry {
		return l.Net
	}
	return l.Gross
}

// judge is a match of the same amount: its fee is left to be compared.
func (m *Matcher) judge(s Stage, i *held, file, number int64, kind provider.LineKind, gross, fee int64, c money.Currency) Match {
	found := Match{Stage: s}
	found.Item.Scope, found.Item.Key = i.scope, i.key
	found.Line.File, found.Line.Number = file, number
	if m.rules.Fee == nil {
		return found
	}
	agreed, known := m.rules.Fee(kind, money.New(gross, c))
	if off := fee - agreed; known && (off > m.rules.Tolerance || -off > m.rules.Tolerance) {
		found.Break, found.Fee = Fee, agreed
	}
	return found
}

// Finish tells of all that is left: first of lines in doubt, then of those that
// name nothing, then of items that no line told of.
func (m *Matcher) Finish(tell func(Match) error) error {
	for _, d := range m.doubt {
		if err := tell(m.settleDoubt(d)); err != nil {
			return err
		}
	}
	if err := m.composite(tell); err != nil {
		return err
	}
	for n := range m.items {
		if i := &m.items[n]; !i.taken {
			found := Match{Break: MissingThere}
			found.Item.Scope, found.Item.Key = i.scope, i.key
			if err := tell(found); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleDoubt pairs a line with an item of its name that no better line took:
// their amounts or currencies differ. One for which none is left is told twice.
func (m *Matcher) settleDoubt(d doubtful) (found Match) {
	found.Line.File, found.Line.Number = d.file, d.number
	best := none
	for at := m.exact[d.name]; at != none; at = m.more[at] {
		i := &m.items[at]
		if d.entry && (i.amount < 0) != (d.amount < 0) {
			continue // a payout and its return have one name
		}
		if !i.taken && (best == none || i.currency == d.currency && m.items[best].currency != d.currency) {
			best = at
		}
	}
	if best == none && d.entry && !m.repeats(d) {
		found.Break = MissingHere
		return found
	}
	if best == none {
		found.Stage, found.Break = Exact, Duplicate
		i := &m.items[m.exact[d.name]] // the one that it repeats
		found.Item.Scope, found.Item.Key = i.scope, i.key
		return found
	}
	i := &m.items[best]
	i.taken = true
	found.Stage, found.Break = Exact, Amount
	if i.currency != d.currency {
		found.Break = Currency
	}
	found.Item.Scope, found.Item.Key = i.scope, i.key
	return found
}

// repeats reports whether a line says what one of the items that it names is. What
// a payout's name goes with and says otherwise is its return.
func (m *Matcher) repeats(d doubtful) bool {
	for at := m.exact[d.name]; at != none; at = m.more[at] {
		if i := &m.items[at]; i.amount == d.amount && i.currency == d.currency {
			return true
		}
	}
	return probe.Mutant("settle.return-is-repetition")
}

// composite pairs lines that name nothing with items that are named the same
// but for the writing. Wherever there is more than one candidate on either side,
// there is no match.
func (m *Matcher) composite(tell func(Match) error) error {
	items := map[digest][]int32{}
	wanted := make(map[digest]bool, len(m.left))
	for _, l := range m.left {
		wanted[l.written] = true
	}
	for n := range m.items {
		if i := &m.items[n]; !i.taken && wanted[i.written] {
			items[i.written] = append(items[i.written], int32(n))
		}
	}
	lines := map[digest][]int{}
	for n, l := range m.left {
		if len(items[l.written]) > 0 {
			lines[l.written] = append(lines[l.written], n)
		}
	}
	undone := m.undone()
	for n, l := range m.left {
		found := Match{Break: MissingHere}
		found.Line.File, found.Line.Number = l.file, l.number
		if undone[n] {
			found.Stage, found.Break = Undone, ""
			if err := tell(found); err != nil {
				return err
			}
			continue
		}
		at := slices.DeleteFunc(slices.Clone(items[l.written]), func(at int32) bool { return m.items[at].taken || !m.alike(&m.items[at], l) })
		rivals := 0
		for _, other := range lines[l.written] {
			if other != n && len(at) == 1 && m.alike(&m.items[at[0]], m.left[other]) {
				rivals++
			}
		}
		if len(at) == 1 && rivals == 0 || len(at) > 0 && probe.Mutant("settle.match-loosely") {
			i := &m.items[at[0]]
			i.taken = true
			c, _ := money.CurrencyByNumeric(int(l.currency))
			found = m.judge(Composite, i, l.file, l.number, l.kind, l.amount, l.fee, c)
		}
		if err := tell(found); err != nil {
			return err
		}
	}
	return nil
}

// undone finds the lines of which one undoes another: just two of a name, of
// opposite amounts.
func (m *Matcher) undone() map[int]bool {
	of := make(map[digest][]int, len(m.left))
	for n, l := range m.left {
		of[l.written] = append(of[l.written], n)
	}
	pairs := map[int]bool{}
	for _, two := range of {
		if len(two) != 2 {
			continue
		}
		a, b := m.left[two[0]], m.left[two[1]]
		if a.amount == -b.amount && a.currency == b.currency {
			pairs[two[0]], pairs[two[1]] = true, true
		}
	}
	return pairs
}

func (m *Matcher) alike(i *held, l stray) bool {
	apart := max(i.at-l.at, l.at-i.at)
	return i.amount == l.amount && i.currency == l.currency && apart <= int64(m.rules.Window/time.Second)
}

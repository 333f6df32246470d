package db

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// errNotLoaded makes a step run again once the rows it asked for are there.
var errNotLoaded = errors.New("db: row not loaded yet")

type rowID struct {
	table *table
	key   Key
}

type change uint8

const (
	noChange change = iota
	insertRow
	updateRow
	deleteRow
)

// row is one row in a train: as it would be if the train were written now.
type row struct {
	values []value // nil: there is none
	before []value // as it is stored; nil: it is not, or that was not asked for
	change change  // against what is stored
}

// entry is what a train knows of a row, and what the step that runs makes of it.
type entry struct {
	id     rowID
	row    row
	known  bool // row says how it stands
	listed bool // stands in cache.order
	mine   row  // as the step has changed it
	run    int  // that was the last to change it
}

// cache is what a train has loaded and changed. Trains use it one after another, so
// that it need not grow anew each time.
type cache struct {
	rows   map[rowID]*entry
	order  []*entry // changed rows, in the order of their first change
	runs   int      // how many there were of steps
	slabs  [][]entry
	used   int // entries of slabs
	most   int // of them a train has used since the cache was made
	tables []tableChanges
}

const slab = 64

// reset forgets everything. What a great train needed is not kept for small ones,
// which would have to clear it each time.
func (c *cache) reset() {
	c.most = max(c.most, c.used)
	if c.rows == nil || c.used*16 < c.most {
		*c = cache{rows: map[rowID]*entry{}}
		return
	}
	clear(c.rows)
	clear(c.order)
	for i := 0; i < c.used; i += slab {
		clear(c.slabs[i/slab])
	}
	for i := range c.tables {
		c.tables[i].clear()
	}
	c.order, c.runs, c.used = c.order[:0], 0, 0
}

// at gives a row's entry, and makes it where there is none.
func (c *cache) at(id rowID) *entry {
	e := c.rows[id]
	if e == nil {
		if c.used == len(c.slabs)*slab {
			c.slabs = append(c.slabs, make([]entry, slab))
		}
		e = &c.slabs[c.used/slab][c.used%slab]
		c.used++
		e.id = id
		c.rows[id] = e
	}
	return e
}

// begin makes the view of the run of a step.
func (c *cache) begin(t *ticket) *Tx {
	c.runs++
	return &Tx{now: t.from.clock.Now().Truncate(time.Microsecond), cache: c, ticket: t, run: c.runs}
}

// Tx is one step's view of its train. It is valid only within the step's
// function and is not safe for concurrent use.
type Tx struct {
	now    time.Time
	cache  *cache
	ticket *ticket
	run    int      // which it is in its train, from 1
	made   int      // how many keys it has made
	order  []*entry // what this step has changed, which is not yet the train's
	missed []Need
	broken error // a mistake in the step itself
}

// Now is the time of the step, to the microsecond: the same for everything
// that the step writes.
func (tx *Tx) Now() time.Time { return tx.now }

// NewKey makes a key for a new row, greater than all that this process made
// before. A step that runs again gets the same keys in the same order, so the
// rows that it makes keep theirs. Nobody else has the key: rows under it are
// known to be absent until the step inserts them.
func (tx *Tx) NewKey() int64 {
	if tx.made == len(tx.ticket.keys) {
		tx.ticket.keys = append(tx.ticket.keys, tx.ticket.ids.Next())
	}
	tx.made++
	return tx.ticket.keys[tx.made-1]
}

// Discard forgets what the step has changed so far. A step that is refused but
// still has something to record (that it was refused) discards first.
func (tx *Tx) Discard() {
	for _, e := range tx.order {
		e.run = 0
	}
	tx.order, tx.broken = nil, nil
}

// sees gives a row as this step has it, and whether that is known.
func (tx *Tx) sees(e *entry) (row, bool) {
	switch {
	case e == nil:
		return row{}, false
	case e.run == tx.run:
		return e.mine, true
	}
	return e.row, e.known
}

func (tx *Tx) get(t *table, k Key) ([]value, bool, error) {
	r, ok := tx.sees(tx.cache.rows[rowID{t, k}])
	if !ok && slices.Contains(tx.ticket.keys[:tx.made], k.ID) {
		return nil, false, nil
	}
	if !ok {
		tx.missed = append(tx.missed, Need{t, k})
		return nil, false, errNotLoaded
	}
	return r.values, r.values != nil, nil
}

// Ask names rows that the step will come to, so that one round loads them all
// rather than one after another. Its error, as that of a row that is got too
// early, is to be returned; nil: they are there.
func (tx *Tx) Ask(needs ...Need) (missing error) {
	for _, n := range needs {
		if _, _, err := tx.get(n.table, n.key); err != nil {
			missing = err
		}
	}
	return missing
}

// put records one change of this step. The change kept is the one against
// what is stored: an insert that is updated stays an insert.
func (tx *Tx) put(t *table, k Key, values []value, c change) {
	e := tx.cache.at(rowID{t, k})
	before, known := tx.sees(e)
	switch {
	case c == insertRow && known && before.values != nil:
		tx.fail("insert of %s %v, which is there", t.name, k)
		return
	case c != insertRow && (!known || before.values == nil):
		tx.fail("change of %s %v, which was not got", t.name, k)
		return
	case c != insertRow && t.appendOnly && c == updateRow:
		tx.fail("update of append-only %s %v", t.name, k)
		return
	}
	if !t.validTexts(values) {
		tx.broken = errors.Join(tx.broken, errText)
		return
	}
	if e.run != tx.run {
		tx.order = append(tx.order, e)
	}
	e.run, e.mine = tx.run, row{values: values, before: before.before, change: merged(before.change, c)}
}

func merged(before, now change) change {
	switch {
	case before == insertRow && now == updateRow:
		return insertRow
	case before == insertRow && now == deleteRow:
		return noChange
	case before == deleteRow && now == insertRow:
		return updateRow
	}
	return now
}

func (tx *Tx) fail(format string, args ...any) {
	tx.broken = errors.Join(tx.broken, fmt.Errorf("db: "+format, args...))
}

// accept merges the step's changes into the train.
func (tx *Tx) accept() {
	for _, e := range tx.order {
		if !e.listed {
			e.listed = true
			tx.cache.order = append(tx.cache.order, e)
		}
		e.row, e.known = e.mine, true
	}
}

package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/probe"
)

const (
	// trainSeats is how many steps ride in one transaction at most: beyond some
	// hundreds nothing is gained and the first rider waits longer.
	trainSeats = 256
	// trainPatience is how long a step may wait for its train: see [DB.Crowded].
	trainPatience = 250 * time.Millisecond
	// maxRounds bounds how often a step may find that it needs further rows.
	maxRounds = 16
	// maxTries bounds repetitions of a train that the engine refused.
	maxTries = 6
	// attemptTimeout bounds one attempt at a train, so that a network that
	// swallows everything is noticed; each wait for a lock ends earlier.
	attemptTimeout = time.Minute
)

// train runs steps, many at a time, over a connection of its own.
type train struct {
	db    *DB
	queue *queue
	conn  conn // nil until the first use, and after an error
	// ambiguous: COMMIT of the train under way was sent and not answered, and
	// no later attempt has got an answer from the database. Until then the
	// train is neither given up nor replayed under another id.
	ambiguous bool
	// full: the last attempt found that nothing can be written.
	full  bool
	cache cache
}

// run takes what is queued, without waiting for more, until the queue closes.
func (w *train) run() {
	batch := make([]*ticket, 0, w.db.seats)
	for w.queue.wait() {
		if w.db.depart != nil {
			w.db.depart()
		}
		if riders := w.board(batch); len(riders) > 0 {
			w.drive(riders)
		}
		clear(batch[:cap(batch)])
		w.queue.arrived()
	}
	if w.conn != nil {
		w.conn.close()
	}
}

// board takes up who rides, and leaves behind who does not want to any more.
func (w *train) board(batch []*ticket) []*ticket {
	batch = w.queue.take(batch, w.db.seats)
	now := w.queue.now()
	for _, t := range batch {
		w.db.stats.waited.add(now - t.queued)
	}
	return slices.DeleteFunc(batch, func(t *ticket) bool {
		if err := t.ctx.Err(); err != nil {
			t.done <- err
			return true
		}
		return false
	})
}

// drive brings a batch to its end and wakes its callers. A train that the
// engine refuses for one of its steps is replayed step by step, so that only
// that step fails.
func (w *train) drive(batch []*ticket) {
	err := w.settle(batch)
	if errors.Is(err, errNoRoom) && !w.full {
		w.full = true
		w.db.log.Error("the database can't be written to: writes are refused until it can, reads are served", "error", err)
	}
	if err != nil && len(batch) > 1 && !errors.Is(err, errWhole) {
		if !w.full {
			w.db.log.Warn("train refused, replaying step by step", "steps", len(batch), "error", err)
		}
		for _, t := range batch {
			w.drive([]*ticket{t})
		}
		return
	}
	for _, t := range batch {
		switch {
		case err != nil:
			t.done <- internal(t.step.Name, err)
		default:
			t.done <- t.refused
		}
	}
}

func internal(step string, err error) error {
	if errors.Is(err, errNoRoom) {
		return fault.New(fault.Unavailable, "", "Nothing can be written: the disk of the database is full, or may not be written to. What is stored can be read. Try again later, with the same idempotency key: what had begun then goes on.")
	}
	if errors.Is(err, errRetry) && !errors.Is(err, errDuplicate) {
		return fault.New(fault.Unavailable, "", "The database can't be reached or is busy. Try again shortly.")
	}
	return fmt.Errorf("step %s: %w", step, err)
}

// settle attempts a batch until it is committed or refused for good.
func (w *train) settle(batch []*ticket) error {
	id := w.db.ids.Next()
	for try := 1; ; try++ {
		err := w.attempt(id, batch)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errTaken):
			id = w.db.ids.Next()
			continue
		case w.ambiguous:
			// Nobody knows whether it was committed. The same train is tried
			// under the same id, for as long as it takes: only the database can tell.
			w.db.log.Error("answer to COMMIT lost", "train", id, "try", try, "error", err)
		case !errors.Is(err, errRetry) || try >= maxTries || errors.Is(err, errDuplicate) && len(batch) > 1:
			return err
		}
		// The database needs real time, whatever clock the steps go by.
		if err := (clock.System{}).Sleep(w.db.life, backoff(try)); err != nil {
			return errors.Join(err, errRetry)
		}
	}
}

func backoff(try int) time.Duration {
	return min(time.Millisecond<<min(try, 10), time.Second)
}

// attempt is one transaction: load, decide, write, commit.
func (w *train) attempt(id int64, batch []*ticket) (err error) {
	ctx, cancel := context.WithTimeout(w.db.life, attemptTimeout)
	defer cancel()
	defer w.db.take()()
	begun := clock.System{}.Now()
	if w.conn == nil {
		if w.conn, err = w.db.engine.connect(ctx); err != nil {
			return fmt.Errorf("%w: %w", errWhole, err)
		}
	}
	defer func() {
		if err != nil && !errors.Is(err, errDuplicate) && !errors.Is(err, errAppeared) && !errors.Is(err, errTaken) && !errors.Is(err, errNoRoom) {
			w.conn.close()
			w.conn = nil
		}
	}()
	if err := w.conn.begin(ctx, id, w.db.clock.Now().UnixMicro()); err != nil {
		if errors.Is(err, errCommitted) {
			w.conn.rollback(ctx)
			if !w.ambiguous && !probe.Mutant("db.train-id-unchecked") {
				return errTaken // by another train: nothing of this one was ever sent
			}
			w.ambiguous = false
			return nil
		}
		return fmt.Errorf("%w: %w", errWhole, err)
	}
	w.ambiguous = false // the id was free: an earlier attempt was not committed
	c := &w.cache
	if c.rows == nil {
		c.reset()
	}
	defer c.reset()
	if err := w.decide(ctx, c, batch); err != nil {
		w.conn.rollback(ctx)
		return err
	}
	changes := c.changes()
	if err := w.conn.flush(ctx, changes, c.absent); err != nil {
		w.conn.rollback(ctx)
		return err
	}
	if len(changes) == 0 {
		w.conn.rollback(ctx)
		return nil
	}
	if probe.Mutant("db.ack-before-commit") {
		for _, t := range batch {
			t.done <- t.refused
		}
	}
	probe.Point("db.before-commit")
	if err := w.conn.commit(ctx); err != nil {
		if errors.Is(err, errNoRoom) {
			w.conn.rollback(ctx)
			w.conn.clear()
		} else {
			w.ambiguous = !errors.Is(err, errRetry)
		}
		return fmt.Errorf("db: commit: %w", err)
	}
	probe.Point("db.after-commit")
	if w.full {
		w.full = false
		w.db.log.Info("the database can be written to again")
	}
	w.tell(batch, changes)
	w.db.stats.arrived(begun, len(batch))
	return nil
}

// tell lets those who watch a handle know what its train brought.
func (w *train) tell(batch []*ticket, changes []tableChanges) {
	var told []*DB
	for _, t := range batch {
		if !slices.Contains(told, t.from) {
			told = append(told, t.from)
			t.from.watchers.tell(changes)
		}
	}
}

// decide runs the steps until none is left waiting for rows.
func (w *train) decide(ctx context.Context, c *cache, batch []*ticket) error {
	var needs []Need
	for _, t := range batch {
		needs = append(needs, t.step.Needs...)
	}
	waiting := batch
	for round := 0; len(waiting) > 0; round++ {
		if round == maxRounds {
			return fmt.Errorf("db: step %s asks for ever more rows", waiting[0].step.Name)
		}
		if err := w.load(ctx, c, needs); err != nil {
			return err
		}
		needs = needs[:0:0]
		var again []*ticket
		for _, t := range waiting {
			tx := c.begin(t)
			if !t.execute(tx) {
				again = append(again, t)
				needs = append(needs, tx.missed...)
			}
		}
		waiting = again
	}
	return nil
}

// load brings rows into the cache; a row that is not there is noted as absent.
func (w *train) load(ctx context.Context, c *cache, needs []Need) error {
	byTable := map[*table][]Key{}
	for _, n := range needs {
		if e := c.at(rowID{n.table, n.key}); !e.known {
			e.known = true
			byTable[n.table] = append(byTable[n.table], n.key)
		}
	}
	if len(byTable) == 0 {
		return nil
	}
	return w.conn.load(ctx, sortWants(byTable), func(t *table, k Key, values []value) {
		if e := c.at(rowID{t, k}); !e.known || e.row.change == noChange {
			e.row, e.known = row{values: values, before: values}, true
		}
	})
}

func sortWants(byTable map[*table][]Key) []want {
	wants := make([]want, 0, len(byTable))
	for t, keys := range byTable {
		wants = append(wants, want{t, sortKeys(keys)})
	}
	slices.SortFunc(wants, func(a, b want) int { return strings.Compare(a.table.name, b.table.name) })
	return wants
}

// absent lists the rows that the steps asked for in vain and did not insert.
// They were looked for before, or while, the train waited for the locks of
// other rows, whose holder may have inserted them since.
func (c *cache) absent() []want {
	byTable := map[*table][]Key{}
	for id, e := range c.rows {
		if e.known && e.row.values == nil && e.row.change == noChange {
			byTable[id.table] = append(byTable[id.table], id.key)
		}
	}
	return sortWants(byTable)
}

// changes sorts what the train changed by table and kind.
func (c *cache) changes() []tableChanges {
	list := c.tables[:0]
	at := map[*table]int{}
	for _, e := range c.order {
		id, r := e.id, e.row
		if r.change == noChange {
			continue
		}
		i, ok := at[id.table]
		if !ok {
			i = len(list)
			at[id.table] = i
			if i == cap(list) {
				list = append(list, tableChanges{})
			}
			list = list[:i+1] // with the room that it had
			list[i].table = id.table
		}
		entry := stored{id.key, r.values, r.before}
		switch r.change {
		case insertRow:
			list[i].inserts = append(list[i].inserts, entry)
		case updateRow:
			list[i].updates = append(list[i].updates, entry)
		case deleteRow:
			list[i].deletes = append(list[i].deletes, entry)
		}
	}
	c.tables = list
	// One order for all trains: two that insert the same keys then wait for each
	// other in turn instead of in a circle.
	slices.SortFunc(list, func(a, b tableChanges) int { return strings.Compare(a.table.name, b.table.name) })
	for _, ch := range list {
		for _, rows := range [][]stored{ch.inserts, ch.updates, ch.deletes} {
			slices.SortFunc(rows, func(a, b stored) int { return a.key.compare(b.key) })
		}
	}
	return list
}

package db

import (
	"context"
	"errors"
)

// engine is one kind of database.
type engine interface {
	// connect opens a connection for a train. The connection is used by one
	// goroutine at a time.
	connect(ctx context.Context) (conn, error)
	// read lends a read-only connection for the time of f.
	read(ctx context.Context, f func(reader) error) error
	// migrate applies a file in a transaction of its own, unless the schema has
	// that number already. Where it would hold up those who are served it gives
	// up soon, with errRetry.
	migrate(ctx context.Context, m migration) error
	// version is the number of the last migration applied.
	version(ctx context.Context) (int64, error)
	// prepare checks that a statement, as the engine sends it, fits the schema.
	prepare(ctx context.Context, sql string) error
	// rebind turns ? placeholders into the engine's own.
	rebind(sql string) string
	// statements gives the texts that the engine makes for a table, for the
	// test that prepares them all.
	statements(t *table) []string
	close()
}

// conn is a train's connection.
type conn interface {
	// begin opens a transaction and marks it with the train's id and
	// the time in microseconds. It returns
	// errCommitted when a transaction with that id is committed already.
	begin(ctx context.Context, train, now int64) error
	// load reads the wanted rows, locked, and hands each that is there to found.
	load(ctx context.Context, wants []want, found func(*table, Key, []value)) error
	// flush writes all changes. Where rows can't be locked by not being there, it
	// makes sure that the absent ones are so still; otherwise errAppeared.
	flush(ctx context.Context, changes []tableChanges, absent func() []want) error
	// commit makes it durable. After errRetry and errNoRoom nothing is committed; after any
	// other error nobody knows.
	commit(ctx context.Context) error
	rollback(ctx context.Context)
	// clear gives back what room can be had, after errNoRoom.
	clear()
	close()
}

// reader is a connection for registered queries.
type reader interface {
	// query runs a statement with args (int64, string or []byte).
	query(ctx context.Context, sql string, kinds []columnKind, args []any, each func([]value) error) error
	// load reads rows by key, without locks.
	load(ctx context.Context, wants []want, found func(*table, Key, []value)) error
}

// want is the rows of one table that a train loads.
type want struct {
	table *table
	keys  []Key // sorted, without repetition
}

// tableChanges is what a train writes to one table.
type tableChanges struct {
	table                     *table
	inserts, updates, deletes []stored
}

// clear makes room for the next train.
func (ch *tableChanges) clear() {
	for _, rows := range []*[]stored{&ch.inserts, &ch.updates, &ch.deletes} {
		clear(*rows)
		*rows = (*rows)[:0]
	}
}

type stored struct {
	key    Key
	values []value
	before []value // of an update: the row as it is stored
}

var (
	// errCommitted: the transaction that is being replayed was committed.
	errCommitted = errors.New("db: the train is committed")
	// errTaken: the id of a train that was never sent belongs to another one.
	errTaken = errors.New("db: the train's id is taken")
	// errRetry wraps refusals by the engine that a repetition may cure: a
	// unique key taken meanwhile, a deadlock, a lost connection before COMMIT.
	errRetry = errors.New("db: try again")
	// errNoRoom: the database may not be written to, or there is no room to, and
	// nothing was. It may be again, sooner or later.
	errNoRoom = errors.New("db: there is no room")
	// errWhole: no connection or no transaction to be had, which no step of the
	// train is to blame for.
	errWhole = errors.New("db: no transaction")
	// errClosed: the database has been closed.
	errClosed = errors.New("db: closed")
	// errAppeared: a row that a step found absent is there; comes with errRetry.
	errAppeared = errors.New("db: an absent row appeared")
	// errDuplicate: a unique key is taken.
	errDuplicate = errors.New("db: duplicate key")
)

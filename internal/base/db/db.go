package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// DB is an open database.
type DB struct {
	engine engine
	clock  clock.Clock
	log    *slog.Logger
	ids    *id.Generator
	trains []*train

	life    context.Context // ends when the last train has arrived
	end     context.CancelFunc
	closing sync.RWMutex
	closed  bool
	running sync.WaitGroup

	stats    stats
	watchers watchers

	seats    int
	patience patience

	serial bool
	turn   sync.Mutex // held by a read or a train's attempt if serial
	depart func()

	root *DB  // of a facade: the handle that it stands for
	gate Gate // of a facade
}

// Options are what [Open] may be told beyond the address.
type Options struct {
	Clock  clock.Clock  // default: the system's
	Logger *slog.Logger // default: slog.Default
	// Trains is how many trains run at once on PostgreSQL; default 2. SQLite
	// has one writer.
	Trains int
	// Seats is how many steps ride in a train at most; default 256.
	Seats int
	// Patience is how long a step may wait for its train before those who would
	// begin something are told to come later: see [DB.Crowded]. A rush that is over soon may wait
	// four times as long. Default 250 ms.
	Patience time.Duration
	// Schema, if set, is the PostgreSQL schema in which this handle's tables
	// live, all of them, rather than where the server's search_path says; [DB.Migrate]
	// creates it. It lets a part with a life of its own share a database. SQLite
	// has files for that.
	Schema string
	// Serial makes the reads and trains of this handle take turns. SQLite waits
	// a random while where they meet; a simulated run, in which equal seeds must
	// give equal histories to the microsecond, can't have that. A function given
	// to [Query.Each] may then not use the database.
	Serial bool
	// Depart, if set, is called by a train before it takes up what is queued. A
	// simulated run lets it wait there for others to come.
	Depart func()
	// Trace, if set, is told of every statement of trains and readers when it has been sent, by several
	// goroutines at once. It is for tests that count them, and costs time and memory.
	Trace func(Sent)
	// Fatal is called when a write to SQLite can't be made durable, after which
	// nothing more may be promised. It must not return. Default: log and end
	// the process.
	Fatal func(error)
}

// Open opens "sqlite:PATH", which it creates when missing, or
// "postgres://…". The schema is not touched; see [DB.Migrate] and
// [DB.CheckSchema].
func Open(ctx context.Context, address string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) {
			o.Logger.Error("the database can't make writes durable; ending so that a restart recovers", "error", err)
			os.Exit(1)
		}
	}
	d := &DB{clock: o.Clock, log: o.Logger, seats: cmp.Or(o.Seats, trainSeats), patience: patienceOf(cmp.Or(o.Patience, trainPatience)), serial: o.Serial, depart: o.Depart, ids: id.NewGenerator(o.Clock, unclaimedNode)}
	d.life, d.end = context.WithCancel(context.WithoutCancel(ctx))
	trains := 1
	var err error
	switch scheme, rest, _ := strings.Cut(address, ":"); {
	case scheme == "sqlite" && o.Schema != "":
		err = errors.New("SQLite has no schemas: open a file of its own")
	case scheme == "sqlite":
		readers := sqliteReaders
		if o.Serial {
			readers = 1 // there is never a second one at work
		}
		d.engine, err = openSQLite(rest, readers, o.Fatal, o.Trace)
	case scheme == "postgres", scheme == "postgresql":
		trains = max(o.Trains, 2)
		d.engine, err = openPostgres(ctx, address, o.Schema, o.Trace)
	default:
		err = fmt.Errorf("the database %q is neither sqlite:PATH nor postgres://…", redactAddress(address))
	}
	if err != nil {
		d.end()
		return nil, err
	}
	for range trains {
		w := &train{db: d, queue: newQueue()}
		d.trains = append(d.trains, w)
		d.running.Go(w.run)
	}
	return d, nil
}

// redactAddress hides a password in an address that goes into an error.
func redactAddress(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		scheme, _, _ := strings.Cut(address, "://")
		return scheme + "://…" + address[at:]
	}
	return address
}

// Close waits for the steps that are queued and closes all connections.
func (d *DB) Close() error {
	d.closing.Lock()
	if d.closed {
		d.closing.Unlock()
		return nil
	}
	d.closed = true
	if d.root != nil {
		d.closing.Unlock()
		return nil
	}
	for _, w := range d.trains {
		w.queue.close()
	}
	d.closing.Unlock()
	d.running.Wait()
	d.end()
	d.engine.close()
	return nil
}

// take waits for this handle's turn, if it is to go by turns.
func (d *DB) take() (release func()) {
	if d = d.base(); !d.serial {
		return func() {}
	}
	d.turn.Lock()
	return d.turn.Unlock
}

// Serial reports whether reads and trains take turns: see [Options]. Whoever would
// read while a step of theirs is under way then does not.
func (d *DB) Serial() bool { return d.base().serial }

// Clock is the clock that the database tells time by.
func (d *DB) Clock() clock.Clock { return d.clock }

// IDs makes row keys that no other process on this database makes, once
// [DB.ClaimNode] has been called.
func (d *DB) IDs() *id.Generator { return d.ids }

// Stats counts committed trains and the steps that rode in them.
func (d *DB) Stats() (trains, steps int64) {
	d = d.base()
	return d.stats.trains.Load(), d.stats.steps.Load()
}

// meta is what the database says about itself.
type meta struct {
	Number int64
	Text   string
}

var metas = NewTable("meta", "scope, key", "number, text", func(m *meta, f *Fields) {
	Int(f, &m.Number)
	Text(f, &m.Text)
})

// Keys of meta rows.
const (
	metaNode      = 1 // Number: the node number given out last
	metaMasterKey = 2 // Text: the id of the master key that seals this database
)

// unclaimedNode is the node number of processes that have claimed none yet.
const unclaimedNode = 0

// ClaimNode takes a node number for this process, so that its keys differ from
// those of all other processes on the database: the number rises with each
// start, and is 1 again after [id.MaxNode].
func (d *DB) ClaimNode(ctx context.Context) error {
	var node int64
	k := Key{ID: metaNode}
	err := d.Run(ctx, Step{Name: "db.claim-node", Needs: []Need{metas.Need(k)}, Do: func(tx *Tx) error {
		m, ok, err := metas.Get(tx, k)
		if err != nil {
			return err
		}
		m.Number++
		node = 1 + (m.Number-1)%id.MaxNode
		if ok {
			metas.Update(tx, k, m)
		} else {
			metas.Insert(tx, k, m)
		}
		// Who had the number before shows no presence any more.
		before := Key{ID: metaPresence + node}
		if _, there, err := metas.Get(tx, before); err != nil {
			return err
		} else if there {
			metas.Delete(tx, before)
		}
		return nil
	}})
	if err == nil {
		d.ids = id.NewGenerator(d.clock, node)
	}
	return err
}

// ErrOtherMasterKey says that the database is sealed under another key.
var ErrOtherMasterKey = errors.New("the database was created under another master key")

// BindMasterKey notes on first use which master key seals the database, and
// refuses any other later.
func (d *DB) BindMasterKey(ctx context.Context, keyID string) error {
	k := Key{ID: metaMasterKey}
	return d.Run(ctx, Step{Name: "db.bind-master-key", Needs: []Need{metas.Need(k)}, Do: func(tx *Tx) error {
		m, ok, err := metas.Get(tx, k)
		switch {
		case err != nil:
			return err
		case !ok:
			metas.Insert(tx, k, meta{Text: keyID})
			return nil
		case m.Text != keyID:
			return ErrOtherMasterKey
		}
		return nil
	}})
}

// MasterKeyID is the id of the master key that the database is bound to, or
// empty while it is bound to none.
func (d *DB) MasterKeyID(ctx context.Context) (string, error) {
	m, _, err := metas.Read(ctx, d, Key{ID: metaMasterKey})
	return m.Text, err
}

// trainRetention is how long committed trains are remembered: far longer than
// anyone waits for an answer to COMMIT.
const trainRetention = 24 * time.Hour

// ForgetTrains deletes the marks of trains that were committed a day ago.
// SQLite keeps none.
func (d *DB) ForgetTrains(ctx context.Context) error {
	p, ok := d.engine.(*postgres)
	if !ok {
		return nil
	}
	return p.forgetTrains(ctx, d.clock.Now().Add(-trainRetention))
}

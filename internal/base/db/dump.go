package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// dumpChunk is how many bytes of a dump are handed on at once.
const dumpChunk = 4 << 20

// Dump is what a dump is written to: parts of one name follow each other, and
// belong together in that order.
type Dump func(part string, chunk []byte) error

// Progress is told how much is done of how much; the latter is an estimate, or 0
// where nobody knows. It is called often and has to be quick.
type Progress func(done, total int64)

// Dumped says what a dump holds.
type Dumped struct {
	Engine string `json:"engine"` // sqlite, postgres
	Schema int64  `json:"schema"` // number of the last migration
	// At is by when everything that was committed is in the dump; what was
	// committed later is not.
	At time.Time `json:"at"`
}

// Dump copies all that the database held at one moment, while others go on
// writing. On SQLite it is the file with its page checksums, each of which is
// checked, by way of a draft in the folder dir; on PostgreSQL each table by
// itself.
func (d *DB) Dump(ctx context.Context, dir string, to Dump, progress Progress) (info Dumped, err error) {
	if info.Schema, err = d.SchemaVersion(ctx); err != nil {
		return info, err
	}
	if info.Schema == 0 {
		return info, errors.New("the database is empty: there is nothing to back up")
	}
	// The moment that is copied is later than this.
	info.At = d.clock.Now().UTC().Truncate(time.Microsecond)
	switch e := d.engine.(type) {
	case *sqlite:
		info.Engine = "sqlite"
		err = e.dump(ctx, dir, to, progress)
	case *postgres:
		info.Engine = "postgres"
		err = e.dump(ctx, to, progress)
	default:
		err = errors.New("db: a dump of a snapshot")
	}
	if err != nil {
		return info, fmt.Errorf("dump: %w", err)
	}
	return info, nil
}

// Restored says since when a restored database knows nothing, and whether what
// happened meanwhile has been learned.
type Restored struct {
	Since time.Time
	// Learned: others have been asked what happened since then.
	Learned bool
}

// learning and learned are the texts of the row that [DB.Restored] reads.
const (
	metaRestored = 3 // Number: microseconds since 1970; Text: learning or learned

	learning = "learning"
	learned  = "learned"
)

// Restored tells whether the database came from a dump.
func (d *DB) Restored(ctx context.Context) (r Restored, ok bool, err error) {
	m, ok, err := metas.Read(ctx, d, Key{ID: metaRestored})
	if err != nil || !ok {
		return r, false, err
	}
	return Restored{Since: time.UnixMicro(m.Number).UTC(), Learned: m.Text == learned}, true, nil
}

// Learn notes that what happened since the dump has been learned.
func (d *DB) Learn(ctx context.Context) error {
	k := Key{ID: metaRestored}
	return d.Run(ctx, Step{Name: "db.learned", Needs: []Need{metas.Need(k)}, Do: func(tx *Tx) error {
		m, ok, err := metas.Get(tx, k)
		if err != nil || !ok || m.Text == learned {
			return err
		}
		m.Text = learned
		metas.Update(tx, k, m)
		return nil
	}})
}

// ErrOccupied says that a place to restore to is not empty.
var ErrOccupied = errors.New("the place is not empty")

// Source gives the parts of a dump in the order in which they were written. An
// empty name ends it.
type Source func() (part string, chunk io.Reader, err error)

// Load puts a dump into an empty database, all or nothing: a file that is not
// there, or a PostgreSQL schema on which no process of Florin has started. It
// notes in it that what happened since info.At is not known ([DB.Restored]),
// unless whole: then nobody else's truth is to be learned.
func Load(ctx context.Context, address string, o Options, all Files, info Dumped, whole bool, from Source, progress Progress) error {
	scheme, path, _ := strings.Cut(address, ":")
	if (scheme == "sqlite") != (info.Engine == "sqlite") {
		return fmt.Errorf("the backup is of a %s database and can be restored to such a one only", info.Engine)
	}
	if scheme == "sqlite" {
		list, err := (&DB{engine: &sqlite{}}).files(all)
		if err == nil {
			err = known(info.Schema, list)
		}
		if err != nil {
			return err
		}
		return loadSQLite(path, info, whole, from, progress)
	}
	d, err := Open(ctx, address, o)
	if err != nil {
		return err
	}
	defer d.Close()
	some, err := d.first(all, info.Schema)
	if err != nil {
		return err
	}
	e := d.engine.(*postgres)
	if err := e.vacant(ctx); err != nil {
		return err
	}
	if err := d.Migrate(ctx, some); err != nil {
		return err
	}
	return e.fill(ctx, info, whole, from, progress)
}

// Vacant tells with ErrOccupied that [Load] would refuse the place.
func Vacant(ctx context.Context, address string, o Options) error {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return vacantFile(path)
	}
	d, err := Open(ctx, address, o)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.engine.(*postgres).vacant(ctx)
}

// first gives the migrations up to a number.
func (d *DB) first(all Files, n int64) (Files, error) {
	list, err := d.files(all)
	if err != nil {
		return nil, err
	}
	if err := known(n, list); err != nil {
		return nil, err
	}
	last := ""
	if n < int64(len(list)) {
		last = list[n].name
	}
	return upTo{all, last}, nil
}

// upTo shows the files before one.
type upTo struct {
	fs.FS
	before string // the first that is not shown; empty: all are
}

// Glob implements [fs.GlobFS].
func (u upTo) Glob(pattern string) (some []string, err error) {
	names, err := fs.Glob(u.FS, pattern)
	for _, name := range names {
		if base := name[strings.LastIndexByte(name, '/')+1:]; u.before == "" || base < u.before {
			some = append(some, name)
		}
	}
	return some, err
}

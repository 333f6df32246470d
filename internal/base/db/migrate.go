package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// migration is one numbered DDL file.
type migration struct {
	number int64
	name   string
	sql    string
}

// Files are the DDL files of both engines: sqlite/0001_name.sql and so on,
// numbered without gaps and alike in both folders.
type Files = fs.FS

func (d *DB) files(all Files) ([]migration, error) {
	folder := "postgres"
	if _, ok := d.engine.(*sqlite); ok {
		folder = "sqlite"
	}
	names, err := fs.Glob(all, folder+"/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := make([]migration, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(all, name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimPrefix(name, folder+"/")
		digits, _, _ := strings.Cut(base, "_")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n != int64(i+1) {
			return nil, fmt.Errorf("migration %s: want number %d", name, i+1)
		}
		list[i] = migration{n, base, string(text)}
	}
	return list, nil
}

// migrationPatience is how long a migration is tried that others don't let
// through: longer than any transaction of Florin's, and than most of other
// people's.
const migrationPatience = 10 * time.Minute

// Migrate applies the files that the database has not seen, each in a
// transaction of its own. Processes that migrate at once take turns. Others may
// be served meanwhile: a file that has to wait for a lock gives up after a
// second, since everybody else would wait behind it, and is tried again later.
func (d *DB) Migrate(ctx context.Context, all Files) error {
	list, err := d.files(all)
	if err != nil {
		return err
	}
	have, err := d.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if err := known(have, list); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
	for _, m := range list[have:] {
		if err := d.apply(ctx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return d.CheckSchema(ctx, all) // a newer Florin may have come in between
}

// apply tries one file until it is through.
func (d *DB) apply(ctx context.Context, m migration) error {
	for try := 1; ; try++ {
		err := func() error {
			defer d.take()()
			return d.engine.migrate(ctx, m)
		}()
		if err == nil || !errors.Is(err, errRetry) {
			return err
		}
		d.log.Warn("a migration waits for others to let go of the tables", "file", m.name, "try", try, "error", err)
		// Longer and longer, so that what was held up by one try is through
		// before the next.
		if late := (clock.System{}).Sleep(ctx, min(time.Duration(try)*time.Second, 15*time.Second)); late != nil {
			return fmt.Errorf("others hold the tables, for %s by now: %w", migrationPatience, err)
		}
	}
}

// SchemaVersion is the number of the last file applied, zero on an empty
// database.
func (d *DB) SchemaVersion(ctx context.Context) (int64, error) {
	defer d.take()()
	return d.engine.version(ctx)
}

// CheckSchema refuses a database that a newer Florin has migrated.
func (d *DB) CheckSchema(ctx context.Context, all Files) error {
	list, err := d.files(all)
	if err != nil {
		return err
	}
	have, err := d.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	return known(have, list)
}

// known refuses a schema that a newer Florin has made.
func known(have int64, list []migration) error {
	if have > int64(len(list)) {
		return fmt.Errorf("the database has schema %d and this Florin knows %d: run the newer Florin that migrated it", have, len(list))
	}
	return nil
}

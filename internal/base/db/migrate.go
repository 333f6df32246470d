package db

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
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

// Migrate applies the files that the database has not seen, each in a
// transaction of its own. Processes that migrate at once take turns.
func (d *DB) Migrate(ctx context.Context, all Files) error {
	list, err := d.files(all)
	if err != nil {
		return err
	}
	if err := d.CheckSchema(ctx, all); err != nil {
		return err
	}
	return d.engine.migrate(ctx, list)
}

// SchemaVersion is the number of the last file applied, zero on an empty
// database.
func (d *DB) SchemaVersion(ctx context.Context) (int64, error) { return d.engine.version(ctx) }

// CheckSchema refuses a database that a newer Florin has migrated.
func (d *DB) CheckSchema(ctx context.Context, all Files) error {
	list, err := d.files(all)
	if err != nil {
		return err
	}
	have, err := d.engine.version(ctx)
	if err != nil {
		return err
	}
	if have > int64(len(list)) {
		return fmt.Errorf("the database has schema %d and this Florin knows %d: run the newer Florin that migrated it", have, len(list))
	}
	return nil
}

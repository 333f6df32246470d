package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// variant is one storage driver and shape of write steps.
type variant struct {
	name string
	pg   bool
	// open gives the engine of one train on a new, seeded database; on
	// PostgreSQL the tables are made once for all trains.
	open func(ctx context.Context, at place) (engine, error)
}

// place says where a variant keeps its data: a DSN or a directory.
type place struct {
	dsn, dir string
	scopes   int
}

func variants() []variant {
	out := []variant{
		{"pg-savepoint", true, func(ctx context.Context, at place) (engine, error) {
			return newPgSavepoint(ctx, at.dsn, false)
		}},
		{"pg-savepoint-pipelined", true, func(ctx context.Context, at place) (engine, error) {
			return newPgSavepoint(ctx, at.dsn, true)
		}},
		{"pg-changes", true, func(ctx context.Context, at place) (engine, error) {
			return newPgChanges(ctx, at.dsn)
		}},
	}
	drivers := []struct {
		name string
		open openLite
	}{
		{"zombiezen", openZombiezen},
		{"ncruces", openNcruces(false)},
		{"ncruces-checksums", openNcruces(true)},
	}
	for _, d := range drivers {
		out = append(out,
			variant{d.name + "-savepoint", false, func(_ context.Context, at place) (engine, error) {
				v, err := newLiteVerbs(d.open, filepath.Join(at.dir, "florin.db"), at.scopes)
				return &liteSavepoint{v}, err
			}},
			variant{d.name + "-changes", false, func(_ context.Context, at place) (engine, error) {
				v, err := newLiteVerbs(d.open, filepath.Join(at.dir, "florin.db"), at.scopes)
				return &liteChanges{v, newCache()}, err
			}})
	}
	return out
}

func find(all []variant, name string) (variant, error) {
	for _, v := range all {
		if v.name == name {
			return v, nil
		}
	}
	return variant{}, fmt.Errorf("no variant %q", name)
}

package object

import (
	"context"
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// replaced is a version that a newer one has replaced.
type replaced struct {
	Object, Version int64
	At              time.Time // when it was written
}

func (r *replaced) fields(f *db.Fields) {
	db.Int(f, &r.Object)
	db.Int(f, &r.Version)
	db.Time(f, &r.At)
}

var (
	qReplaced = db.NewQuery("replaced versions", "SELECT object, version, at FROM object_version WHERE scope = ? AND (object, version) > (?, ?) AND object < ?"+
		" ORDER BY object, version LIMIT ?", (*replaced).fields)
	qNextVersions = db.NewQuery("next scope with replaced versions", "SELECT scope FROM object_version WHERE scope > ? ORDER BY scope LIMIT 1",
		func(s *int64, f *db.Fields) { db.Int(f, s) })
)

// fader is a kind of which replaced versions fade.
type fader interface {
	heads(ctx context.Context, d *db.DB, s id.Scope, keys []int64, into map[int64]replaced) error
}

// faders are all of them. Kinds are package variables, so it is complete before
// anything runs.
var faders []fader

// heads adds what the latest versions of objects are, as far as they are of this
// kind.
func (k *Kind[T, N]) heads(ctx context.Context, d *db.DB, s id.Scope, keys []int64, into map[int64]replaced) error {
	rows := make([]db.Key, len(keys))
	for i, key := range keys {
		rows[i] = rowKey(s, key)
	}
	found, err := k.table.ReadMany(ctx, d, rows)
	for at, h := range found {
		into[at.ID] = replaced{at.ID, h.Version, h.Latest.At}
	}
	return err
}

// Fade deletes versions that were replaced before a time, which before gives for
// each scope, of the kinds that fade. The latest version of an object always
// stays. The caller sees to it that nothing which names versions and is older
// than that time is left: no event, and no reply under an idempotency key.
func Fade(ctx context.Context, d *db.DB, before func(id.Scope) time.Time, pace db.Pace) error {
	last := int64(math.MinInt64)
	for {
		next, err := qNextVersions.All(ctx, d, last)
		if err != nil || len(next) == 0 {
			return err
		}
		last = next[0]
		f := fading{d: d, scope: id.ScopeOf(last), pace: pace}
		f.before = before(f.scope)
		if err := db.Sweep(ctx, d, "object.fade", past, func(limit int64) ([]db.Key, error) { return f.find(ctx, limit) }, nil, pace); err != nil {
			return err
		}
	}
}

// fading goes through the replaced versions of a scope.
type fading struct {
	d      *db.DB
	scope  id.Scope
	before time.Time
	pace   db.Pace
	last   replaced // up to which they were looked at
	ended  bool
}

// find gives the next versions that are over.
func (f *fading) find(ctx context.Context, limit int64) (over []db.Key, err error) {
	end := id.Floor(f.before) // an object that is younger than that has no version that is over
	for len(over) == 0 && !f.ended {
		page, err := qReplaced.All(ctx, f.d, f.scope.Key(), f.last.Object, f.last.Version, end, limit)
		if err != nil {
			return nil, err
		}
		if f.ended = int64(len(page)) < limit; len(page) == 0 {
			return nil, nil
		}
		if over, err = f.over(ctx, page); err != nil {
			return nil, err
		}
		if len(over) == 0 {
			if err := f.pace(ctx, 0); err != nil {
				return nil, err
			}
		}
	}
	return over, nil
}

// over gives the versions of a page that are over, and notes how far it has come.
func (f *fading) over(ctx context.Context, page []replaced) (over []db.Key, err error) {
	var keys []int64
	for i, v := range page {
		if i == 0 || page[i-1].Object != v.Object {
			keys = append(keys, v.Object)
		}
	}
	heads := make(map[int64]replaced, len(keys))
	for _, k := range faders {
		if err := k.heads(ctx, f.d, f.scope, keys, heads); err != nil {
			return nil, err
		}
	}
	for i, v := range page {
		f.last = v
		head, fades := heads[v.Object]
		if !fades {
			continue
		}
		by := head // what replaced it
		if i+1 < len(page) && page[i+1].Object == v.Object {
			by = page[i+1]
		} else if by.Version != v.Version+1 && i > 0 && i == len(page)-1 && !f.ended {
			f.last.Version-- // its successor is on the next page, which begins with it
			break
		}
		if by.Version == v.Version+1 && by.At.Before(f.before) {
			over = append(over, versionKey(f.scope, v.Object, v.Version))
		}
	}
	return over, nil
}

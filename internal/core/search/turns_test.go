package search

import (
	"context"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// flood is a noun of which something always comes up; one that is finite has so
// many left.
type flood struct {
	endless bool
	left    int
	indexed int
}

func (f *flood) stale(_ context.Context, _ *db.DB, limit int) ([]object.Stale, error) {
	if f.endless {
		return make([]object.Stale, limit), nil
	}
	return make([]object.Stale, min(limit, f.left)), nil
}

func (f *flood) every(context.Context, *db.DB, build, int) ([]object.Stale, error) { return nil, nil }

func (f *flood) index(_ context.Context, _ *Service, _ id.Scope, keys []int64, _ bool) error {
	f.indexed += len(keys)
	f.left -= len(keys)
	return nil
}

// TestNounsTakeTurns: payments that come up faster than they are indexed keep
// neither the charges waiting nor the run from ending.
func TestNounsTakeTurns(t *testing.T) {
	w := newWorld(t)
	busy, calm := &flood{endless: true}, &flood{left: 150}
	w.indexers, w.batch = []indexer{busy, calm}, 100
	w.run()
	if calm.left != 0 || busy.indexed != runRounds*100 {
		t.Errorf("%d of the one noun are left, %d of the other were indexed", calm.left, busy.indexed)
	}
	busy.endless, busy.left = false, (2*runRounds+1)*100
	w.run()
	if busy.left != (runRounds+1)*100 {
		t.Errorf("after one run %d are left", busy.left)
	}
	if err := w.CatchUp(t.Context()); err != nil || busy.left != 0 {
		t.Errorf("after it has caught up %d are left, %v", busy.left, err)
	}
}

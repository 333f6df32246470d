package search

import (
	"context"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// staleBatch is how many objects of a noun are indexed before the others'.
	staleBatch = 2000
	// runRounds is how often one run of the schedule goes over the nouns.
	runRounds = 5
	// stepBatch is how many objects are indexed in one step.
	stepBatch = 64
	// buildBatch is how many objects one run adds to an index that is built.
	buildBatch = 1000
	// buildMargin is more than the clocks of nodes differ by.
	buildMargin = 10 * time.Second
)

// indexer is a noun, whatever its types.
type indexer interface {
	stale(ctx context.Context, d *db.DB, limit int) ([]object.Stale, error)
	every(ctx context.Context, d *db.DB, at build, limit int) ([]object.Stale, error)
	index(ctx context.Context, v *Service, s id.Scope, keys []int64, anew bool) error
}

// indexers are the nouns in the order in which they are built; see build.Noun.
var indexers = []indexer{customers, intents, charges}

// Run indexes what has changed, and goes on building an index that is not
// whole. Several nodes may do so at once. What is left after some rounds is for
// the next run: one that goes on as long as something comes up would keep the
// process from ending.
func (v *Service) Run(ctx context.Context) error {
	if err := v.build(ctx); err != nil {
		return err
	}
	for range runRounds {
		if more, err := v.round(ctx); err != nil || !more {
			return err
		}
	}
	return nil
}

// CatchUp indexes until nothing is left of what has changed.
func (v *Service) CatchUp(ctx context.Context) error {
	for {
		if more, err := v.round(ctx); err != nil || !more {
			return err
		}
	}
}

// round indexes some objects of each noun, so that a noun of which ever more come
// up does not keep the others waiting, and tells whether there may be more.
func (v *Service) round(ctx context.Context) (more bool, err error) {
	for _, n := range v.indexers {
		list, err := n.stale(ctx, v.db, v.batch)
		if err != nil {
			return false, err
		}
		if err := v.each(ctx, n, list, false); err != nil {
			return false, err
		}
		more = more || len(list) == v.batch
	}
	return more, nil
}

// each indexes a list that is in the order of scopes.
func (v *Service) each(ctx context.Context, n indexer, list []object.Stale, anew bool) error {
	for len(list) > 0 {
		var keys []int64
		s := list[0].Scope
		for len(list) > 0 && list[0].Scope == s && len(keys) < stepBatch {
			keys = append(keys, list[0].Key)
			list = list[1:]
		}
		if err := n.index(ctx, v, s, keys, anew); err != nil {
			return err
		}
	}
	return nil
}

// build adds some objects to an index that is not whole, until it is.
func (v *Service) build(ctx context.Context) error {
	at, begun, err := builds.Read(ctx, v.db, db.Key{ID: format})
	switch {
	case err != nil || at.Noun >= int64(len(v.indexers)):
		return err
	case !begun:
		return v.built(ctx, build{}, build{Until: id.Floor(v.db.Clock().Now().Add(buildMargin))})
	}
	list, err := v.indexers[at.Noun].every(ctx, v.db, at, buildBatch)
	if err != nil {
		return err
	}
	if err := v.each(ctx, v.indexers[at.Noun], list, true); err != nil {
		return err
	}
	next := build{Noun: at.Noun + 1, Until: at.Until}
	if len(list) == buildBatch {
		last := list[len(list)-1]
		next = build{at.Noun, last.Scope.Key(), last.Key, at.Until}
	}
	return v.built(ctx, at, next)
}

// built notes how far the index is built, unless another node was quicker.
func (v *Service) built(ctx context.Context, at, next build) error {
	row := db.Key{ID: format}
	return v.db.Run(ctx, db.Step{Name: "search.build", Needs: []db.Need{builds.Need(row)}, Do: func(tx *db.Tx) error {
		now, ok, err := builds.Get(tx, row)
		switch {
		case err != nil:
			return err
		case !ok && at == build{}:
			builds.Insert(tx, row, next)
		case ok && now == at:
			builds.Update(tx, row, next)
		}
		return nil
	}})
}

func (n *noun[T, N]) stale(ctx context.Context, d *db.DB, limit int) ([]object.Stale, error) {
	return n.kind.Stale(ctx, d, limit)
}

func (n *noun[T, N]) every(ctx context.Context, d *db.DB, at build, limit int) (list []object.Stale, err error) {
	rows, err := n.all.All(ctx, d, at.AtScope, at.AtKey, at.Until, int64(limit))
	for _, r := range rows {
		list = append(list, object.Stale{Scope: id.ScopeOf(r.Scope), Key: r.Key})
	}
	return list, err
}

// draft is what an object's terms are to be.
type draft struct {
	key, version int64
	terms        []int64
}

// index writes the terms of some objects. anew tells that rows may be there
// that no entry speaks of.
func (n *noun[T, N]) index(ctx context.Context, v *Service, s id.Scope, keys []int64, anew bool) error {
	objects, err := n.kind.ReadMany(ctx, v.db, s, keys)
	if err != nil {
		return err
	}
	drafts := make([]draft, 0, len(objects))
	needs := make([]db.Need, 0, 2*len(objects))
	documents, err := n.documents(ctx, v, s, objects)
	if err != nil {
		return err
	}
	for _, key := range keys {
		d, ok := documents[key]
		if !ok {
			continue
		}
		drafts = append(drafts, draft{key, objects[key].Version, v.termsOf(s, n.kind.Name, n.fields, d)})
		needs = append(needs, n.kind.Need(s, key), entries.Need(db.Key{Scope: s.Key(), ID: key}))
	}
	return v.db.Run(ctx, db.Step{Name: "search.index", Scope: s.Key(), Patient: true, Needs: needs, Do: func(tx *db.Tx) error {
		var missed error
		for _, d := range drafts {
			current, err := n.kind.SetIndexed(tx, s, d.key, d.version)
			if err == nil && current {
				err = d.write(tx, s, anew)
			}
			missed = keep(missed, err)
		}
		return missed
	}})
}

// write makes an object's terms those of the draft.
func (d *draft) write(tx *db.Tx, s id.Scope, anew bool) error {
	at := db.Key{Scope: s.Key(), ID: d.key}
	packed, there, err := entries.Get(tx, at)
	if err != nil {
		return err
	}
	old := unpackTerms(packed)
	var missed error
	for _, t := range old {
		if _, still := slices.BinarySearch(d.terms, t); !still {
			missed = keep(missed, remove(tx, s, t, d.key))
		}
	}
	for _, t := range d.terms {
		if _, had := slices.BinarySearch(old, t); !had || anew {
			missed = keep(missed, insert(tx, s, t, d.key, anew))
		}
	}
	switch {
	case missed != nil:
		return missed
	case there && len(d.terms) == 0:
		entries.Delete(tx, at)
	case there:
		entries.Update(tx, at, packTerms(d.terms))
	case len(d.terms) > 0:
		entries.Insert(tx, at, packTerms(d.terms))
	}
	return nil
}

// keep is the first of two errors: a step asks for all rows that it lacks
// before it gives up, so that it runs again once.
func keep(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func termKey(s id.Scope, term, key int64) db.Key { return db.Key{Scope: s.Key(), ID: term, Sub: key} }

func remove(tx *db.Tx, s id.Scope, term, key int64) error {
	_, ok, err := terms.Get(tx, termKey(s, term, key))
	if ok {
		terms.Delete(tx, termKey(s, term, key))
	}
	return err
}

// insert adds a term. Unless the index is built anew, what an entry does not
// speak of is not there.
func insert(tx *db.Tx, s id.Scope, term, key int64, anew bool) error {
	if anew {
		if _, ok, err := terms.Get(tx, termKey(s, term, key)); ok || err != nil {
			return err
		}
	}
	terms.Insert(tx, termKey(s, term, key), struct{}{})
	return nil
}

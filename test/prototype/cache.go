package main

import (
	"cmp"
	"slices"
)

// entry states of a cached row: what the train must still do with it.
const (
	cachedAbsent   = iota // looked up, not there; leaves by an insert
	cachedLoaded          // as the database has it; leaves by an update
	cachedInserted        // new in this train; further updates keep it so
	cachedUpdated         // loaded and changed
)

type cached struct {
	row   row
	state int
}

type rowKey struct{ scope, key int64 }

// cache is a train's overlay: the rows loaded for it and the changes of its
// accepted steps. It lives for one train.
type cache struct {
	rows    [9]map[rowKey]*cached
	fresh   [9][]*row // inserted, in the order of insertion
	changed [9][]*row // loaded and then updated, each once
	missing [9][]rowKey
	asked   [9]map[rowKey]struct{}
	view    view
}

func newCache() *cache {
	c := &cache{}
	for i := range c.rows {
		c.rows[i] = make(map[rowKey]*cached)
		c.asked[i] = make(map[rowKey]struct{})
	}
	c.view.base = c
	return c
}

func (c *cache) reset() {
	for i := range c.rows {
		clear(c.rows[i])
		clear(c.asked[i])
		c.fresh[i], c.changed[i], c.missing[i] = c.fresh[i][:0], c.changed[i][:0], c.missing[i][:0]
	}
}

// ask notes a row to be loaded.
func (c *cache) ask(t *table, k rowKey) {
	if _, ok := c.asked[t.index][k]; ok {
		return
	}
	c.asked[t.index][k] = struct{}{}
	c.missing[t.index] = append(c.missing[t.index], k)
}

// put takes a loaded row.
func (c *cache) put(t *table, r row) {
	c.rows[t.index][rowKey{r.v[0], r.v[1]}] = &cached{row: r, state: cachedLoaded}
}

// settle marks every row asked for and not found as absent.
func (c *cache) settle() {
	for i := range c.missing {
		for _, k := range c.missing[i] {
			if _, ok := c.rows[i][k]; !ok {
				c.rows[i][k] = &cached{state: cachedAbsent}
			}
		}
		c.missing[i] = c.missing[i][:0]
		clear(c.asked[i])
	}
}

func (c *cache) wanting() bool {
	for i := range c.missing {
		if len(c.missing[i]) > 0 {
			return true
		}
	}
	return false
}

// decide runs every step of the batch, loading what they ask for between the
// rounds. Steps run in their order in the last round; a step that ran before
// and was told errAgain left nothing behind.
func (c *cache) decide(batch []*work, load func(*cache) error) error {
	for _, w := range batch {
		if err := c.try(w); err != nil {
			return err
		}
	}
	for c.wanting() {
		if err := load(c); err != nil {
			return err
		}
		c.settle()
		for _, w := range batch {
			if w.err != errAgain {
				continue
			}
			if err := c.try(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// try runs one step on a view of its own and merges it if accepted. Only an
// unexpected error is returned.
func (c *cache) try(w *work) error {
	c.view.changes = c.view.changes[:0]
	w.err = w.step(&c.view)
	switch w.err {
	case nil:
		c.view.merge()
	case errRefused, errAgain:
	default:
		return w.err
	}
	return nil
}

// view is the overlay of the step that is being run.
type view struct {
	base    *cache
	changes []change
}

type change struct {
	t     *table
	row   row
	fresh bool
}

func (v *view) need(refs ...ref) error {
	var err error
	for _, r := range refs {
		k := rowKey{r.scope, r.key}
		if _, ok := v.base.rows[r.table.index][k]; !ok && v.own(r.table, k) == nil {
			v.base.ask(r.table, k)
			err = errAgain
		}
	}
	return err
}

// own finds the step's own newest change of a row. A step has a dozen at most.
func (v *view) own(t *table, k rowKey) *row {
	for i := len(v.changes) - 1; i >= 0; i-- {
		c := &v.changes[i]
		if c.t == t && c.row.v[1] == k.key && c.row.v[0] == k.scope {
			return &c.row
		}
	}
	return nil
}

func (v *view) get(r ref) (row, bool, error) {
	k := rowKey{r.scope, r.key}
	if own := v.own(r.table, k); own != nil {
		return *own, true, nil
	}
	c, ok := v.base.rows[r.table.index][k]
	if !ok {
		v.base.ask(r.table, k)
		return row{}, false, errAgain
	}
	return c.row, c.state != cachedAbsent, nil
}

func (v *view) claim(t *table, r *row) (bool, error) {
	_, found, err := v.get(ref{t, r.v[0], r.v[1]})
	if err != nil || found {
		return false, err
	}
	return true, v.insert(t, r)
}

func (v *view) insert(t *table, r *row) error {
	v.changes = append(v.changes, change{t, *r, true})
	return nil
}

func (v *view) update(t *table, r *row) error {
	v.changes = append(v.changes, change{t, *r, false})
	return nil
}

// merge moves the step's changes into the train's overlay.
func (v *view) merge() {
	for i := range v.changes {
		ch := &v.changes[i]
		n, k := ch.t.index, rowKey{ch.row.v[0], ch.row.v[1]}
		switch c := v.base.rows[n][k]; {
		case ch.fresh:
			c = &cached{row: ch.row, state: cachedInserted}
			v.base.fresh[n] = append(v.base.fresh[n], &c.row)
			if len(ch.t.set) > 0 { // rows never updated are never asked for
				v.base.rows[n][k] = c
			}
		case c.state == cachedLoaded:
			c.row, c.state = ch.row, cachedUpdated
			v.base.changed[n] = append(v.base.changed[n], &c.row)
		default:
			c.row = ch.row
		}
	}
}

// sortKeys orders keys by scope and key.
func sortKeys(keys []rowKey) {
	slices.SortFunc(keys, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.key, b.key))
	})
}

package db

import "sync"

// watchers are told of committed rows.
type watchers struct {
	mu sync.RWMutex
	of map[*table][]*watcher
}

type watcher struct{ see func(Key, []value) }

// Watch calls f for every row that a train of this process inserted or updated,
// after the train is durable and before its callers wake, until stop is called.
// It is a hint that saves waiting for the next poll, never a promise: what other
// processes write is not seen, nor is a train whose COMMIT went unanswered. f is
// called by the train, several trains at once: it must be quick, may not wait
// and may not use the database.
func (t *Table[R]) Watch(d *DB, f func(Key, R)) (stop func()) {
	w := &watcher{func(k Key, values []value) { f(k, t.decode(values)) }}
	return d.watchers.add(t.table, w)
}

func (w *watchers) add(t *table, one *watcher) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[*table][]*watcher{}
	}
	w.of[t] = append(w.of[t], one)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		var left []*watcher
		for _, o := range w.of[t] {
			if o != one {
				left = append(left, o)
			}
		}
		w.of[t] = left
	}
}

func (w *watchers) tell(changes []tableChanges) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, ch := range changes {
		for _, one := range w.of[ch.table] {
			for _, rows := range [][]stored{ch.inserts, ch.updates} {
				for _, r := range rows {
					one.see(r.key, r.values)
				}
			}
		}
	}
}

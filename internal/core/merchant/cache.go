package merchant

import (
	"sync"
	"time"
)

const (
	// cacheFor is how long an account or a key is believed without asking the
	// database. Another process's change is seen at most this much later; being
	// told of changes at once is a matter for later.
	cacheFor = time.Second
	// cacheSize bounds the memory that a cache takes.
	cacheSize = 10_000
)

// cache remembers, for a short while, what was read. What is not there is not
// remembered: whoever guesses keys pays for a read each.
type cache[K comparable, V any] struct {
	mu      sync.RWMutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	until time.Time
}

// get gives what is remembered under k, or else what read finds.
func (c *cache[K, V]) get(k K, now time.Time, read func() (V, error)) (V, error) {
	c.mu.RLock()
	e, ok := c.entries[k]
	c.mu.RUnlock()
	if ok && now.Before(e.until) {
		return e.value, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = map[K]entry[V]{}
	}
	c.entries[k] = entry[V]{v, now.Add(cacheFor)}
	return v, nil
}

func (c *cache[K, V]) forget(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, k)
}

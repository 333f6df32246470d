package payment_test

import (
	"maps"
	"slices"
	"sync"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// heap keeps breaks as whoever owns them does, but for durability: what a step
// that runs twice says counts once, since a break is known by what it is about.
type heap struct {
	mu    sync.Mutex
	kinds map[string]string // kind and subject: the note
}

func (h *heap) Open(_ *db.Tx, _ id.Scope, kind, subject, _ string, _ money.Amount, note string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kinds == nil {
		h.kinds = map[string]string{}
	}
	h.kinds[kind+" "+subject] = note
	return nil
}

func (h *heap) Explain(_ *db.Tx, _ id.Scope, kind, subject, _, _ string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.kinds, kind+" "+subject)
	return nil
}

// open lists what is open: kinds and subjects.
func (h *heap) open() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.kinds))
}

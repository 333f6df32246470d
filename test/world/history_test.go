package world

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// history is what happened, in order.
type history struct {
	mu    sync.Mutex
	start time.Time
	lines []string
	names map[string]string
}

func newHistory(start time.Time) *history {
	return &history{start: start, names: map[string]string{}}
}

// publicID finds public ids wherever they stand in a line.
var publicID = regexp.MustCompile(`\b[a-z]+_[0-9A-Za-z]{24}\b`)

// add notes that actor did something at a point.
func (h *history) add(actor, point, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := publicID.ReplaceAllStringFunc(fmt.Sprintf(format, args...), func(id string) string {
		if h.names[id] == "" {
			prefix, _, _ := strings.Cut(id, "_")
			h.names[id] = fmt.Sprintf("%s#%d", prefix, len(h.names)+1)
		}
		return h.names[id]
	})
	h.lines = append(h.lines, fmt.Sprintf("%12s  %-8s %-8s %s", time.Since(h.start), actor, point, text))
}

func (h *history) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}

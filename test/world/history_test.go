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

// made finds what is made anew in each run: public ids, row keys, and the digests of
// messages that have no id. (Of two that go at once either may come first.)
var made = regexp.MustCompile(`\b[a-z]+_[0-9A-Za-z]{24}|\bsha256_[0-9a-f]{64}|-?\b[0-9]{12,19}\b`)

// add notes something. Whoever calls it is the only one at work.
func (h *history) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := made.ReplaceAllStringFunc(fmt.Sprintf(format, args...), h.name)
	h.lines = append(h.lines, fmt.Sprintf("%14s  %s", time.Since(h.start), text))
}

// name numbers ids by their first appearance. h.mu is held.
func (h *history) name(id string) string {
	if h.names[id] == "" {
		prefix, _, found := strings.Cut(id, "_")
		if !found {
			prefix = ""
		}
		h.names[id] = fmt.Sprintf("%s#%d", prefix, len(h.names)+1)
	}
	return h.names[id]
}

func (h *history) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}

// short is what a person reads first of a run that failed: what befell whom,
// and the lines that name one of the ids that the problems are about.
func (h *history) short(problems []string) string {
	const most = 80
	h.mu.Lock()
	defer h.mu.Unlock()
	about := map[string]bool{}
	for _, p := range problems {
		for _, id := range made.FindAllString(p, -1) {
			about[h.name(id)] = true
		}
	}
	var lines []string
	for _, line := range h.lines {
		if strings.Contains(line, " !! ") || mentions(line, about) {
			lines = append(lines, line)
		}
	}
	cut := ""
	if len(lines) > most {
		cut = fmt.Sprintf("… %d lines before these\n", len(lines)-most)
		lines = lines[len(lines)-most:]
	}
	return cut + strings.Join(lines, "\n")
}

var numbered = regexp.MustCompile(`[a-z]*#[0-9]+`)

func mentions(line string, about map[string]bool) bool {
	for _, name := range numbered.FindAllString(line, -1) {
		if about[name] {
			return true
		}
	}
	return false
}

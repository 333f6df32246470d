package leak

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
)

// Logger is a log for the time of a test, of every level and as text and JSON,
// that nobody sees and that is searched for card data at the test's end.
func Logger(tb testing.TB) *slog.Logger {
	var text, json sheet
	tb.Cleanup(func() {
		report(tb, Bytes("the log as text", text.taken()), nil)
		report(tb, Bytes("the log as JSON", json.taken()), nil)
	})
	all := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(&text, all), slog.NewJSONHandler(&json, all)))
}

// sheet keeps what several goroutines write.
type sheet struct {
	mu      sync.Mutex
	written bytes.Buffer
}

// Write implements [io.Writer].
func (s *sheet) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.Write(p)
}

func (s *sheet) taken() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.written.Bytes())
}

// Package admin is what those who run Florin see of a process, on a listener of
// its own: metrics, profiles, health, how it was built, and its jobs. It changes
// nothing and asks nobody who he is: the listener has to be protected.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Options say what is shown.
type Options struct {
	Version string // of Florin, as the build says it
	DB      *db.DB
	Jobs    *job.Runner
	Metrics http.Handler
	Clock   clock.Clock
	Log     *slog.Logger
	// Ready tells why no requests should be sent here now; nil: they may.
	Ready func(context.Context) error
	// Known is the schema that this binary was built with.
	Known int64
}

// site answers on the listener.
type site struct {
	Options
	started time.Time
	build   Build
}

// New makes the handler. The time since then counts as the process's.
func New(o Options) http.Handler {
	s := &site{Options: o, started: o.Clock.Now(), build: ReadBuild(o.Version)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.buildPage)
	mux.HandleFunc("GET /jobs", s.jobsPage)
	mux.HandleFunc("GET /jobs.json", s.jobsJSON)
	mux.Handle("GET /metrics", o.Metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /debug/pprof/{$}", s.profiles)
	mux.HandleFunc("GET /debug/pprof/{name}", s.profile)
	return mux
}

// ready is for whoever sends requests here, or no longer.
func (s *site) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// patience is how long a page waits for the database.
const patience = 3 * time.Second

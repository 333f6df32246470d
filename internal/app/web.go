package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/app/admin"
	"github.com/florinpay/florin/internal/app/metrics"
	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/door/rest"
	"github.com/florinpay/florin/internal/door/web"
	"github.com/florinpay/florin/internal/schema"
)

// prepare reads what the server needs beside the database, so that a mistake
// in it costs nothing.
func (a *App) prepare(c Config) (err error) {
	if err := checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	a.clock, a.version, a.metrics = c.Clock, c.Version, metrics.New(c.Clock)
	if a.proxies, err = listen.ParseProxies(c.TrustedProxies); err != nil {
		return err
	}
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("a TLS certificate and its key belong together: both files have to be named")
	case c.TLSCert != "":
		if a.certificate, err = listen.LoadCertificate(c.TLSCert, c.TLSKey, c.Logger); err != nil {
			return err
		}
		a.metrics.Certificate(a.certificate.NotAfter)
	}
	return nil
}

// checkPublicURL refuses what is no address that browsers could be sent to.
func checkPublicURL(text string) error {
	u, err := url.Parse(text)
	if text == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.User == nil && u.Fragment == "" {
		return nil
	}
	return fmt.Errorf("the public URL %q is not an address such as https://pay.example", text)
}

// measure has the metrics tell of what is running.
func (a *App) measure() {
	a.metrics.Build(a.version, admin.ReadBuild(a.version).Commit, a.DB.Figures().Engine)
	a.metrics.Watch(a.DB, a.Jobs)
	a.metrics.Limits(a.Rest.Refused, a.Rest.Limits.Rates.Keys)
	a.metrics.Retention(a.retention.Removed, a.retention.Oldest)
	a.metrics.Learning(a.Learning, a.unexplainedCount)
}

// Handler answers everything that comes over HTTP.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /{$}", a.welcome)
	if a.pages != nil {
		mux.Handle("GET /sandbox/pages/", a.pages)
		mux.Handle("POST /sandbox/pages/", a.pages)
	}
	a.web.Mount(mux)
	a.inbound.Mount(mux)
	mux.HandleFunc("GET /links/{token}", a.Rest.ServeLink)
	mux.Handle("/", a.Rest)
	all := http.NewServeMux()
	all.Handle("/", a.metrics.Requests(a.closedWhileLearning(mux)))
	// Websockets are no requests to be measured: they last for hours.
	all.Handle("GET "+rest.SocketPath+"/{account}", a.Rest.Sockets(a.sockets))
	return all
}

// closedWhileLearning keeps payers who come back from going on with a payment
// that may have gone on already. The REST API's own answers are for its clients.
func (a *App) closedWhileLearning(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Learning() && (strings.HasPrefix(r.URL.Path, web.Landings) || strings.HasPrefix(r.URL.Path, "/sandbox/pages/")) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "Florin was restored from a backup and is learning what happened since. Load this page again in a moment.", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ready tells why this process should get no requests now.
func (a *App) ready(ctx context.Context) error {
	if a.ending.Load() {
		return errors.New("the server is shutting down")
	}
	if _, err := a.DB.SchemaVersion(ctx); err != nil {
		return errors.New("the database does not answer")
	}
	return nil
}

// server is what both listeners have in common.
func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on ln until ctx ends, then finishes what is in flight.
func (a *App) Serve(ctx context.Context, ln net.Listener) error {
	server := a.server(a.Handler())
	server.BaseContext = func(net.Listener) context.Context { return a.proxies.Context(context.Background()) }
	if a.certificate != nil {
		server.TLSConfig = a.certificate.Config()
		var watching sync.WaitGroup
		defer watching.Wait()
		watched, stop := context.WithCancel(ctx)
		defer stop()
		watching.Go(func() { a.certificate.Watch(watched, a.clock) })
	}
	return listen.Serve(ctx, server, ln, stopGrace, func() {
		a.ending.Store(true)
		a.endSockets()
		a.log.Info("shutting down: finishing what is in flight")
	})
}

// AdminHandler answers those who run Florin: see package admin. It is not to be
// reached by anybody else.
func (a *App) AdminHandler() http.Handler {
	return admin.New(admin.Options{
		Version: a.version, DB: a.DB, Jobs: a.Jobs, Metrics: a.metrics.Handler(a.log), Clock: a.clock, Log: a.log, Ready: a.ready, Known: knownSchema(),
	})
}

// ServeAdmin answers those who run Florin on ln, until ctx ends. What takes
// long there, such as a profile, is broken off then.
func (a *App) ServeAdmin(ctx context.Context, ln net.Listener) error {
	const grace = time.Second
	err := listen.Serve(ctx, a.server(a.AdminHandler()), ln, grace, func() {})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// knownSchema is the number of the last migration that this binary holds.
func knownSchema() int64 {
	files, err := fs.Glob(schema.Files, "sqlite/*.sql") // as many as there are of PostgreSQL
	if err != nil {
		return 0 // the pattern is a good one
	}
	return int64(len(files))
}

package payment_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/door/inbound"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// pushSecret signs what the simulator sends in these tests.
const pushSecret = "the simulator's and the shop's"

// ear is where a shop hears what its provider tells unasked.
type ear struct {
	news   *news.Service
	runner *job.Runner
	door   atomic.Pointer[http.ServeMux]
}

// listening makes a shop that is told unasked of every operation, in the ways
// that o says.
func listening(t testing.TB, o push.Options, alter ...func(*provider.Provider)) (*shop, *ear) {
	t.Helper()
	e := &ear{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mux := e.door.Load(); mux != nil {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	from := news.From{Provider: sandbox.Name, Endpoint: "test"}
	o.URL, o.Secret, o.FaultDelay = server.URL+inbound.Path(from), pushSecret, 30*time.Millisecond
	parse := sandbox.New("", sandbox.ConnectorOptions{Secret: pushSecret}).Parse
	s := openWith(t, sandbox.Options{Delay: later, PushAll: true, Push: o}, append([]func(*provider.Provider){func(p *provider.Provider) { p.Parse = parse }}, alter...)...)
	e.news = &news.Service{DB: s.DB, Log: s.Log, Breaks: s.Breaks, Sources: map[news.From]news.Source{from: {Parse: parse, Hear: s.Pushed}}}
	mux := http.NewServeMux()
	(&inbound.Server{News: e.news, Clock: clock.System{}, Log: s.Log}).Mount(mux) // signatures are made in the simulator's time
	e.door.Store(mux)
	e.runner = job.New(s.DB, job.Options{Poll: 5 * time.Millisecond, Logger: s.Log})
	e.runner.Register(job.Kind{Name: news.ApplyJob, MaxTries: news.ApplyTries, Backoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond, Handle: e.news.Apply})
	e.runner.Start()
	t.Cleanup(func() {
		_ = s.sim.Pushes().Close()
		if err := e.runner.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, e
}

// quiet waits until all that was sent is applied. It looks at the sender first:
// what has left it may not be applied yet.
func (e *ear) quiet(s *shop) {
	s.t.Helper()
	for range 4000 {
		sent := s.sim.Pushes().Idle()
		waiting, err := news.OfState(context.Background(), s.DB, news.Received, 1)
		if err != nil {
			s.t.Fatal(err)
		}
		if sent && len(waiting) == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	s.t.Fatal("what was sent is never applied")
}

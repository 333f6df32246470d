package bench

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Sample is about one second of a run.
type Sample struct {
	// Second is when it ended, counted from the beginning of the measuring.
	Second   float64 `json:"second"`
	Payments float64 `json:"payments_per_second"`
	Requests float64 `json:"requests_per_second"`
	Errors   int64   `json:"errors"`
	P50      int64   `json:"p50_us"`
	P99      int64   `json:"p99_us"`
	// Unsent is how many errands were due at its end and had not begun;
	// Undelivered, of how many payments the receiver of webhooks was not told yet.
	Unsent      int64 `json:"unsent"`
	Undelivered int64 `json:"undelivered"`
	// Cores is how many processors each process kept busy.
	Cores map[string]float64 `json:"cores"`
	// Stolen is the share of the processors' time that the host gave to others.
	Stolen float64 `json:"stolen"`
}

// look is what a sample is the difference of.
type look struct {
	at                         time.Time
	requests, payments, errors int64
	processes                  map[string]spent
	processors                 processors
}

func (m *measurement) look() look {
	seen := &m.load.seen
	v := look{at: m.load.now(), requests: seen.requests.Load(), payments: seen.payments.Load(), errors: seen.errors.Load()}
	if m.host != nil {
		v.processes = m.host.spent()
		v.processors, _ = ofProcessors()
	}
	return v
}

// sample looks every second until it is stopped, writes a line each time, and
// keeps what it saw in list, if there is one. What is left at the end is looked at
// too, unless it is too little to say anything.
func (m *measurement) sample(ctx context.Context, g *gate, what string, list *[]Sample) (stop func()) {
	ticking, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	clk := m.load.config.Clock
	m.load.seen.latency.take()
	before := m.look()
	take := func() {
		now := m.look()
		s := between(before, now, g, m.load.seen.latency.take())
		if m.hook != nil {
			// A receiver that does not answer in time is seen at the end.
			s.Undelivered, _ = m.undelivered(ctx)
		}
		before = now
		progress(m.load.config, what+s.line(m.load.config))
		if list != nil {
			*list = append(*list, s)
		}
	}
	go func() {
		defer close(done)
		for next := before.at.Add(time.Second); clk.Sleep(ticking, next.Sub(clk.Now())) == nil; next = next.Add(time.Second) {
			take()
		}
	}()
	return func() {
		cancel()
		<-done
		if clk.Now().Sub(before.at) > time.Second/2 {
			take()
		}
	}
}

func between(a, b look, g *gate, latency *histogram) Sample {
	seconds := b.at.Sub(a.at).Seconds()
	s := Sample{
		Second: b.at.Sub(g.begun).Seconds(), Payments: float64(b.payments-a.payments) / seconds, Requests: float64(b.requests-a.requests) / seconds,
		Errors: b.errors - a.errors, P50: latency.quantile(50_000).Microseconds(), P99: latency.quantile(99_000).Microseconds(),
		Unsent: g.behind(b.at), Cores: map[string]float64{}, Stolen: stolen(a.processors, b.processors),
	}
	for name, now := range b.processes {
		if was, known := a.processes[name]; known {
			s.Cores[name] = (now.cpu - was.cpu).Seconds() / seconds
		}
	}
	return s
}

// line is the sample for people.
func (s *Sample) line(c Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%4.0f s  %6.0f payments/s  %6.0f requests/s  p50 %s ms  p99 %s ms", s.Second, s.Payments, s.Requests, millis(s.P50), millis(s.P99))
	if c.Rate > 0 {
		fmt.Fprintf(&b, "  %d unsent", s.Unsent)
	}
	if c.Webhooks != WebhooksNone {
		fmt.Fprintf(&b, "  %d undelivered", s.Undelivered)
	}
	if s.Errors > 0 {
		fmt.Fprintf(&b, "  %d errors", s.Errors)
	}
	if s.Stolen > mostStolen {
		fmt.Fprintf(&b, "  %.0f %% stolen", 100*s.Stolen)
	}
	return b.String()
}

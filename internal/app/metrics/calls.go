package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/florinpay/florin/internal/provider"
)

// calls measure what is asked of providers.
type calls struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func (c *calls) register(to *prometheus.Registry) {
	c.total = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "florin_provider_calls_total", Help: "Calls to providers, by provider, operation and outcome.",
	}, []string{"provider", "operation", "outcome"})
	c.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "florin_provider_call_duration_seconds", Help: "Time that calls to providers took, by provider and operation.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30},
	}, []string{"provider", "operation"})
	to.MustRegister(c.total, c.duration)
}

// operation has the series of one operation of one provider at hand.
type operation struct {
	m        *Metrics
	outcomes map[string]prometheus.Counter
	duration prometheus.Observer
}

// The values of the label "outcome" beyond those of [provider.Status].
const (
	found    = "found" // an inquiry was answered
	notFound = "not_found"
)

var (
	ofCall    = []string{provider.Approved.String(), provider.Declined.String(), provider.Pending.String(), provider.Failed.String(), provider.Unknown.String()}
	ofInquiry = []string{found, notFound, provider.Unknown.String()}
	ofFeed    = []string{found, provider.Unknown.String()}
	ofReverse = append([]string{notFound}, ofCall...)
)

func (m *Metrics) operation(p, name string, outcomes []string) *operation {
	o := &operation{m: m, outcomes: map[string]prometheus.Counter{}, duration: m.calls.duration.WithLabelValues(p, name)}
	for _, outcome := range outcomes {
		o.outcomes[outcome] = m.calls.total.WithLabelValues(p, name, outcome)
	}
	return o
}

func (o *operation) ended(begun time.Time, outcome string) {
	if c := o.outcomes[outcome]; c != nil {
		c.Inc()
	}
	o.duration.Observe(o.m.clock.Now().Sub(begun).Seconds())
}

// Provider gives a provider that does the same and is measured. An operation
// that p does not have is not there either. To read what a provider sent is no
// call to it.
func (m *Metrics) Provider(p provider.Provider) provider.Provider {
	measured := p
	if p.Authorize != nil {
		measured.Authorize = call(m.operation(p.Name, "authorize", ofCall), p.Authorize)
	}
	if p.Capture != nil {
		measured.Capture = call(m.operation(p.Name, "capture", ofCall), p.Capture)
	}
	if p.Refund != nil {
		measured.Refund = call(m.operation(p.Name, "refund", ofCall), p.Refund)
	}
	if p.Authenticate != nil {
		measured.Authenticate = call(m.operation(p.Name, "authenticate", ofCall), p.Authenticate)
	}
	if p.Increment != nil {
		measured.Increment = call(m.operation(p.Name, "increment", ofCall), p.Increment)
	}
	if p.Contest != nil {
		measured.Contest = call(m.operation(p.Name, "contest", ofCall), p.Contest)
	}
	if p.Notices != nil {
		measured.Notices = feed(m.operation(p.Name, "notices", ofFeed), p.Notices)
	}
	if p.PayOut != nil {
		measured.PayOut = call(m.operation(p.Name, "pay_out", ofCall), p.PayOut)
	}
	if p.Inquire != nil {
		measured.Inquire = question(m.operation(p.Name, "inquire", ofInquiry), inquiryOutcome, p.Inquire)
	}
	if p.Settle != nil {
		measured.Settle = question(m.operation(p.Name, "settle", ofInquiry), inquiryOutcome, p.Settle)
	}
	if p.Activity != nil {
		measured.Activity = history(m.operation(p.Name, "activity", ofFeed), p.Activity)
	}
	if p.Reverse != nil {
		measured.Reverse = question(m.operation(p.Name, "reverse", ofReverse), reverseOutcome, p.Reverse)
	}
	return measured
}

func call[R any](o *operation, f func(context.Context, R) provider.Outcome) func(context.Context, R) provider.Outcome {
	return func(ctx context.Context, r R) provider.Outcome {
		begun := o.m.clock.Now()
		out := f(ctx, r)
		o.ended(begun, out.Status.String())
		return out
	}
}

func question[R any](o *operation, outcome func(provider.Finding) string, f func(context.Context, R) provider.Finding) func(context.Context, R) provider.Finding {
	return func(ctx context.Context, r R) provider.Finding {
		begun := o.m.clock.Now()
		finding := f(ctx, r)
		o.ended(begun, outcome(finding))
		return finding
	}
}

func feed(o *operation, f func(context.Context, int64, int) ([]provider.Notice, error)) func(context.Context, int64, int) ([]provider.Notice, error) {
	return func(ctx context.Context, after int64, limit int) ([]provider.Notice, error) {
		begun := o.m.clock.Now()
		notices, err := f(ctx, after, limit)
		outcome := found
		if err != nil {
			outcome = provider.Unknown.String()
		}
		o.ended(begun, outcome)
		return notices, err
	}
}

func history(o *operation, f func(context.Context, time.Time, func(provider.Operation) error) error) func(context.Context, time.Time, func(provider.Operation) error) error {
	return func(ctx context.Context, since time.Time, each func(provider.Operation) error) error {
		begun := o.m.clock.Now()
		err := f(ctx, since, each)
		outcome := found
		if err != nil {
			outcome = provider.Unknown.String()
		}
		o.ended(begun, outcome)
		return err
	}
}

func inquiryOutcome(f provider.Finding) string {
	switch f.Answer {
	case provider.Found:
		return found
	case provider.NotFound:
		return notFound
	}
	return provider.Unknown.String()
}

// reverseOutcome tells a reversal that was certainly not sent from one of which
// nobody knows.
func reverseOutcome(f provider.Finding) string {
	switch {
	case f.Answer == provider.NotFound:
		return notFound
	case f.Answer == provider.Found, f.Outcome.Status == provider.Failed:
		return f.Outcome.Status.String()
	}
	return provider.Unknown.String()
}

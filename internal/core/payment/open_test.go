package payment_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// Those who watch the platform see what is open: nothing, then what nobody
// knows the outcome of, and how old it is, then nothing again.
func TestCountOpen(t *testing.T) {
	s := open(t)
	op := named("sale")
	op.do(s, op.ready(s), nil) //nolint:errcheck // one that is done, which counts for nothing
	count := func(when string, unknown int64, oldest time.Time) {
		t.Helper()
		got, err := payment.CountOpen(t.Context(), s.DB)
		want := []payment.OpenAttempts{{State: payment.Sending}, {State: payment.Unknown, Number: unknown, Oldest: oldest}, {State: payment.Pending}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", when, err, diff)
		}
	}
	count("at first", 0, time.Time{})
	first := op.ready(s)
	for i, intent := range []payment.IntentID{first, op.ready(s)} {
		s.inject(sandbox.Fault{Mode: sandbox.Lost, Kind: sandbox.Sale})
		if _, err := op.do(s, intent, key(string(rune('a'+i)))); err != nil {
			t.Fatal(err)
		}
	}
	count("two unknown", 2, id.Time(s.last(int64(first)).Key))
	s.clock.Advance(time.Minute)
	s.sweep()
	s.rest()
	count("at rest", 0, time.Time{})
}

//go:build unix

package crash

import (
	"slices"
	"time"

	"github.com/florinpay/florin/test/florin"
)

func engine() string {
	if florintest.Postgres() {
		return "PostgreSQL"
	}
	return "SQLite"
}

// report prints the figures of a run.
func (w *world) report(kills int, restarts []time.Duration) {
	w.t.Helper()
	acknowledged := 0
	for _, l := range w.load.calls {
		if l.Answer.acknowledged() {
			acknowledged++
		}
	}
	made := 0
	for _, o := range w.intents {
		if o.Status == "succeeded" {
			made++
		}
	}
	slices.Sort(restarts)
	if len(restarts) == 0 {
		restarts = []time.Duration{0}
	}
	w.t.Logf("%s: %d kills; %d requests acknowledged, %d payments and %d refunds among them; %d sent again; %d operations in the acquirer's book; lost %d, doubled %d, unexplained %d; ready again within %v to %v",
		engine(), kills, acknowledged, made, len(w.refunds), w.load.client.retried.Load(), len(w.operations), w.lost, w.doubled, w.unexplained,
		restarts[0].Round(time.Millisecond), restarts[len(restarts)-1].Round(time.Millisecond))
}

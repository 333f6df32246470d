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
	made := map[string]int{}
	for _, o := range w.things {
		made[o.Object]++
		made[o.Object+" "+o.Status]++
	}
	slices.Sort(restarts)
	if len(restarts) == 0 {
		restarts = []time.Duration{0}
	}
	w.t.Logf("%s: %d kills; %d requests acknowledged, %d payments and %d refunds among them, %d disputes (%d won, %d lost), %d setups, %d payouts (%d paid); %d sent again; %d operations in the acquirer's book; lost %d, doubled %d, unexplained %d; ready again within %v to %v",
		engine(), kills, acknowledged, made["payment_intent succeeded"], len(w.refunds), made["dispute"], made["dispute won"], made["dispute lost"],
		made["setup_intent succeeded"], made["payout"], made["payout paid"], w.load.client.retried.Load(), len(w.operations), w.lost, w.doubled, w.unexplained,
		restarts[0].Round(time.Millisecond), restarts[len(restarts)-1].Round(time.Millisecond))
}

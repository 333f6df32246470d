package webhook

import (
	"context"
	"math"

	"github.com/florinpay/florin/internal/base/db"
)

// What is still to be sent stays, with what became of it so far.
const notToCome = " AND NOT EXISTS (SELECT 1 FROM webhook_delivery p WHERE p.scope = a.scope AND p.event = a.event AND p.state = 1)"

var (
	qOldDeliveries = db.NewQuery("old deliveries", "SELECT scope, event, endpoint FROM webhook_delivery WHERE scope = ? AND event < ? AND state <> 1 ORDER BY event, endpoint LIMIT ?", keyFields)
	qOldAttempts   = db.NewQuery("old attempts", "SELECT a.scope, a.event, a.key FROM webhook_attempt a WHERE a.scope = ? AND a.event < ?"+notToCome+" ORDER BY a.event, a.key LIMIT ?", keyFields)
	qNextDelivery  = db.NewQuery("next scope with deliveries", "SELECT scope, event, endpoint FROM webhook_delivery WHERE scope > ? ORDER BY scope, event LIMIT 1", keyFields)
	qNextAttempt   = db.NewQuery("next scope with attempts at deliveries", "SELECT scope, event, key FROM webhook_attempt WHERE scope > ? ORDER BY scope, event LIMIT 1", keyFields)
	qStillThere    = db.NewQuery("events with deliveries", "SELECT event FROM webhook_delivery WHERE scope = ? AND event >= ? AND event <= ?", int64Field)
)

// eachScope gives the first row of each scope.
func eachScope(ctx context.Context, d *db.DB, q *db.Query[db.Key], f func(first db.Key) error) error {
	last := int64(math.MinInt64)
	for {
		next, err := q.All(ctx, d, last)
		if err != nil || len(next) == 0 {
			return err
		}
		last = next[0].Scope
		if err := f(next[0]); err != nil {
			return err
		}
	}
}

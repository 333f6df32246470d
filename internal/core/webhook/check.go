package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Check reports events that an endpoint ought to be told of and for which there
// is no delivery, though they are spread; and endpoints with deliveries to come
// whose turn is not planned, so that nobody would send them.
func Check(ctx context.Context, d *db.DB, report func(s id.Scope, endpoint int64, problem string)) error {
	const most = 100
	rows, err := qOpenQueues.All(ctx, d, int64(most))
	if err != nil {
		return err
	}
	for _, r := range rows {
		report(id.ScopeOf(r.Scope), r.Endpoint, "deliveries to the endpoint are due, and its turn is not planned")
	}
	return Endpoints.Scan(ctx, d, func(o *object.Object[Endpoint]) error {
		if !o.Body.Enabled() {
			return nil
		}
		return checkSpread(ctx, d, o, report)
	})
}

// checkSpread looks at what has happened since the endpoint is as it is, but not
// at what is about to be deleted for its age.
func checkSpread(ctx context.Context, d *db.DB, o *object.Object[Endpoint], report func(s id.Scope, endpoint int64, problem string)) error {
	const page = 1000
	since := o.At.Add(skew)
	if oldest := d.Clock().Now().Add(-event.Retention + 24*time.Hour); since.Before(oldest) {
		since = oldest
	}
	r := object.Range{After: id.Floor(since), Limit: page, Oldest: true}
	for {
		list, more, err := event.List(ctx, d, o.Scope, r)
		if err != nil || len(list) == 0 {
			return err
		}
		keys := make([]db.Key, len(list))
		for i, e := range list {
			keys[i] = deliveryKey(e.Scope, e.Key, o.Key)
		}
		taken, err := event.Taken(ctx, d, list)
		if err != nil {
			return err
		}
		have, err := deliveries.ReadMany(ctx, d, keys)
		if err != nil {
			return err
		}
		for i, e := range list {
			if _, ok := have[keys[i]]; !ok && taken[e.Key] && o.Body.Wants(e.Type) {
				report(o.Scope, o.Key, fmt.Sprintf("the event %s (%s) was never to be delivered to the endpoint", event.Prefix.Format(e.Scope, e.Key), e.Type))
			}
		}
		if r.After = list[0].Key; !more {
			return nil
		}
	}
}

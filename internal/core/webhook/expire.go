package webhook

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/kit/id"
)

// Expire deletes deliveries of events that were made before a time, and the
// attempts at them. One that is still to be sent stays.
func Expire(ctx context.Context, d *db.DB, before time.Time, pace db.Pace) error {
	end := max(1, id.Floor(before))
	err := eachScope(ctx, d, qNextDelivery, func(first db.Key) error {
		return db.Sweep(ctx, d, "webhook.expire", deliveries, func(limit int64) ([]db.Key, error) {
			return qOldDeliveries.All(ctx, d, first.Scope, end, limit)
		}, func(r deliveryRow) bool { return r.State != Pending }, pace)
	})
	if err != nil {
		return err
	}
	return eachScope(ctx, d, qNextAttempt, func(first db.Key) error {
		return db.Sweep(ctx, d, "webhook.expire-attempts", attempts, func(limit int64) ([]db.Key, error) {
			return qOldAttempts.All(ctx, d, first.Scope, end, limit)
		}, nil, pace)
	})
}

// Wanted tells which events have deliveries, and must not be deleted before
// these are: see [event.Wanted].
func Wanted(d *db.DB) event.Wanted {
	return func(ctx context.Context, s id.Scope, first, last int64) (map[int64]bool, error) {
		list, err := qStillThere.All(ctx, d, s.Key(), first, last)
		wanted := make(map[int64]bool, len(list))
		for _, e := range list {
			wanted[e] = true
		}
		return wanted, err
	}
}

// Oldest is when the oldest event with a delivery was made; zero when there is
// none.
func Oldest(ctx context.Context, d *db.DB) (oldest time.Time, err error) {
	err = eachScope(ctx, d, qNextDelivery, func(first db.Key) error {
		if at := id.Time(first.ID); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		return nil
	})
	return oldest, err
}

package settle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// RunJob is the kind of the job that reconciles.
const RunJob = "settle.run"

const (
	// Grace is how long the other side may take to tell of something before it
	// counts as missing.
	Grace = 72 * time.Hour
	// runHour is the hour, of the account's time zone, at which the job runs, and
	// again how long it waits where something was not there yet.
	runHour = 9
	again   = time.Hour
)

// Run reconciles: it looks through what was booked, fetches what there is of
// reports and statements, compares them, and books what the bank has received. What
// was done is not done again.
func (v *Service) Run(ctx context.Context) error {
	first, ok, err := v.Merchant.First(ctx)
	if err != nil || !ok {
		return err
	}
	r := &run{Service: v, house: id.Scope{Account: first}, now: v.DB.Clock().Now(), grace: Grace}
	if r.zone, err = v.zone(ctx, r.house); err != nil {
		return err
	}
	if err := v.collect(ctx); err != nil {
		return err
	}
	for _, p := range v.Providers {
		if p.Reports == nil {
			continue
		}
		if err := v.load(ctx, p, r.house, r.zone); err != nil {
			return fmt.Errorf("reports of %s: %w", p.Name, err)
		}
	}
	for _, p := range v.Providers {
		if p.Reports == nil {
			continue
		}
		if err := r.matchAll(ctx, p); err != nil {
			return err
		}
	}
	if err := r.postAll(ctx); err != nil {
		return err
	}
	return v.summarise(ctx)
}

// zone is the account's time zone.
func (v *Service) zone(ctx context.Context, house id.Scope) (*time.Location, error) {
	a, err := v.Merchant.Account(ctx, house)
	if err != nil || a.Profile.Timezone == "" {
		return time.UTC, err
	}
	zone, err := time.LoadLocation(a.Profile.Timezone)
	if err != nil {
		v.Log.Warn("the account's time zone is not known; its days are taken to be those of UTC", "zone", a.Profile.Timezone)
		return time.UTC, nil
	}
	return zone, nil
}

// Next is when the job runs after a time.
func (v *Service) next(ctx context.Context, now time.Time) (time.Time, error) {
	first, ok, err := v.Merchant.First(ctx)
	if err != nil || !ok {
		return now.Add(again), err
	}
	zone, err := v.zone(ctx, id.Scope{Account: first})
	if err != nil {
		return now, err
	}
	local := now.In(zone)
	at := time.Date(local.Year(), local.Month(), local.Day(), runHour, 0, 0, 0, zone)
	if !at.After(now) {
		at = time.Date(local.Year(), local.Month(), local.Day()+1, runHour, 0, 0, 0, zone)
	}
	return at, nil
}

// Schedule sees to it that the job is there, once for all processes.
func (v *Service) Schedule(ctx context.Context) error {
	at, err := v.next(ctx, v.DB.Clock().Now())
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.schedule", Needs: []db.Need{job.OnceNeed(id.Scope{}, RunJob, "daily")}, Do: func(tx *db.Tx) error {
		_, err := job.EnqueueOnce(tx, id.Scope{}, RunJob, "daily", at, struct{}{})
		return err
	}})
}

// Daily does a [RunJob], and has it done anew the next day.
func (v *Service) Daily(ctx context.Context, j job.Job) error {
	if err := v.Run(ctx); err != nil {
		return err
	}
	at, err := v.next(ctx, v.DB.Clock().Now())
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.again", Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error { return job.Again(tx, j, at) }})
}

// summarise counts what of the money is explained.
func (v *Service) summarise(ctx context.Context) error {
	type at struct {
		scope int64
		key   int64
	}
	by := map[at]*Summary{}
	of := func(scope int64, p string, c money.Currency) *Summary {
		k := at{scope, hashed(p, string(c))}
		if by[k] == nil {
			by[k] = &Summary{Provider: p, Currency: c}
		}
		return by[k]
	}
	totals, err := qTotals.All(ctx, v.DB)
	if err != nil {
		return err
	}
	for _, t := range totals {
		s := of(t.Scope, t.Provider, t.Currency)
		s.Total += t.Sum
		if t.State == unmatched {
			s.Awaiting += t.Sum
		} else {
			s.Matched += t.Sum
		}
	}
	if err := v.broken(ctx, func(scope id.Scope, b *Break) {
		side := b.Ours
		if side.Amount == 0 || !b.Clearing {
			return
		}
		s, n := of(scope.Key(), b.Provider, side.Currency), max(side.Amount, -side.Amount)
		s.Broken += n
		if b.Type == MissingThere {
			s.Awaiting -= n
		} else {
			s.Matched -= n
		}
	}); err != nil {
		return err
	}
	order := slices.SortedFunc(maps.Keys(by), func(a, b at) int { return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.key, b.key)) })
	for _, k := range order { // the same each time
		s := by[k]
		key := db.Key{Scope: k.scope, ID: k.key}
		if err := v.DB.Run(ctx, db.Step{Name: "settle.summary", Scope: k.scope, Needs: []db.Need{summaries.Need(key)}, Do: func(tx *db.Tx) error {
			_, ok, err := summaries.Get(tx, key)
			if err != nil {
				return err
			}
			s.At = tx.Now()
			if ok {
				summaries.Update(tx, key, *s)
			} else {
				summaries.Insert(tx, key, *s)
			}
			return nil
		}}); err != nil {
			return err
		}
	}
	return nil
}

// broken goes through the open breaks of all accounts that are about items.
func (v *Service) broken(ctx context.Context, f func(id.Scope, *Break)) error {
	return Breaks.Scan(ctx, v.DB, func(o *object.Object[Break]) error {
		if o.Body.State == Open && len(o.Body.Items) > 0 && o.Body.Type != Status && o.Body.Subject != "" {
			f(o.Scope, &o.Body)
		}
		return nil
	})
}

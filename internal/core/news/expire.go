package news

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/provider"
)

const (
	// KeepFor is how long a message is kept once it is settled, if nothing else is
	// said: longer than a dispute of what it tells takes to be heard of.
	KeepFor = 90 * 24 * time.Hour
	// KeepAtLeast is the least that may be said: longer than providers go on sending
	// what was not acknowledged.
	KeepAtLeast = 7 * 24 * time.Hour
)

// Expire deletes messages that were settled before a time. One that is not
// settled stays.
func (v *Service) Expire(ctx context.Context, before time.Time, pace db.Pace) error {
	for _, state := range settledStates {
		for {
			old, err := qSettled.All(ctx, v.DB, int64(state), before.UnixMicro(), before.UnixMicro(), int64(db.SweepRows))
			if err != nil {
				return err
			}
			if len(old) == 0 {
				break
			}
			gone, err := v.expire(ctx, before, old)
			if err != nil {
				return err
			}
			if err := pace(ctx, gone); err != nil {
				return err
			}
			if gone == 0 {
				break
			}
		}
	}
	return nil
}

// settledStates are those of messages with which nothing more is done.
var settledStates = [...]State{Applied, Garbled, Stuck}

// Oldest is when the oldest settled message was received; zero when there is none.
func (v *Service) Oldest(ctx context.Context) (oldest time.Time, err error) {
	for _, state := range settledStates {
		list, err := qFirstOf.All(ctx, v.DB, int64(state))
		if err != nil {
			return oldest, err
		}
		if len(list) > 0 && (oldest.IsZero() || list[0].Before(oldest)) {
			oldest = list[0]
		}
	}
	return oldest, nil
}

// expire deletes messages with what says whom they are about.
func (v *Service) expire(ctx context.Context, before time.Time, some []old) (gone int, err error) {
	var needs []db.Need
	for i := range some {
		var told []provider.Notice
		if err := json.Unmarshal([]byte(some[i].notices), &told); err != nil {
			return 0, err
		}
		needs = append(needs, messages.Need(some[i].key()))
		for _, n := range told {
			at := aboutKey(n.Reference, some[i].key())
			if !slices.Contains(some[i].abouts, at) {
				some[i].abouts, needs = append(some[i].abouts, at), append(needs, abouts.Need(at))
			}
		}
	}
	err = v.DB.Run(ctx, db.Step{Name: "news.expire", Needs: needs, Do: func(tx *db.Tx) error {
		gone = 0
		for _, o := range some {
			m, ok, err := messages.Get(tx, o.key())
			if err != nil {
				return err
			}
			if !ok || m.State == Received || !m.Settled.Before(before) {
				continue
			}
			messages.Delete(tx, o.key())
			gone++
			for _, at := range o.abouts {
				if _, there, err := abouts.Get(tx, at); err != nil {
					return err
				} else if there {
					abouts.Delete(tx, at)
				}
			}
		}
		return nil
	}})
	return gone, err
}

// old is a message that may be deleted.
type old struct {
	hashA, hashB int64
	notices      string
	abouts       []db.Key
}

func (o *old) fields(f *db.Fields) {
	db.Int(f, &o.hashA)
	db.Int(f, &o.hashB)
	db.Text(f, &o.notices)
}

func (o *old) key() db.Key { return db.Key{ID: o.hashA, Sub: o.hashB} }

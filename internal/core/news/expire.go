package news

import (
	"context"
	"encoding/json"
	"errors"
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

// expireChunk is how many messages one step deletes.
const expireChunk = 100

// Expire deletes messages that have been settled for longer than a time, at most
// limit of them, and tells how many it deleted. One that is not settled stays.
func (v *Service) Expire(ctx context.Context, after time.Duration, limit int) (gone int, err error) {
	before := v.DB.Clock().Now().Add(-after)
	for _, state := range []State{Applied, Garbled, Stuck} {
		old, err := qSettled.All(ctx, v.DB, int64(state), before.UnixMicro(), before.UnixMicro(), int64(limit-gone))
		if err != nil {
			return gone, err
		}
		for some := range slices.Chunk(old, expireChunk) {
			n, err := v.expire(ctx, before, some)
			if gone += n; err != nil {
				return gone, err
			}
		}
	}
	return gone, nil
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

// CheckKeep refuses a time for which messages can't be kept.
func CheckKeep(d time.Duration) error {
	if d < KeepAtLeast {
		return errors.New("messages of providers are to be kept for a week (168h) at least")
	}
	return nil
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

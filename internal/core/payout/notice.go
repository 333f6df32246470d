package payout

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// noticePage is how many notices are read at a time.
const noticePage = 100

// Listen reads what the banks tell unasked, and books the payouts that came back
// after they had arrived. What is read again has no effect.
func (v *Service) Listen(ctx context.Context) (problems error) {
	for _, name := range slices.Sorted(maps.Keys(v.Banks)) {
		if p := v.Banks[name]; p.Notices != nil {
			problems = errors.Join(problems, v.listen(ctx, p))
		}
	}
	return problems
}

func noticeKey(bank string) db.Key {
	sum := sha256.Sum256([]byte(bank))
	return db.Key{ID: int64(binary.BigEndian.Uint64(sum[:8]) >> 1)}
}

func (v *Service) listen(ctx context.Context, p provider.Provider) error {
	for {
		after, _, err := noticed.Read(ctx, v.DB, noticeKey(p.Name))
		if err != nil {
			return err
		}
		call, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
		list, err := p.Notices(call, after, noticePage)
		cancel()
		if err != nil || len(list) == 0 {
			return err
		}
		for _, n := range list {
			if err := v.Notice(ctx, p.Name, n); err != nil {
				return err
			}
		}
		probe.Point("payout.notices-applied")
		if err := v.read(ctx, p.Name, list[len(list)-1].Number); err != nil {
			return err
		}
	}
}

// read notes how far a bank's notices are read.
func (v *Service) read(ctx context.Context, bank string, number int64) error {
	k := noticeKey(bank)
	return v.DB.Run(ctx, db.Step{Name: "payout.noticed", Needs: []db.Need{noticed.Need(k)}, Do: func(tx *db.Tx) error {
		have, ok, err := noticed.Get(tx, k)
		switch {
		case err != nil:
			return err
		case !ok:
			noticed.Insert(tx, k, number)
		case have < number:
			noticed.Update(tx, k, number)
		}
		return nil
	}})
}

// Returned books that a payout, named by our reference, came back after it had
// arrived. What came back before that is learned by inquiry; a reference that is
// not ours is passed over.
func (v *Service) Returned(ctx context.Context, reference, reason string) error {
	key, ok := Attempts.Prefix.Parse(reference)
	if !ok {
		v.Log.Warn("a bank tells of a payout that is not ours", "reference", reference)
		return nil
	}
	s, err := v.scopeOf(ctx, key)
	if err != nil || s == (id.Scope{}) {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payout.returned", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, key)
		if err != nil {
			return err
		}
		p, err := get(tx, Payouts, s, a.Body.Payout)
		if err != nil || a.Body.State == Declined || p.Body.Original != 0 {
			return err
		}
		if a.Body.open() || a.Body.State == AttemptFailed {
			// It arrived and came back before anybody asked: both are booked.
			arrivedFirst := provider.Outcome{Status: provider.Approved, Message: "told by its return"}
			if a.Body.open() {
				err = v.apply(tx, a, arrivedFirst)
			} else {
				err = v.late(tx, a, arrivedFirst)
			}
			if err != nil {
				return err
			}
			if p, err = get(tx, Payouts, s, a.Body.Payout); err != nil {
				return err
			}
		}
		if a.Body.State, err = next(a, newsReturned); err != nil {
			return err
		}
		a.Body.Reason = reason
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		return v.failed(tx, a, p, reason, ledger.Bank)
	}})
}

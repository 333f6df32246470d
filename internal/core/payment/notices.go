package payment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// noticeState is where a notice stands.
type noticeState int64

const (
	// noticeWaiting: it can't be applied yet, such as while the outcome of what it
	// is about is open. Left when it was applied.
	noticeWaiting noticeState = 1
	// noticeDone: it was applied, or there was nothing to do. Final.
	noticeDone noticeState = 2
	// noticeStray: it is about nothing that there is. Final; a person may look.
	noticeStray noticeState = 3
)

// noticePage is how many notices are asked for at once.
const noticePage = 100

// noticeBreak is after how many tries a person is told of a notice, which is a
// day. It is tried on.
const noticeBreak = 290

// noticeError is a notice that could not be applied within a step in which
// other things happen too.
type noticeError struct{ error }

func (e noticeError) Unwrap() error { return e.error }

// noticeKey is by the provider's number of a notice; what has none is kept below
// zero, by its name.
func noticeKey(s id.Scope, source string, n provider.Notice) db.Key {
	number := n.Number
	if number == 0 {
		number = -job.KeyOf("notice", n.ID)
	}
	return db.Key{Scope: s.Key(), ID: providerKey(source), Sub: number}
}

// providerKey is the number that a provider's rows are stored under.
func providerKey(name string) int64 { return job.KeyOf("provider", name) }

// ReadNotices asks every provider what it has to tell, and applies it; what
// could not be applied before is tried again. Any number of nodes may do so at
// once: a notice has one effect, by its number.
func (v *Service) ReadNotices(ctx context.Context) (err error) {
	for _, name := range slices.Sorted(maps.Keys(v.Providers)) {
		if p := v.Providers[name]; p.Notices != nil {
			err = errors.Join(err, v.readNotices(ctx, p))
		}
	}
	return errors.Join(err, v.retryNotices(ctx))
}

// readNotices goes through what one provider has told since. The cursor moves
// when all of a page is either applied or kept, so nothing is lost by whatever
// ends this half-way.
func (v *Service) readNotices(ctx context.Context, p provider.Provider) error {
	for {
		after, _, err := cursors.Read(ctx, v.DB, db.Key{ID: providerKey(p.Name)})
		if err != nil {
			return err
		}
		asked, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
		page, err := p.Notices(asked, after, noticePage)
		cancel()
		if err != nil || len(page) == 0 {
			return err
		}
		slices.SortFunc(page, func(a, b provider.Notice) int { return cmp.Compare(a.Number, b.Number) })
		for _, n := range page {
			if err := v.Notice(ctx, p.Name, n); err != nil {
				return err
			}
		}
		last := page[len(page)-1].Number
		if last <= after {
			return fmt.Errorf("provider %s tells notice %d after %d", p.Name, last, after)
		}
		if err := v.advance(ctx, p.Name, last); err != nil || len(page) < noticePage {
			return err
		}
	}
}

// advance moves a provider's cursor on, never back.
func (v *Service) advance(ctx context.Context, name string, to int64) error {
	at := db.Key{ID: providerKey(name)}
	return v.DB.Run(ctx, db.Step{Name: "payment.notices-read", Needs: []db.Need{cursors.Need(at)}, Do: func(tx *db.Tx) error {
		have, ok, err := cursors.Get(tx, at)
		switch {
		case err != nil || have >= to:
			return err
		case ok:
			cursors.Update(tx, at, to)
		default:
			cursors.Insert(tx, at, to)
		}
		return nil
	}})
}

// Notice takes what a provider told: it is applied now, or kept until it can
// be. An error means that neither was possible.
func (v *Service) Notice(ctx context.Context, source string, n provider.Notice) error {
	if aboutReversal(n) {
		return nil
	}
	s, key, err := v.place(ctx, n.Reference)
	if err != nil {
		return err
	}
	if key == 0 {
		return v.stray(ctx, source, n)
	}
	err = v.deliver(ctx, s, key, source, n)
	if err == nil {
		return nil
	}
	v.Log.Warn("a provider's notice could not be applied; it is kept", "provider", source, "notice", n.Number, "about", n.Reference, "error", err)
	return v.keepNotice(ctx, s, key, source, n)
}

// place finds the attempt that a reference of ours names, zero if there is
// none. The reference carries the shard, not the scope.
func (v *Service) place(ctx context.Context, reference string) (s id.Scope, key AttemptID, err error) {
	row, shard, ok := Attempts.Prefix.ParseShard(reference)
	if !ok {
		return s, 0, nil
	}
	accounts, err := merchant.OfShard(ctx, v.DB, shard)
	if err != nil {
		return s, 0, err
	}
	for _, account := range accounts {
		for _, live := range []bool{false, true} {
			s := id.Scope{Account: account, Livemode: live}
			if _, ok, err := Attempts.Read(ctx, v.DB, s, row); ok || err != nil {
				return s, AttemptID(row), err
			}
		}
	}
	return s, 0, nil
}

// Find gives the scope and the key of the attempt that a reference of ours names.
func (v *Service) Find(ctx context.Context, reference string) (s id.Scope, key AttemptID, ok bool, err error) {
	s, key, err = v.place(ctx, reference)
	return s, key, key != 0, err
}

// stray keeps a notice about nothing that there is. An attempt is written before
// its provider hears of it, so there will be nothing later either.
func (v *Service) stray(ctx context.Context, source string, n provider.Notice) error {
	at := noticeKey(id.Scope{}, source, n)
	return v.DB.Run(ctx, db.Step{Name: "payment.notice-stray", Needs: []db.Need{notices.Need(at)}, Do: func(tx *db.Tx) error {
		_, there, err := notices.Get(tx, at)
		if err != nil || there {
			return err
		}
		if err := v.OpenBreak(tx, id.Scope{}, BreakMissing, n.Reference, source, money.Amount{}, "the provider tells of it, and there is no such operation"); err != nil {
			return err
		}
		return writeNotice(tx, at, there, noticeRow{State: noticeStray, At: tx.Now(), Source: source}, n)
	}})
}

func writeNotice(tx *db.Tx, at db.Key, there bool, r noticeRow, n provider.Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	r.Body = string(body)
	if there {
		notices.Update(tx, at, r)
	} else {
		notices.Insert(tx, at, r)
	}
	return nil
}

// deliver applies a notice about an attempt, or notes that it has to wait.
func (v *Service) deliver(ctx context.Context, s id.Scope, key AttemptID, source string, n provider.Notice) error {
	if n.Kind == provider.NoticeOutcome {
		return v.heard(ctx, s, key, source, n)
	}
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return err
	}
	charge, err := v.chargeOfAttempt(ctx, s, key)
	if err != nil {
		return err
	}
	at := noticeKey(s, source, n)
	needs := []db.Need{Attempts.Need(s, int64(key)), notices.Need(at), Charges.Need(s, int64(charge))}
	return v.DB.Run(ctx, db.Step{Name: "payment.notice", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		return v.hear(tx, account, a, charge, source, n)
	}})
}

// chargeOfAttempt finds the charge that came of an attempt to pay; zero if none
// did yet, or it is not one to pay.
func (v *Service) chargeOfAttempt(ctx context.Context, s id.Scope, key AttemptID) (ChargeID, error) {
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err != nil || !ok || a.Body.Charge != 0 || a.Body.Intent == 0 {
		return 0, err
	}
	list, _, err := Charges.List(ctx, v.DB, s, object.Range{Limit: noticePage, Where: map[string]any{"intent": int64(a.Body.Intent)}})
	for _, ch := range list {
		if ch.Body.Attempt == key && ch.Body.Status == ChargeSucceeded {
			return ChargeID(ch.Key), err
		}
	}
	return 0, err
}

// heed applies what a provider told along with an outcome, in the step that
// settles it. What is about something else comes by the feed.
func (v *Service) heed(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], list []provider.Notice) error {
	for _, n := range list {
		if n.Reference != Reference(a.Scope, AttemptID(a.Key)) && (a.Body.Original == 0 || n.Reference != Reference(a.Scope, a.Body.Original)) {
			continue
		}
		if err := v.hear(tx, account, a, 0, a.Body.Provider, n); err != nil {
			return noticeError{fmt.Errorf("notice %d of %s: %w", n.Number, a.Body.Provider, err)}
		}
	}
	return nil
}

// hear applies a notice once, or keeps it until it can be applied. One that
// comes again and says something else has no effect but a break.
func (v *Service) hear(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], charge ChargeID, source string, n provider.Notice) error {
	at := noticeKey(a.Scope, source, n)
	row, there, err := notices.Get(tx, at)
	if err != nil {
		return err
	}
	if there && row.State == noticeDone {
		return v.compare(tx, a, row, source, n)
	}
	applied, err := v.applyNotice(tx, account, a, charge, n)
	if err != nil {
		return err
	}
	return v.keep(tx, a, at, row, there, source, n, applied)
}

// compare opens a break where a notice that was applied says something else now.
func (v *Service) compare(tx *db.Tx, a *object.Object[Attempt], row noticeRow, source string, n provider.Notice) error {
	body, err := json.Marshal(n)
	if err != nil || string(body) == row.Body {
		return err
	}
	subject := fmt.Sprintf("%s notice %d", source, n.Number)
	return v.OpenBreak(tx, a.Scope, BreakContradiction, subject, source, money.Amount{},
		fmt.Sprintf("a notice about %s was told with two contents: %s and %s", n.Reference, row.Body, body))
}

// keep notes that a notice was applied, or when it is tried again.
func (v *Service) keep(tx *db.Tx, a *object.Object[Attempt], at db.Key, row noticeRow, there bool, source string, n provider.Notice, applied bool) error {
	row.Attempt, row.At, row.Source = a.Key, tx.Now(), source
	row.State, row.Due = noticeDone, time.Time{}
	if !applied && !probe.Mutant("payment.notice-lost") {
		if row.wait(tx.Now()); row.Tries == noticeBreak {
			if err := v.openBreak(tx, a, BreakContradiction, 0, fmt.Sprintf("what the provider tells, %s, still can't be applied", n.Kind)); err != nil {
				return err
			}
			if err := Attempts.Update(tx, a); err != nil {
				return err
			}
		}
	}
	return writeNotice(tx, at, there, row, n)
}

func (r *noticeRow) wait(now time.Time) {
	r.State, r.Tries, r.Due = noticeWaiting, r.Tries+1, now.Add(wait(int(min(r.Tries, 9))))
}

// applyNotice reports false where it is too early.
func (v *Service) applyNotice(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], charge ChargeID, n provider.Notice) (bool, error) {
	if v.Providers[a.Body.Provider].Inquire == nil && a.Body.proven(n.Kind) && !probe.Mutant("payment.no-proof") {
		if err := v.apply(tx, account, a, provider.Outcome{Status: provider.Approved}); err != nil {
			return false, err
		}
		if _, err := v.answer(tx, a, nil); err != nil {
			return false, err
		}
	}
	switch n.Kind {
	case provider.NoticeRefundFailed:
		switch {
		case a.Body.Operation != OpRefund:
			return true, v.pointless(tx, a, n)
		case a.Body.Open():
			return false, nil
		case a.Body.State != Approved:
			return true, nil // it did not happen, or what happened came back
		}
		return true, v.refundFailed(tx, a, n)
	case provider.NoticePaid, provider.NoticeUnpaid:
		return v.paidNotice(tx, account, a, n)
	case provider.NoticeDispute, provider.NoticeFraud:
		ch, err := v.paidBy(tx, a, charge)
		if err != nil || ch == nil || v.Aftermath == nil {
			return false, err
		}
		return true, v.Aftermath.Told(tx, account, ch, n)
	}
	return false, nil // what a later version may know how to apply
}

// proven reports whether a notice of what came of an operation shows that the
// operation was approved, where nobody knows. While its sender is at it, or it is
// being undone, that is for others to say; and of one that may have been approved
// in part it does not say how much.
func (a *Attempt) proven(k provider.NoticeKind) bool {
	if a.State != Unknown && a.State != Pending || a.Undoing || a.Features.Partial {
		return false
	}
	switch k {
	case provider.NoticeRefundFailed:
		return a.Operation == OpRefund
	case provider.NoticeDispute, provider.NoticeFraud:
		return a.Operation == OpSale || a.Operation == OpCapture
	}
	return false
}

// pointless opens a break about a notice that makes no sense of an operation.
func (v *Service) pointless(tx *db.Tx, a *object.Object[Attempt], n provider.Notice) error {
	if err := v.openBreak(tx, a, BreakContradiction, 0, fmt.Sprintf("the provider tells %s of a %s", n.Kind, a.Body.Operation)); err != nil {
		return err
	}
	return Attempts.Update(tx, a)
}

// paidBy loads the charge that an attempt is about; nil while there is none from
// which money was taken.
func (v *Service) paidBy(tx *db.Tx, a *object.Object[Attempt], charge ChargeID) (*object.Object[Charge], error) {
	if a.Body.Charge != 0 {
		charge = a.Body.Charge
	}
	if charge == 0 && a.Body.State == Approved {
		o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
		if err != nil {
			return nil, err
		}
		charge = o.Body.LatestCharge
	}
	if charge == 0 {
		return nil, nil
	}
	ch, err := get(tx, Charges, a.Scope, int64(charge))
	if err != nil || ch.Body.Captured == 0 || a.Body.Charge == 0 && ch.Body.Attempt != AttemptID(a.Key) {
		return nil, err
	}
	return ch, nil
}

// keepNotice keeps a notice that could not be applied.
func (v *Service) keepNotice(ctx context.Context, s id.Scope, key AttemptID, source string, n provider.Notice) error {
	at := noticeKey(s, source, n)
	return v.DB.Run(ctx, db.Step{Name: "payment.notice-kept", Scope: s.Key(), Needs: []db.Need{notices.Need(at)}, Do: func(tx *db.Tx) error {
		row, there, err := notices.Get(tx, at)
		if err != nil || there && row.State == noticeDone {
			return err
		}
		row.Attempt, row.At, row.Source = int64(key), tx.Now(), source
		if row.wait(tx.Now()); row.Tries == noticeBreak {
			if err := v.OpenBreak(tx, s, BreakContradiction, n.Reference, source, money.Amount{}, fmt.Sprintf("what the provider tells, %s, can't be applied", n.Kind)); err != nil {
				return err
			}
		}
		return writeNotice(tx, at, there, row, n)
	}})
}

// retryNotices tries again what had to wait. One that still can't be applied
// does not hold up the others.
func (v *Service) retryNotices(ctx context.Context) error {
	due, err := qDueNotices.All(ctx, v.DB, v.clock().Now().UnixMicro(), int64(noticePage))
	if err != nil {
		return err
	}
	slices.SortFunc(due, func(a, b keyedNotice) int { return cmp.Compare(a.Number, b.Number) })
	for _, k := range due {
		var n provider.Notice
		if err := json.Unmarshal([]byte(k.Body), &n); err != nil {
			return fmt.Errorf("notice %d of %s: %w", k.Number, k.Source, err)
		}
		s, key := id.ScopeOf(k.Scope), AttemptID(k.Attempt)
		if err := v.deliver(ctx, s, key, k.Source, n); err != nil {
			v.Log.Warn("a provider's notice can't be applied", "provider", k.Source, "notice", k.Number, "tries", k.Tries, "error", err)
			if err := v.keepNotice(ctx, s, key, k.Source, n); err != nil {
				return err
			}
		}
	}
	return nil
}

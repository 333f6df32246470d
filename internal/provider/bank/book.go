package bank

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// BookSchema is the PostgreSQL schema of a [Book] that is given none.
const BookSchema = "florin_bank"

// Book is the bank's own truth, in a database that several processes may hold
// at once. It has connections and transactions of its own, so that it can share
// a PostgreSQL database with Florin's tables and still be another's truth.
type Book struct{ db *db.DB }

// OpenBook opens the book at "postgres://…", in a schema florin_bank unless o
// names another, or in a SQLite file of its own at "sqlite:PATH", and makes what
// is missing. Close it when its simulators have ended.
func OpenBook(ctx context.Context, address string, o db.Options) (*Book, error) {
	if !strings.HasPrefix(address, "sqlite:") {
		o.Schema = cmp.Or(o.Schema, BookSchema)
	}
	d, err := db.Open(ctx, address, o)
	if err == nil {
		if err = d.Migrate(ctx, BookFiles()); err == nil {
			err = d.ClaimNode(ctx)
		}
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bank: open book: %w", err)
	}
	return &Book{d}, nil
}

// BookFiles are the DDL files of a book, for both engines.
func BookFiles() fs.FS {
	files, err := fs.Sub(bookFiles, "schema")
	if err != nil {
		panic(err) // the name is fixed, and valid
	}
	return files
}

// Close waits for what is under way and lets go of the database.
func (b *Book) Close() error { return b.db.Close() }

// ForgetTrains deletes old marks of the book's transactions; see
// [db.DB.ForgetTrains].
func (b *Book) ForgetTrains(ctx context.Context) error { return b.db.ForgetTrains(ctx) }

// apply records what is made of a request, once: a reference that is in the book
// gives the transfer under it.
func (b *Book) apply(ctx context.Context, r request, now time.Time) (t Transfer, err error) {
	needs := []db.Need{entries.Need(entryKey(r.Reference))}
	if r.Original != "" {
		needs = append(needs, entries.Need(entryKey(r.Original)))
	}
	err = b.db.Run(ctx, db.Step{Name: "bank.apply", Needs: needs, Do: func(tx *db.Tx) error {
		have, ok, err := entries.Get(tx, entryKey(r.Reference))
		if err != nil {
			return err
		}
		if ok {
			if t, err = have.transfer(); err == nil && !r.asks(t) {
				return refuse(referenceConflict, "the reference names another transfer")
			}
			return err
		}
		recorded := tx.NewKey()
		var due time.Time
		if t, due, err = judge(tx, r, recorded, now); err != nil {
			return err
		}
		e, err := entryOf(t, recorded, due)
		if err == nil {
			entries.Insert(tx, entryKey(r.Reference), e)
		}
		return err
	}})
	return t, err
}

// judge decides on a new request, and marks the original that it takes back.
func judge(tx *db.Tx, r request, recorded int64, now time.Time) (t Transfer, due time.Time, err error) {
	now = now.UTC().Truncate(time.Millisecond)
	t = Transfer{Reference: r.Reference, Original: r.Original, Amount: r.Amount, Currency: r.Currency, Instant: r.Instant, State: Accepted, Mark: r.Mark,
		ID: fmt.Sprintf("bt_%x", recorded), Trace: fmt.Sprintf("FL%s%x", now.Format(timeLayout), recorded), Time: now, Arrives: now}
	if r.Account != nil {
		t.Country, t.Routing, t.Last4 = r.Account.Country, r.Account.Routing, r.Account.last4()
	}
	if r.Original != "" {
		refused, err := takeBack(tx, r)
		if err != nil {
			return t, due, err
		}
		if refused != "" {
			t.State, t.Code, t.Ended = Refused, refused, now
			return t, due, nil
		}
	}
	switch {
	case r.Instant:
		due = t.advance(now)
	case fates[t.Last4] != stuck:
		due = now.Add(Transit)
	}
	if !r.Instant {
		t.Arrives = now.Add(Transit)
	}
	return t, due, nil
}

// What becomes of a transfer beside arriving: it comes back with the code named,
// or one of these.
const (
	stuck = "never arrives"
	late  = "arrives and comes back"
)

// fates are what becomes of a transfer by the last digits of the account.
var fates = map[string]string{
	"1116": "no_account", "1113": "account_closed", "2227": "insufficient_funds", "3335": "debit_not_authorized", "4440": "invalid_currency",
	"0009": stuck, "5559": late,
}

// advance lets happen to a transfer what is due of it at a time, and says when
// the next thing is.
func (t *Transfer) advance(at time.Time) (next time.Time) {
	fate := fates[t.Last4]
	switch {
	case t.State == Arrived:
		t.State, t.Code = Returned, "could_not_process"
	case fate == stuck:
		return time.Time{}
	case fate == "" || fate == late:
		t.State = Arrived
		if fate == late {
			next = at.Add(Transit)
		}
	default:
		t.State, t.Code = Returned, fate
	}
	t.Ended = at
	return next
}

// takeBack marks an arrived transfer as taken back, or says why it can't be.
func takeBack(tx *db.Tx, r request) (refused string, err error) {
	e, ok, err := entries.Get(tx, entryKey(r.Original))
	if err != nil || !ok {
		return "could_not_process", err
	}
	before, err := e.transfer()
	switch {
	case err != nil:
		return "", err
	case before.State != Arrived || before.Original != "" || before.TakenBack != "" || before.Amount != r.Amount || before.Currency != r.Currency:
		return "could_not_process", nil
	}
	before.TakenBack = r.Reference
	changed, err := entryOf(before, e.Recorded, time.Time{})
	if err == nil {
		entries.Update(tx, entryKey(r.Original), changed)
	}
	return "", err
}

// settle lets everything happen that is due by now, in its order, and gives what
// there is to tell of it.
func (b *Book) settle(ctx context.Context, now time.Time) (happened []message, err error) {
	for {
		due, err := qDue.All(ctx, b.db, now.UnixMicro())
		if err != nil || len(due) == 0 {
			return happened, err
		}
		var round []message
		needs := []db.Need{notices.Need(db.Key{})}
		for _, e := range due {
			needs = append(needs, entries.Need(entryKey(e.Reference)))
		}
		err = b.db.Run(ctx, db.Step{Name: "bank.settle", Needs: needs, Do: func(tx *db.Tx) error {
			round = round[:0]
			for _, e := range due {
				m, err := b.happen(tx, e.Reference, now)
				if err != nil {
					return err
				}
				round = append(round, m...)
			}
			return nil
		}})
		if err != nil {
			return happened, err
		}
		happened = append(happened, round...)
	}
}

// happen moves one transfer on by what is due of it, and gives what there is to
// tell. Of money that comes back after it had arrived a notice is kept.
func (b *Book) happen(tx *db.Tx, reference string, now time.Time) ([]message, error) {
	e, ok, err := entries.Get(tx, entryKey(reference))
	if err != nil || !ok || e.Due.IsZero() || e.Due.After(now) {
		return nil, err
	}
	t, err := e.transfer()
	if err != nil {
		return nil, err
	}
	arrived := t.State == Arrived
	at := e.Due
	due := t.advance(at)
	changed, err := entryOf(t, e.Recorded, due)
	if err != nil {
		return nil, err
	}
	entries.Update(tx, entryKey(reference), changed)
	if !arrived || t.State != Returned {
		return []message{messageOf(t, 0)}, nil
	}
	last, ok, err := notices.Get(tx, db.Key{})
	if err != nil {
		return nil, err
	}
	last.Last++
	body, err := json.Marshal(notice{last.Last, reference, at, t.Code})
	if err != nil {
		return nil, err
	}
	if ok {
		notices.Update(tx, db.Key{}, last)
	} else {
		notices.Insert(tx, db.Key{}, last)
	}
	notices.Insert(tx, db.Key{ID: last.Last}, told{Body: string(body)})
	return []message{messageOf(t, last.Last)}, nil
}

// find gives the transfer under a reference.
func (b *Book) find(ctx context.Context, reference string) (Transfer, bool, error) {
	e, ok, err := entries.Read(ctx, b.db, entryKey(reference))
	if err != nil || !ok {
		return Transfer{}, false, err
	}
	t, err := e.transfer()
	return t, err == nil, err
}

// Transfers lists all that was recorded, oldest first.
func (b *Book) Transfers(ctx context.Context) (list []Transfer, err error) {
	for last := int64(0); ; {
		page, err := qAll.All(ctx, b.db, last)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			t, err := e.transfer()
			if err != nil {
				return nil, err
			}
			list, last = append(list, t), e.Recorded
		}
		if len(page) < bookPage {
			return list, nil
		}
	}
}

// after gives the notices after a number.
func (b *Book) after(ctx context.Context, number int64, limit int) (list []notice, err error) {
	rows, err := qNotices.All(ctx, b.db, number, int64(limit))
	for _, row := range rows {
		var n notice
		if err := json.Unmarshal([]byte(row.Body), &n); err != nil {
			return nil, fmt.Errorf("bank: notice %d is damaged", row.Number)
		}
		list = append(list, n)
	}
	return list, err
}

package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// books is what must agree after a run: the trains' shape must not change
// what is stored.
type books struct {
	Keys, Intents, Done, Bodies, Attempts, Charges, Entries, Postings, Events int64
	Clearing, Pending, Gross, Net, Moves                                      int64
}

var booksSQL = []string{
	"SELECT count(*) FROM idempotency",
	"SELECT count(*) FROM intent",
	"SELECT count(*) FROM intent WHERE state = 2 AND version = 2 AND charge <> 0",
	"SELECT count(*) FROM body",
	"SELECT count(*) FROM attempt",
	"SELECT count(*) FROM charge",
	"SELECT count(*) FROM balance_transaction",
	"SELECT count(*) FROM posting",
	"SELECT count(*) FROM event",
	"SELECT CAST(sum(amount) AS BIGINT) FROM balance WHERE key % 8 = 1",
	"SELECT CAST(sum(amount) AS BIGINT) FROM balance WHERE key % 8 = 2",
	"SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM balance_transaction",
	"SELECT CAST(coalesce(sum(net), 0) AS BIGINT) FROM balance_transaction",
	"SELECT CAST(sum(version) AS BIGINT) FROM balance",
}

func (b *books) fields() []*int64 {
	return []*int64{&b.Keys, &b.Intents, &b.Done, &b.Bodies, &b.Attempts, &b.Charges, &b.Entries,
		&b.Postings, &b.Events, &b.Clearing, &b.Pending, &b.Gross, &b.Net, &b.Moves}
}

// check says what does not add up, given the counts of payments.
func (b *books) check(payments, accepted int64) error {
	want := books{Keys: payments, Intents: payments, Done: accepted, Bodies: payments + accepted,
		Attempts: payments, Charges: accepted, Entries: accepted, Postings: 2 * accepted, Events: accepted,
		Clearing: b.Gross, Pending: b.Net, Gross: b.Gross, Net: b.Net, Moves: 2 * accepted}
	if *b != want {
		return fmt.Errorf("books do not agree:\n got %+v\nwant %+v", *b, want)
	}
	return nil
}

func pgBooks(ctx context.Context, dsn string) (b books, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return b, err
	}
	defer conn.Close(ctx)
	for i, dst := range b.fields() {
		if err := conn.QueryRow(ctx, booksSQL[i]).Scan(dst); err != nil {
			return b, fmt.Errorf("%s: %w", booksSQL[i], err)
		}
	}
	return b, nil
}

func liteBooks(conn liteConn) (b books, err error) {
	for i, dst := range b.fields() {
		s, err := conn.prepare(booksSQL[i])
		if err != nil {
			return b, err
		}
		var r row
		if _, err := s.load(nil, &r, 1, false); err != nil {
			return b, fmt.Errorf("%s: %w", booksSQL[i], err)
		}
		*dst = r.v[0]
	}
	return b, nil
}

// verify compares the books with what the payments were told. It runs when
// the trains have ended.
func (r *run) verify(ctx context.Context, c cell, at place) error {
	b, err := r.readBooks(ctx, c, at)
	if err != nil {
		return err
	}
	all := r.payments.Load()
	if err := b.check(all, all-r.tally.refused.Load()); err != nil {
		return fmt.Errorf("%s: %w", c.variant.name, err)
	}
	if booked := r.booked.Load(); r.front == nil && b.Gross != booked {
		return fmt.Errorf("%s: %d booked, callers were told %d", c.variant.name, b.Gross, booked)
	}
	return nil
}

func (r *run) readBooks(ctx context.Context, c cell, at place) (books, error) {
	if c.variant.pg {
		return pgBooks(ctx, at.dsn)
	}
	switch e := r.engines[0].(type) {
	case *liteSavepoint:
		return liteBooks(e.conn)
	case *liteChanges:
		return liteBooks(e.conn)
	}
	return books{}, fmt.Errorf("%s: no reader of its books", c.variant.name)
}

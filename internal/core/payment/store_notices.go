package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// noticeRow is a notice as it is kept. source is the provider's name.
type noticeRow struct {
	State   noticeState
	Attempt int64
	Due     time.Time // when it is tried again; zero: nothing is left to do
	Tries   int64
	At      time.Time
	Source  string
	Body    string // the notice as JSON
}

const noticeColumns = "state, attempt, due, tries, at, source, body"

func (r *noticeRow) fields(f *db.Fields) {
	db.Int(f, &r.State)
	db.Int(f, &r.Attempt)
	db.Time(f, &r.Due)
	db.Int(f, &r.Tries)
	db.Time(f, &r.At)
	db.Text(f, &r.Source)
	db.Text(f, &r.Body)
}

type keyedNotice struct {
	Scope, Provider, Number int64
	noticeRow
}

func (k *keyedNotice) fields(f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.Provider)
	db.Int(f, &k.Number)
	k.noticeRow.fields(f)
}

// notices are those that were told; scope 0 has those that are about nothing
// that there is. cursors belong to providers and so to no scope: they say up to
// which number all is in notices.
var (
	notices = db.NewTable("notice", "scope, provider, number", noticeColumns, (*noticeRow).fields)
	cursors = db.NewTable("notice_cursor", "scope, provider", "number", func(n *int64, f *db.Fields) { db.Int(f, n) })
)

// qDueNotices looks over all scopes, as qDue does.
var qDueNotices = db.NewQuery("notices that are due",
	"SELECT scope, provider, number, "+noticeColumns+" FROM notice WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?", (*keyedNotice).fields)

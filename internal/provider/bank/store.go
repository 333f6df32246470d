package bank

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// bookFiles are the tables of a [Book], for both engines.
//
//go:embed schema
var bookFiles embed.FS

// entry is what a [Book] holds under one reference.
type entry struct {
	Recorded  int64 // key made when it was recorded
	Due       time.Time
	Reference string
	Body      string // the Transfer as JSON
}

func (e *entry) fields(f *db.Fields) {
	db.Int(f, &e.Recorded)
	db.Time(f, &e.Due)
	db.Text(f, &e.Reference)
	db.Text(f, &e.Body)
}

var entries = db.NewTable("bank_operation", "scope, hash_a, hash_b", "recorded, due, reference, body", (*entry).fields)

// told is a notice; the row numbered 0 holds the last number instead.
type told struct {
	Last int64
	Body string
}

func (n *told) fields(f *db.Fields) {
	db.Int(f, &n.Last)
	db.Text(f, &n.Body)
}

var notices = db.NewTable("bank_notice", "scope, number", "last, body", (*told).fields)

func entryKey(reference string) db.Key {
	sum := sha256.Sum256([]byte(reference))
	return db.Key{ID: int64(binary.BigEndian.Uint64(sum[:8])), Sub: int64(binary.BigEndian.Uint64(sum[8:16]))}
}

func (e entry) transfer() (Transfer, error) {
	t, err := decodeTransfer([]byte(e.Body))
	if err != nil || t.Reference != e.Reference {
		return t, fmt.Errorf("bank: the book's row of %q is damaged", e.Reference)
	}
	return t, nil
}

func entryOf(t Transfer, recorded int64, due time.Time) (entry, error) {
	body, err := json.Marshal(t)
	return entry{recorded, due, t.Reference, string(body)}, err
}

type numbered struct {
	Number int64
	Body   string
}

const bookPage = 500

var (
	qDue = db.NewQuery("transfers that are due", "SELECT recorded, due, reference, body FROM bank_operation WHERE scope = 0 AND due > 0 AND due <= ? ORDER BY due, recorded LIMIT 200",
		(*entry).fields)
	qAll = db.NewQuery("transfers of the book", fmt.Sprintf("SELECT recorded, due, reference, body FROM bank_operation WHERE scope = 0 AND recorded > ? ORDER BY recorded LIMIT %d", bookPage),
		(*entry).fields)
	qNotices = db.NewQuery("notices of the bank", "SELECT number, body FROM bank_notice WHERE scope = 0 AND number > ? ORDER BY number LIMIT ?",
		func(n *numbered, f *db.Fields) {
			db.Int(f, &n.Number)
			db.Text(f, &n.Body)
		})
)

var deposits = db.NewTable("bank_deposit", "scope, hash_a, hash_b", "reference, amount, currency, at, note", (*Deposit).fields)

var qDeposits = db.NewQuery("deposits of the bank", "SELECT reference, amount, currency, at, note FROM bank_deposit WHERE scope = 0 ORDER BY at, reference", (*Deposit).fields)

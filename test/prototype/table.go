package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxInts is the largest number of whole-number columns of a table here.
const maxInts = 8

// row is one row of any table: its whole-number columns in the table's order
// (0 is the scope, 1 the row key) and, where the table has one, its bytes.
type row struct {
	v    [maxInts]int64
	blob []byte
}

// ref names a row that may be asked for.
type ref struct {
	table      *table
	scope, key int64
}

// table is what the bulk and single-row verbs must know of a table. All
// columns are BIGINT but for at most one of bytes, which comes last.
type table struct {
	index int
	name  string
	ints  []string
	blob  string
	// set lists the whole-number columns that an update may change;
	// setBlob says whether it changes the bytes too.
	set     []int
	setBlob bool
	// unique names columns that are unique besides the primary key.
	unique string
}

// Columns beyond scope (0) and key (1) that the steps use by position.
const (
	idemState, idemIntent                                        = 2, 3
	intentVersion, intentState, intentAmount, intentBody         = 2, 3, 4, 5
	intentAttempt, intentCharge                                  = 6, 7
	bodyObject, bodyVersion, bodyKind                            = 2, 3, 4
	attemptIntent, attemptState, attemptAmount                   = 2, 3, 4
	chargeIntent, chargeAttempt, chargeAmount, chargeState       = 2, 3, 4, 5
	chargeBody                                                   = 6
	entryCharge, entryAmount, entryFee, entryNet, entryAvailable = 2, 3, 4, 5, 6
	postingEntry, postingDebit, postingCredit, postingAmount     = 2, 3, 4, 5
	eventLane, eventSequence, eventKind, eventObject, eventBody  = 2, 3, 4, 5, 6
	balanceAmount, balanceVersion, balanceCeiling                = 2, 3, 4
)

var (
	idempotency = &table{index: 0, name: "idempotency", blob: "token", set: []int{idemState},
		ints: []string{"scope", "key", "state", "intent"}}
	intent = &table{index: 1, name: "intent", set: []int{intentVersion, intentState, intentCharge},
		ints: []string{"scope", "key", "version", "state", "amount", "body", "attempt", "charge"}}
	body = &table{index: 2, name: "body", blob: "data",
		ints: []string{"scope", "key", "object", "version", "kind"}}
	attempt = &table{index: 3, name: "attempt", blob: "reference", set: []int{attemptState}, setBlob: true,
		ints: []string{"scope", "key", "intent", "state", "amount"}}
	charge = &table{index: 4, name: "charge",
		ints: []string{"scope", "key", "intent", "attempt", "amount", "state", "body"}}
	entry = &table{index: 5, name: "balance_transaction",
		ints: []string{"scope", "key", "charge", "amount", "fee", "net", "available_on"}}
	posting = &table{index: 6, name: "posting",
		ints: []string{"scope", "key", "entry", "debit", "credit", "amount"}}
	event = &table{index: 7, name: "event", unique: "scope, lane, sequence",
		ints: []string{"scope", "key", "lane", "sequence", "kind", "object", "body"}}
	balance = &table{index: 8, name: "balance", set: []int{balanceAmount, balanceVersion},
		ints: []string{"scope", "key", "amount", "version", "ceiling"}}

	// tables is in the order in which rows are loaded, locked and written.
	tables = []*table{idempotency, intent, body, attempt, charge, entry, posting, event, balance}
)

// columns lists the columns, each after prefix, with commas between.
func (t *table) columns(prefix string) string {
	all := make([]string, 0, len(t.ints)+1)
	for _, c := range t.ints {
		all = append(all, prefix+c)
	}
	if t.blob != "" {
		all = append(all, prefix+t.blob)
	}
	return strings.Join(all, ", ")
}

// insertSQL is the single-row insert; mark is what stands before a
// parameter's number ("$" or "?").
func (t *table) insertSQL(mark string) string {
	n := len(t.ints)
	if t.blob != "" {
		n++
	}
	return "INSERT INTO " + t.name + " (" + t.columns("") + ") VALUES (" + params(mark, 1, n) + ")"
}

// loadSQL reads one row by its key; lock is appended ("" or " FOR UPDATE").
func (t *table) loadSQL(mark, lock string) string {
	return "SELECT " + t.columns("") + " FROM " + t.name +
		" WHERE scope = " + mark + "1 AND key = " + mark + "2" + lock
}

// updateSQL writes the changeable columns of one row: scope, key, the columns
// of set in order, then the bytes if they change.
func (t *table) updateSQL(mark string) string {
	var set []string
	for i, c := range t.set {
		set = append(set, t.ints[c]+" = "+mark+strconv.Itoa(i+3))
	}
	if t.setBlob {
		set = append(set, t.blob+" = "+mark+strconv.Itoa(len(t.set)+3))
	}
	return "UPDATE " + t.name + " SET " + strings.Join(set, ", ") +
		" WHERE scope = " + mark + "1 AND key = " + mark + "2"
}

func params(mark string, from, n int) string {
	p := make([]string, n)
	for i := range p {
		p[i] = mark + strconv.Itoa(from+i)
	}
	return strings.Join(p, ", ")
}

// updateInts gives the whole-number parameters of updateSQL for r.
func (t *table) updateInts(r *row, buf []int64) []int64 {
	buf = append(buf[:0], r.v[0], r.v[1])
	for _, c := range t.set {
		buf = append(buf, r.v[c])
	}
	return buf
}

// byKey orders rows by scope and key, the order in which locks are taken.
func byKey(rows []*row) {
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.v[0], b.v[0]), cmp.Compare(a.v[1], b.v[1]))
	})
}

// schema gives the tables' statements. On SQLite the key alone is the rowid
// and with it the primary key, on PostgreSQL (scope, key) is.
func schema(sqlite bool) []string {
	var out []string
	for _, t := range tables {
		var cols []string
		for i, c := range t.ints {
			switch {
			case sqlite && i == 1:
				cols = append(cols, c+" INTEGER PRIMARY KEY")
			case sqlite:
				cols = append(cols, c+" INTEGER NOT NULL")
			default:
				cols = append(cols, c+" BIGINT NOT NULL")
			}
		}
		if t.blob != "" && sqlite {
			cols = append(cols, t.blob+" BLOB")
		} else if t.blob != "" {
			cols = append(cols, t.blob+" BYTEA")
		}
		if !sqlite {
			cols = append(cols, "PRIMARY KEY (scope, key)")
		}
		out = append(out, "CREATE TABLE "+t.name+" ("+strings.Join(cols, ", ")+")")
		if t.unique != "" {
			out = append(out, "CREATE UNIQUE INDEX "+t.name+"_unique ON "+t.name+" ("+t.unique+")")
		}
	}
	return out
}

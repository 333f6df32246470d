package db

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key names a row within its table: the scope, then one or two numbers that
// the application made. Tables whose key has two parts leave Sub at zero.
// Directory tables, which belong to no scope, have Scope zero.
type Key struct {
	Scope, ID, Sub int64
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Scope, o.Scope), cmp.Compare(k.ID, o.ID), cmp.Compare(k.Sub, o.Sub))
}

func (k Key) parts() [3]int64 { return [3]int64{k.Scope, k.ID, k.Sub} }

type columnKind uint8

const (
	intColumn columnKind = iota
	textColumn
	bytesColumn
)

// value is one column of one row, unboxed. Text and bytes are both in text.
type value struct {
	int  int64
	text string
}

// Fields walks over the columns of a row: it reads them into the struct, or
// takes them out of it, or only notes their kinds.
type Fields struct {
	values []value
	kinds  []columnKind
	next   int
	load   bool // values → struct
	note   bool // note kinds only
}

func (f *Fields) step(kind columnKind) *value {
	if f.note {
		f.kinds = append(f.kinds, kind)
		return &value{}
	}
	v := &f.values[f.next]
	f.next++
	return v
}

// Int is a column that holds an int64.
func Int[T ~int64](f *Fields, p *T) {
	v := f.step(intColumn)
	if f.load {
		*p = T(v.int)
	} else {
		v.int = int64(*p)
	}
}

// Bool is a column that holds 0 or 1.
func Bool(f *Fields, p *bool) {
	v := f.step(intColumn)
	if f.load {
		*p = v.int != 0
	} else if *p {
		v.int = 1
	}
}

// Time is a column that holds microseconds since 1970 in UTC; the zero time is 0.
func Time(f *Fields, p *time.Time) {
	v := f.step(intColumn)
	switch {
	case f.load && v.int == 0:
		*p = time.Time{}
	case f.load:
		*p = time.UnixMicro(v.int).UTC()
	case !p.IsZero():
		v.int = p.UnixMicro()
	}
}

// Text is a column that holds a string without NUL bytes.
func Text[T ~string](f *Fields, p *T) {
	v := f.step(textColumn)
	if f.load {
		*p = T(v.text)
	} else {
		v.text = string(*p)
	}
}

// Bytes is a column that holds any bytes; nil and empty are the same.
func Bytes(f *Fields, p *[]byte) {
	v := f.step(bytesColumn)
	if f.load {
		*p = []byte(v.text)
	} else {
		v.text = string(*p)
	}
}

// table is the part of a Table that does not depend on the row's type.
type table struct {
	name    string
	keys    []string // two or three key columns, the scope first
	columns []string
	kinds   []columnKind
	// appendOnly rows are never changed, so reading one takes no lock.
	appendOnly bool

	text texts
}

// texts are the statements made once for each table.
type texts struct {
	sel, ins, upd, del                 string // one row
	bulkLoad, bulkRead                 string // many rows, PostgreSQL
	bulkInsert, bulkUpdate, bulkDelete string
}

func (t *table) makeTexts() texts {
	return texts{
		sel: t.selectSQL(), ins: t.insertSQL(), upd: t.updateSQL(), del: t.deleteSQL(),
		bulkLoad: t.bulkLoadSQL(true), bulkRead: t.bulkLoadSQL(false),
		bulkInsert: t.bulkInsertSQL(), bulkUpdate: t.bulkUpdateSQL(), bulkDelete: t.bulkDeleteSQL(),
	}
}

// Table is a set of rows R under keys.
type Table[R any] struct {
	*table
	fields func(*R, *Fields)
}

// An Option is a property of a table.
type Option func(*table)

// AppendOnly says that rows are inserted and never changed (a retention job
// may still delete them).
func AppendOnly() Option { return func(t *table) { t.appendOnly = true } }

var registry struct {
	sync.Mutex
	tables  []*table
	queries []*statement
}

// NewTable describes a table. Keys and columns are lists of names separated by
// commas; fields visits the columns in that order. Tables are package
// variables, described at start.
func NewTable[R any](name, keys, columns string, fields func(*R, *Fields), options ...Option) *Table[R] {
	t := &table{name: name, keys: split(keys), columns: split(columns)}
	f := Fields{note: true}
	fields(new(R), &f)
	t.kinds = f.kinds
	if len(t.kinds) != len(t.columns) || len(t.keys) < 2 || len(t.keys) > 3 {
		panic(fmt.Sprintf("db: table %s: %d columns named, %d visited, %d keys", name, len(t.columns), len(t.kinds), len(t.keys)))
	}
	for _, o := range options {
		o(t)
	}
	t.text = t.makeTexts()
	registry.Lock()
	defer registry.Unlock()
	registry.tables = append(registry.tables, t)
	return &Table[R]{t, fields}
}

func split(list string) []string {
	names := strings.Split(list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	if len(names) == 1 && names[0] == "" {
		return nil
	}
	return names
}

func (t *Table[R]) encode(r R) []value {
	f := Fields{values: make([]value, len(t.columns))}
	t.fields(&r, &f)
	return f.values
}

func (t *Table[R]) decode(values []value) (r R) {
	f := Fields{values: values, load: true}
	t.fields(&r, &f)
	return r
}

// Need names a row that a step will ask for, so that it is loaded in the
// train's first round.
type Need struct {
	table *table
	key   Key
}

// Need names the row under k.
func (t *Table[R]) Need(k Key) Need { return Need{t.table, k} }

// Get gives the row under k as this step sees it, locked until the train ends,
// and whether there is one. When the row is not loaded yet the error makes the
// step run again later; return it.
func (t *Table[R]) Get(tx *Tx, k Key) (r R, ok bool, err error) {
	values, ok, err := tx.get(t.table, k)
	if !ok || err != nil {
		return r, false, err
	}
	return t.decode(values), true, nil
}

// Insert adds a row. A step that can't know that the key is free asks with Get
// first; where two trains insert the same key at once, one of them is run
// again and then finds the row.
func (t *Table[R]) Insert(tx *Tx, k Key, r R) { tx.put(t.table, k, t.encode(r), insertRow) }

// Update replaces a row that the step has got.
func (t *Table[R]) Update(tx *Tx, k Key, r R) { tx.put(t.table, k, t.encode(r), updateRow) }

// Delete removes a row that the step has got.
func (t *Table[R]) Delete(tx *Tx, k Key) { tx.put(t.table, k, nil, deleteRow) }

// sortKeys puts keys into the one order in which rows are locked.
func sortKeys(keys []Key) []Key {
	slices.SortFunc(keys, Key.compare)
	return slices.Compact(keys)
}

package object

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Object is one version of an object of body T.
type Object[T any] struct {
	Scope   id.Scope
	Key     int64
	Version int64     // from 1, without gaps
	At      time.Time // when this version was written
	Body    T
}

// Created is when the object was made, to the millisecond.
func (o *Object[T]) Created() time.Time { return id.Time(o.Key) }

// Ref names one version of one object.
func (o *Object[T]) Ref() Ref { return Ref{o.Key, o.Version} }

// Ref names one version of one object within a scope.
type Ref struct {
	Key     int64 `json:"k"`
	Version int64 `json:"v"`
}

// version is a body as it is stored.
type version struct {
	At   time.Time
	Body []byte
}

func (v *version) fields(f *db.Fields) {
	db.Time(f, &v.At)
	db.Bytes(f, &v.Body)
}

// past holds the versions that newer ones have replaced.
var past = db.NewTable("object_version", "scope, object, version", "at, body", (*version).fields, db.AppendOnly())

// head is a row of a kind's table: the latest version.
type head[N comparable] struct {
	Version int64
	// Indexed and Digest are of kinds with an Index alone.
	Indexed, Digest int64
	Narrow          N
	Latest          version
}

// headFields visits the columns of a head.
func headFields[N comparable](indexed bool, fields func(*N, *db.Fields)) func(*head[N], *db.Fields) {
	return func(h *head[N], f *db.Fields) {
		db.Int(f, &h.Version)
		if indexed {
			db.Int(f, &h.Indexed)
			db.Int(f, &h.Digest)
		}
		fields(&h.Narrow, f)
		h.Latest.fields(f)
	}
}

// Kind is one kind of object: bodies T, narrow columns N.
type Kind[T any, N comparable] struct {
	// Name is the value of the API's field "object": "payment_intent".
	Name string
	// Prefix begins the public ids: "pi".
	Prefix id.Prefix

	schema uint64
	past   bool // replaced versions are kept
	fades  bool // for a while
	table  *db.Table[head[N]]
	derive func(*T) N
	digest func(*T) int64 // nil: nothing is indexed
	stale  *db.Query[staleRow]
	lists  map[string]*db.Query[listed]
	all    *db.Query[checked[N]]
}

// Spec describes a kind to [Define].
type Spec[T any, N comparable] struct {
	Name    string
	Prefix  id.Prefix
	Schema  int    // number of the body's present shape, from 1
	Table   string // of the latest versions
	Columns string // those of its columns that are derived from a body
	Fields  func(*N, *db.Fields)
	Derive  func(*T) N // computes the columns from a body
	// Filters are the columns that lists can be narrowed by, at most three.
	Filters []string
	// Index, if set, gives a number that changes with whatever an index of the
	// objects is to have of a body, and is 0 when that is nothing. The table then
	// has the columns indexed and digest after the version, and an index of the
	// rows in which they differ: see [Kind.Stale].
	Index func(*T) int64
	// Forgets says that nobody asks for a version that was replaced, so that none
	// is kept.
	Forgets bool
	// Fades says that a version that was replaced is asked for by events and
	// replies of the time when it was the latest one, and by nothing that lives
	// longer, so that [Fade] may delete it after them.
	Fades bool
}

// Define describes a kind. Kinds are package variables. It panics where a body
// has a part that can't be stored.
func Define[T any, N comparable](s Spec[T, N]) *Kind[T, N] {
	if problem := storable(reflect.TypeFor[T](), map[reflect.Type]bool{}); problem != "" {
		panic("object: " + s.Name + ": " + problem)
	}
	columns := "version"
	if s.Index != nil {
		columns += ", indexed, digest"
	}
	if s.Columns != "" {
		columns += ", " + s.Columns
	}
	columns += ", at, body"
	k := &Kind[T, N]{Name: s.Name, Prefix: s.Prefix, schema: uint64(s.Schema), past: !s.Forgets, fades: s.Fades, derive: s.Derive, digest: s.Index}
	fields := headFields(s.Index != nil, s.Fields)
	k.table = db.NewTable(s.Table, "scope, key", columns, fields)
	k.lists = listQueries(s.Table, s.Filters)
	k.all = checkQuery(s.Table, columns, fields)
	if s.Index != nil {
		k.stale = staleQuery(s.Table)
	}
	if s.Fades {
		faders = append(faders, k)
	}
	return k
}

// As is the same kind of object by another name, and with ids of another prefix.
func (k *Kind[T, N]) As(name string, prefix id.Prefix) *Kind[T, N] {
	other := *k
	other.Name, other.Prefix = name, prefix
	return &other
}

// ID gives the public id of the object with key.
func (k *Kind[T, N]) ID(s id.Scope, key int64) string {
	if key == 0 {
		return ""
	}
	return k.Prefix.Format(s, key)
}

// Need names the object's rows for a step.
func (k *Kind[T, N]) Need(s id.Scope, key int64) db.Need { return k.table.Need(rowKey(s, key)) }

func rowKey(s id.Scope, key int64) db.Key { return db.Key{Scope: s.Key(), ID: key} }

func versionKey(s id.Scope, key, n int64) db.Key { return db.Key{Scope: s.Key(), ID: key, Sub: n} }

// Get gives the object as the step sees it, locked until the step's train
// ends, and whether there is one.
func (k *Kind[T, N]) Get(tx *db.Tx, s id.Scope, key int64) (*Object[T], bool, error) {
	if key == 0 {
		return nil, false, nil
	}
	h, ok, err := k.table.Get(tx, rowKey(s, key))
	if !ok || err != nil {
		return nil, false, err
	}
	return k.decode(s, key, h.Version, h.Latest)
}

// Insert adds an object under a new key.
func (k *Kind[T, N]) Insert(tx *db.Tx, s id.Scope, key int64, body T) (*Object[T], error) {
	o := &Object[T]{Scope: s, Key: key, Version: 1, At: tx.Now(), Body: body}
	h, err := k.head(o, 0)
	if err != nil {
		return nil, err
	}
	k.table.Insert(tx, rowKey(s, key), h)
	return o, nil
}

// Update stores the body of an object that the step has got as its next
// version, which o then is.
func (k *Kind[T, N]) Update(tx *db.Tx, o *Object[T]) error {
	before, ok, err := k.table.Get(tx, rowKey(o.Scope, o.Key))
	if err != nil {
		return err
	}
	if !ok || before.Version != o.Version {
		return fmt.Errorf("%s %d is updated from version %d and is at %d", k.Name, o.Key, o.Version, before.Version)
	}
	next := *o
	next.Version, next.At = o.Version+1, tx.Now()
	h, err := k.head(&next, before.Indexed)
	if err != nil {
		return err
	}
	k.table.Update(tx, rowKey(o.Scope, o.Key), h)
	if k.past {
		past.Insert(tx, versionKey(o.Scope, o.Key, before.Version), before.Latest)
	}
	*o = next
	return nil
}

// head is the row of an object of which the index has what it had at the digest
// indexed.
func (k *Kind[T, N]) head(o *Object[T], indexed int64) (h head[N], err error) {
	h = head[N]{Version: o.Version, Narrow: k.derive(&o.Body), Latest: version{At: o.At}}
	if k.digest != nil {
		h.Indexed, h.Digest = indexed, k.digest(&o.Body)
	}
	h.Latest.Body, err = k.encode(&o.Body)
	return h, err
}

// Read gives the object as it is committed, without a lock, and whether there
// is one.
func (k *Kind[T, N]) Read(ctx context.Context, d *db.DB, s id.Scope, key int64) (*Object[T], bool, error) {
	if key == 0 {
		return nil, false, nil
	}
	h, ok, err := k.table.Read(ctx, d, rowKey(s, key))
	if !ok || err != nil {
		return nil, false, err
	}
	return k.decode(s, key, h.Version, h.Latest)
}

// ReadVersion gives an object as it was.
func (k *Kind[T, N]) ReadVersion(ctx context.Context, d *db.DB, s id.Scope, r Ref) (*Object[T], bool, error) {
	found, err := k.ReadVersions(ctx, d, s, []Ref{r})
	o, ok := found[r]
	return o, ok, err
}

// ReadVersions gives objects as they were, those that there are, by version. A
// version that is not the latest one is among the replaced ones for as long as
// anybody may ask for it, so two reads, in this order, find it whatever happens
// between them.
func (k *Kind[T, N]) ReadVersions(ctx context.Context, d *db.DB, s id.Scope, refs []Ref) (map[Ref]*Object[T], error) {
	heads := make([]db.Key, len(refs))
	for i, r := range refs {
		heads[i] = rowKey(s, r.Key)
	}
	latest, err := k.table.ReadMany(ctx, d, heads)
	if err != nil {
		return nil, err
	}
	found := make(map[Ref]*Object[T], len(refs))
	var replaced []db.Key
	for i, r := range refs {
		h, ok := latest[heads[i]]
		switch {
		case !ok:
		case h.Version == r.Version || probe.Mutant("object.current-version"):
			if found[r], _, err = k.decode(s, r.Key, h.Version, h.Latest); err != nil {
				return nil, err
			}
		case h.Version > r.Version:
			replaced = append(replaced, versionKey(s, r.Key, r.Version))
		}
	}
	if len(replaced) == 0 {
		return found, nil
	}
	rows, err := past.ReadMany(ctx, d, replaced)
	if err != nil {
		return nil, err
	}
	for key, row := range rows {
		if found[Ref{key.ID, key.Sub}], _, err = k.decode(s, key.ID, key.Sub, row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ReadMany gives the committed objects among keys, by key.
func (k *Kind[T, N]) ReadMany(ctx context.Context, d *db.DB, s id.Scope, keys []int64) (map[int64]*Object[T], error) {
	rows := make([]db.Key, len(keys))
	for i, key := range keys {
		rows[i] = rowKey(s, key)
	}
	heads, err := k.table.ReadMany(ctx, d, rows)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]*Object[T], len(heads))
	for key, h := range heads {
		if found[key.ID], _, err = k.decode(s, key.ID, h.Version, h.Latest); err != nil {
			return nil, err
		}
	}
	return found, nil
}

package object

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// Stale names an object that changed since it was last indexed.
type Stale struct {
	Scope id.Scope
	Key   int64
}

type staleRow struct{ Scope, Key int64 }

// staleQuery reads the partial index that holds nothing but stale rows, so that
// whoever asks, however often, pays for those alone.
func staleQuery(table string) *db.Query[staleRow] {
	return db.NewQuery("stale "+table, "SELECT scope, key FROM "+table+" WHERE indexed <> digest ORDER BY scope, key LIMIT ?",
		func(r *staleRow, f *db.Fields) {
			db.Int(f, &r.Scope)
			db.Int(f, &r.Key)
		})
}

// Stale gives objects of all scopes that are to be indexed, at most limit of
// them. A change is noted in the object's own row by the step that makes it, so
// that none is missed, in whichever order steps are committed.
func (k *Kind[T, N]) Stale(ctx context.Context, d *db.DB, limit int) (list []Stale, err error) {
	rows, err := k.stale.All(ctx, d, int64(limit))
	for _, r := range rows {
		list = append(list, Stale{id.ScopeOf(r.Scope), r.Key})
	}
	return list, err
}

// SetIndexed notes, in the step that indexes an object, that the index has the
// present version. It reports false, and does nothing, when the object is no
// longer at version: it has to be indexed again.
func (k *Kind[T, N]) SetIndexed(tx *db.Tx, s id.Scope, key, version int64) (bool, error) {
	h, ok, err := k.table.Get(tx, rowKey(s, key))
	if err != nil || !ok || h.Version != version {
		return false, err
	}
	if h.Indexed != h.Digest {
		h.Indexed = h.Digest
		k.table.Update(tx, rowKey(s, key), h)
	}
	return true, nil
}

// Digest is 63 bits over parts, for a kind's Index: never 0.
func Digest(parts ...string) int64 {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil))>>1 | 1)
}

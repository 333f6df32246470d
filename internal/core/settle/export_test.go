package settle

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/provider"
)

// Kept is what became of a line, for tests.
type Kept struct {
	Provider     string
	File, Number int64
	Kind         provider.LineKind
	Reference    string
	Text         string
	Matched      bool
	Settled      bool
	Scope, Item  int64
	// Ours is the item's reference, and Txn the key of its transaction; empty and 0
	// for an item that the books have no part in.
	Ours string
	Txn  int64
}

func (k *Kept) fields(f *db.Fields) {
	db.Text(f, &k.Provider)
	db.Int(f, &k.File)
	db.Int(f, &k.Number)
	db.Text(f, &k.Kind)
	db.Text(f, &k.Reference)
	db.Text(f, &k.Text)
	db.Bool(f, &k.Matched)
	db.Bool(f, &k.Settled)
	db.Int(f, &k.Scope)
	db.Int(f, &k.Item)
	db.Text(f, &k.Ours)
	db.Int(f, &k.Txn)
}

var qKept = db.NewQuery("lines with their items, for tests",
	"SELECT l.provider, l.file, l.number, l.kind, l.reference, l.note, l.state, l.settled, l.item_scope, l.item, COALESCE(i.reference, ''), COALESCE(i.txn, 0)"+
		" FROM settle_line l LEFT JOIN settle_item i ON i.scope = l.item_scope AND i.key = l.item WHERE l.scope = 0 AND (l.file, l.number) > (?, ?) ORDER BY l.file, l.number LIMIT ?", (*Kept).fields)

// EachKept gives all lines that are kept.
func EachKept(ctx context.Context, d *db.DB, f func(Kept)) error {
	for last := [2]int64{-1, 0}; ; {
		rows, err := qKept.All(ctx, d, last[0], last[1], int64(10_000))
		if err != nil {
			return err
		}
		for _, k := range rows {
			f(k)
			last = [2]int64{k.File, k.Number}
		}
		if len(rows) < 10_000 {
			return nil
		}
	}
}

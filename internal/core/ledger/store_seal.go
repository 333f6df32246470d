package ledger

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// Seals belong to shards and not to scopes: their tables are directories.
type sealRow struct {
	Postings                     int64
	At                           time.Time
	Span, Digest, Previous, Head []byte
}

func (s *sealRow) fields(f *db.Fields) {
	db.Int(f, &s.Postings)
	db.Time(f, &s.At)
	db.Bytes(f, &s.Span)
	db.Bytes(f, &s.Digest)
	db.Bytes(f, &s.Previous)
	db.Bytes(f, &s.Head)
}

type keyedSeal struct {
	Shard, Number int64
	Row           sealRow
}

func (k *keyedSeal) fields(f *db.Fields) {
	db.Int(f, &k.Shard)
	db.Int(f, &k.Number)
	k.Row.fields(f)
}

// seal gives a stored seal. Hashes that are not of their length stay zero,
// which no hash is.
func (k *keyedSeal) seal() Seal {
	r := &k.Row
	return Seal{k.Shard, k.Number, r.Postings, r.At, hashOf(r.Digest), hashOf(r.Previous), hashOf(r.Head), r.Span}
}

func hashOf(b []byte) (h Hash) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

func (s *Seal) row() sealRow {
	return sealRow{s.Postings, s.At, s.span, s.Digest[:], s.Previous[:], s.Head[:]}
}

// chainRow is the last seal of a shard.
type chainRow struct {
	Number int64
	Head   []byte
}

func (c *chainRow) fields(f *db.Fields) {
	db.Int(f, &c.Number)
	db.Bytes(f, &c.Head)
}

type keyedChain struct {
	Shard int64
	Row   chainRow
}

func (k *keyedChain) fields(f *db.Fields) {
	db.Int(f, &k.Shard)
	k.Row.fields(f)
}

const sealColumns = "postings, at, span, digest, previous, head"

var (
	seals  = db.NewTable("seal", "scope, shard, number", sealColumns, (*sealRow).fields, db.AppendOnly())
	chains = db.NewTable("seal_chain", "scope, shard", "number, head", (*chainRow).fields)
	marks  = db.NewTable("seal_mark", "scope, account", "number", func(n *int64, f *db.Fields) { db.Int(f, n) })
)

func sealKey(shard, number int64) db.Key { return db.Key{ID: shard, Sub: number} }
func chainKey(shard int64) db.Key        { return db.Key{ID: shard} }

// keyedNumber is a number that belongs to the postings that debit an account.
type keyedNumber struct {
	At     db.Key
	Number int64
}

func (k *keyedNumber) fields(f *db.Fields) {
	db.Int(f, &k.At.Scope)
	db.Int(f, &k.At.ID)
	db.Int(f, &k.Number)
}

var (
	qStretch = db.NewQuery("postings to seal", "SELECT "+wholePosting+
		" FROM posting WHERE scope = ? AND debit = ? AND number >= ? AND number <= ? ORDER BY number", (*keyedPosting).fields)
	qSeals = db.NewQuery("seals of a shard", "SELECT shard, number, "+sealColumns+
		" FROM seal WHERE scope = 0 AND shard = ? AND number > ? ORDER BY number LIMIT ?", (*keyedSeal).fields)
	// These go through all scopes, for whoever seals or checks: a page at a time.
	qLasts = db.NewQuery("last postings of accounts",
		"SELECT scope, account, last FROM balance WHERE (scope, account) > (?, ?) ORDER BY scope, account LIMIT ?", (*keyedNumber).fields)
	qMarks = db.NewQuery("how far accounts are sealed",
		"SELECT scope, account, number FROM seal_mark WHERE (scope, account) > (?, ?) ORDER BY scope, account LIMIT ?", (*keyedNumber).fields)
	qMarkCount = db.NewQuery("how many accounts are sealed", "SELECT COUNT(*) FROM seal_mark", func(n *int64, f *db.Fields) { db.Int(f, n) })
	qNumbers   = db.NewQuery("numbers of postings",
		"SELECT scope, debit, number FROM posting WHERE (scope, debit, number) > (?, ?, ?) ORDER BY scope, debit, number LIMIT ?", (*keyedNumber).fields)
	qChains    = db.NewQuery("chains of seals", "SELECT shard, number, head FROM seal_chain WHERE scope = 0 ORDER BY shard", (*keyedChain).fields)
	qNextShard = db.NewQuery("next sealed shard",
		"SELECT shard FROM seal WHERE scope = 0 AND shard > ? ORDER BY shard LIMIT 1", func(n *int64, f *db.Fields) { db.Int(f, n) })
)

// fewPostings is how long a stretch may be to be read by the keys of its
// postings, together with other short ones, rather than by a query of its own.
const fewPostings = 16

// readStretches gives the postings of stretches, in the order of their numbers,
// those that are there.
func readStretches(ctx context.Context, d *db.DB, list []stretch) ([][]keyedPosting, error) {
	all := make([][]keyedPosting, len(list))
	var keys []db.Key
	for i := range list {
		x := &list[i]
		if x.count() > fewPostings {
			var err error
			if all[i], err = qStretch.All(ctx, d, x.Scope, int64(x.Account), x.First, x.Last); err != nil {
				return nil, err
			}
			continue
		}
		for n := x.First; n <= x.Last; n++ {
			keys = append(keys, x.key(n))
		}
	}
	rows, err := postings.ReadMany(ctx, d, keys)
	if err != nil {
		return nil, err
	}
	for i := range list {
		x := &list[i]
		for n := x.First; n <= x.Last && x.count() <= fewPostings; n++ {
			if p, ok := rows[x.key(n)]; ok {
				p.Row.Debit, p.Row.Number = x.Account, n
				all[i] = append(all[i], p)
			}
		}
	}
	return all, nil
}

func (s *stretch) key(number int64) db.Key {
	return db.Key{Scope: s.Scope, ID: int64(s.Account), Sub: number}
}

// LastSeals gives the number of the last seal of each shard, by shard.
func LastSeals(ctx context.Context, d *db.DB) (map[int64]int64, error) {
	last := map[int64]int64{}
	err := qChains.Each(ctx, d, func(k keyedChain) error {
		last[k.Shard] = k.Row.Number
		return nil
	})
	return last, err
}

// SealsAfter gives at most limit seals of a shard, by number, after a number.
func SealsAfter(ctx context.Context, d *db.DB, shard, after int64, limit int) ([]Seal, error) {
	var list []Seal
	err := qSeals.Each(ctx, d, func(k keyedSeal) error {
		list = append(list, k.seal())
		return nil
	}, shard, after, int64(limit))
	return list, err
}

// SealName names a seal.
type SealName struct{ Shard, Number int64 }

// HeadsOf gives the heads of those of the named seals that there are.
func HeadsOf(ctx context.Context, d *db.DB, names []SealName) (map[SealName]Hash, error) {
	keys := make([]db.Key, len(names))
	for i, n := range names {
		keys[i] = sealKey(n.Shard, n.Number)
	}
	rows, err := seals.ReadMany(ctx, d, keys)
	heads := make(map[SealName]Hash, len(rows))
	for k, r := range rows {
		heads[SealName{k.ID, k.Sub}] = hashOf(r.Head)
	}
	return heads, err
}

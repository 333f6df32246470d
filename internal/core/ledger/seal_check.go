package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// The rules that [CheckSeals] checks.
const (
	CheckNumbering = "numbering" // the postings that debit an account are numbered 1, 2, 3, … up to its balance's last
	CheckSeal      = "seal"      // seals form chains, and cover what the postings were
	CheckMark      = "seal mark" // each posting up to its account's mark is sealed once, and none beyond
)

// Sealing is how far the books are sealed.
type Sealing struct {
	Seals, Sealed, Unsealed int64 // Sealed and Unsealed count postings
}

const (
	// sealCheckPage is how many seals are read at a time.
	sealCheckPage = 50
	// partSize is about how many accounts' marks are held in memory at a time.
	partSize = 200_000
)

// CheckSeals recomputes every seal from the postings and reports what does not
// agree. It may run while the database is written to: what it reads of a
// posting or a seal is never changed, and what may grow (balances, marks,
// chains) is read in the order that makes growth harmless. Its memory is
// bounded: with many accounts it goes through the seals several times.
func CheckSeals(ctx context.Context, d *db.DB, report func(Finding)) (Sealing, error) {
	c := &sealCheck{ctx: ctx, db: d, report: report}
	if err := c.numbering(); err != nil {
		return c.found, err
	}
	count, err := qMarkCount.All(ctx, d)
	if err != nil {
		return c.found, err
	}
	c.parts = 1 + uint64(count[0])/partSize
	for c.part = range c.parts {
		if err := c.marked(); err != nil {
			return c.found, err
		}
	}
	return c.found, nil
}

// sealCheck is one run of [CheckSeals].
type sealCheck struct {
	ctx    context.Context
	db     *db.DB
	report func(Finding)
	found  Sealing

	part, parts uint64           // which accounts this pass is about
	sealed      map[db.Key]int64 // how far seals cover the accounts of the part
}

func (c *sealCheck) find(check string, scope int64, table string, key int64, format string, args ...any) {
	c.report(Finding{check, id.ScopeOf(scope), table, key, fmt.Sprintf(format, args...)})
}

// marked checks the chains, and the marks of one part of the accounts. Marks are
// read first: a seal is there when its mark is.
func (c *sealCheck) marked() error {
	before := map[db.Key]int64{}
	err := streams(c.ctx, c.db, qMarks, func(page []keyedNumber) error {
		for _, m := range page {
			if c.mine(m.At) {
				before[m.At] = m.Number
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.sealed = map[db.Key]int64{}
	for shard := lowest; ; {
		next, err := qNextShard.All(c.ctx, c.db, shard)
		if err != nil {
			return err
		}
		if len(next) == 0 {
			break
		}
		shard = next[0]
		if err := c.chain(shard); err != nil {
			return err
		}
	}
	if c.part == 0 {
		if err := c.unlinked(); err != nil {
			return err
		}
	}
	return c.compareMarks(before)
}

// mine reports whether an account belongs to the part of this pass.
func (c *sealCheck) mine(at db.Key) bool {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / the golden ratio
	return (uint64(at.Scope)*golden^uint64(at.ID)*golden)>>32%c.parts == c.part
}

// compareMarks holds the marks read before the seals were against what those
// cover. Where it is more, the mark of now must have followed.
func (c *sealCheck) compareMarks(before map[db.Key]int64) error {
	var ahead []db.Key
	for at, n := range c.sealed {
		if n > before[at] {
			ahead = append(ahead, at)
		}
	}
	slices.SortFunc(ahead, compareStreams)
	for page := range slices.Chunk(ahead, sealPage) {
		now, err := marks.ReadMany(c.ctx, c.db, page)
		if err != nil {
			return err
		}
		for _, at := range page {
			if now[at] < c.sealed[at] {
				c.find(CheckMark, at.Scope, "seal_mark", at.ID, "%v: it says %d and postings are sealed up to %d", Account(at.ID), now[at], c.sealed[at])
			}
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(before), compareStreams) {
		if n := c.sealed[at]; n < before[at] || before[at] < 1 {
			c.find(CheckMark, at.Scope, "seal_mark", at.ID, "%v: it says %d and postings are sealed up to %d", Account(at.ID), before[at], n)
		}
	}
	return nil
}

// chain goes through the seals of a shard.
func (c *sealCheck) chain(shard int64) error {
	var last Seal // the one before
	for after := lowest; ; after = last.Number {
		page, err := SealsAfter(c.ctx, c.db, shard, after, sealCheckPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := c.seal(&page[i], &last); err != nil {
				return err
			}
			last = page[i]
		}
		if len(page) < sealCheckPage {
			break
		}
	}
	if c.part > 0 {
		return nil
	}
	// The row of the chain is read after the seals, so it may only be further on;
	// and then the seals up to there can be seen by now.
	tip, linked, err := chains.Read(c.ctx, c.db, chainKey(shard))
	if err != nil {
		return err
	}
	switch {
	case !linked, tip.Number < last.Number, tip.Number == last.Number && hashOf(tip.Head) != last.Head:
		c.find(CheckSeal, 0, "seal_chain", shard, "it is not the last seal of its shard, which is %d", last.Number)
	case tip.Number > last.Number:
		if err := c.tail(shard, last.Number, tip); err != nil {
			return err
		}
	}
	return nil
}

// tail looks for the seal that a chain ends with.
func (c *sealCheck) tail(shard, seen int64, tip chainRow) error {
	r, ok, err := seals.Read(c.ctx, c.db, sealKey(shard, tip.Number))
	if err == nil && (!ok || hashOf(r.Head) != hashOf(tip.Head)) {
		c.find(CheckSeal, 0, "seal_chain", shard, "it names seal %d, and the seals end at %d", tip.Number, seen)
	}
	return err
}

// unlinked looks for chains without any seal.
func (c *sealCheck) unlinked() error {
	list, err := qChains.All(c.ctx, c.db)
	if err != nil {
		return err
	}
	for _, k := range list {
		first, err := SealsAfter(c.ctx, c.db, k.Shard, lowest, 1)
		if err != nil {
			return err
		}
		if len(first) == 0 {
			c.find(CheckSeal, 0, "seal_chain", k.Shard, "it names seal %d, and there is none", k.Row.Number)
		}
	}
	return nil
}

// seal checks one seal against the one before and against its postings.
func (c *sealCheck) seal(s, last *Seal) error {
	list, err := decodeSpan(s.span)
	var count int64
	for i := range list {
		x := &list[i]
		count += x.count()
		if shardOf(x.Scope) != s.Shard {
			err = errSpan
		}
		c.cover(s, x)
	}
	if c.part > 0 {
		return nil
	}
	c.found.Seals++
	c.found.Sealed += count
	broken := func(format string, args ...any) { c.find(CheckSeal, 0, "seal", s.Number, format, args...) }
	switch {
	case s.Number != last.Number+1:
		broken("%v follows on %d", s, last.Number)
	case s.Previous != last.Head:
		broken("%v is not linked to the one before", s)
	}
	switch {
	case err != nil:
		broken("%v: %v", s, err)
		return nil
	case count != s.Postings:
		broken("%v says that it covers %d postings and names %d", s, s.Postings, count)
	case s.Head != s.head():
		broken("%v is not what its head was made from", s)
	}
	return c.postings(s, list)
}

// cover notes that a seal covers a stretch: it must begin where the account's
// last one ended.
func (c *sealCheck) cover(s *Seal, x *stretch) {
	at := x.stream()
	if !c.mine(at) {
		return
	}
	if n := c.sealed[at]; x.First != n+1 {
		c.find(CheckSeal, x.Scope, "seal", s.Number, "%v covers postings %d to %d that debit %v; those before end at %d", s, x.First, x.Last, x.Account, n)
	}
	c.sealed[at] = max(c.sealed[at], x.Last)
}

// postings recomputes a seal's digest. What differs is named by stretch.
func (c *sealCheck) postings(s *Seal, list []stretch) error {
	rows, err := readStretches(c.ctx, c.db, list)
	if err != nil {
		return err
	}
	digest := newDigester()
	named := false
	for i := range list {
		x := &list[i]
		if digest.add(*x, rows[i]) != x.sum {
			named = true
			c.find(CheckSeal, x.Scope, "seal", s.Number, "postings %d to %d that debit %v are not what %v sealed", x.First, x.Last, x.Account, s)
		}
	}
	if !named && digest.sum() != s.Digest {
		c.find(CheckSeal, 0, "seal", s.Number, "its postings are not what %v sealed", s)
	}
	return nil
}

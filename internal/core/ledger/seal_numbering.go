package ledger

import (
	"github.com/florinpay/florin/internal/base/db"
)

// numbering checks that no posting is missing or inserted among those that
// debit an account, and counts those that are not sealed.
func (c *sealCheck) numbering() error {
	if err := c.gaps(); err != nil {
		return err
	}
	return streams(c.ctx, c.db, qLasts, c.lasts)
}

// gaps goes through the numbers of all postings, which have to be 1, 2, 3, …
// for each account. New ones come at the end only.
func (c *sealCheck) gaps() error {
	var ends []keyedNumber // the last postings of the accounts that were gone through
	at := keyedNumber{db.Key{Scope: lowest, ID: lowest}, lowest}
	var open keyedNumber // the account being gone through, and its last number
	for {
		page, err := qNumbers.All(c.ctx, c.db, at.At.Scope, at.At.ID, at.Number, int64(checkPage))
		if err != nil {
			return err
		}
		for _, p := range page {
			if p.At != open.At {
				ends = append(ends, open)
				open = keyedNumber{At: p.At}
			}
			switch {
			case p.Number < 1:
				c.find(CheckNumbering, p.At.Scope, "posting", 0, "there is a number %d among the postings that debit %v", p.Number, Account(p.At.ID))
				continue
			case p.Number != open.Number+1:
				c.find(CheckNumbering, p.At.Scope, "posting", 0, "of the postings that debit %v, %d to %d are missing", Account(p.At.ID), open.Number+1, p.Number-1)
			}
			open.Number = p.Number
		}
		done := len(page) < checkPage
		if done {
			ends = append(ends, open)
		}
		if done || len(ends) >= sealPage {
			if err := c.ends(ends); err != nil {
				return err
			}
			ends = nil
		}
		if done {
			return nil
		}
		at = page[len(page)-1]
	}
}

// ends compares the last postings that were seen with the balances of now,
// which may only be further on.
func (c *sealCheck) ends(seen []keyedNumber) error {
	keys := make([]db.Key, len(seen))
	for i := range seen {
		keys[i] = seen[i].At
	}
	rows, err := balances.ReadMany(c.ctx, c.db, keys)
	if err != nil {
		return err
	}
	for _, s := range seen {
		if last := rows[s.At].Last; last < s.Number {
			c.find(CheckNumbering, s.At.Scope, "balance", s.At.ID, "%v: the last posting is %d and it says %d", Account(s.At.ID), s.Number, last)
		}
	}
	return nil
}

// lasts looks for the last postings that balances name, and counts the
// postings that are not sealed.
func (c *sealCheck) lasts(page []keyedNumber) error {
	var keys, at []db.Key
	for _, b := range page {
		if b.Number != 0 {
			at = append(at, b.At)
			keys = append(keys, db.Key{Scope: b.At.Scope, ID: b.At.ID, Sub: b.Number})
		}
	}
	rows, err := postings.ReadMany(c.ctx, c.db, keys)
	if err != nil {
		return err
	}
	marked, err := marks.ReadMany(c.ctx, c.db, at)
	if err != nil {
		return err
	}
	for _, k := range keys {
		stream := db.Key{Scope: k.Scope, ID: k.ID}
		if _, ok := rows[k]; !ok {
			c.find(CheckNumbering, k.Scope, "balance", k.ID, "%v: it says that the last posting is %d, which is missing", Account(k.ID), k.Sub)
		}
		c.found.Unsealed += max(0, k.Sub-marked[stream])
	}
	return nil
}

package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// Sealer seals postings behind those who make them. Several, of several
// processes, may run on one database.
//
// What there is to seal follows from two numbers: the last posting that debits
// an account (its balance has it), and the last one that is sealed. Numbers are
// given under the lock of the balance, so that below the last one none is
// missing or still under way, whichever process made it and whatever its clock
// says.
type Sealer struct {
	db      *db.DB
	unwatch func()
	running chan struct{} // of one: Run holds it

	mu      sync.Mutex
	touched map[db.Key]struct{} // accounts that this process may have posted to
	scan    time.Time           // when all accounts are looked at again
}

const (
	// scanPause is how long what another process left unsealed may wait.
	scanPause = 5 * time.Minute
	// maxTouched bounds what a sealer remembers; beyond, it looks at all accounts.
	maxTouched = 100_000
	// sealPage is how many accounts are looked at at a time.
	sealPage = 1000
	// sealTries is how often a seal is made anew because another sealer was
	// quicker. What is left then, that one is at, or the next run.
	sealTries = 8
)

// NewSealer makes a sealer of the postings in d. Stop it at the end.
func NewSealer(d *db.DB) *Sealer {
	s := &Sealer{db: d, running: make(chan struct{}, 1), touched: map[db.Key]struct{}{}}
	s.unwatch = balances.Watch(d, s.notice)
	return s
}

// Stop lets the sealer notice nothing further. A run that is under way goes on.
func (s *Sealer) Stop() { s.unwatch() }

// notice is told of each balance that this process writes.
func (s *Sealer) notice(at db.Key, b balanceRow) {
	if b.Last == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.touched) < maxTouched {
		s.touched[at] = struct{}{}
	} else {
		s.scan = time.Time{}
	}
}

// stream is the postings that debit one account.
type stream struct {
	at     db.Key
	sealed int64 // number of the last one that is sealed
	last   int64 // number of the last one that is committed
}

// Run seals what is committed and not sealed, and tells how many postings it
// sealed. It looks at the accounts that this process has posted to since, and
// from time to time at all. An account whose postings have gaps is left out,
// and named in the error; the others are sealed.
func (s *Sealer) Run(ctx context.Context) (sealed int64, err error) {
	select {
	case s.running <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.running }()
	now := s.db.Clock().Now()
	s.mu.Lock()
	touched, all := s.touched, !now.Before(s.scan)
	s.touched = map[db.Key]struct{}{}
	if all {
		s.scan = now.Add(scanPause)
	}
	s.mu.Unlock()
	if all {
		sealed, err = s.everywhere(ctx)
	} else {
		sealed, err = s.at(ctx, touched)
	}
	if err != nil { // look for what this run has left
		s.mu.Lock()
		s.scan = time.Time{}
		s.mu.Unlock()
	}
	return sealed, err
}

// at seals the postings of some accounts.
func (s *Sealer) at(ctx context.Context, touched map[db.Key]struct{}) (sealed int64, err error) {
	keys := make([]db.Key, 0, len(touched))
	for k := range touched {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareStreams)
	for page := range slices.Chunk(keys, sealPage) {
		rows, err := balances.ReadMany(ctx, s.db, page)
		if err != nil {
			return sealed, err
		}
		var list []keyedNumber
		for _, k := range page {
			list = append(list, keyedNumber{k, rows[k].Last})
		}
		n, err := s.page(ctx, list)
		sealed += n
		if err != nil {
			return sealed, err
		}
	}
	return sealed, nil
}

// everywhere seals the postings of all accounts.
func (s *Sealer) everywhere(ctx context.Context) (sealed int64, err error) {
	return sealed, streams(ctx, s.db, qLasts, func(page []keyedNumber) error {
		n, err := s.page(ctx, page)
		sealed += n
		return err
	})
}

// streams hands all rows of a query over accounts to f, a page at a time.
func streams(ctx context.Context, d *db.DB, q *db.Query[keyedNumber], f func([]keyedNumber) error) (err error) {
	for at := (db.Key{Scope: lowest, ID: lowest}); ; {
		page, wrong := q.All(ctx, d, at.Scope, at.ID, int64(sealPage))
		if wrong != nil {
			return errors.Join(err, wrong)
		}
		err = errors.Join(err, f(page))
		if len(page) < sealPage || ctx.Err() != nil {
			return err
		}
		at = page[len(page)-1].At
	}
}

func compareStreams(a, b db.Key) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.ID, b.ID))
}

// page seals what is unsealed of some accounts, shard by shard.
func (s *Sealer) page(ctx context.Context, lasts []keyedNumber) (sealed int64, err error) {
	keys := make([]db.Key, len(lasts))
	for i := range lasts {
		keys[i] = lasts[i].At
	}
	marked, err := marks.ReadMany(ctx, s.db, keys)
	if err != nil {
		return 0, err
	}
	byShard := map[int64][]stream{}
	var order []int64
	for _, l := range lasts {
		if mark := marked[l.At]; mark < l.Number {
			shard := shardOf(l.At.Scope)
			if byShard[shard] == nil {
				order = append(order, shard)
			}
			byShard[shard] = append(byShard[shard], stream{l.At, mark, l.Number})
		}
	}
	for _, shard := range order {
		n, wrong := s.shard(ctx, shard, byShard[shard])
		sealed += n
		err = errors.Join(err, wrong)
	}
	return sealed, err
}

// errStale refuses a seal because another sealer was quicker.
var errStale = errors.New("ledger: others have sealed meanwhile")

// shard seals the unsealed postings of accounts of one shard, seal by seal.
func (s *Sealer) shard(ctx context.Context, shard int64, list []stream) (sealed int64, err error) {
	for tries := 0; len(list) > 0; {
		batch, gaps, wrong := s.gather(ctx, list)
		if wrong != nil {
			return sealed, errors.Join(err, wrong)
		}
		for _, gap := range gaps {
			err = errors.Join(err, fmt.Errorf("ledger: the postings that debit account %d of scope %d can't be sealed: after %d some are missing", gap.ID, gap.Scope, batch.from[gap]))
		}
		n := int64(0)
		if len(batch.stretches) > 0 {
			n, wrong = s.write(ctx, shard, batch)
		}
		sealed += n
		switch {
		case wrong == nil:
			tries = 0
			list = rest(list, batch, gaps)
			continue
		case !errors.Is(wrong, errStale):
			return sealed, errors.Join(err, wrong)
		}
		if tries++; tries == sealTries {
			return sealed, err
		}
		if list, wrong = s.again(ctx, list); wrong != nil {
			return sealed, errors.Join(err, wrong)
		}
	}
	return sealed, err
}

// batch is a seal in the making.
type batch struct {
	stretches []stretch
	from      map[db.Key]int64 // how far each of its accounts was sealed before
	postings  int64
	digest    Hash
}

// gather takes postings of the first accounts of the list, as many as go into a
// seal. Accounts of which some are missing are left out and told.
func (s *Sealer) gather(ctx context.Context, list []stream) (b batch, gaps []db.Key, err error) {
	b.from = map[db.Key]int64{}
	var asked []stretch
	room := int64(maxSealed)
	for _, one := range list[:min(len(list), maxStretches)] {
		if room == 0 {
			break
		}
		b.from[one.at] = one.sealed
		x := stretch{Scope: one.at.Scope, Account: Account(one.at.ID), First: one.sealed + 1, Last: min(one.last, one.sealed+room)}
		room -= x.count()
		asked = append(asked, x)
	}
	rows, err := readStretches(ctx, s.db, asked)
	if err != nil {
		return b, nil, err
	}
	digest := newDigester()
	for i, x := range asked {
		if int64(len(rows[i])) != x.count() {
			gaps = append(gaps, x.stream())
			continue
		}
		x.sum = digest.add(x, rows[i])
		b.stretches = append(b.stretches, x)
		b.postings += x.count()
	}
	b.digest = digest.sum()
	return b, gaps, nil
}

// rest is what of the list a seal has left to do.
func rest(list []stream, b batch, gaps []db.Key) []stream {
	done := make(map[db.Key]int64, len(b.stretches))
	for i := range b.stretches {
		done[b.stretches[i].stream()] = b.stretches[i].Last
	}
	left := list[:0:0]
	for _, one := range list {
		one.sealed = max(one.sealed, done[one.at])
		if one.sealed < one.last && !slices.Contains(gaps, one.at) {
			left = append(left, one)
		}
	}
	return left
}

// again looks how far others have come.
func (s *Sealer) again(ctx context.Context, list []stream) ([]stream, error) {
	keys := make([]db.Key, len(list))
	for i := range list {
		keys[i] = list[i].at
	}
	marked, err := marks.ReadMany(ctx, s.db, keys)
	left := list[:0:0]
	for _, one := range list {
		if one.sealed = marked[one.at]; one.sealed < one.last {
			left = append(left, one)
		}
	}
	return left, err
}

// write appends a seal to the shard's chain, if nobody has sealed any of its
// postings meanwhile. The row of the chain keeps sealers apart.
func (s *Sealer) write(ctx context.Context, shard int64, b batch) (int64, error) {
	step := db.Step{Name: "ledger.seal", Scope: shard, Needs: []db.Need{chains.Need(chainKey(shard))}}
	for i := range b.stretches {
		step.Needs = append(step.Needs, marks.Need(b.stretches[i].stream()))
	}
	span := encodeSpan(b.stretches)
	step.Do = func(tx *db.Tx) error {
		chain, linked, err := chains.Get(tx, chainKey(shard))
		if err != nil {
			return err
		}
		for i := range b.stretches {
			if err := mark(tx, &b.stretches[i]); err != nil {
				return err
			}
		}
		next := Seal{Shard: shard, Number: chain.Number + 1, Postings: b.postings, At: tx.Now(), Digest: b.digest,
			Previous: hashOf(chain.Head), span: span}
		next.Head = next.head()
		seals.Insert(tx, sealKey(shard, next.Number), next.row())
		chain = chainRow{next.Number, bytes.Clone(next.Head[:])}
		if linked {
			chains.Update(tx, chainKey(shard), chain)
		} else {
			chains.Insert(tx, chainKey(shard), chain)
		}
		return nil
	}
	if err := s.db.Run(ctx, step); err != nil {
		return 0, err
	}
	return b.postings, nil
}

// mark notes how far an account is sealed, if it was so as far as the stretch
// takes up.
func mark(tx *db.Tx, x *stretch) error {
	have, marked, err := marks.Get(tx, x.stream())
	switch {
	case err != nil:
		return err
	case have != x.First-1:
		return errStale
	case marked:
		marks.Update(tx, x.stream(), x.Last)
	default:
		marks.Insert(tx, x.stream(), x.Last)
	}
	return nil
}

package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// seal seals all that is there.
func (b *bench) seal() int64 {
	b.t.Helper()
	n, err := newSealer(b.t, b.db).Run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func newSealer(t testing.TB, d *db.DB) *Sealer {
	s := NewSealer(d)
	t.Cleanup(s.Stop)
	return s
}

func (b *bench) sealing() (found Sealing, list []Finding) {
	b.t.Helper()
	found, err := CheckSeals(b.t.Context(), b.db, func(f Finding) { list = append(list, f) })
	if err != nil {
		b.t.Fatal(err)
	}
	return found, list
}

// sealedSoundly fails the test when the check of seals finds anything.
func (b *bench) sealedSoundly(want Sealing) {
	b.t.Helper()
	got, list := b.sealing()
	for _, f := range list {
		b.t.Error(f)
	}
	b.same(want, got)
}

// chargeOf posts a charge, two postings, through a handle.
func (b *bench) chargeOf(d *db.DB, s id.Scope, gross int64) error {
	t, list := charge(gross, 1, "usd", b.clock.Now())
	return d.Run(b.t.Context(), db.Step{Name: "test", Scope: s.Key(), Do: func(tx *db.Tx) error {
		_, err := b.book.Post(tx, s, t, list...)
		return err
	}})
}

func (b *bench) charges(s id.Scope, n int) {
	b.t.Helper()
	for i := range n {
		if err := b.chargeOf(b.db, s, int64(100+i)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// all gives the seals of a shard.
func (b *bench) all(shard int64) []Seal {
	b.t.Helper()
	list, err := SealsAfter(b.t.Context(), b.db, shard, 0, 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func TestSealsFormAChain(t *testing.T) {
	b := newBench(t)
	b.charges(b.s, 3)
	b.sealedSoundly(Sealing{Unsealed: 6})
	s := newSealer(t, b.db)
	for _, want := range []int64{6, 0, 2, 4} {
		if n, err := s.Run(t.Context()); err != nil || n != want {
			t.Errorf("sealed %d, want %d (%v)", n, want, err)
		}
		b.clock.Advance(time.Second)
		b.charges(b.s, int(map[int64]int{6: 0, 0: 1, 2: 2, 4: 0}[want]))
	}
	list := b.all(7)
	var got []int64
	for i, x := range list {
		got = append(got, x.Shard, x.Number, x.Postings)
		if i > 0 && x.Previous != list[i-1].Head || x.Head != x.head() {
			t.Errorf("%v is not linked", &x)
		}
	}
	b.same([]int64{7, 1, 6, 7, 2, 2, 7, 3, 4}, got)
	b.sealedSoundly(Sealing{Seals: 3, Sealed: 12})
	last, err := LastSeals(t.Context(), b.db)
	if err != nil {
		t.Fatal(err)
	}
	b.same(map[int64]int64{7: 3}, last)
	b.sound()
}

// What another process left, and what this one has not noticed, is sealed too.
func TestSealerLooksAtAllAccounts(t *testing.T) {
	b := newBench(t)
	s := newSealer(t, b.db)
	if n, err := s.Run(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	other := dbtest.OpenAt(t, b.address, db.Options{Clock: b.clock})
	if err := b.chargeOf(other, b.s, 100); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Run(t.Context()); n != 0 || err != nil {
		t.Errorf("sealed %d at once (%v)", n, err)
	}
	b.clock.Advance(scanPause)
	if n, err := s.Run(t.Context()); n != 2 || err != nil {
		t.Errorf("sealed %d in time (%v)", n, err)
	}
	b.sealedSoundly(Sealing{Seals: 1, Sealed: 2})
}

// A seal covers a bounded number of postings and of accounts.
func TestSealsAreBounded(t *testing.T) {
	b := newBench(t)
	for range 3 {
		err := b.try(func(tx *db.Tx) error {
			for range 300 {
				tr, list := charge(100, 1, "usd", noon)
				if _, err := b.book.Post(tx, b.s, tr, list...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(200) { // all of one shard
		b.charges(id.Scope{Account: 8 + i*id.Shards}, 1)
	}
	if n := b.seal(); n != 1800+400 {
		t.Errorf("sealed %d", n)
	}
	var sizes []int64
	for _, shard := range []int64{7, 8} {
		for _, x := range b.all(shard) {
			sizes = append(sizes, x.Postings)
		}
	}
	b.same([]int64{maxSealed, 800, maxStretches, 400 - maxStretches}, sizes)
	b.sealedSoundly(Sealing{Seals: 4, Sealed: 2200})
}

// Account with a posting gone before it was sealed: it is named and left, and
// keeps nobody else waiting.
func TestSealerLeavesGapsAlone(t *testing.T) {
	b := newBench(t)
	other := id.Scope{Account: 9}
	b.charges(b.s, 3)
	b.charges(other, 1)
	b.behind("DELETE FROM posting WHERE debit = 1840 AND number = 2")
	s := newSealer(t, b.db)
	n, err := s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("account 1840 of scope %d", b.s.Key())) || n != 5 {
		t.Errorf("sealed %d, %v", n, err)
	}
	found, list := b.sealing()
	b.same(Sealing{Seals: 2, Sealed: 5, Unsealed: 3}, found)
	if len(list) != 1 || list[0].Check != CheckNumbering || !strings.Contains(list[0].Problem, "2 to 2 are missing") {
		t.Errorf("found %v", list)
	}
}

// Whatever several processes post and seal at once, one of them with a clock
// that is behind, each posting is sealed once, and the check never finds
// anything, also while they are at it.
func TestConcurrentSealers(t *testing.T) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			b := newBench(t)
			handles := []*db.DB{b.db, dbtest.OpenAt(t, b.address, db.Options{Clock: clock.At(noon.Add(-time.Hour))})}
			var scopes []id.Scope
			for _, account := range []int64{7, 7 + id.Shards, 7 + 2*id.Shards, 8} {
				scopes = append(scopes, id.Scope{Account: account}, id.Scope{Account: account, Livemode: true})
			}
			var posting, sealing sync.WaitGroup
			done := make(chan struct{})
			for worker := range 6 {
				random := rand.New(rand.NewPCG(seed, uint64(worker)))
				posting.Go(func() {
					for range 20 {
						if err := b.chargeOf(handles[worker%2], scopes[random.IntN(len(scopes))], random.Int64N(1000)+2); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for _, d := range append(handles, handles...) {
				s := newSealer(t, d)
				sealing.Go(func() {
					for ended := false; !ended; {
						select {
						case <-done:
							ended = true
						default:
						}
						s.mu.Lock()
						s.scan = time.Time{}
						s.mu.Unlock()
						if _, err := s.Run(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			sealing.Go(func() {
				for range 5 {
					if _, list := b.sealing(); len(list) > 0 {
						t.Errorf("while it is written to: %v", list)
					}
				}
			})
			posting.Wait()
			close(done)
			sealing.Wait()
			b.seal()
			b.sealedOnce(240)
			b.sound()
		})
	}
}

// sealedOnce compares what seals cover with what was posted.
func (b *bench) sealedOnce(want int64) {
	b.t.Helper()
	covered := map[keyedNumber]int{}
	var count, total int64
	for _, shard := range []int64{7, 8} {
		for _, x := range b.all(shard) {
			list, err := decodeSpan(x.span)
			if err != nil {
				b.t.Fatal(err)
			}
			for _, s := range list {
				for n := s.First; n <= s.Last; n++ {
					covered[keyedNumber{s.stream(), n}]++
				}
			}
			count++
			total += x.Postings
		}
	}
	posted := map[keyedNumber]int{}
	rows, err := qNumbers.All(b.t.Context(), b.db, lowest, lowest, lowest, int64(100_000))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range rows {
		posted[r]++
	}
	if diff := cmp.Diff(posted, covered); diff != "" || int64(len(rows)) != want || total != want {
		b.t.Errorf("%d posted, %d sealed, want %d; posted − sealed +:\n%s", len(rows), total, want, diff)
	}
	b.sealedSoundly(Sealing{Seals: count, Sealed: want})
}

// The encodings that are hashed never change: heads outlive the program.
func TestEncodingStays(t *testing.T) {
	x := stretch{Scope: 14, Account: 1840, First: 3, Last: 4}
	d := newDigester()
	x.sum = d.add(x, []keyedPosting{
		{101, postingRow{3, 99, 1840, 2840, 1000, 840, noon}},
		{102, postingRow{4, -5, 1840, 2840, 1, 840, time.Time{}}},
	})
	s := Seal{Shard: 7, Number: 2, Postings: 2, At: noon, Digest: d.sum(), Previous: Hash{1}, span: encodeSpan([]stretch{x})}
	got := fmt.Sprintf("%x %x %x", s.span, s.Digest, s.head())
	if got != encoded {
		t.Errorf("got %s, want %s", got, encoded)
	}
	back, err := decodeSpan(s.span)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stretch{x}, back, cmp.AllowUnexported(stretch{})); diff != "" {
		t.Error(diff)
	}
}

// encoded is what another program computed from the description in seal.go.
const encoded = "000000000000000eb00e03020854fabc182a2d2a " +
	"2b36fbce956cd544c74bf8ba28ad32281494ebf18215fb3a349b1a5120a7039f " +
	"2cffb44e6a947e3f0bb1b573a941956f7628e904a0565824e925693e49e71ac7"

func TestHeadCoversEverything(t *testing.T) {
	s := Seal{Shard: 7, Number: 2, Postings: 2, At: noon, Digest: Hash{2}, Previous: Hash{1}, span: []byte{1}}
	for name, change := range map[string]func(*Seal){
		"shard": func(s *Seal) { s.Shard++ }, "number": func(s *Seal) { s.Number++ }, "postings": func(s *Seal) { s.Postings++ },
		"time": func(s *Seal) { s.At = s.At.Add(time.Microsecond) }, "digest": func(s *Seal) { s.Digest[31]++ },
		"previous": func(s *Seal) { s.Previous[31]++ }, "span": func(s *Seal) { s.span = []byte{2} },
	} {
		other := s
		change(&other)
		if other.head() == s.head() {
			t.Errorf("the head does not depend on the %s", name)
		}
	}
}

// A span that is read is one that was written, and is within the bounds.
func FuzzSpan(f *testing.F) {
	f.Add(encodeSpan([]stretch{{Scope: 14, Account: 1840, First: 1, Last: 3}, {Scope: 14, Account: 2840, First: 7, Last: 7}}))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeSpan(b)
		if err != nil {
			if !errors.Is(err, errSpan) {
				t.Fatal(err)
			}
			return
		}
		total := int64(0)
		for i := range list {
			total += list[i].count()
			if list[i].First < 1 || list[i].Last < list[i].First {
				t.Errorf("%+v", list[i])
			}
		}
		if total > maxSealed || len(list) > maxStretches || !bytes.Equal(encodeSpan(list), b) {
			t.Errorf("%d postings, %d stretches: %x becomes %x", total, len(list), b, encodeSpan(list))
		}
	})
}

package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Seal is one link of a shard's chain: it covers a batch of postings, and by
// Previous all seals before it. Head is what to keep elsewhere: who knows it
// notices any later change of what is sealed up to here.
type Seal struct {
	Shard    int64
	Number   int64 // from 1, without gaps
	Postings int64 // how many it covers
	At       time.Time
	Digest   Hash // over the postings
	Previous Hash // the Head of the seal before; zero for the first
	Head     Hash

	span []byte // which postings: encoded stretches
}

// Shards are sealed apart, so that each can have a database of its own.
func shardOf(scope int64) int64 { return int64(id.ScopeOf(scope).Shard()) }

const (
	// maxSealed is how many postings a seal covers at most. It bounds what is
	// held in memory, and what is read again to check one seal.
	maxSealed = 1000
	// maxStretches is how many accounts' postings a seal covers at most. The step
	// that writes a seal writes a row for each.
	maxStretches = 256
)

// stretch is the postings First to Last of those that debit an account.
type stretch struct {
	Scope       int64
	Account     Account
	First, Last int64
	// sum is the beginning of the hash of these postings, to tell which stretch
	// of a seal was changed.
	sum [8]byte
}

func (s *stretch) count() int64   { return s.Last - s.First + 1 }
func (s *stretch) stream() db.Key { return db.Key{Scope: s.Scope, ID: int64(s.Account)} }

// encodeSpan writes stretches: for each the scope in 8 bytes, as varints the
// account, the first number and the count, and the sum.
func encodeSpan(list []stretch) []byte {
	b := make([]byte, 0, 24*len(list))
	for i := range list {
		s := &list[i]
		b = binary.BigEndian.AppendUint64(b, uint64(s.Scope))
		for _, n := range []int64{int64(s.Account), s.First, s.count()} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		b = append(b, s.sum[:]...)
	}
	return b
}

var errSpan = errors.New("it does not say which postings it covers")

// decodeSpan reads what [encodeSpan] has written and nothing else: at least one
// stretch, in the order of scopes and accounts, within the bounds of a seal.
func decodeSpan(b []byte) (list []stretch, err error) {
	var total int64
	for len(b) > 0 {
		var s stretch
		if b, err = s.decode(b); err != nil {
			return nil, err
		}
		if n := len(list); n > 0 && (list[n-1].Scope > s.Scope || list[n-1].Scope == s.Scope && list[n-1].Account >= s.Account) {
			return nil, errSpan
		}
		list = append(list, s)
		if total += s.count(); total > maxSealed || len(list) > maxStretches {
			return nil, errSpan
		}
	}
	if len(list) == 0 {
		return nil, errSpan
	}
	return list, nil
}

func (s *stretch) decode(b []byte) (rest []byte, err error) {
	if len(b) < 8 {
		return nil, errSpan
	}
	s.Scope, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	var n [3]int64
	for i := range n {
		u, size := binary.Uvarint(b)
		if size <= 0 || size > 1 && b[size-1] == 0 || int64(u) < 0 {
			return nil, errSpan // cut off, too large, or longer than need be
		}
		n[i], b = int64(u), b[size:]
	}
	if n[1] < 1 || n[2] < 1 || n[2] > maxSealed || n[1]+n[2] < 0 || len(b) < len(s.sum) {
		return nil, errSpan
	}
	s.Account, s.First, s.Last = Account(n[0]), n[1], n[1]+n[2]-1
	return b[copy(s.sum[:], b):], nil
}

// The encoding that is hashed is a text that says what it is, then numbers of
// eight bytes, highest first, and hashes; all of known length, so that no two
// contents are encoded alike. It never changes: another one gets another text.
const (
	digestBegin = "florin postings 1\n"
	headBegin   = "florin seal 1\n"
)

// writeNumbers feeds numbers to a hash.
func writeNumbers(h hash.Hash, numbers ...int64) {
	var b [8]byte
	for _, n := range numbers {
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
}

// digester hashes the postings of one seal, stretch by stretch.
type digester struct{ all hash.Hash }

func newDigester() *digester {
	d := &digester{sha256.New()}
	d.all.Write([]byte(digestBegin))
	return d
}

// add takes the postings of a stretch, in the order of their numbers, and
// gives the stretch's sum.
func (d *digester) add(s stretch, postings []keyedPosting) (sum [8]byte) {
	h := sha256.New()
	for i := range postings {
		p := &postings[i].Row
		writeNumbers(h, p.Number, postings[i].Key, p.Transaction, int64(p.Credit), p.Amount, p.Currency, micros(p.At))
	}
	own := h.Sum(nil)
	writeNumbers(d.all, s.Scope, int64(s.Account), s.First, s.Last)
	d.all.Write(own)
	copy(sum[:], own)
	return sum
}

func (d *digester) sum() Hash { return Hash(d.all.Sum(nil)) }

// micros is a time as it is stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// head computes what Head must be: a hash over all else that the seal says. It
// has no key: whoever checks needs none, and one kept beside the database would
// be in the hands of whoever can write to that.
func (s *Seal) head() Hash {
	h := sha256.New()
	h.Write([]byte(headBegin))
	writeNumbers(h, s.Shard, s.Number, s.Postings, micros(s.At))
	span := sha256.Sum256(s.span)
	h.Write(span[:])
	h.Write(s.Digest[:])
	h.Write(s.Previous[:])
	return Hash(h.Sum(nil))
}

// String names the seal for people.
func (s *Seal) String() string { return fmt.Sprintf("seal %d of shard %d", s.Number, s.Shard) }

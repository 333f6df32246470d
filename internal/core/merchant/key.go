package merchant

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// KeyKind is what an API key may be used for.
type KeyKind int64

// The kinds of API keys. Numbers are stored and never change.
const (
	Secret      KeyKind = 1 // may do everything; kept on servers
	Publishable KeyKind = 2 // may do what a customer's browser needs; no secret
	Restricted  KeyKind = 3 // may do what its permissions say; kept on servers
)

// kinds are the kinds by number: their names, and what begins their keys.
var kinds = map[KeyKind]struct{ name, prefix string }{
	Secret: {"secret", "sk_"}, Publishable: {"publishable", "pk_"}, Restricted: {"restricted", "rk_"},
}

// String gives the kind's name.
func (k KeyKind) String() string {
	if !k.known() {
		return "unknown"
	}
	return kinds[k].name
}

// prefix begins the keys of a kind in a mode: "sk_test_".
func (k KeyKind) prefix(livemode bool) string {
	if livemode {
		return kinds[k].prefix + "live_"
	}
	return kinds[k].prefix + "test_"
}

func (k KeyKind) known() bool { return kinds[k].prefix != "" }

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// randomLen characters of the alphabet are 142 bits.
	randomLen = 24
	minKeyLen = 16
	maxKeyLen = 255
)

// generate makes a key from random bytes.
func (k KeyKind) generate(random io.Reader, livemode bool) (string, error) {
	out := []byte(k.prefix(livemode))
	buf := make([]byte, randomLen)
	for {
		if _, err := io.ReadFull(random, buf); err != nil {
			return "", err
		}
		for _, b := range buf {
			// Bytes past the last whole multiple of 62 would favour some characters.
			if int(b) < 256/len(alphabet)*len(alphabet) {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
			if len(out) == len(k.prefix(livemode))+randomLen {
				return string(out), nil
			}
		}
	}
}

// check tells whether plain can be a key of this kind and mode.
func (k KeyKind) check(plain string, livemode bool) error {
	prefix := k.prefix(livemode)
	switch {
	case !strings.HasPrefix(plain, prefix):
		return fault.New(fault.Invalid, "", "The API key must begin with %s.", prefix)
	case len(plain) < minKeyLen || len(plain) > maxKeyLen:
		return fault.New(fault.Invalid, "", "The API key must have %d to %d characters.", minKeyLen, maxKeyLen)
	case !onlyKeyCharacters(plain):
		return fault.New(fault.Invalid, "", "The API key may hold letters, digits and underscores only.")
	}
	return nil
}

func onlyKeyCharacters(s string) bool {
	for i := range len(s) {
		if s[i] != '_' && strings.IndexByte(alphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}

// digest is the SHA-256 of a key. Keys are long and random, so that a fast
// hash without salt gives nothing away.
type digest [sha256.Size]byte

func digestOf(plain string) digest { return sha256.Sum256([]byte(plain)) }

// row is the key of the directory row.
func (d digest) row() db.Key {
	return db.Key{ID: int64(binary.BigEndian.Uint64(d[:])), Sub: int64(binary.BigEndian.Uint64(d[8:]))}
}

// lastFour is the end of a key, by which people know it.
func lastFour(plain string) string { return plain[max(0, len(plain)-4):] }

// mask hides all of a key but what begins every key of its kind and the last
// four characters: "sk_test_****abcd". A text that is too short to be a key
// and hide anything is hidden whole.
func mask(plain string) string {
	prefix := prefixOf(plain)
	hidden := len(plain) - len(prefix) - 4
	if hidden < 4 {
		return prefix + "****"
	}
	last := lastFour(plain)
	if !onlyKeyCharacters(last) {
		last = "****"
	}
	return prefix + strings.Repeat("*", min(hidden, 32)) + last
}

// prefixOf is what begins every key of plain's kind and mode, if plain can be a
// key.
func prefixOf(plain string) string {
	for k := range kinds {
		for _, livemode := range []bool{false, true} {
			if p := k.prefix(livemode); strings.HasPrefix(plain, p) {
				return p
			}
		}
	}
	return ""
}

// keyRow is an API key in the directory.
type keyRow struct {
	Hash     []byte
	Account  int64
	Livemode bool
	Kind     KeyKind
	Last4    string
	Created  time.Time
	Expires  time.Time // zero: never
	ID       int64     // what people call the key by
	Name     string    // what it is for; may be empty
	// Permissions are those of a restricted key, as [Permissions.String] spells
	// them.
	Permissions string
}

func (r *keyRow) scope() id.Scope { return id.Scope{Account: r.Account, Livemode: r.Livemode} }

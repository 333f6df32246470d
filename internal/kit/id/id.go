// Package id makes and reads identities.
//
// Every row of Florin is known by a [Scope] (whose world it lives in) and an
// int64 key that the application makes: 40 bits of milliseconds since 2024,
// 10 bits of node, 8 bits of sequence, so that keys sort by time on every
// engine and B-trees grow at their right edge. The outside sees public ids:
// a prefix such as "pi_" and 24 base62 characters that hold the key, the
// scope's shard and a checksum. The two forms convert without a look-up.
package id

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Scope is one account's world in one mode. Two scopes never see each other's
// rows: the scope is part of every key of a tenant table.
type Scope struct {
	Account  int64 // row key of the account
	Livemode bool
}

// Key is the scope as the int64 that every tenant table stores in its column
// "scope": the account's key shifted by one, with the mode in the lowest bit.
func (s Scope) Key() int64 {
	k := s.Account << 1
	if s.Livemode {
		k |= 1
	}
	return k
}

// ScopeOf is the inverse of [Scope.Key].
func ScopeOf(key int64) Scope {
	return Scope{Account: key >> 1, Livemode: key&1 == 1}
}

// Shard is the number of the shard that holds the scope, carried in public ids
// so that an id that arrives without a key still finds its database.
func (s Scope) Shard() uint16 { return uint16(uint64(s.Account) % Shards) }

// Shards is how many logical shards public ids distinguish.
const Shards = 4096

// Prefix is the leading part of a public id, without the underscore: "pi".
type Prefix string

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	bodyLen  = 24 // base62 characters after the underscore: 142 bits, 17 bytes fit
	rawLen   = 17 // 8 key, 2 shard, 7 checksum
)

// Format gives the public id of key in scope s.
func (p Prefix) Format(s Scope, key int64) string {
	body := encode(p.raw(s.Shard(), key))
	return string(p) + "_" + string(body[:])
}

// Parse reads a public id made by [Prefix.Format]. It reports false for an id
// of another prefix, of another shape, or with a wrong checksum; such an id
// names nothing.
func (p Prefix) Parse(s string) (key int64, ok bool) {
	key, _, ok = p.ParseShard(s)
	return key, ok
}

// ParseShard is [Prefix.Parse] that also tells the shard.
func (p Prefix) ParseShard(s string) (key int64, shard uint16, ok bool) {
	rest, found := strings.CutPrefix(s, string(p))
	body, underscored := strings.CutPrefix(rest, "_")
	if !found || !underscored {
		return 0, 0, false
	}
	raw, ok := decode(body)
	if !ok {
		return 0, 0, false
	}
	key = int64(binary.BigEndian.Uint64(raw[:8]))
	shard = binary.BigEndian.Uint16(raw[8:10])
	if key <= 0 || shard >= Shards || p.raw(shard, key) != raw {
		return 0, 0, false
	}
	return key, shard, true
}

// raw is the 17 bytes behind a public id. The checksum binds prefix, shard and
// key, so that an id can be spelled in one way only.
func (p Prefix) raw(shard uint16, key int64) (out [rawLen]byte) {
	binary.BigEndian.PutUint64(out[:8], uint64(key))
	binary.BigEndian.PutUint16(out[8:10], shard)
	var buf [64]byte
	sum := sha256.Sum256(append(append(buf[:0], p...), out[:10]...))
	copy(out[10:], sum[:7])
	return out
}

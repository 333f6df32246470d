package id

import (
	"encoding/binary"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	anyKey    = rapid.OneOf(rapid.Int64Range(1, math.MaxInt64), rapid.SampledFrom([]int64{1, math.MaxInt64}))
	anyPrefix = rapid.Map(rapid.StringMatching(`[a-z]{1,8}(_[a-z]{1,8})?`), func(s string) Prefix { return Prefix(s) })
	anyScope  = rapid.Custom(func(t *rapid.T) Scope {
		return Scope{Account: rapid.Int64Range(0, math.MaxInt64>>1).Draw(t, "account"), Livemode: rapid.Bool().Draw(t, "livemode")}
	})
)

func TestScopeKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScope.Draw(t, "scope")
		if got := ScopeOf(s.Key()); got != s {
			t.Fatalf("scope %+v comes back as %+v", s, got)
		}
		if other := (Scope{s.Account, !s.Livemode}); other.Key() == s.Key() || other.Shard() != s.Shard() || s.Shard() >= Shards {
			t.Fatalf("scope %+v: key %d, shard %d; other mode: %d, %d", s, s.Key(), s.Shard(), other.Key(), other.Shard())
		}
	})
}

func TestFormatParseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, key := anyPrefix.Draw(t, "prefix"), anyScope.Draw(t, "scope"), anyKey.Draw(t, "key")
		id := p.Format(s, key)
		gotKey, gotShard, ok := p.ParseShard(id)
		if !ok || gotKey != key || gotShard != s.Shard() {
			t.Fatalf("%q parses as key %d, shard %d, %v", id, gotKey, gotShard, ok)
		}
		if gotKey, ok = p.Parse(id); !ok || gotKey != key {
			t.Fatalf("Parse(%q) = %d, %v", id, gotKey, ok)
		}
		if len(id) != len(p)+1+bodyLen {
			t.Fatalf("%q has %d characters", id, len(id))
		}
		if other := anyPrefix.Draw(t, "other prefix"); other != p {
			if _, ok := other.Parse(id); ok {
				t.Fatalf("%q is taken for a %q", id, other)
			}
			if _, ok := other.Parse(string(other) + "_" + id[len(id)-bodyLen:]); ok {
				t.Fatalf("the body of %q is taken for a %q", id, other)
			}
		}
	})
}

// Any change of one character makes an id that names nothing.
func TestDamagedIDsAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPrefix.Draw(t, "prefix")
		id := p.Format(anyScope.Draw(t, "scope"), anyKey.Draw(t, "key"))
		at, with := rapid.IntRange(0, len(id)-1).Draw(t, "at"), rapid.Byte().Draw(t, "with")
		damaged := id[:at] + string([]byte{with}) + id[at+1:]
		if key, ok := p.Parse(damaged); ok && damaged != id {
			t.Fatalf("%q, damaged from %q, names %d", damaged, id, key)
		}
	})
}

func TestMisshapenIDsAreRefused(t *testing.T) {
	const p = Prefix("pi")
	good := p.Format(Scope{Account: 7, Livemode: true}, 42)
	raw := p.raw(1, 42)
	over := new(big.Int).SetBit(new(big.Int).SetBytes(raw[:]), rawLen*8, 1) // a good id, but for a bit that 17 bytes can't hold
	for name, s := range map[string]string{
		"empty": "", "prefix only": "pi", "no body": "pi_", "short": good[:len(good)-1], "long": good + "0",
		"no underscore": "pi" + good[3:], "two underscores": "pi_" + good[2:], "upper-case prefix": "PI" + good[2:],
		"character before 0": good[:10] + "/" + good[11:], "non-ASCII": good[:10] + "é" + good[12:],
		"17 bytes of zero": "pi_" + strings.Repeat("0", bodyLen), "all z": "pi_" + strings.Repeat("z", bodyLen),
		"beyond 136 bits": "pi_" + reference(over),
		"key zero":        "pi_" + bodyOf(p, 1, 0), "negative key": "pi_" + bodyOf(p, 1, -5),
		"no such shard": "pi_" + bodyOf(p, Shards, 5),
	} {
		if key, shard, ok := p.ParseShard(s); ok || key != 0 || shard != 0 {
			t.Errorf("%s: %q names %d in shard %d", name, s, key, shard)
		}
	}
	if _, ok := p.Parse(good); !ok {
		t.Errorf("%q is refused", good)
	}
}

// bodyOf is a body with a right checksum over whatever it holds.
func bodyOf(p Prefix, shard uint16, key int64) string {
	out := encode(p.raw(shard, key))
	return string(out[:])
}

// Ids are stored by others, so their spelling can never change.
func TestSpellingIsFixed(t *testing.T) {
	for want, got := range map[string]string{
		"pi_000000000001SkiQFuOKkHM3":  Prefix("pi").Format(Scope{Account: 1}, 1),
		"cus_01in6sY2WXXmnWueEbDf7L97": Prefix("cus").Format(Scope{Account: 123456789, Livemode: true}, 987654321987654321),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// reference is base 62 by arbitrary-precision arithmetic.
func reference(n *big.Int) string {
	const bigAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // big.Int's order
	text := n.Text(62)
	text = strings.Repeat("0", bodyLen-len(text)) + text
	return strings.Map(func(r rune) rune { return rune(alphabet[strings.IndexRune(bigAlphabet, r)]) }, text)
}

func TestEncodeAgreesWithBigInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := [rawLen]byte{rapid.Byte().Draw(t, "high")}
		edge := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, group - 1, group, group + 1, math.MaxUint64}))
		binary.BigEndian.PutUint64(raw[1:9], edge.Draw(t, "mid"))
		binary.BigEndian.PutUint64(raw[9:], edge.Draw(t, "low"))
		body := encode(raw)
		if want := reference(new(big.Int).SetBytes(raw[:])); string(body[:]) != want {
			t.Fatalf("%x is %s, want %s", raw, body, want)
		}
		if back, ok := decode(string(body[:])); !ok || back != raw {
			t.Fatalf("%x comes back as %x, %v", raw, back, ok)
		}
	})
}

func FuzzParse(f *testing.F) {
	const p = Prefix("pi")
	f.Add(p.Format(Scope{Account: 1}, 1))
	f.Add(p.Format(Scope{Account: 4095, Livemode: true}, math.MaxInt64))
	f.Add("pi_" + bodyOf(p, Shards, 5))
	f.Add("pi_" + strings.Repeat("z", bodyLen))
	f.Add("ch_000000000000000000000000")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		key, shard, ok := p.ParseShard(s)
		if !ok {
			return
		}
		if again := p.Format(Scope{Account: int64(shard)}, key); again != s {
			t.Fatalf("%q parses, but its id is spelled %q", s, again)
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	b.ReportAllocs()
	s := Scope{Account: 123456789, Livemode: true}
	for b.Loop() {
		if Prefix("pi").Format(s, 987654321987654321) == "" {
			b.Fatal("no id")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	id := Prefix("pi").Format(Scope{Account: 123456789, Livemode: true}, 987654321987654321)
	for b.Loop() {
		if _, ok := Prefix("pi").Parse(id); !ok {
			b.Fatal("refused")
		}
	}
}

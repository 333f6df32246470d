package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// seeded makes the same master key for the same seed.
func seeded(t testing.TB, seed byte) *Master {
	t.Helper()
	m, err := GenerateFrom(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func rotated(t testing.TB, m *Master) *Master {
	t.Helper()
	next, err := m.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestMasterSealsAndOpens(t *testing.T) {
	m := seeded(t, 1)
	context := Context("provider", "acct_1", "password")
	for _, plaintext := range [][]byte{nil, {0}, []byte("4242424242424242"), bytes.Repeat([]byte("x"), 100_000)} {
		sealed, err := m.Seal(plaintext, context)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plaintext)+33 {
			t.Errorf("%d bytes sealed are %d long, want 33 more", len(plaintext), len(sealed))
		}
		opened, err := m.Open(sealed, context)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(opened, plaintext) {
			t.Errorf("opened %d bytes, which differ from the %d sealed", len(opened), len(plaintext))
		}
	}
}

func TestMasterSealsAnewEachTime(t *testing.T) {
	m := seeded(t, 1)
	seen := map[string]bool{}
	for range 100 {
		sealed, err := m.Seal([]byte("same"), []byte("context"))
		if err != nil {
			t.Fatal(err)
		}
		seen[string(sealed)] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 sealings of one value gave %d ciphertexts", len(seen))
	}
}

func TestMasterRefuses(t *testing.T) {
	m, other := seeded(t, 1), seeded(t, 2)
	sealed, err := m.Seal([]byte("value"), []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another context":  func() ([]byte, error) { return m.Open(sealed, []byte("Context")) },
		"a longer context": func() ([]byte, error) { return m.Open(sealed, []byte("context ")) },
		"another master":   func() ([]byte, error) { return other.Open(sealed, []byte("context")) },
		"nothing":          func() ([]byte, error) { return m.Open(nil, []byte("context")) },
		"the prefix alone": func() ([]byte, error) { return m.Open(sealed[:5], []byte("context")) },
		"something behind": func() ([]byte, error) { return m.Open(append(bytes.Clone(sealed), 0), []byte("context")) },
		"something in front": func() ([]byte, error) {
			return m.Open(append([]byte{sealed[0]}, sealed...), []byte("context"))
		},
	} {
		if got, err := open(); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: got %q, %v; want ErrOpen", name, got, err)
		}
	}
	if _, err := m.Seal([]byte("value"), nil); !errors.Is(err, ErrNoContext) {
		t.Errorf("Seal without a context: %v, want ErrNoContext", err)
	}
	if _, err := m.Open(sealed, nil); !errors.Is(err, ErrNoContext) {
		t.Errorf("Open without a context: %v, want ErrNoContext", err)
	}
}

func TestMasterNoticesEachFlippedBitAndCut(t *testing.T) {
	m := rotated(t, seeded(t, 1)) // two keys, so that a prefix may turn into the other's
	context := []byte("context")
	sealed, err := m.Seal([]byte("4242424242424242"), context)
	if err != nil {
		t.Fatal(err)
	}
	eachDamage(sealed, func(what string, at int, damaged []byte) {
		if _, err := m.Open(damaged, context); !errors.Is(err, ErrOpen) {
			t.Errorf("%s at %d: %v, want ErrOpen", what, at, err)
		}
	})
}

// eachDamage calls f with sealed after each flip of one bit and each cut.
func eachDamage(sealed []byte, f func(what string, at int, damaged []byte)) {
	for i := range sealed {
		for bit := range 8 {
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1 << bit
			f("flipped bit", i*8+bit, damaged)
		}
		if i > 0 {
			f("cut", i, bytes.Clone(sealed[:i]))
			f("front cut", i, bytes.Clone(sealed[i:]))
		}
	}
}

func TestDomainsAreApart(t *testing.T) {
	m := seeded(t, 1)
	identity := []byte("cus_1")
	key := append([]byte{subjectFormat}, bytes.Repeat([]byte{7}, keySize)...)
	direct, err := m.Seal(key, identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.OpenSubject(direct, identity); !errors.Is(err, ErrOpen) {
		t.Errorf("a value sealed directly opened as a subject's key: %v", err)
	}
	_, sealed, err := m.NewSubject(identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(sealed, identity); !errors.Is(err, ErrOpen) {
		t.Errorf("a subject's key opened as a direct value: %v", err)
	}
}

func TestRotation(t *testing.T) {
	first := seeded(t, 1)
	context := []byte("context")
	type kept struct {
		by     int
		sealed []byte
	}
	var all []kept
	m := first
	masters := []*Master{first}
	for i := range 5 {
		sealed, err := m.Seal([]byte("value"), context)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kept{by: i, sealed: sealed})
		m = rotated(t, m)
		masters = append(masters, m)
	}
	for at, master := range masters {
		for _, k := range all {
			got, err := master.Open(k.sealed, context)
			if opens := err == nil && string(got) == "value"; opens != (k.by <= at) {
				t.Errorf("sealed after %d rotations, opened after %d: %v", k.by, at, err)
			}
			if stale := master.Stale(k.sealed); stale != (k.by != at) {
				t.Errorf("sealed after %d rotations, stale after %d: %v", k.by, at, stale)
			}
		}
		if diff := cmp.Diff(first.ID(), master.ID()); diff != "" {
			t.Errorf("the ID changed after %d rotations (-first +now):\n%s", at, diff)
		}
		if diff := cmp.Diff(first.MAC("p", []byte("d")), master.MAC("p", []byte("d"))); diff != "" {
			t.Errorf("a MAC changed after %d rotations (-first +now):\n%s", at, diff)
		}
	}
	if m.Stale(nil) {
		t.Error("an erased key is called stale")
	}
	if !m.Stale([]byte{1}) {
		t.Error("bytes too short for a prefix are not called stale")
	}
}

func TestMastersDiffer(t *testing.T) {
	one, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	two, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	if one.ID() == two.ID() || bytes.Equal(one.MAC("p", nil), two.MAC("p", nil)) || one.Text().Equal(two.Text()) {
		t.Errorf("two generated master keys are alike: %s, %s", one.ID(), two.ID())
	}
	if a, b := seeded(t, 9), seeded(t, 9); !a.Text().Equal(b.Text()) || a.ID() != b.ID() {
		t.Errorf("one seed gave two master keys: %s, %s", a.ID(), b.ID())
	}
	if _, err := GenerateFrom(bytes.NewReader([]byte("short"))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: %v, want ErrUnexpectedEOF", err)
	}
}

func TestExtendPassesOverUsedNumbers(t *testing.T) {
	draw := func(number byte) []byte {
		return append([]byte{0, 0, 0, number}, bytes.Repeat([]byte{number}, keySize)...)
	}
	random := bytes.NewReader(append(append(draw(0), draw(2)...), draw(3)...))
	m, err := extend(keyset.NewManager(), map[uint32]bool{2: true}, random)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{1, 0, 0, 0, 3}, m.prefix); diff != "" {
		t.Errorf("prefix (-want +got):\n%s", diff)
	}
}

// The derivation is HKDF-SHA-256 as the standard library computes it.
func TestDerivationIsHKDF(t *testing.T) {
	m := rotated(t, seeded(t, 3))
	first := m.keys()[0].KeyBytes().Data(insecuresecretdataaccess.Token{})
	id, err := hkdf.Key(sha256.New, first, []byte(rootSalt), "id", idSize)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("mk_"+hex.EncodeToString(id), m.ID()); diff != "" {
		t.Errorf("ID (-want +got):\n%s", diff)
	}
	for _, purpose := range []string{"", "vault.fingerprint"} {
		key, err := hkdf.Key(sha256.New, first, []byte(rootSalt), "mac\x00"+purpose, 32)
		if err != nil {
			t.Fatal(err)
		}
		want := hmac.New(sha256.New, key)
		want.Write([]byte("4242424242424242"))
		if diff := cmp.Diff(want.Sum(nil), m.MAC(purpose, []byte("4242424242424242"))); diff != "" {
			t.Errorf("MAC for %q (-want +got):\n%s", purpose, diff)
		}
	}
}

func TestMACsDifferByPurposeAndData(t *testing.T) {
	m := seeded(t, 1)
	seen := map[string]string{}
	for _, purpose := range []string{"", "a", "ab", "id"} {
		for _, data := range []string{"", "b", "bc", "\x01"} {
			mac, name := string(m.MAC(purpose, []byte(data))), purpose+"/"+data
			if other, ok := seen[mac]; ok {
				t.Errorf("%s and %s have the same MAC", name, other)
			}
			seen[mac] = name
		}
	}
}

func TestContextsDiffer(t *testing.T) {
	long := string(bytes.Repeat([]byte("a"), 300))
	lists := [][]string{nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"a", "b", "c"}, {"\x01a"}, {"a", ""}, {"", "a"}, {long}, {long, ""}}
	seen := map[string][]string{}
	for _, parts := range lists {
		got := string(Context(parts...))
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q give the same context", parts, other)
		}
		seen[got] = parts
	}
	if diff := cmp.Diff([]byte("\x02ab\x01c"), Context("ab", "c")); diff != "" {
		t.Errorf("Context (-want +got):\n%s", diff)
	}
}

// TestMACsAtOnce: many at a time get the MACs that each would get alone.
func TestMACsAtOnce(t *testing.T) {
	m := seeded(t, 1)
	var running sync.WaitGroup
	for worker := range 8 {
		running.Go(func() {
			for i := range 50 {
				purpose, data := fmt.Sprintf("purpose %d", i%3), fmt.Appendf(nil, "%d/%d", worker, i)
				alone := hmac.New(sha256.New, m.derive("mac\x00"+purpose, sha256.Size))
				alone.Write(data)
				if !bytes.Equal(m.MAC(purpose, data), alone.Sum(nil)) {
					t.Errorf("%s of %s", purpose, data)
				}
			}
		})
	}
	running.Wait()
}

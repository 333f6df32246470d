package secret

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

func newTestSubject(t testing.TB, m *Master, identity string) (*Subject, []byte) {
	t.Helper()
	s, sealed, err := m.NewSubject([]byte(identity))
	if err != nil {
		t.Fatal(err)
	}
	return s, sealed
}

func TestSubjectSealsAndOpens(t *testing.T) {
	m := seeded(t, 1)
	made, key := newTestSubject(t, m, "cus_1")
	reopened, err := m.OpenSubject(key, []byte("cus_1"))
	if err != nil {
		t.Fatal(err)
	}
	context := Context("customer", "cus_1", "email")
	for _, plaintext := range [][]byte{nil, []byte("jenny@example.com"), bytes.Repeat([]byte("x"), 100_000)} {
		sealed, err := made.Seal(plaintext, context)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plaintext)+28 {
			t.Errorf("%d bytes sealed are %d long, want 28 more", len(plaintext), len(sealed))
		}
		for _, s := range []*Subject{made, reopened} {
			opened, err := s.Open(sealed, context)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("opened %d of %d bytes: %v", len(opened), len(plaintext), err)
			}
		}
	}
}

func TestSubjectRefuses(t *testing.T) {
	m := seeded(t, 1)
	one, _ := newTestSubject(t, m, "cus_1")
	again, _ := newTestSubject(t, m, "cus_1")
	two, _ := newTestSubject(t, m, "cus_2")
	email := Context("customer", "cus_1", "email")
	sealed, err := one.Seal([]byte("jenny@example.com"), email)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		by      *Subject
		sealed  []byte
		context []byte
		want    error
	}{
		{"another field", one, sealed, Context("customer", "cus_1", "name"), ErrOpen},
		{"another row", one, sealed, Context("customer", "cus_2", "email"), ErrOpen},
		{"another subject", two, sealed, email, ErrOpen},
		{"another key of the same subject", again, sealed, email, ErrOpen},
		{"nothing sealed", one, nil, email, ErrOpen},
		{"something behind", one, append(bytes.Clone(sealed), 0), email, ErrOpen},
		{"no context", one, sealed, nil, ErrNoContext},
		{"nil subject", nil, sealed, email, ErrErased},
		{"zero subject", &Subject{}, sealed, email, ErrErased},
	} {
		if got, err := c.by.Open(c.sealed, c.context); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %q, %v; want %v", c.name, got, err, c.want)
		}
	}
	if _, err := one.Seal([]byte("x"), nil); !errors.Is(err, ErrNoContext) {
		t.Errorf("Seal without a context: %v, want ErrNoContext", err)
	}
	for _, erased := range []*Subject{nil, {}} {
		if _, err := erased.Seal([]byte("x"), email); !errors.Is(err, ErrErased) {
			t.Errorf("an erased subject seals: %v", err)
		}
	}
	eachDamage(sealed, func(what string, at int, damaged []byte) {
		if _, err := one.Open(damaged, email); !errors.Is(err, ErrOpen) {
			t.Errorf("%s at %d: %v, want ErrOpen", what, at, err)
		}
	})
}

func TestOpenSubjectRefuses(t *testing.T) {
	m, other := seeded(t, 1), seeded(t, 2)
	_, key := newTestSubject(t, m, "cus_1")
	for _, c := range []struct {
		name     string
		by       *Master
		key      []byte
		identity string
		want     error
	}{
		{"another subject", m, key, "cus_2", ErrOpen},
		{"another master", other, key, "cus_1", ErrOpen},
		{"erased", m, nil, "cus_1", ErrErased},
		{"erased to no bytes", m, []byte{}, "cus_1", ErrErased},
		{"no identity", m, key, "", ErrNoContext},
	} {
		if s, err := c.by.OpenSubject(c.key, []byte(c.identity)); !errors.Is(err, c.want) || s != nil {
			t.Errorf("OpenSubject, %s: %v, want %v", c.name, err, c.want)
		}
		if s, err := c.by.ResealSubject(c.key, []byte(c.identity)); !errors.Is(err, c.want) || s != nil {
			t.Errorf("ResealSubject, %s: %v, want %v", c.name, err, c.want)
		}
	}
	if s, sealed, err := m.NewSubject(nil); !errors.Is(err, ErrNoContext) || s != nil || sealed != nil {
		t.Errorf("NewSubject without identity: %v, want ErrNoContext", err)
	}
	eachDamage(key, func(what string, at int, damaged []byte) {
		if _, err := m.OpenSubject(damaged, []byte("cus_1")); !errors.Is(err, ErrOpen) {
			t.Errorf("%s at %d: %v, want ErrOpen", what, at, err)
		}
	})
}

func TestOpenSubjectOfUnknownFormat(t *testing.T) {
	m := seeded(t, 1)
	for name, key := range map[string][]byte{
		"format 2": append([]byte{2}, make([]byte, keySize)...),
		"short":    append([]byte{subjectFormat}, make([]byte, keySize-1)...),
		"long":     append([]byte{subjectFormat}, make([]byte, keySize+1)...),
		"empty":    {},
	} {
		sealed, err := m.seal(domainSubject, key, []byte("cus_1"))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := m.OpenSubject(sealed, []byte("cus_1")); err == nil || s != nil || errors.Is(err, ErrErased) {
			t.Errorf("%s: %v, want an error that is not ErrErased", name, err)
		}
	}
}

func TestResealSubject(t *testing.T) {
	old := seeded(t, 1)
	identity, context := []byte("cus_1"), []byte("email")
	subject, key := newTestSubject(t, old, "cus_1")
	field, err := subject.Seal([]byte("jenny@example.com"), context)
	if err != nil {
		t.Fatal(err)
	}
	now := rotated(t, old)
	resealed, err := now.ResealSubject(key, identity)
	if err != nil {
		t.Fatal(err)
	}
	if !now.Stale(key) || now.Stale(resealed) {
		t.Errorf("stale before: %v, after: %v; want true, false", now.Stale(key), now.Stale(resealed))
	}
	if _, err := old.OpenSubject(resealed, identity); !errors.Is(err, ErrOpen) {
		t.Errorf("the old master key opens a resealed subject: %v", err)
	}
	for name, k := range map[string][]byte{"before": key, "after": resealed} {
		s, err := now.OpenSubject(k, identity)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := s.Open(field, context); err != nil || string(got) != "jenny@example.com" {
			t.Errorf("%s: the field opens as %q, %v", name, got, err)
		}
	}
}

func TestSubjectInManyGoroutines(t *testing.T) {
	m := seeded(t, 1)
	s, key := newTestSubject(t, m, "cus_1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				sealed, err := s.Seal([]byte("value"), []byte("context"))
				if err != nil {
					t.Error(err)
					return
				}
				other, err := m.OpenSubject(key, []byte("cus_1"))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := other.Open(sealed, []byte("context")); err != nil || string(got) != "value" {
					t.Errorf("opened %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

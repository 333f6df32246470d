package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	m := rotated(f, seeded(f, 1))
	f.Add(m.Text().Reveal())
	f.Add(oldText)
	f.Add(textPrefix + ".e3b0c442")
	f.Add("florin-master-2:AAAA.00000000")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if (got == nil) == (err == nil) {
			t.Fatalf("Parse gave %v and %v", got, err)
		}
		if err != nil {
			return
		}
		checkUsable(t, got)
	})
}

// FuzzKeyset puts the right check digits behind the bytes, so that they reach
// the decoder of keysets.
func FuzzKeyset(f *testing.F) {
	for _, text := range []string{oldText, seeded(f, 1).Text().Reveal()} {
		keys, err := decode(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(keys)
		f.Add(append(bytes.Clone(keys), keys...))
	}
	f.Fuzz(func(t *testing.T, keys []byte) {
		if got, err := Parse(textPrefix + textEncoding.EncodeToString(keys) + "." + check(keys)); err == nil {
			checkUsable(t, got)
		}
	})
}

func checkUsable(t *testing.T, m *Master) {
	t.Helper()
	again, err := Parse(m.Text().Reveal())
	if err != nil || again.ID() != m.ID() {
		t.Fatalf("parsed again, %v is %v: %v", m, again, err)
	}
	sealed, err := m.Seal([]byte("value"), []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(sealed, []byte("context")); err != nil || string(got) != "value" {
		t.Fatalf("opened %q, %v", got, err)
	}
}

func FuzzOpenSubject(f *testing.F) {
	m, err := Parse(oldText)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unbase64(f, oldKey), []byte("cus_1"))
	f.Add(unbase64(f, oldKey), []byte("cus_2"))
	f.Add([]byte{1}, []byte("cus_1"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, sealed, identity []byte) {
		s, err := m.OpenSubject(sealed, identity)
		switch {
		case err == nil:
			// A key can't be forged: what opens is the one that was sealed.
			if !bytes.Equal(sealed, unbase64(t, oldKey)) || string(identity) != "cus_1" {
				t.Fatalf("%x opened for %q", sealed, identity)
			}
		case s != nil:
			t.Fatalf("a subject beside the error %v", err)
		case len(sealed) == 0 && !errors.Is(err, ErrErased):
			t.Fatalf("no key: %v, want ErrErased", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	m, err := Parse(oldText)
	if err != nil {
		f.Fatal(err)
	}
	s, err := m.OpenSubject(unbase64(f, oldKey), []byte("cus_1"))
	if err != nil {
		f.Fatal(err)
	}
	context := Context("customer", "cus_1", "email")
	f.Add(unbase64(f, oldEmail))
	f.Add(unbase64(f, oldValue))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := s.Open(sealed, context); err == nil && !bytes.Equal(sealed, unbase64(t, oldEmail)) {
			t.Fatalf("%x opened as %q", sealed, got)
		}
		if got, err := m.Open(sealed, context); err == nil {
			t.Fatalf("%x opened as %q", sealed, got)
		}
	})
}

func FuzzRedaction(f *testing.F) {
	f.Add([]byte(pan))
	f.Add([]byte(Redacted))
	f.Fuzz(func(t *testing.T, value []byte) {
		text, raw := NewText(string(value)), NewBytes(value)
		if text.Reveal() != string(value) || !bytes.Equal(raw.Reveal(), value) {
			t.Fatalf("%q is revealed as %q and %q", value, text.Reveal(), raw.Reveal())
		}
		out, err := json.Marshal([]any{text, raw})
		if err != nil || string(out) != `["[redacted]","[redacted]"]` {
			t.Fatalf("JSON of %q is %s, %v", value, out, err)
		}
	})
}

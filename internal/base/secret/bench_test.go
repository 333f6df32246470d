package secret

import (
	"bytes"
	"testing"
)

func BenchmarkSubject(b *testing.B) {
	m := seeded(b, 1)
	s, key := newTestSubject(b, m, "cus_1")
	plaintext, context := bytes.Repeat([]byte("p"), 100), Context("customer", "acct_1/test", "cus_1", "email")
	sealed, err := s.Seal(plaintext, context)
	if err != nil {
		b.Fatal(err)
	}
	steps := map[string]func() error{
		"Seal100": func() error { _, err := s.Seal(plaintext, context); return err },
		"Open100": func() error { _, err := s.Open(sealed, context); return err },
		"OpenKey": func() error { _, err := m.OpenSubject(key, []byte("cus_1")); return err },
		"NewKey":  func() error { _, _, err := m.NewSubject([]byte("cus_1")); return err },
	}
	for _, name := range []string{"Seal100", "Open100", "OpenKey", "NewKey"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := steps[name](); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMAC(b *testing.B) {
	m := seeded(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if len(m.MAC("vault.fingerprint", []byte("4242424242424242"))) != 32 {
			b.Fatal("a MAC is not 32 bytes long")
		}
	}
}

package archive

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

func made(t *testing.T) (path string, m Manifest) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "b.florin")
	w, err := Create(path, Manifest{Build: "test", Made: time.Unix(1700000000, 0).UTC(), MasterKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][]string{"one": {"a", "a", "b"}, "two": {"file"}, "none": nil} {
		err := w.Section(name, func(add db.Dump) (db.Dumped, error) {
			for i, part := range parts {
				if err := add(part, bytes.Repeat([]byte{byte('0' + i)}, 1000)); err != nil {
					return db.Dumped{}, err
				}
			}
			return db.Dumped{Engine: name}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if m, _, err = w.Finish(); err != nil {
		t.Fatal(err)
	}
	return path, m
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	path, m := made(t)
	got, err := Check(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Sections) != 3 || got.MasterKey != "k" || got.Build != m.Build || !got.Made.Equal(m.Made) {
		t.Errorf("the manifest came back as %+v, want %+v", got, m)
	}
	if s, ok := got.Section("one"); !ok || s.Chunks != 3 || s.Bytes != 3000 || s.Dump.Engine != "one" {
		t.Errorf("section one is %+v", s)
	}
	var parts, content string
	err = Read(path, "one", func(from db.Source) error {
		for {
			part, chunk, err := from()
			if err != nil || part == "" {
				return err
			}
			body, err := io.ReadAll(chunk)
			if err != nil {
				return err
			}
			parts, content = parts+part, content+string(body[:1])
		}
	})
	if err != nil || parts != "aab" || content != "012" {
		t.Errorf("section one came back as %q %q, %v", parts, content, err)
	}
	if _, err := Create(path, Manifest{}); err == nil {
		t.Error("a backup is written over another")
	}
}

// unpacked is what a file holds, as far as it can be read.
func unpacked(content []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err.Error()
	}
	text, _ := io.ReadAll(z)
	return string(text)
}

// TestDamage changes each byte of a backup, and cuts it at each. None may pass,
// but for bits between blocks that change nothing of what is read.
func TestDamage(t *testing.T) {
	path, _ := made(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, at int, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(path); err == nil && (len(content) < len(whole) || unpacked(content) != unpacked(whole)) {
			t.Errorf("%s at %d of %d goes unnoticed", what, at, len(whole))
		}
	}
	for at := range whole {
		// Time, flags and system of gzip's header (RFC 1952) hold nothing of ours.
		if at < 3 || at > 9 {
			bad := bytes.Clone(whole)
			bad[at] ^= 0x10
			try("a changed byte", at, bad)
		}
		try("a cut", at, whole[:at])
	}
}

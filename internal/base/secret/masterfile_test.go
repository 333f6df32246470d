package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "florin.key")
	made, err := CreateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode != 0o600 {
		t.Errorf("the file has mode %v, want -rw-------", mode)
	}
	loaded, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Text().Equal(made.Text()) {
		t.Errorf("loaded %v, made %v", loaded, made)
	}
}

func TestCreateFileLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{taken, dangling, dir} {
		if _, err := CreateFile(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want ErrExist", path, err)
		}
	}
	if got, err := os.ReadFile(taken); err != nil || string(got) != "mine" {
		t.Errorf("the file that was there holds %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
	if _, err := CreateFile(filepath.Join(dir, "none", "florin.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v, want ErrNotExist", err)
	}
}

func TestLoadFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "florin.key")
	if _, err := CreateFile(path); err != nil {
		t.Fatal(err)
	}
	for mode := fs.FileMode(0o400); mode <= 0o777; mode++ {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadFile(path)
		switch private := mode&0o077 == 0; {
		case private && err != nil:
			t.Errorf("mode %04o is refused: %v", mode, err)
		case !private && (err == nil || !strings.Contains(err.Error(), "chmod 600 "+path)):
			t.Errorf("mode %04o: %v, want an error that says chmod 600", mode, err)
		}
	}
}

func TestLoadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ path, want string }{
		{write("empty", ""), "is empty"},
		{write("other", "-----BEGIN PRIVATE KEY-----"), "not a master key"},
		{write("cut", seeded(t, 1).Text().Reveal()[:100]), "cut short"},
		{write("large", strings.Repeat("x", maxFileSize+1)), "larger than"},
		{dir, "directory"},
	} {
		_, err := LoadFile(c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%v, want an error with %q and %q", err, c.want, c.path)
		}
	}
	if _, err := LoadFile(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want ErrNotExist", err)
	}
}

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "florin.key")
	first, err := CreateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := rotated(t, first)
	if err := second.ReplaceFile(path); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]*Master{
		"the key before it":      first,
		"another rotation of it": rotated(t, first),
		"another master key":     rotated(t, seeded(t, 1)),
	} {
		if err := bad.ReplaceFile(path); err == nil || !strings.Contains(err.Error(), "lacks") {
			t.Errorf("%s: %v, want an error about keys that it lacks", name, err)
		}
	}
	loaded, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Text().Equal(second.Text()) {
		t.Error("the file doesn't hold the rotated key")
	}
	if err := second.ReplaceFile(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want ErrNotExist", err)
	}
	if diff := cmp.Diff([]string{"florin.key"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReplaceFileBesideAnother(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "florin.key")
	first, err := CreateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("the other's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rotated(t, first).ReplaceFile(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "another rotation") {
		t.Errorf("%v, want an error about another rotation", err)
	}
	if got, err := os.ReadFile(path + ".new"); err != nil || string(got) != "the other's" {
		t.Errorf("the other's file holds %q, %v", got, err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

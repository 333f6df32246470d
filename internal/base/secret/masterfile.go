package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	fileMode    = 0o600
	othersMask  = 0o077   // any right of group or world
	maxFileSize = 1 << 16 // bytes; some four hundred rotations
)

// LoadFile reads the master key at path. A file that group or world have any
// right to is refused. A missing file gives an error that wraps
// [fs.ErrNotExist].
func LoadFile(path string) (*Master, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("secret: master key file: %w", err)
	}
	m, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return m, nil
}

func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat() // of the open file, so that it can't be swapped in between
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&othersMask != 0 {
		return "", fmt.Errorf("%s is open to others (mode %04o): run chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxFileSize {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxFileSize)
	}
	return string(text), nil
}

// CreateFile generates a master key and stores it at path, mode 0600, on disk
// with its directory when it returns. A path that is taken, even by a dangling
// link, is left alone and gives an error that wraps [fs.ErrExist].
func CreateFile(path string) (*Master, error) {
	m, err := Generate()
	if err != nil {
		return nil, err
	}
	if err := m.writeNew(path); err != nil {
		return nil, fmt.Errorf("secret: create the master key file: %w", err)
	}
	if err := syncDir(path); err != nil {
		return nil, fmt.Errorf("secret: create the master key file: %w", err)
	}
	return m, nil
}

// ReplaceFile puts m in the place of the master key at path, whole or not at
// all: it is how a rotation is stored. The key there must be contained in m,
// for a key that is lost takes with it what it sealed. While it works, the new
// text stands in path+".new", which also keeps two rotations apart.
func (m *Master) ReplaceFile(path string) error {
	next := path + ".new"
	if err := m.writeNew(next); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("secret: another rotation is under way or was cut short; if none is, remove the file: %w", err)
		}
		return fmt.Errorf("secret: replace the master key file: %w", err)
	}
	old, err := LoadFile(path)
	if err == nil && !m.contains(old) {
		err = fmt.Errorf("secret: the master key file %s has keys that its replacement lacks", path)
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := syncDir(path); err != nil {
		return fmt.Errorf("secret: replace the master key file: %w", err)
	}
	return nil
}

// contains reports whether m has all keys of old and derives the same MACs.
func (m *Master) contains(old *Master) bool {
	have := m.keys()
	for i, key := range old.keys() {
		if i >= len(have) || !have[i].Equal(key) {
			return false
		}
	}
	return true
}

// writeNew creates path with m's text and brings it to disk; what it couldn't
// finish it removes.
func (m *Master) writeNew(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(m.text.Reveal() + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// syncDir brings the entry of path in its directory to disk.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

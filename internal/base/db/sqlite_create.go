package db

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// createSQLite makes an empty database with page checksums, unless there is a
// file. It is made beside its place and put there whole, so that of processes
// that find none at once each opens the same one: to switch checksums on is not
// one step, and who came in between would see a file without.
func createSQLite(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // it is there, or opening it will tell why it can't be
	}
	draft := path + ".new-" + rand.Text()
	defer func() { _ = os.Remove(draft) }()
	err := createInPlace(draft)
	if err == nil {
		err = os.Link(draft, path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return createInPlace(path) // which tells what is wrong, if it isn't that there are no hard links
	}
	syncDir(filepath.Dir(path))
	return nil
}

func createInPlace(path string) error {
	c, err := openFile(path)
	if err != nil {
		return err
	}
	return c.Close()
}

// syncDir makes the names in a folder durable, where the system can do that.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

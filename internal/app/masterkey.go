package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
)

// beside gives the path of a file next to a SQLite database, or in the working
// directory where the database is a server.
func beside(address, name string) string {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return filepath.Join(filepath.Dir(path), name)
	}
	return name
}

// keyFile is what the file of a master key is called that nobody configured.
const keyFile = "florin.key"

var errTwoKeys = errors.New("FLORIN_MASTER_KEY and FLORIN_MASTER_KEY_FILE are both set: set one")

// masterKey finds the key that seals the database, makes one where the
// database is new and none is configured, and binds the database to it. It
// tells the file that it made.
func masterKey(ctx context.Context, d *db.DB, c Config) (m *secret.Master, made string, err error) {
	bound, err := d.MasterKeyID(ctx)
	if err != nil {
		return nil, "", err
	}
	file := beside(c.DB, keyFile)
	switch {
	case c.MasterKey != "" && c.MasterKeyFile != "":
		return nil, "", errTwoKeys
	case c.MasterKey != "":
		m, err = secret.Parse(c.MasterKey)
	case c.MasterKeyFile != "":
		m, err = secret.LoadFile(c.MasterKeyFile)
	default:
		if m, err = secret.LoadFile(file); errors.Is(err, fs.ErrNotExist) && bound == "" {
			made = file
			m, err = secret.CreateFile(file)
			if errors.Is(err, fs.ErrExist) { // another node was quicker
				made = ""
				m, err = secret.LoadFile(file)
			}
		}
	}
	if errors.Is(err, fs.ErrNotExist) && bound != "" {
		return nil, "", fmt.Errorf("the database is sealed under master key %s, which is not here: set FLORIN_MASTER_KEY or FLORIN_MASTER_KEY_FILE, or put the file back at %s", bound, file)
	}
	if err != nil {
		return nil, "", err
	}
	if err := d.BindMasterKey(ctx, m.ID()); err != nil {
		if errors.Is(err, db.ErrOtherMasterKey) {
			return nil, "", fmt.Errorf("the database is sealed under master key %s, and the one given is %s", bound, m.ID())
		}
		return nil, "", err
	}
	return m, made, nil
}

//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrMissing says that this machine has no PostgreSQL server to start.
var ErrMissing = errors.New("no PostgreSQL server found: install one (Debian: apt-get install postgresql) or run scripts/setup")

// debianGlob is where Debian and its children keep each major version's
// programs, which are not on PATH.
const debianGlob = "/usr/lib/postgresql/*/bin"

// find gives the folder that holds initdb and postgres: the one on path, else
// the newest version that glob matches.
func find(path, glob string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if complete(dir) {
			return dir, nil
		}
	}
	dirs, err := filepath.Glob(glob)
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL in %s: %w", glob, err)
	}
	best, newest := "", -1
	for _, dir := range dirs {
		major := majorOf(dir)
		if major > newest && complete(dir) {
			best, newest = dir, major
		}
	}
	if best == "" {
		return "", ErrMissing
	}
	return best, nil
}

// complete reports whether dir holds the two programs that a server needs.
// They must come from one folder: an initdb of another major version makes a
// directory that postgres refuses.
func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return filepath.IsAbs(dir)
}

// majorOf reads the version out of …/<major>/bin; 0 if it is not a number.
func majorOf(dir string) int {
	major, _, _ := strings.Cut(filepath.Base(filepath.Dir(dir)), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// Installed gives the folder of the machine's PostgreSQL programs, or
// [ErrMissing].
func Installed() (string, error) { return find(os.Getenv("PATH"), debianGlob) }

//go:build unix

package florintest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const command = "github.com/florinpay/florin/cmd/florin"

var builds = struct {
	sync.Mutex
	dir    string
	byTags map[string]string // build tags → path
}{byTags: map[string]string{}}

// Binary gives the path of the binary, which it builds unless this process has
// built it or FLORIN_BIN names one. With build tags it is always built here.
func Binary(tb testing.TB, tags ...string) string {
	tb.Helper()
	path, err := binary(strings.Join(tags, ","))
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

func binary(tags string) (string, error) {
	if given := os.Getenv("FLORIN_BIN"); given != "" && tags == "" {
		return filepath.Abs(given)
	}
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.byTags[tags]; ok {
		return path, nil
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "florin-binary-")
		if err != nil {
			return "", fmt.Errorf("make a folder for the binary: %w", err)
		}
		if err := tellWatchdog("remove", dir); err != nil {
			return "", err
		}
		builds.dir = dir
	}
	path := filepath.Join(builds.dir, fmt.Sprintf("florin%d", len(builds.byTags)))
	build := exec.Command("go", "build", "-o", path, "-tags", tags, command)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	builds.byTags[tags] = path
	return path, nil
}

//go:build unix

package florintest

import (
	"encoding/json"
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

// Newer gives the path of a binary like [Binary]'s with one more migration, as
// the next release has one.
func Newer(tb testing.TB) string {
	tb.Helper()
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/florinpay/florin/internal/schema").Output()
	if err != nil {
		tb.Fatal(err)
	}
	root, dir := strings.TrimSpace(string(folder)), tb.TempDir()
	files, err := filepath.Glob(filepath.Join(root, "postgres", "*.sql"))
	if err != nil {
		tb.Fatal(err)
	}
	replace := map[string]string{}
	for engine, column := range map[string]string{"sqlite": "TEXT NOT NULL DEFAULT ''", "postgres": `TEXT COLLATE "C" NOT NULL DEFAULT ''`} {
		file := filepath.Join(dir, engine+".sql")
		sql := "ALTER TABLE attempt ADD COLUMN later " + column + ";\nALTER TABLE event ADD COLUMN later " + column + ";\n"
		if err := os.WriteFile(file, []byte(sql), 0o600); err != nil {
			tb.Fatal(err)
		}
		replace[filepath.Join(root, engine, fmt.Sprintf("%04d_later.sql", len(files)+1))] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(dir, "florin")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", path, command)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", command, err, out)
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

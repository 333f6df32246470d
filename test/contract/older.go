package contract

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stripe/stripe-mock/embedded"
)

// Newest is the document that Florin is built by.
func Newest(tb testing.TB) *Document {
	tb.Helper()
	d, err := newest()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

var newest = sync.OnceValues(func() (*Document, error) { return Read(embedded.OpenAPISpec) })

// releases are the releases of github.com/stripe/stripe-mock that hold older
// documents, with the hash of the module's content as a go.sum would have it. A
// go.mod can require one release of a module only.
var releases = map[string]struct{ release, sum string }{
	"2023-08-16":        {"v0.170.0", "h1:KrIQriQiYBY9Yomf7adA+Kdzo+vfpPubdU2AR3nWO6o="},
	"2023-10-16":        {"v0.180.0", "h1:QgcujPDMTIGHzoE9LH1mIJlk2+KcnEgGn0G1K9fTrs8="},
	"2024-09-30.acacia": {"v0.190.0", "h1:L+HXdTW5/mcfxvf1EcjnhwHsXUX2gz00x8f7UCu3PaI="},
	"2025-05-28.basil":  {"v0.195.0", "h1:w06zN7e9pKmp/DOrGl9c7kazL4hEPSXVF7HFUnGtLGY="},
}

// OlderVersions are those that there is a document of, the oldest first.
var OlderVersions = []string{"2023-08-16", "2023-10-16", "2024-09-30.acacia", "2025-05-28.basil"}

// Older is the document of one of [OlderVersions], which is fetched through the
// machine's module proxy unless the module cache has it.
func Older(tb testing.TB, version string) *Document {
	tb.Helper()
	from, ok := releases[version]
	if !ok {
		tb.Fatalf("there is no document of %s here", version)
	}
	text, err := os.ReadFile(filepath.Join(fetch(tb, from.release, from.sum), "embedded", "openapi", "spec3.json"))
	if err != nil {
		tb.Fatal(err)
	}
	d, err := Read(text)
	if err != nil {
		tb.Fatal(err)
	}
	if d.Version != version {
		tb.Fatalf("stripe-mock %s holds the document of %s, want %s", from.release, d.Version, version)
	}
	return d
}

// fetch gives the folder of a release.
func fetch(tb testing.TB, release, sum string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", "mod", "download", "-json", "github.com/stripe/stripe-mock@"+release)
	cmd.Dir = tb.TempDir() // outside of a module, whose go.sum it would write to
	cmd.Env = append(os.Environ(), "GOWORK=off", "GONOSUMDB=github.com/stripe/stripe-mock")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("fetch stripe-mock %s: %v\n%s%s", release, err, out, &complaint)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		tb.Fatal(err)
	}
	if got.Sum != sum {
		tb.Fatalf("stripe-mock %s is %s, want %s", release, got.Sum, sum)
	}
	return got.Dir
}

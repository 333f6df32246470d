//go:build probe

package mutants

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// limit is the longest that one killer may run; the first ones are quick.
func limit() time.Duration {
	if os.Getenv("FLORIN_MUTANTS") == "all" {
		return 10 * time.Minute
	}
	return time.Minute
}

// chosen gives the killers of a mutant that are run: the first, or all. The
// first runs elsewhere where it switches the mutant on itself.
func (m mutant) chosen() []killer {
	switch {
	case os.Getenv("FLORIN_MUTANTS") == "all":
		return m.killers
	case m.killers[0].itself:
		return nil
	}
	return m.killers[:1]
}

// TestMutants runs killers without their mutant and with it.
func TestMutants(t *testing.T) {
	onPostgres := os.Getenv("FLORIN_TEST_DB") != ""
	bench := &bench{dir: t.TempDir(), sound: map[killer]*verdict{}}
	var packages []string
	for _, m := range table {
		if m.postgres == onPostgres {
			for _, k := range m.chosen() {
				packages = append(packages, "./"+k.in)
			}
		}
	}
	slices.Sort(packages)
	bench.build(t, slices.Compact(packages))
	for _, m := range table {
		t.Run(m.name, func(t *testing.T) {
			if m.postgres != onPostgres {
				t.Skip("runs on the other database")
			}
			if len(m.chosen()) == 0 {
				t.Skipf("%s in %s switches it on itself", m.killers[0].run, m.killers[0].in)
			}
			t.Parallel()
			for _, k := range m.chosen() {
				bench.kill(t, m, k)
			}
		})
	}
}

// bench runs compiled tests.
type bench struct {
	dir   string
	mu    sync.Mutex
	sound map[killer]*verdict // without a mutant
}

type verdict struct {
	once sync.Once
	err  error
}

// build compiles the tests of packages, once each.
func (b *bench) build(t *testing.T, packages []string) {
	t.Helper()
	begun := time.Now()
	build := exec.CommandContext(t.Context(), "go", append([]string{"test", "-c", "-tags", "probe", "-ldflags", "-s -w", "-o", b.dir + "/"}, packages...)...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("built the tests of %d packages in %v", len(packages), time.Since(begun).Round(time.Millisecond))
}

// run runs a killer, with a mutant or without, and gives what it printed. One
// that finds the machine too slow for it, and so skips something, is run again.
func (b *bench) run(ctx context.Context, k killer, mutant string) (out string, err error) {
	for range 3 {
		if out, err = b.try(ctx, k, mutant); err != nil || !strings.Contains(out, "--- SKIP: ") {
			return out, err
		}
	}
	return out, errors.New("it was skipped")
}

func (b *bench) try(ctx context.Context, k killer, mutant string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit())
	defer cancel()
	parts := strings.Split(k.run, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, path.Base(k.in)+".test"), "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.failfast")
	cmd.Dir = filepath.Join(root, k.in)
	cmd.Env = append(os.Environ(), "FLORIN_KILL=", "FLORIN_MUTANT="+mutant)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("it came to no end within %v", limit())
	}
	return string(out), err
}

var ran = regexp.MustCompile(`(?m)^\s*--- PASS: `)

// passes reports why a killer does not pass without a mutant.
func (b *bench) passes(ctx context.Context, k killer) error {
	b.mu.Lock()
	v := b.sound[k]
	if v == nil {
		v = &verdict{}
		b.sound[k] = v
	}
	b.mu.Unlock()
	v.once.Do(func() {
		out, err := b.run(ctx, k, "")
		if err == nil && !ran.MatchString(out) {
			err = errors.New("no test ran")
		}
		if err != nil {
			v.err = fmt.Errorf("without the mutant: %w\n%s", err, out)
		}
	})
	return v.err
}

// kill fails the test unless the killer passes without the mutant and a test of
// it says why it fails with it. A killer that hangs has noticed nothing.
func (b *bench) kill(t *testing.T, m mutant, k killer) {
	t.Helper()
	if err := b.passes(t.Context(), k); err != nil {
		t.Errorf("%s in %s %v", k.run, k.in, err)
		return
	}
	if k.itself {
		t.Logf("killed by %s in %s, which switched it on itself", k.run, k.in)
		return
	}
	begun := time.Now()
	out, err := b.run(t.Context(), k, m.name)
	took := time.Since(begun).Round(time.Millisecond)
	_, exited := errors.AsType[*exec.ExitError](err)
	switch test, why := failure(out); {
	case err == nil:
		t.Errorf("%s survives %s in %s: %s", m.name, k.run, k.in, m.breaks)
	case !exited || why == "":
		t.Errorf("%s: %s in %s ended without saying why: %v\n%s", m.name, k.run, k.in, err, out)
	default:
		t.Logf("killed by %s in %s, %v: %s", test, k.in, took, why)
	}
}

var (
	begins  = regexp.MustCompile(`^\s*(?:=== (?:RUN|NAME|CONT|PAUSE)|--- (?:FAIL|PASS|SKIP):)\s+(\S+)`)
	message = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
	panics  = regexp.MustCompile(`^(?:panic|fatal error): .*$`)
)

// failure finds the test that failed first in what a test binary printed with
// -test.v, and what it said first. Lines of logs are passed over.
func failure(out string) (test, why string) {
	said, current, open := map[string]string{}, "", false
	var failed []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if m := begins.FindStringSubmatch(line); m != nil {
			current, open = m[1], false
			if strings.Contains(line, "--- FAIL:") {
				failed = append(failed, current)
			}
		} else if m := message.FindStringSubmatch(line); m != nil {
			if open = said[current] == "" && !strings.HasPrefix(m[1], "time="); open {
				said[current] = m[1]
			}
		} else if panics.MatchString(line) {
			return current, line
		} else if open {
			said[current] += " " + line // a message of several lines
		}
	}
	for _, test := range failed {
		if said[test] != "" {
			return test, short(said[test])
		}
	}
	return "", ""
}

// short is a text on one line of bounded length.
func short(text string) string {
	words := []rune(strings.Join(strings.Fields(text), " "))
	if len(words) > 160 {
		return string(words[:160]) + "…"
	}
	return string(words)
}

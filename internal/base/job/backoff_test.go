package job

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func kindFor(k Kind) Kind {
	k.Name, k.Handle = "test", func(context.Context, Job) error { return nil }
	return k.withDefaults(16)
}

func TestDelayStaysWithinItsBounds(t *testing.T) {
	k := kindFor(Kind{Backoff: time.Second, MaxBackoff: time.Minute})
	for tries := 1; tries < 80; tries++ {
		most := time.Minute
		if tries < 7 {
			most = time.Second << (tries - 1)
		}
		var low, high bool
		for key := range int64(400) {
			d := k.delay(1, key, tries)
			if d <= 0 || d > most {
				t.Fatalf("try %d of job %d waits %v, not within (0, %v]", tries, key, d, most)
			}
			low, high = low || d < most/4, high || d > most*3/4
		}
		if !low || !high {
			t.Errorf("try %d: no full jitter (low %v, high %v)", tries, low, high)
		}
	}
}

func TestDelayDependsOnSeedJobAndTryAlone(t *testing.T) {
	k := kindFor(Kind{Backoff: time.Hour})
	if a, b := k.delay(1, 2, 3), k.delay(1, 2, 3); a != b {
		t.Errorf("equal draws differ: %v %v", a, b)
	}
	first := k.delay(1, 2, 3)
	for name, d := range map[string]time.Duration{"seed": k.delay(2, 2, 3), "job": k.delay(1, 3, 3), "try": k.delay(1, 2, 4)} {
		if d == first {
			t.Errorf("another %s gives the same wait %v", name, d)
		}
	}
}

func TestKindsThatCannotWorkAreRefused(t *testing.T) {
	handle := func(context.Context, Job) error { return nil }
	for name, k := range map[string]Kind{
		"no name":           {Handle: handle},
		"no handler":        {Name: "x"},
		"timeout > lease":   {Name: "x", Handle: handle, Lease: time.Second, Timeout: time.Minute},
		"negative lease":    {Name: "x", Handle: handle, Lease: -time.Second},
		"negative back-off": {Name: "x", Handle: handle, Backoff: -1},
		"cap under base":    {Name: "x", Handle: handle, Backoff: time.Minute, MaxBackoff: time.Second},
		"negative tries":    {Name: "x", Handle: handle, MaxTries: -1},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			k.withDefaults(16)
		})
	}
}

func TestProblemsAreReadableAndBounded(t *testing.T) {
	for _, problem := range []string{"", "plain", "nul\x00byte", "\xff\xfe", strings.Repeat("é", maxProblem), strings.Repeat("\xff", 3*maxProblem)} {
		got := readable(problem)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) || len(got) > 3*maxProblem+10 {
			t.Errorf("readable(%.20q) = %.40q (%d bytes)", problem, got, len(got))
		}
	}
	if got := readable("plain"); got != "plain" {
		t.Errorf("changed to %q", got)
	}
}

func TestKeysByNameDiffer(t *testing.T) {
	seen := map[int64]string{}
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"1:a", ""}, {"a", "b"}} {
		k := KeyOf(pair[0], pair[1])
		if k < 1<<62 || seen[k] != "" {
			t.Errorf("%q: key %d (also of %q)", pair, k, seen[k])
		}
		seen[k] = pair[0] + "/" + pair[1]
	}
}

package id

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// However the clock moves, keys rise; and none sorts before the floor of the
// instant it was made at.
func TestKeysRiseWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.At(noon)
		g := NewGenerator(c, rapid.Int64().Draw(t, "node"))
		steps := rapid.SliceOfN(rapid.Int64Range(-5000, 5000), 1, 50).Draw(t, "clock steps in ms")
		last := int64(0)
		for _, step := range steps {
			c.Advance(time.Duration(step) * time.Millisecond)
			for range rapid.IntRange(0, 300).Draw(t, "keys") {
				key := g.Next()
				if key <= last {
					t.Fatalf("key %d after %d", key, last)
				}
				if floor := Floor(c.Now()); key < floor || Time(key).Before(c.Now()) {
					t.Fatalf("key %d of %v, made at %v, is below the floor %d", key, Time(key), c.Now(), floor)
				}
				last = key
			}
		}
	})
}

func TestClockBeforeTheEpoch(t *testing.T) {
	g := NewGenerator(clock.At(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)), 3)
	if a, b := g.Next(), g.Next(); a <= 0 || b <= a {
		t.Errorf("keys %d, %d", a, b)
	}
	if got := Floor(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)); got != 0 {
		t.Errorf("Floor before the epoch = %d, want 0", got)
	}
}

func TestTimeAndFloor(t *testing.T) {
	g := NewGenerator(clock.At(noon.Add(123456789)), MaxNode) // 123.456789 ms past noon
	key, want := g.Next(), noon.Add(123*time.Millisecond)
	if got := Time(key); !got.Equal(want) {
		t.Errorf("Time = %v, want %v", got, want)
	}
	if Floor(want) > key || Floor(want.Add(time.Millisecond)) <= key {
		t.Errorf("key %d is not between the floors of its millisecond and the next", key)
	}
	if got := Time(Floor(want)); !got.Equal(want) {
		t.Errorf("Time of the floor = %v, want %v", got, want)
	}
}

// Two nodes in the same milliseconds, many callers each: no key twice, and
// every caller sees its own keys rise.
func TestConcurrentCallers(t *testing.T) {
	const callers, each = 8, 2000
	c := clock.At(noon)
	nodes := []*Generator{NewGenerator(c, 1), NewGenerator(c, 2)}
	made := make([][]int64, callers)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			for range each {
				made[i] = append(made[i], nodes[i%len(nodes)].Next())
			}
		})
	}
	all.Wait()
	for i, keys := range made {
		if !slices.IsSorted(keys) {
			t.Errorf("the keys of caller %d do not rise", i)
		}
	}
	keys := slices.Concat(made...)
	slices.Sort(keys)
	if n := len(slices.Compact(keys)); n != callers*each {
		t.Errorf("%d different keys, want %d", n, callers*each)
	}
}

func BenchmarkNext(b *testing.B) {
	g := NewGenerator(clock.System{}, 1)
	for b.Loop() {
		if g.Next() <= 0 {
			b.Fatal("no key")
		}
	}
}

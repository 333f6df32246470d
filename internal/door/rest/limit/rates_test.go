package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	const ms = time.Millisecond
	type ask struct {
		at   time.Duration
		key  uint64
		wait time.Duration
	}
	for name, c := range map[string]struct {
		rate  float64
		burst int
		asks  []ask
	}{
		"no limit":                  {0, 5, []ask{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}}},
		"burst, then the rate":      {10, 2, []ask{{0, 1, 0}, {0, 1, 0}, {0, 1, 100 * ms}, {99 * ms, 1, ms}, {100 * ms, 1, 0}, {100 * ms, 1, 100 * ms}, {300 * ms, 1, 0}, {300 * ms, 1, 0}, {300 * ms, 1, 100 * ms}}},
		"refused ones cost nothing": {1, 1, []ask{{0, 1, 0}, {0, 1, time.Second}, {500 * ms, 1, 500 * ms}, {900 * ms, 1, 100 * ms}, {time.Second, 1, 0}}},
		"each key for itself":       {1, 1, []ask{{0, 1, 0}, {0, 2, 0}, {0, 1, time.Second}, {0, 2, time.Second}, {0, 3, 0}}},
		"a second's worth":          {2.5, 0, []ask{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 400 * ms}}},
		"less than one a second":    {0.5, 0, []ask{{0, 1, 0}, {0, 1, 2 * time.Second}, {1999 * ms, 1, ms}, {2 * time.Second, 1, 0}}},
		"time that runs backwards":  {10, 1, []ask{{time.Hour, 1, 0}, {0, 1, 100 * ms}, {100 * ms, 1, 0}}},
	} {
		r := NewRates(c.rate, c.burst)
		for i, a := range c.asks {
			if got := r.Take(a.key, time.Unix(1e9, 0).Add(a.at)); got.Round(time.Microsecond) != a.wait {
				t.Errorf("%s: request %d has to wait %s, want %s", name, i, got, a.wait)
			}
		}
	}
}

// Forgetting keys changes nothing: the limiter does what one that keeps them
// all does, and keeps few.
func TestForgottenKeys(t *testing.T) {
	const seed = 11
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r, all := NewRates(3, 5), NewRates(3, 5)
	all.refill = 1000 * time.Hour
	now, most := time.Unix(1e9, 0), 0
	for range 50_000 {
		now = now.Add(time.Duration(random.ExpFloat64() * float64(5*time.Millisecond)))
		key := uint64(random.ExpFloat64() * 300)
		if got, want := r.Take(key, now), all.Take(key, now); got.Round(time.Microsecond) != want.Round(time.Microsecond) {
			t.Fatalf("key %d: %s, want %s", key, got, want)
		}
		most = max(most, r.Keys())
	}
	if most > 500 || all.Keys() < 1000 {
		t.Errorf("%d keys were kept, of %d", most, all.Keys())
	}
	r.Take(1, now.Add(time.Minute))
	r.Take(1, now.Add(2*time.Minute))
	if r.Keys() != 1 {
		t.Errorf("%d keys are kept two minutes later", r.Keys())
	}
}

func BenchmarkTake(b *testing.B) {
	r, now := NewRates(1e9, 1e9), time.Unix(1e9, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		r.Take(uint64(now.UnixMicro()%100), now)
	}
}

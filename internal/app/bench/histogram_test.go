package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Every duration lies in its bucket, buckets follow on each other without a
// gap, and none is wider than a 128th of what it holds.
func TestBuckets(t *testing.T) {
	before := time.Duration(-1)
	for place := range buckets {
		low, high := before+1, highest(place)
		if high < low {
			t.Fatalf("bucket %d ends at %d, the one before at %d", place, high, before)
		}
		for _, d := range []time.Duration{low, (low + high) / 2, high} {
			if got := bucket(d); got != place {
				t.Fatalf("%d ns: bucket %d, want %d", d, got, place)
			}
		}
		if width := high - low + 1; width > max(1, low/fine) {
			t.Fatalf("bucket %d of %d to %d ns is wider than a %dth", place, low, high, fine)
		}
		before = high
	}
	if bucket(math.MaxInt64) != buckets-1 || bucket(-1) != 0 {
		t.Error("durations outside the range fall outside the buckets")
	}
}

// Quantiles agree with those of the sorted durations, to a 128th, and never
// below; the longest is exact.
func TestQuantiles(t *testing.T) {
	const seed = 7
	draw := rand.New(rand.NewPCG(seed, seed))
	for _, n := range []int{1, 2, 3, 100, 1000, 20_000} {
		var h, second histogram
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(math.Exp(draw.Float64()*20) * 100)
			[]*histogram{&h, &second}[i%2].record(all[i])
		}
		h.add(&second)
		slices.Sort(all)
		for _, share := range []int64{1, 10_000, 50_000, 90_000, 99_000, 99_900, whole} {
			rank := (int64(n)*share + whole - 1) / whole
			want := all[max(rank, 1)-1]
			if got := h.quantile(share); got < want || got > want+want/fine {
				t.Errorf("seed %d, %d durations, share %d: %v, want %v to %v", seed, n, share, got, want, want+want/fine)
			}
		}
		if longest := time.Duration(h.longest.Load()); longest != all[n-1] || h.quantile(whole) != all[n-1] || h.total.Load() != int64(n) {
			t.Errorf("%d durations: longest %v of %d, want %v", n, longest, h.total.Load(), all[n-1])
		}
		median := h.quantile(50_000)
		if taken := h.take(); taken.quantile(50_000) != median || taken.total.Load() != int64(n) || h.total.Load() != 0 || h.quantile(whole) != 0 {
			t.Errorf("%d durations: %d taken with the median %v, %d left with %v", n, taken.total.Load(), taken.quantile(50_000), h.total.Load(), h.quantile(whole))
		}
	}
	if got := (&histogram{}).quantile(50_000); got != 0 {
		t.Errorf("an empty histogram has the median %v", got)
	}
}

package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets that are a 128th of their value wide,
// so that it needs the same memory however many there are. Up to 255 ns they
// are exact; the longest is about an hour, and what is longer counts as that.
// The zero value is empty. Many may record at once.
type histogram struct {
	counts  [buckets]atomic.Int64
	total   atomic.Int64
	longest atomic.Int64 // nanoseconds
}

const (
	fineBits = 7 // 2^7 buckets for each doubling
	fine     = 1 << fineBits
	topBits  = 42 // 2^42 ns are 73 minutes
	buckets  = (topBits - fineBits + 1) * fine
)

// bucket is the place of a duration. Below 2·fine it is the value itself; above,
// each doubling has fine places, chosen by the bits that follow the leading one.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < fine {
		return int(v)
	}
	shift := bits.Len64(v) - fineBits - 1
	return min((shift+1)<<fineBits+int(v>>shift)-fine, buckets-1)
}

// highest is the longest duration that has the place.
func highest(place int) time.Duration {
	if place < 2*fine {
		return time.Duration(place)
	}
	shift := place>>fineBits - 1
	low := uint64(fine+place&(fine-1)) << shift
	return time.Duration(low + 1<<shift - 1)
}

func (h *histogram) record(d time.Duration) {
	h.counts[bucket(d)].Add(1)
	h.total.Add(1)
	h.reach(int64(d))
}

// reach makes the longest at least n.
func (h *histogram) reach(n int64) {
	for was := h.longest.Load(); n > was && !h.longest.CompareAndSwap(was, n); {
		was = h.longest.Load()
	}
}

func (h *histogram) add(o *histogram) {
	for i := range o.counts {
		h.counts[i].Add(o.counts[i].Load())
	}
	h.total.Add(o.total.Load())
	h.reach(o.longest.Load())
}

// take empties the histogram into a new one. What is recorded meanwhile is in
// one of them, wholly or in part.
func (h *histogram) take() *histogram {
	t := new(histogram)
	for i := range h.counts {
		if n := h.counts[i].Swap(0); n > 0 {
			t.counts[i].Store(n)
			t.total.Add(n)
		}
	}
	h.total.Store(0)
	t.longest.Store(h.longest.Swap(0))
	return t
}

// quantile is a duration that at least share of whole durations do not exceed:
// 50_000 asks for the median, 99_900 for the 99.9th percentile.
// It is the upper end of its bucket, so at most a 128th too long.
func (h *histogram) quantile(share int64) time.Duration {
	longest := time.Duration(h.longest.Load())
	rank := (h.total.Load()*share + whole - 1) / whole // rounded up
	var seen int64
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen >= rank && seen > 0 {
			return min(highest(i), longest)
		}
	}
	return longest
}

// whole is the share of all durations.
const whole = 100_000

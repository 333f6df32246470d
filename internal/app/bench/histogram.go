package bench

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are a 128th of their value wide,
// so that it needs the same memory however many there are. Up to 255 ns they
// are exact; the longest is about an hour, and what is longer counts as that.
// The zero value is empty.
type histogram struct {
	counts  [buckets]int64
	total   int64
	longest time.Duration
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
	h.counts[bucket(d)]++
	h.total++
	h.longest = max(h.longest, d)
}

func (h *histogram) add(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.longest = max(h.longest, o.longest)
}

// quantile is a duration that at least share of whole durations do not exceed:
// 50_000 asks for the median, 99_900 for the 99.9th percentile.
// It is the upper end of its bucket, so at most a 128th too long.
func (h *histogram) quantile(share int64) time.Duration {
	rank := (h.total*share + whole - 1) / whole // rounded up
	var seen int64
	for i, n := range h.counts {
		if seen += n; seen >= rank && seen > 0 {
			return min(highest(i), h.longest)
		}
	}
	return h.longest
}

// whole is the share of all durations.
const whole = 100_000

package webhook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChoose(t *testing.T) {
	now := time.Unix(1800000000, 0)
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	fresh := func(seq int64) delivery { return delivery{Event: seq, Seq: seq, State: Pending, Due: at(-1)} }
	parked := func(seq int64, failed, due int) delivery {
		return delivery{Event: seq, Seq: seq, State: Pending, Failed: at(failed), Due: at(due), Tries: 1}
	}
	given := func(seq int64, s State) delivery { return delivery{Event: seq, Seq: seq, State: s} }
	type want struct {
		Pick    int64 // the number of what goes; 0: nothing
		Skipped []int64
		Blocked []int64
		Until   int // seconds from now
	}
	for name, c := range map[string]struct {
		open []delivery
		want want
	}{
		"nothing":                              {nil, want{}},
		"the first of several":                 {[]delivery{fresh(1), fresh(2)}, want{Pick: 1}},
		"numbers may have gaps":                {[]delivery{fresh(4), fresh(9)}, want{Pick: 4}},
		"behind one that has just failed":      {[]delivery{parked(1, -5, 5), fresh(2), fresh(3)}, want{Blocked: []int64{2, 3}, Until: 5}},
		"patience ends before the next try":    {[]delivery{parked(1, -50, 30), fresh(2)}, want{Blocked: []int64{2}, Until: 10}},
		"past one that has failed for long":    {[]delivery{parked(1, -60, 30), fresh(2)}, want{Pick: 2, Skipped: []int64{1}}},
		"past several":                         {[]delivery{parked(1, -90, 30), parked(3, -70, 20), fresh(5)}, want{Pick: 5, Skipped: []int64{1, 3}}},
		"not past the second":                  {[]delivery{parked(1, -90, 30), parked(3, -10, 20), fresh(5)}, want{Blocked: []int64{5}, Until: 20}},
		"a parked one that is due goes first":  {[]delivery{parked(1, -90, 0), fresh(2)}, want{Pick: 1}},
		"a parked one goes past an older one":  {[]delivery{parked(1, -90, 30), parked(2, -10, 0)}, want{Pick: 2, Skipped: []int64{1}}},
		"what was given up is named":           {[]delivery{given(1, Failed), given(2, Stopped), fresh(3)}, want{Pick: 3, Skipped: []int64{1, 2}}},
		"nothing but what was given up":        {[]delivery{given(1, Failed)}, want{}},
		"behind one that waits its turn":       {[]delivery{{Event: 1, Seq: 1, State: Pending, Due: at(7)}, fresh(2)}, want{Blocked: []int64{2}, Until: 7}},
		"what is not due is not put off again": {[]delivery{parked(1, -5, 5), parked(2, -5, 9)}, want{Until: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			got := choose(c.open, now)
			is := want{Skipped: got.skipped}
			if got.pick >= 0 {
				is.Pick = c.open[got.pick].Seq
			}
			for _, d := range got.blocked {
				is.Blocked = append(is.Blocked, d.Seq)
			}
			if !got.until.IsZero() {
				is.Until = int(got.until.Sub(now) / time.Second)
			}
			if diff := cmp.Diff(c.want, is); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An event is tried for three days, ever more seldom, and then given up.
func TestFailuresAreTriedForThreeDays(t *testing.T) {
	for event := range int64(50) {
		began := time.Unix(1800000000, 0)
		now, d := began, delivery{Event: event, Seq: 1, State: Pending}
		last, tries := time.Duration(0), 0
		for d.State == Pending {
			d = d.after(now)
			tries++
			if d.Failed != began {
				t.Fatalf("parked since %v", d.Failed)
			}
			if d.State != Pending {
				break
			}
			wait := d.Due.Sub(now)
			if wait < 8*time.Second || wait > longPause+longPause/5 || wait < last/2 {
				t.Fatalf("try %d waits %v after %v", tries, wait, last)
			}
			now, last = d.Due, wait
		}
		if over := now.Sub(began); over > GiveUpAfter || over < GiveUpAfter-2*longPause || tries < 18 || tries > 30 || d.State != Failed || !d.Due.IsZero() {
			t.Fatalf("given up after %v and %d tries: %+v", over, tries, d)
		}
	}
}

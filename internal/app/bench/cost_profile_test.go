//go:build unix

package bench

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
)

var profileTo = flag.String("cost-profile", "", "write what payments and webhooks allocate into this `folder`")

// How many are profiled: of payments in so many rounds, of webhooks all at once.
const (
	profiledRounds   = 16
	profiledAtOnce   = 128
	profiledWebhooks = 1024
)

// TestCostProfile writes two profiles of each, before and after, for
//
//	go tool pprof -sample_index=alloc_space -diff_base payments.before bench.test payments.after
//
// where -ignore leaves out the sandbox and what prepares the requests.
func TestCostProfile(t *testing.T) {
	if *profileTo == "" {
		t.Skip("only with -cost-profile")
	}
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 128
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var told atomic.Int64
	receiver := newQuiet(t, &told)
	c := openCosts(t, dbtest.Address(t), t.TempDir(), "profile", clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)), nil, &told)
	c.stock()
	profile := func(name string, times int, ready func(*costs) (do, check func())) {
		do, check := ready(c)
		do()
		check()
		var dos, checks []func()
		for range times {
			do, check := ready(c)
			dos, checks = append(dos, do), append(checks, check)
		}
		writeProfile(t, name+".before")
		for _, do := range dos {
			c.tick()
			do()
		}
		writeProfile(t, name+".after")
		for _, check := range checks {
			check()
		}
	}
	profile("payments", profiledRounds, together(profiledAtOnce, asked(pay, nothing)))
	profile("payment", profiledRounds*profiledAtOnce/4, asked(pay, nothing))
	c.clock.Advance(time.Hour)
	c.post("/v1/webhook_endpoints", url.Values{"url": {receiver}, "enabled_events[]": {succeeded}})
	profile("webhooks", 1, delivered(profiledWebhooks))
	t.Logf("payments: %d, %d at once; payment: %d, one at a time; webhooks: %d", profiledRounds*profiledAtOnce, profiledAtOnce, profiledRounds*profiledAtOnce/4, profiledWebhooks)
}

// writeProfile writes what was allocated so far.
func writeProfile(t *testing.T, name string) {
	t.Helper()
	runtime.GC()
	runtime.GC() // a profile is of what two collections have seen
	f, err := os.Create(filepath.Join(*profileTo, name))
	if err == nil {
		err = pprof.Lookup("allocs").WriteTo(f, 0)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

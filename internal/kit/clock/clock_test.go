package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

func TestFixedStandsStill(t *testing.T) {
	c := At(noon.In(time.FixedZone("", 3600)))
	if got := c.Now(); got != noon {
		t.Errorf("Now = %v, want %v in UTC", got, noon)
	}
	c.Advance(time.Minute)
	if got, want := c.Now(), noon.Add(time.Minute); got != want {
		t.Errorf("Now = %v, want %v", got, want)
	}
	c.Advance(-time.Hour)
	if got, want := c.Now(), noon.Add(-59*time.Minute); got != want {
		t.Errorf("stepped back, Now = %v, want %v", got, want)
	}
}

// Each move wakes those that are due and nobody else.
func TestFixedWakesSleepers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := At(noon)
		woken := make(chan time.Duration, 3)
		for _, d := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
			go func() {
				if err := c.Sleep(t.Context(), d); err == nil {
					woken <- d
				}
			}()
		}
		for _, step := range []struct {
			by   time.Duration
			wake int
		}{{999 * time.Millisecond, 0}, {time.Millisecond, 1}, {-time.Minute, 0}, {time.Minute + 2*time.Second, 2}} {
			synctest.Wait()
			c.Advance(step.by)
			synctest.Wait()
			if len(woken) != step.wake {
				t.Fatalf("a move by %v woke %d, want %d", step.by, len(woken), step.wake)
			}
			for range step.wake {
				<-woken
			}
		}
	})
}

func TestSleepOfNothingReturns(t *testing.T) {
	for name, c := range map[string]Clock{"fixed": At(noon), "system": System{}} {
		for _, d := range []time.Duration{0, -time.Second} {
			if err := c.Sleep(t.Context(), d); err != nil {
				t.Errorf("%s: Sleep(%v) = %v", name, d, err)
			}
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	for name, c := range map[string]func() Clock{
		"fixed":  func() Clock { return At(noon) },
		"system": func() Clock { return System{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- c().Sleep(ctx, time.Hour) }()
				synctest.Wait()
				if len(ended) != 0 {
					t.Fatal("woke before its time")
				}
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("Sleep = %v, want context.Canceled", err)
				}
			})
		})
	}
}

func TestSystemInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := System{}.Now()
		if start.Location() != time.UTC {
			t.Errorf("Now is in %v, want UTC", start.Location())
		}
		if err := (System{}).Sleep(t.Context(), 36*time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := (System{}).Now().Sub(start); got != 36*time.Hour {
			t.Errorf("slept %v, want 36h", got)
		}
	})
}

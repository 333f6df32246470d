package db

import (
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// stats is what a handle counts from its opening on.
type stats struct {
	trains, steps atomic.Int64 // committed
	took          times        // of trains that were committed
	waited        times        // of steps, until their train left
}

// times counts times by length.
type times struct {
	classes [len(timeBounds) + 1]atomic.Int64 // the last for those beyond all bounds
	sum     atomic.Int64                      // in nanoseconds
}

// timeBounds are the upper bounds, included, of the classes by which times
// are counted.
var timeBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second,
}

func (s *times) add(d time.Duration) {
	class := 0
	for class < len(timeBounds) && d > timeBounds[class] {
		class++
	}
	s.classes[class].Add(1)
	s.sum.Add(int64(d))
}

// Times is how many things took at most so long, how many there were, and how
// long all took together.
type Times struct {
	Within map[time.Duration]int64
	Count  int64
	Sum    time.Duration
}

func (s *times) read() Times {
	t := Times{Within: make(map[time.Duration]int64, len(timeBounds)), Sum: time.Duration(s.sum.Load())}
	for i, bound := range timeBounds {
		t.Count += s.classes[i].Load()
		t.Within[bound] = t.Count
	}
	t.Count += s.classes[len(timeBounds)].Load()
	return t
}

// arrived counts a train that was committed.
func (s *stats) arrived(begun time.Time, steps int) {
	s.took.add(clock.System{}.Now().Sub(begun)) // what a database takes is the machine's time
	s.trains.Add(1)
	s.steps.Add(int64(steps))
}

// Figures tell how a handle's trains run. Counts are from its opening on.
type Figures struct {
	Engine string // "sqlite" or "postgres"
	Steps  int64  // committed
	// Queued is how many steps wait now, and Lines of how many scopes they are.
	Queued, Lines int
	// Took are the times of trains that were committed, from the first statement
	// to the durable commit.
	Took Times
	// Waited are the times that steps waited for their train to leave.
	Waited Times
}

// Figures gives the figures as they are now. Those of a facade are those of
// the handle behind it.
func (d *DB) Figures() Figures {
	d = d.base()
	f := Figures{Engine: "postgres", Steps: d.stats.steps.Load(), Took: d.stats.took.read(), Waited: d.stats.waited.read()}
	if _, ok := d.engine.(*sqlite); ok {
		f.Engine = "sqlite"
	}
	for _, w := range d.trains {
		steps, lines := w.queue.figures()
		f.Queued, f.Lines = f.Queued+steps, f.Lines+lines
	}
	return f
}

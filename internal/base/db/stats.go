package db

import (
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// stats is what a handle counts from its opening on.
type stats struct {
	trains, steps atomic.Int64 // committed
	shed          atomic.Int64
	took          [len(trainBounds) + 1]atomic.Int64 // trains by time, the last for those beyond all bounds
	time          atomic.Int64                       // of all trains, in nanoseconds
}

// trainBounds are the upper bounds, included, of the classes by which the times
// of trains are counted.
var trainBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second,
}

// arrived counts a train that was committed.
func (s *stats) arrived(begun time.Time, steps int) {
	took := clock.System{}.Now().Sub(begun) // what a database takes is the machine's time
	class := 0
	for class < len(trainBounds) && took > trainBounds[class] {
		class++
	}
	s.took[class].Add(1)
	s.time.Add(int64(took))
	s.trains.Add(1)
	s.steps.Add(int64(steps))
}

// Figures tell how a handle's trains run. Counts are from its opening on.
type Figures struct {
	Engine        string // "sqlite" or "postgres"
	Trains, Steps int64  // committed
	Shed          int64  // steps refused because a queue was full
	// Queued is how many steps wait now, and Places how many can.
	Queued, Places int
	// Took says how many trains took at most so long, from the first statement
	// to the durable commit; Time is what all took together.
	Took map[time.Duration]int64
	Time time.Duration
}

// Figures gives the figures as they are now. Those of a facade are those of
// the handle behind it.
func (d *DB) Figures() Figures {
	d = d.base()
	f := Figures{
		Engine: "postgres", Steps: d.stats.steps.Load(), Shed: d.stats.shed.Load(),
		Places: queueCap * len(d.trains), Took: make(map[time.Duration]int64, len(trainBounds)), Time: time.Duration(d.stats.time.Load()),
	}
	if _, ok := d.engine.(*sqlite); ok {
		f.Engine = "sqlite"
	}
	for _, w := range d.trains {
		f.Queued += len(w.queue)
	}
	for i, bound := range trainBounds {
		f.Trains += d.stats.took[i].Load()
		f.Took[bound] = f.Trains
	}
	f.Trains += d.stats.took[len(trainBounds)].Load()
	return f
}

package db

import (
	"context"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// queue holds the steps that wait for one train, those of each scope in a line
// of its own. The lines take turns, so that a scope of which a thousand steps wait
// keeps the step of another one waiting for one round, and not for a thousand.
//
// It refuses nobody: what comes may be the second half of a payment. Whoever
// begins something asks [DB.Crowded] first.
type queue struct {
	mu     sync.Mutex
	some   sync.Cond // steps wait, or the queue was closed
	lines  map[int64]*line
	first  *line // whose turn is next
	last   *line
	spare  *line // lines that are empty, for the next that are needed
	steps  int
	urgent int  // of the steps, those that somebody waits for
	asleep bool // somebody sees to it that patient steps leave in time
	late   bool // patient steps have waited for company long enough
	closed bool

	opened time.Time     // zero of the times below, and of the tickets'
	since  time.Duration // when the steps began to wait of which some always do
	left   time.Duration // when the train left that is under way; 0: none is
	pace   time.Duration // of trains, from their departure until the next may leave, of late
}

// line is the steps of one scope that wait, the first come first.
type line struct {
	scope       int64
	first, last *ticket
	steps       int
	next        *line
}

func newQueue() *queue {
	q := &queue{lines: map[int64]*line{}, opened: clock.System{}.Now()}
	q.some.L = &q.mu
	return q
}

// now is the machine's time: it is what people wait by.
func (q *queue) now() time.Duration { return clock.System{}.Now().Sub(q.opened) }

// push has a step wait.
func (q *queue) push(t *ticket) {
	t.queued = q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.steps == 0 {
		q.since = t.queued
	}
	q.steps++
	if t.step.Patient {
		q.wake()
	} else if q.urgent++; q.urgent == 1 {
		q.some.Signal()
	}
	l := q.lines[t.step.Scope]
	if l == nil {
		q.enter(t)
		return
	}
	l.last.next, l.last = t, t
	l.steps++
}

// company is how long patient steps wait for others to ride with.
const company = 5 * time.Millisecond

// wake has the patient steps leave in time. q.mu is held.
func (q *queue) wake() {
	if q.asleep {
		return
	}
	q.asleep = true
	go func() {
		_ = clock.System{}.Sleep(context.Background(), company)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.asleep, q.late = false, q.steps > 0
		q.some.Signal()
	}()
}

// enter makes a line of a step whose scope has none.
func (q *queue) enter(t *ticket) {
	l := q.spare
	if l == nil {
		l = new(line)
	} else {
		q.spare = l.next
	}
	*l = line{scope: t.step.Scope, first: t, last: t, steps: 1}
	q.lines[l.scope] = l
	q.toEnd(l)
}

// toEnd puts a line behind all others.
func (q *queue) toEnd(l *line) {
	l.next = nil
	if q.first == nil {
		q.first = l
	} else {
		q.last.next = l
	}
	q.last = l
}

// wait waits until a step does that somebody waits for, or others have for long enough,
// and lets a train leave. It reports false when no step ever will come.
func (q *queue) wait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && (q.steps == 0 || q.urgent == 0 && !q.late) {
		q.some.Wait()
	}
	q.left = q.now()
	return q.steps > 0
}

// take appends the steps that ride next, as many as find a seat.
func (q *queue) take(batch []*ticket, seats int) []*ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; seats > 0 && q.first != nil; seats-- {
		l := q.first
		t := l.first
		batch = append(batch, t)
		q.steps--
		if !t.step.Patient {
			q.urgent--
		}
		if l.steps--; l.steps > 0 {
			l.first, t.next = t.next, nil
			if l != q.last {
				q.first = l.next
				q.toEnd(l)
			}
			continue
		}
		q.first = l.next
		delete(q.lines, l.scope)
		*l = line{next: q.spare}
		q.spare = l
	}
	q.late = q.steps > 0 // who found no seat has waited already
	return batch
}

// close lets the steps that wait be the last.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}

// arrived notes how long the train took. One that took long, since the disk was
// busy with something else, counts for some trains only.
func (q *queue) arrived() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace += (q.now() - q.left - q.pace) / 4
	q.left = 0
}

// patience says which waiting is too long. A rush is let wait for burst, since
// it will be over: refusing it would leave the trains empty afterwards. Once
// steps have been waiting for so long without a break it is no rush but more than
// can be carried, and a long queue would only make everybody wait.
type patience struct {
	standing time.Duration
	burst    time.Duration
}

// bursts is how much longer a rush may wait.
const bursts = 4

func patienceOf(d time.Duration) patience { return patience{d, bursts * d} }

// crowded reports whether a step of a scope that came now would wait too long.
func (q *queue) crowded(p patience, scope int64, seats int) bool {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.steps < seats {
		return false // it rides in the next train
	}
	own, lines := 0, len(q.lines)
	if l := q.lines[scope]; l != nil {
		own = l.steps
	} else {
		lines++
	}
	pace := q.pace
	if q.left > 0 {
		pace = max(pace, now-q.left)
	}
	return p.over(time.Duration(ahead(q.steps, own, lines)/seats)*pace, now-q.since)
}

// over reports whether a wait is too long when some have waited without a break
// for a time.
func (p patience) over(wait, standing time.Duration) bool {
	if standing > p.burst {
		return wait > p.standing
	}
	return wait > p.burst
}

// ahead is how many of the steps that wait leave at most before one that comes
// now: as many of each line as its own has, and one of each that had its turn.
func ahead(steps, own, lines int) int { return min(steps, (own+1)*lines-1) }

// figures are how many steps wait, and of how many scopes.
func (q *queue) figures() (steps, lines int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.steps, len(q.lines)
}

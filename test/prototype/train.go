package main

import (
	"errors"
	"sync"
	"sync/atomic"
)

// tally counts what the trains of a run did.
type tally struct {
	trains, steps, refused atomic.Int64
}

// train carries steps to one engine: whatever is queued, up to most steps,
// in one transaction. It never waits for more.
type train struct {
	queue chan *work
	eng   engine
	most  int
	tally *tally
	fail  func(error)
}

func (t *train) loop(wg *sync.WaitGroup) {
	defer wg.Done()
	batch := make([]*work, 0, t.most)
	for w := range t.queue {
		batch = append(batch[:0], w)
		batch = t.fill(batch)
		if err := t.eng.run(batch); err != nil {
			t.fail(err)
			for _, w := range batch {
				w.err = err
			}
		}
		t.tally.trains.Add(1)
		t.tally.steps.Add(int64(len(batch)))
		for _, w := range batch {
			if errors.Is(w.err, errRefused) {
				t.tally.refused.Add(1)
			}
			w.done <- struct{}{}
		}
	}
}

func (t *train) fill(batch []*work) []*work {
	for len(batch) < t.most {
		select {
		case w, ok := <-t.queue:
			if !ok {
				return batch
			}
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// station sends a step to the train of its scope and waits for the outcome.
type station struct{ trains []*train }

func (s *station) ride(scope int64, w *work) error {
	w.err = nil
	s.trains[scope%int64(len(s.trains))].queue <- w
	<-w.done
	return w.err
}

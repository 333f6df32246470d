package world

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
)

// place is a kind of point where actors park.
type place string

// The places.
const (
	atStep    place = "step"    // a step waits to be queued
	atDone    place = "done"    // a step has ended
	atTrain   place = "train"   // a train waits to depart
	atSend    place = "send"    // a provider is about to be called
	atReceive place = "receive" // a provider has answered
	atClient  place = "client"  // a client sends, or has its answer
	atHook    place = "hook"    // a merchant's server gets a webhook
)

// parked is an actor that waits for its turn.
type parked struct {
	name  string
	place place
	what  string // the step's name, or the provider's operation
	node  *node  // nil: a client's, or the database's
	turn  chan verdict
}

// scheduler lets one actor at a time go on. No mutex is held by whoever parks.
type scheduler struct {
	w       *world
	mu      sync.Mutex
	waiting map[string]*parked
	arrived chan struct{}
	stop    chan struct{}
	ended   chan struct{}
}

func newScheduler(w *world) *scheduler {
	return &scheduler{w: w, waiting: map[string]*parked{}, arrived: make(chan struct{}, 1),
		stop: make(chan struct{}), ended: make(chan struct{})}
}

// park waits for the actor's turn. Names of actors that wait at once differ, so
// that the order in which they came does not matter.
func (s *scheduler) park(p *parked) verdict {
	p.turn = make(chan verdict, 1)
	s.mu.Lock()
	for s.waiting[p.name] != nil {
		// By clocks that jump a node may be at the same work twice, and at a job of which
		// it has lost the lease while a step was slow.
		if !s.w.skewed && !strings.Contains(p.name, " job.record ") {
			s.w.fail("two actors are called %s", p.name) // a panic might be caught
		}
		p.name += "'"
	}
	s.waiting[p.name] = p
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	return <-p.turn
}

// run picks who goes on, whenever nobody is at work.
func (s *scheduler) run() {
	defer close(s.ended)
	for {
		synctest.Wait()
		if p := s.pick(); p != nil {
			p.turn <- s.w.decide(p)
			continue
		}
		select {
		case <-s.arrived:
		case <-s.stop:
			return
		}
	}
}

// pick takes one of those who wait; nil: nobody does.
func (s *scheduler) pick() *parked {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(s.waiting))
	p := s.waiting[names[s.w.random.IntN(len(names))]]
	delete(s.waiting, p.name)
	return p
}

func (s *scheduler) end() {
	close(s.stop)
	<-s.ended
}

package webhook

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// A process dies with a request under way: another one goes on within nine
// seconds. That the first one's request is acknowledged after all is recorded,
// and nothing is sent again after it is.
func TestADeadProcessIsTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var requests atomic.Int32
		r := &receiver{t: t, answer: func(context.Context, got) (int, error) {
			if requests.Add(1) == 1 {
				time.Sleep(9500 * time.Millisecond)
			}
			return 200, nil
		}}
		address, master := dbtest.Address(t), newMaster(t)
		dead, heir := node(t, address, master, r), node(t, address, master, r)
		dead.endpoint(t, "http://slow.example/", All)
		dead.happen(t, 1, "thing.made")
		dead.happen(t, 1, "thing.changed")
		dead.happen(t, 2, "thing.made")
		if _, err := dead.Spread(t.Context()); err != nil {
			t.Fatal(err)
		}
		turns, err := dead.claim(t.Context(), 10)
		if err != nil || len(turns) != 1 {
			t.Fatal(turns, err)
		}
		o, ok, err := Endpoints.Read(t.Context(), dead.DB, turns[0].scope, turns[0].endpoint)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		turns[0].as.Store(o)
		began := time.Now()
		left := make(chan struct{})
		go func() { // it sends, and never looks after its lease again
			defer close(left)
			turns[0].lane(t.Context(), 1, nil)
		}()
		run := heir.Start()
		time.Sleep(time.Minute)
		<-left
		if err := run.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := r.list()
		late := time.Duration(0)
		for _, g := range all {
			if g.Lane == 2 {
				late = g.At.Sub(began)
			}
		}
		if late == 0 || late > 9*time.Second {
			t.Errorf("the other lane was served after %v", late)
		}
		if len(all) != 4 { // the one that was under way, twice
			t.Errorf("%d requests: %+v", len(all), all)
		}
		faithful(t, inOrderOfAnswers(all))
	})
}

// inOrderOfAnswers leaves out a request that was acknowledged when another one
// for the same event was under way: which of the two is the first nobody can say.
func inOrderOfAnswers(all []got) (list []got) {
	seen := map[string]bool{}
	for _, g := range all {
		if !seen[g.Event] {
			list = append(list, g)
		}
		seen[g.Event] = true
	}
	return list
}

// Who takes over sends nothing that was acknowledged between its reading of the
// lane and its sending.
func TestAnHeirSeesTheLastAcknowledgement(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://slow.example/", All)
	s.happen(t, 1, "thing.made")
	if _, err := s.Spread(t.Context()); err != nil {
		t.Fatal(err)
	}
	take := func() *turn {
		t.Helper()
		turns, err := s.claim(t.Context(), 1)
		if err != nil || len(turns) != 1 {
			t.Fatal(turns, err)
		}
		return turns[0]
	}
	before := take()
	if !before.unsure.IsZero() {
		t.Errorf("the first one is unsure until %v", before.unsure)
	}
	s.now.Advance(lease - margin - time.Microsecond)
	if !before.safe() {
		t.Error("nothing may begin although enough of the lease is left")
	}
	if s.now.Advance(time.Microsecond); before.safe() {
		t.Error("a request may begin although the lease is about to end")
	}
	s.now.Advance(margin)
	heir := take()
	open, err := s.openIn(t.Context(), scope, endpoint, 1)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	if same, err := heir.still(t.Context(), open); !same || err != nil {
		t.Errorf("nothing has changed: %v %v", same, err)
	}
	if err := before.record(t.Context(), open[0], outcome{at: s.now.Now(), status: 200}); err != nil {
		t.Fatal(err)
	}
	if same, err := heir.still(t.Context(), open); same || err != nil {
		t.Errorf("it was acknowledged: %v %v", same, err)
	}
	if _, err := before.still(t.Context(), open); err != nil {
		t.Errorf("who never was in doubt asks nobody: %v", err)
	}
	s.now.Advance(doubt)
	if same, err := heir.still(t.Context(), open); !same || err != nil {
		t.Errorf("after the doubt nobody is asked: %v %v", same, err)
	}
}

//go:build unix

package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/test/florin"
)

// listed is what the commands answer with --json.
type listed struct {
	Kinds []struct {
		Kind          string
		Waiting, Dead int
	}
	Jobs      []struct{ ID, Kind, State, Problem string }
	Schedules []struct{ Name string }
}

func jobsOf(t *testing.T, env []string, args ...string) (l listed) {
	t.Helper()
	out, logged, status := florin(t, env, append([]string{"job"}, append(args, "--json")...)...)
	if err := json.Unmarshal([]byte(out), &l); err != nil || status != 0 {
		t.Fatalf("florin job %v: %d %v %s %s", args, status, err, out, logged)
	}
	return l
}

// other is another node on a server's database, which knows one kind of job.
func other(t *testing.T, s *florintest.Server, works *atomic.Bool) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), s.DB, db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ClaimNode(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := job.New(d, job.Options{Logger: slog.New(slog.DiscardHandler)})
	r.Register(job.Kind{Name: "test.deliver", MaxTries: 1, Handle: func(context.Context, job.Job) error {
		if works.Load() {
			return nil
		}
		return errors.New("the other end is down")
	}})
	r.Start()
	t.Cleanup(func() {
		if err := errors.Join(r.Stop(context.Background()), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Dead letters are listed, tried again and discarded by hand while servers run.
func TestJobsByHand(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{Args: []string{"--admin-listen=127.0.0.1:0"}})
	var works atomic.Bool
	d := other(t, s, &works)
	for n := range 3 {
		err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
			return job.Enqueue(tx, id.Scope{Account: 5}, tx.NewKey(), "test.deliver", time.Time{}, map[string]int{"event": 100 + n})
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"FLORIN_DB=" + s.DB, "FLORIN_ADMIN_LISTEN=" + strings.TrimPrefix(adminOf(t, s), "http://")}
	var dead listed
	eventually(t, "all are dead", func() bool {
		dead = jobsOf(t, env, "dead")
		return len(dead.Jobs) == 3
	})
	if j := dead.Jobs[0]; j.Kind != "test.deliver" || j.State != "dead" || j.Problem != "the other end is down" {
		t.Errorf("%+v", j)
	}
	list := jobsOf(t, env, "list")
	if len(list.Kinds) != 1 || list.Kinds[0].Dead != 3 || len(list.Jobs) != 0 || len(list.Schedules) == 0 {
		t.Errorf("florin job list: %+v", list)
	}
	if r := clientOf(t, s, nil).get(adminOf(t, s) + "/jobs"); !strings.Contains(r.text, dead.Jobs[0].ID) {
		t.Errorf("the page lacks %s: %s", dead.Jobs[0].ID, r.text)
	}

	works.Store(true)
	if _, logged, status := florin(t, env, "job", "retry", dead.Jobs[0].ID); status != 0 {
		t.Fatalf("retry: %d %s", status, logged)
	}
	eventually(t, "the retried job is done", func() bool { return len(jobsOf(t, env, "dead").Jobs) == 2 && len(jobsOf(t, env, "list").Jobs) == 0 })

	_, logged, status := florin(t, env, "job", "discard", dead.Jobs[1].ID)
	for _, want := range []string{"job discarded", "id=" + dead.Jobs[1].ID, "kind=test.deliver", "account=5", `{\"event\":101}`, "the other end is down"} {
		if status != 0 || !strings.Contains(logged, want) {
			t.Errorf("discard: status %d, no %s in %s", status, want, logged)
		}
	}
	left := jobsOf(t, env, "dead").Jobs
	if len(left) != 1 || left[0].ID != dead.Jobs[2].ID {
		t.Errorf("left: %+v", left)
	}
	for _, args := range [][]string{{"retry", dead.Jobs[0].ID}, {"discard", dead.Jobs[1].ID}, {"retry", "job_x"}, {"discard", "nonsense"}} {
		if out, logged, status := florin(t, env, append([]string{"job"}, args...)...); status != 1 || !strings.Contains(logged, "No such job") && !strings.Contains(logged, "no job's id") {
			t.Errorf("florin job %v: %d %s %s", args, status, out, logged)
		}
	}
	for _, what := range []string{"list", "dead"} { // in words
		if out, logged, status := florin(t, env, "job", what); status != 0 || !strings.Contains(out, "test.deliver") {
			t.Errorf("florin job %s: %d %s %s", what, status, out, logged)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, logged, status := florin(t, env, "job", "list"); status != 0 || !strings.Contains(logged, "running server only") {
		t.Errorf("without a server: %d %s", status, logged)
	}
}

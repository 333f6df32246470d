package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/id"
)

// Jobs is what there is to do, and what could not be done.
type Jobs struct {
	At        time.Time      `json:"at"`
	Schedules []job.Schedule `json:"schedules"` // of this process; durations in nanoseconds
	Counts    []job.Count    `json:"counts"`
	Dead      []DeadJob      `json:"dead"`
	// Disabled are the webhook endpoints that Florin has disabled.
	Disabled []DisabledEndpoint `json:"disabled_endpoints"`
	// More tells that there are more dead ones than are shown.
	More bool `json:"more"`
}

// DeadJob is a job that nobody tries any more.
type DeadJob struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Tries   int       `json:"tries"`
	Created time.Time `json:"created"`
	Problem string    `json:"problem"`
}

// DisabledEndpoint is a webhook endpoint that Florin has disabled.
type DisabledEndpoint struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
}

// shownDead is how many dead jobs are listed.
const shownDead = 100

func (s *site) jobs(ctx context.Context) (*Jobs, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v := &Jobs{At: s.Clock.Now(), Schedules: s.Jobs.Schedules()}
	var err error
	if v.Counts, err = job.Counts(ctx, s.DB, s.Jobs.Kinds()...); err != nil {
		return nil, err
	}
	dead, err := job.ListAllDead(ctx, s.DB, id.Scope{}, 0, shownDead+1)
	if err != nil {
		return nil, err
	}
	if v.More = len(dead) > shownDead; v.More {
		dead = dead[:shownDead]
	}
	v.Dead = []DeadJob{}
	for _, j := range dead {
		v.Dead = append(v.Dead, DeadJob{j.ID(), j.Kind, j.Tries, j.Created, j.Problem})
	}
	v.Disabled = []DisabledEndpoint{}
	return v, webhook.Endpoints.Scan(ctx, s.DB, func(e *object.Object[webhook.Endpoint]) error {
		if e.Body.Disabled && e.Body.Reason != "" && !e.Body.Deleted {
			v.Disabled = append(v.Disabled, DisabledEndpoint{webhook.Endpoints.ID(e.Scope, e.Key),
				merchant.Accounts.ID(merchant.Home(e.Scope.Account), e.Scope.Account), e.At, e.Body.Reason})
		}
		return nil
	})
}

func (s *site) jobsPage(w http.ResponseWriter, r *http.Request) {
	v, err := s.jobs(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	s.show(w, "jobs.html", v)
}

func (s *site) jobsJSON(w http.ResponseWriter, r *http.Request) {
	v, err := s.jobs(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

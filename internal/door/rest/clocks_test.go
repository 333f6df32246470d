package rest

import (
	"fmt"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/timeline"
)

// newClock makes a test clock and runs the jobs that move it.
func (d *desk) newClock(frozen int64) string {
	d.t.Helper()
	jobs := job.New(d.server.DB, job.Options{})
	jobs.Register(job.Kind{Name: timeline.AdvanceJob, Handle: d.server.Clocks.Move}, job.Kind{Name: timeline.DeleteJob, Handle: d.server.Clocks.Clear})
	jobs.Start()
	d.t.Cleanup(func() { _ = jobs.Stop(d.t.Context()) })
	return d.post("/v1/test_helpers/test_clocks", fmt.Sprintf("frozen_time=%d&name=annual", frozen)).shows("test_helpers.test_clock").at("id")
}

// until asks for an object until a field of it has a value.
func (d *desk) until(path, field, value string) *deskReply {
	d.t.Helper()
	for range 3000 {
		if r := d.get(path, ""); r.at(field) == value {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Fatalf("%s: %s never became %s", path, field, value)
	return nil
}

func TestLifeOfATestClock(t *testing.T) {
	d := newDesk(t)
	clock := d.newClock(1_800_000_000)
	path := "/v1/test_helpers/test_clocks/" + clock
	d.get(path, "").shows("test_helpers.test_clock").want(map[string]string{"frozen_time": "1800000000", "status": "ready", "name": "annual", "livemode": "false"})
	moving := d.post(path+"/advance", "frozen_time=1810000000").shows("test_helpers.test_clock")
	moving.want(map[string]string{"status": "advancing", "status_details.advancing.target_frozen_time": "1810000000"})
	d.until(path, "status", "ready").want(map[string]string{"frozen_time": "1810000000", "status_details": "{}"})
	d.ofType("test_helpers.test_clock.ready").want(map[string]string{"data.object.frozen_time": "1810000000"})

	customer := d.post("/v1/customers", "test_clock="+clock+"&expand[]=test_clock")
	customer.want(map[string]string{"test_clock.id": clock})
	if ids := d.get("/v1/customers", "test_clock="+clock).ids(); len(ids) != 1 || ids[0] != customer.at("id") {
		t.Errorf("customers of the clock: %v", ids)
	}
	if ids := d.get("/v1/customers", "").ids(); len(ids) != 0 {
		t.Errorf("customers of no clock: %v", ids)
	}

	settled := d.post("/v1/customers", "").at("id")
	joined := d.post("/v1/test_helpers/test_clocks", "frozen_time=1800000000&customer="+settled).at("id")
	d.get("/v1/customers/"+settled, "").want(map[string]string{"test_clock": joined})

	d.as(d.sk, "DELETE", path, "").ok().want(map[string]string{"id": clock, "deleted": "true"})
	d.until("/v1/customers/"+customer.at("id"), "deleted", "true")
	d.ofType("test_helpers.test_clock.deleted").want(map[string]string{"data.object.frozen_time": "1810000000"})
	if ids := d.get("/v1/test_helpers/test_clocks", "").ids(); len(ids) != 1 || ids[0] != joined {
		t.Errorf("clocks after the deletion: %v", ids)
	}
}

func TestTestClockRefusals(t *testing.T) {
	d := newDesk(t)
	clock := d.newClock(1_800_000_000)
	path := "/v1/test_helpers/test_clocks/" + clock
	gone := d.newClock(1_800_000_000)
	d.as(d.sk, "DELETE", "/v1/test_helpers/test_clocks/"+gone, "").ok()
	for name, c := range map[string]struct {
		key, method, path, form string
		status                  int
		param                   string
	}{
		"live mode":                   {d.live, "POST", "/v1/test_helpers/test_clocks", "frozen_time=1800000000", 400, absent},
		"no time":                     {d.sk, "POST", "/v1/test_helpers/test_clocks", "", 400, "frozen_time"},
		"before 1970":                 {d.sk, "POST", "/v1/test_helpers/test_clocks", "frozen_time=-5", 400, "frozen_time"},
		"in a far future":             {d.sk, "POST", "/v1/test_helpers/test_clocks", "frozen_time=9223372036854775807", 400, "frozen_time"},
		"backwards":                   {d.sk, "POST", path + "/advance", "frozen_time=1700000000", 400, "frozen_time"},
		"nowhere":                     {d.sk, "POST", path + "/advance", "frozen_time=1800000000", 400, "frozen_time"},
		"one that is deleted":         {d.sk, "POST", "/v1/test_helpers/test_clocks/" + gone + "/advance", "frozen_time=1900000000", 404, "test_clock"},
		"seen when deleted":           {d.sk, "GET", "/v1/test_helpers/test_clocks/" + gone, "", 404, "test_clock"},
		"one that never was":          {d.sk, "GET", "/v1/test_helpers/test_clocks/clock_1", "", 404, "test_clock"},
		"a customer who is not there": {d.sk, "POST", "/v1/test_helpers/test_clocks", "frozen_time=1800000000&customer=cus_1", 400, "customer"},
		"a customer with a clock":     {d.sk, "POST", "/v1/test_helpers/test_clocks", "frozen_time=1800000000&customer=" + d.post("/v1/customers", "test_clock="+clock).at("id"), 400, "customer"},
		"a customer of a deleted one": {d.sk, "POST", "/v1/customers", "test_clock=" + gone, 400, "test_clock"},
	} {
		r := d.as(c.key, c.method, c.path, c.form)
		if r.status != c.status || r.at("error.param") != c.param {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

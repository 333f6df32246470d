package rest

import (
	"strconv"
	"time"
)

// aClock makes a test clock and gives its id.
func (h *harness) aClock() string {
	h.t.Helper()
	return h.post("/v1/test_helpers/test_clocks", "frozen_time="+soon(0)).ok().str("id")
}

// soon is a moment some days from now, in seconds since 1970.
func soon(days int) string {
	return strconv.FormatInt(time.Now().Add(time.Hour).AddDate(0, 0, days).Unix(), 10)
}

func ofClock(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.aClock()}, form: form} }
}

var _ = shows("PostTestHelpersTestClocks", scenario{
	prepare: func(*harness) sent { return sent{form: "name=year&frozen_time=" + soon(1)} },
	want:    map[string]any{"object": "test_helpers.test_clock", "name": "year", "status": "ready"},
	shows:   map[string]any{"data.0.name": "year"},
	fails:   []refusedRequest{{"no time", sending("name=year"), 400, "parameter_missing"}},
})

var _ = shows("GetTestHelpersTestClocks", scenario{
	prepare: func(h *harness) sent { h.aClock(); h.aClock(); return sent{form: "limit=2"} },
	want:    map[string]any{"object": "list", "data.0.object": "test_helpers.test_clock"},
})

var _ = shows("GetTestHelpersTestClocksTestClock", scenario{prepare: ofClock(""), want: map[string]any{"object": "test_helpers.test_clock"}})

var _ = shows("PostTestHelpersTestClocksTestClockAdvance", scenario{
	prepare: ofClock("frozen_time=" + soon(2)),
	want:    map[string]any{"object": "test_helpers.test_clock"},
	values:  func(*harness, sent) map[string]string { return map[string]string{"frozen_time": soon(5)} },
})

var _ = shows("DeleteTestHelpersTestClocksTestClock", scenario{
	prepare: ofClock(""),
	want:    map[string]any{"object": "test_helpers.test_clock", "deleted": true},
	then:    func(h *harness, s sent, _ *answered) { h.get("/v1/test_helpers/test_clocks/" + s.in[0]).is(404) },
})

package rest

// aClock makes a test clock and gives its id.
func (h *harness) aClock() string {
	h.t.Helper()
	return h.post("/v1/test_helpers/test_clocks", "frozen_time=1800000000").ok().str("id")
}

func ofClock(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.aClock()}, form: form} }
}

var _ = shows("PostTestHelpersTestClocks", scenario{
	prepare: func(*harness) sent { return sent{form: "frozen_time=1800000000&name=annual"} },
	want:    map[string]any{"object": "test_helpers.test_clock", "status": "ready", "name": "annual"},
	shows:   map[string]any{"data.0.name": "annual"},
	fails:   []refusedRequest{{"a time beyond all", sending("frozen_time=99999999999"), 400, "parameter_invalid_integer"}},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"frozen_time": "1800000001", "customer": h.aCustomer()}
	},
	elsewhere: []string{"customer"}, // TestLifeOfATestClock
})

var _ = shows("GetTestHelpersTestClocks", scenario{
	prepare: func(h *harness) sent { h.aClock(); h.aClock(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "test_helpers.test_clock"},
})

var _ = shows("GetTestHelpersTestClocksTestClock", scenario{prepare: ofClock(""), want: map[string]any{"object": "test_helpers.test_clock"}})

var _ = shows("PostTestHelpersTestClocksTestClockAdvance", scenario{
	prepare: ofClock("frozen_time=1810000000"),
	want:    map[string]any{"status": "advancing", "status_details.advancing.target_frozen_time": 1810000000},
	shows:   map[string]any{"status": "advancing"},
	fails:   []refusedRequest{{"backwards", sending("frozen_time=1700000000"), 400, ""}},
	values:  func(*harness, sent) map[string]string { return map[string]string{"frozen_time": "1800000001"} },
})

var _ = shows("DeleteTestHelpersTestClocksTestClock", scenario{
	prepare: ofClock(""),
	want:    map[string]any{"object": "test_helpers.test_clock", "deleted": true},
	look:    "/v1/test_helpers/test_clocks",
	shows:   map[string]any{"object": "list"},
})

package rest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// each runs f for every implemented operation that has a scenario that can
// succeed, over one harness.
func each(t *testing.T, f func(h *harness, op *spec.Operation, s scenario)) {
	t.Helper()
	h := newHarness(t)
	for _, id := range slices.Sorted(maps.Keys(routes)) {
		if s := scenarios[id]; s.never == "" && !spec.ByID(id).Multipart { // uploads are no forms
			t.Run(id, func(t *testing.T) { f(h.in(t), spec.ByID(id), s) })
		}
	}
	h.checkBooks()
}

// asking is a scenario's request with another parameter.
func asking(h *harness, op *spec.Operation, s scenario, name, value string) *answered {
	h.t.Helper()
	r := s.request(h)
	r.form = merged(r.form, []string{name, value})
	return h.do(op, r)
}

// Every operation that writes happens once under a key: a repetition gets the
// same bytes and says so, and another request under the key is refused.
func TestKeysEverywhere(t *testing.T) {
	each(t, func(h *harness, op *spec.Operation, s scenario) {
		if op.Method != http.MethodPost || !op.Documented() || op.ID == "PostCustomersCustomerFundingInstructions" {
			// Sessions of the command line are always new; funding instructions are
			// worked out and never change.
			return
		}
		r := s.request(h)
		r.headers = append(slices.Clone(r.headers), "Idempotency-Key", "everywhere "+op.ID)
		first, again := h.do(op, r).ok(), h.do(op, r).ok()
		if diff := cmp.Diff(string(first.text), string(again.text)); diff != "" {
			h.t.Errorf("it is repeated otherwise: %s", diff)
		}
		origin := first.header.Get("Request-Id")
		if first.header.Get("Idempotent-Replayed") != "" || first.header.Get("Original-Request") != origin {
			h.t.Errorf("the first answer has %v", first.header)
		}
		if again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("Original-Request") != origin || again.header.Get("Request-Id") == origin {
			h.t.Errorf("the repetition has %v", again.header)
		}
		path := firstExpandable(op)
		if path == "" {
			return
		}
		r.form = strings.TrimPrefix(r.form+"&expand[]="+path, "&")
		h.do(op, r).is(400).has(map[string]any{"error.type": "idempotency_error", "error.code": nil, "error.param": nil, "error.decline_code": nil})
	})
}

// firstExpandable is a path that an operation's answer expands, if any.
func firstExpandable(op *spec.Operation) string {
	for _, name := range slices.Sorted(maps.Keys(expanded)) {
		if op.ValidateExpand([]string{name}) == nil {
			return name
		}
	}
	return ""
}

// Every operation that can expand says what it can't, and how deep it can.
func TestExpandEverywhere(t *testing.T) {
	each(t, func(h *harness, op *spec.Operation, s scenario) {
		if op.Params.Field("expand") == nil {
			return
		}
		asking(h, op, s, "expand[]", "nothing").is(400).has(map[string]any{
			"error.type": "invalid_request_error", "error.message": "This property cannot be expanded (nothing).",
		})
		asking(h, op, s, "expand[]", "a.b.c.d.e").is(400).has(map[string]any{"error.code": "property_expansion_max_depth"})
		for _, name := range slices.Sorted(maps.Keys(expanded)) {
			for _, path := range []string{name, "data." + name} {
				if op.ValidateExpand([]string{path}) == nil {
					h.contract(op, asking(h, op, s, "expand[]", path).ok())
				}
			}
		}
	})
}

// Every list has bounds, cursors of its own kind, and ranges of time.
func TestListsEverywhere(t *testing.T) {
	each(t, func(h *harness, op *spec.Operation, s scenario) {
		if op.Method != http.MethodGet || op.Params.Field("limit") == nil {
			return
		}
		for _, limit := range []string{"0", "-1", "101", "x"} {
			asking(h, op, s, "limit", limit).is(400).has(map[string]any{"error.param": "limit", "error.code": "parameter_invalid_integer"})
		}
		page := asking(h, op, s, "limit", "1").ok()
		if data, ok := page.at("data").([]any); !ok || len(data) > 1 || page.at("has_more") == nil || page.at("url") == nil {
			h.t.Errorf("limit=1 gives %s", page.text)
		}
		if op.Params.Field("starting_after") == nil {
			return
		}
		for _, cursor := range []string{"starting_after", "ending_before"} {
			asking(h, op, s, cursor, "nothing_here").is(400).has(map[string]any{"error.param": cursor, "error.code": "resource_missing"})
		}
		if op.Params.Field("created") == nil {
			return
		}
		for _, none := range []string{"created", "created[lt]", "created[lte]"} {
			asking(h, op, s, none, "1").ok().has(map[string]any{"data.0": nil, "has_more": false})
		}
		for _, none := range []string{"created[gt]", "created[gte]"} {
			asking(h, op, s, none, "4000000000").ok().has(map[string]any{"data.0": nil, "has_more": false})
		}
	})
}

// Metadata has the same rules wherever it is taken.
func TestMetadataEverywhere(t *testing.T) {
	each(t, func(h *harness, op *spec.Operation, s scenario) {
		if f := op.Params.Field("metadata"); f == nil || f.Param.Type&spec.Metadata == 0 || op.Multipart {
			return
		}
		bad := func(form string) {
			h.t.Helper()
			r := s.request(h)
			r.form = strings.TrimPrefix(r.form+"&"+form, "&")
			if a := h.do(op, r).is(400); !strings.HasPrefix(a.str("error.message"), "Metadata ") {
				h.t.Errorf("%s: %s", form[:min(len(form), 60)], a.text)
			}
		}
		var many []string
		for i := range 51 {
			many = append(many, fmt.Sprintf("metadata[k%d]=v", i))
		}
		bad(strings.Join(many, "&"))
		bad("metadata[" + strings.Repeat("k", 41) + "]=v")
		bad("metadata[k]=" + strings.Repeat("v", 501))
		longest := url.QueryEscape("metadata["+strings.Repeat("ü", 40)+"]") + "=" + strings.Repeat("v", 500)
		r := s.request(h)
		r.form = strings.TrimPrefix(r.form+"&"+longest, "&")
		h.do(op, r).ok()
	})
}

// An operation that there is not says its name, and that there is no use in
// trying again.
func TestAbsentEverywhere(t *testing.T) {
	h := harnessWith(t, approving())
	for op := range spec.All() {
		if _, there := routes[op.ID]; there {
			continue
		}
		a := h.send(op.Method, filled(op.Path, slices.Repeat([]string{"x_1"}, 4)), "").is(404)
		if !strings.Contains(a.str("error.message"), op.Method+" "+op.Path) || a.str("error.type") != "invalid_request_error" || a.header.Get("Stripe-Should-Retry") != "false" {
			t.Errorf("%s: %v %s", op.ID, a.header, a.text)
		}
	}
}

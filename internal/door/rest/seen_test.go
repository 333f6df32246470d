package rest

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// TestWhatWasWrittenIsSeen: whatever an operation makes or changes is there as it was answered
// when another server is asked for it next, by its id and in its list.
func TestWhatWasWrittenIsSeen(t *testing.T) {
	h := newHarness(t)
	other := h.beside()
	implemented := func(path string) bool {
		op, _, ok := spec.Lookup(http.MethodGet, path)
		return ok && routes[op.ID].handle != nil
	}
	retrieved, listed := 0, 0
	for _, id := range slices.Sorted(maps.Keys(routes)) {
		op, s := spec.ByID(id), scenarios[id]
		if op.Method != http.MethodPost || op.Multipart || s.never != "" {
			continue
		}
		t.Run(id, func(t *testing.T) {
			h, other := h.in(t), other.in(t)
			request := s.request(h)
			a := h.do(op, request).ok()
			made, ok := a.at("id").(string)
			if !ok {
				return
			}
			path := filled(op.Path, request.in)
			if at := path + "/" + made; implemented(at) {
				retrieved++
				if got := other.get(at).ok(); got.at("id") != made || got.at("created") != a.at("created") || got.at("status") != a.at("status") {
					t.Errorf("it is answered as %s, and retrieved as %s", a.text, got.text)
				}
			}
			if !implemented(path) || a.at("deleted") == true {
				return
			}
			got := other.get(path).ok()
			data, ok := got.at("data").([]any)
			if !ok { // the operation changes the object that the path names
				retrieved++
				if got.at("id") != made || got.at("status") != a.at("status") {
					t.Errorf("it is answered as %s, and retrieved as %s", a.text, got.text)
				}
				return
			}
			listed++
			if !slices.ContainsFunc(data, func(one any) bool { return follow(one, "id") == made }) {
				t.Errorf("%s is not in the list %s", made, got.text)
			}
		})
	}
	if retrieved < 40 || listed < 15 {
		t.Errorf("only %d were retrieved, and %d listed", retrieved, listed)
	}
}

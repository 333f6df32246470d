package rest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// scenario shows by example what an operation does. Every operation that is
// implemented has one; it stands in the file scenario_NOUN_test.go. From it come
// the test of the contract, the probes of each parameter, and the requests that
// are drawn at random.
type scenario struct {
	// prepare makes what a request needs, and says what is to be sent. It is
	// called for every request anew. Nil: nothing is needed.
	prepare func(h *harness) sent
	// want is what the answer has, by path.
	want map[string]any
	// look is where it shows that something has changed; its * are filled in with
	// the parts of the path that prepare gives. Empty: the object that the path
	// names, or the list that the path is of. Only for operations that write.
	look string
	// shows is what it shows there then, by path.
	shows map[string]any
	// then checks what has changed where no look can show it.
	then func(h *harness, s sent, a *answered)
	// never says why nothing that there is can succeed: only the refusals are
	// tried then. Empty: some do.
	never string
	// fails are requests that are refused. That a parameter is unknown, and an
	// object missing, is tried with every operation.
	fails []refusedRequest
	// values are what parameters are tried with where the document does not lead
	// to a value that this operation can use, by name in bracket form:
	// "charge", "items[0][price]".
	values func(h *harness, s sent) map[string]string
	// needs are forms that the parts of a parameter need beside them although the
	// document does not say so.
	needs map[string]string
	// elsewhere are parameters whose effect shows neither in the answer nor in what
	// is retrieved; each has a test of its own, which is to be named beside it.
	elsewhere []string
	// also are further requests that parameters are tried with which have no effect
	// on the first.
	also []alternative
	// instead names what a parameter takes the place of.
	instead map[string]string
}

// alternative is another request of an operation, with parameters of which
// some change what becomes of it.
type alternative struct {
	prepare func(h *harness) sent
	params  []string
}

// sent is a request: what stands in the path, in order, and the form.
type sent struct {
	in   []string
	form string
	// headers are pairs.
	headers []string
}

// refusedRequest is a request that is refused. A nil in is that of prepare.
type refusedRequest struct {
	name   string
	sent   func(h *harness, s sent) sent
	status int
	code   string // of the error; empty: none
}

// sending is a refused request that has another form.
func sending(form string) func(*harness, sent) sent {
	return func(_ *harness, s sent) sent {
		s.form = form
		return s
	}
}

// scenarios are all there are, by operation.
var scenarios = map[string]scenario{}

// shows adds an operation's scenario.
func shows(operation string, s scenario) bool {
	if _, twice := scenarios[operation]; twice {
		panic("two scenarios of " + operation)
	}
	scenarios[operation] = s
	return true
}

// request says what a scenario sends.
func (s *scenario) request(h *harness) sent {
	if s.prepare == nil {
		return sent{}
	}
	return s.prepare(h)
}

// do sends a request to an operation.
func (h *harness) do(op *spec.Operation, s sent) *answered {
	h.t.Helper()
	path := filled(op.Path, s.in)
	if op.Method == http.MethodPost {
		return h.send(op.Method, path, s.form, s.headers...)
	}
	if s.form != "" {
		path += "?" + s.form
	}
	return h.send(op.Method, path, "", s.headers...)
}

// filled is a path whose parameters, {name} or *, have values.
func filled(path string, in []string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if (strings.HasPrefix(part, "{") || part == "*") && len(in) > 0 {
			parts[i], in = in[0], in[1:]
		}
	}
	return strings.Join(parts, "/")
}

// lookAt is where it shows what an operation has changed.
func (s *scenario) lookAt(op *spec.Operation, in []string) string {
	if s.look != "" {
		return filled(s.look, in)
	}
	parts := strings.Split(op.Path, "/")
	for end := len(parts); end > 0; end-- {
		path := strings.Join(parts[:end], "/")
		if found, _, ok := spec.Lookup(http.MethodGet, path); ok && found.Path == path {
			if _, implemented := routes[found.ID]; implemented {
				return filled(path, in)
			}
		}
	}
	return ""
}

// Every operation that is implemented shows a success and refusals, all of
// which are as Stripe's document says, and each that writes changes something.
func TestOperations(t *testing.T) {
	h := newHarness(t)
	for _, id := range slices.Sorted(maps.Keys(routes)) {
		t.Run(id, func(t *testing.T) {
			s, shown := scenarios[id]
			if !shown {
				t.Fatal("this operation has no scenario: add one in a file scenario_NOUN_test.go")
			}
			s.check(h.in(t), spec.ByID(id))
		})
	}
	for id := range scenarios {
		if _, there := routes[id]; !there {
			t.Errorf("there is a scenario of %s, which is not implemented", id)
		}
	}
	h.checkBooks()
}

func (s *scenario) check(h *harness, op *spec.Operation) {
	h.t.Helper()
	if s.never != "" {
		s.refuse(h, op)
		return
	}
	request := s.request(h)
	look := s.lookAt(op, request.in)
	var before *answered
	if op.Method != http.MethodGet && s.then == nil {
		if look == "" {
			h.t.Fatal("it does not show anywhere what this operation changes: give the scenario a look or a then")
		}
		before = h.get(look)
	}
	answer := h.do(op, request).ok().has(s.want)
	h.contract(op, answer)
	if before != nil {
		after := h.get(look).ok().has(s.shows)
		if string(after.text) == string(before.text) {
			h.t.Errorf("%s has not changed: %s", look, after.text)
		}
	}
	if s.then != nil {
		s.then(h, request, answer)
	}
	s.refuse(h, op)
}

// refuse tries what is refused.
func (s *scenario) refuse(h *harness, op *spec.Operation) {
	h.t.Helper()
	for _, f := range s.failures(op) {
		again := s.request(h)
		refused := h.do(op, f.sent(h, again))
		if code, _ := refused.at("error.code").(string); refused.status != f.status || code != f.code {
			h.t.Errorf("%s: %d %q, want %d %q: %s", f.name, refused.status, code, f.status, f.code, refused.text)
		}
		h.contract(op, refused)
	}
}

// failures are the scenario's, and those that every operation has.
func (s *scenario) failures(op *spec.Operation) []refusedRequest {
	all := slices.Clone(s.fails)
	if op.Multipart {
		return all // what follows the last part is none of the form
	}
	all = append(all, refusedRequest{"an unknown parameter", func(_ *harness, r sent) sent {
		r.form = strings.TrimPrefix(r.form+"&colour=red", "&")
		return r
	}, 400, "parameter_unknown"})
	if strings.Contains(op.Path, "{") {
		all = append(all, refusedRequest{"nothing there", func(_ *harness, r sent) sent {
			r.in = slices.Clone(r.in)
			for i := range r.in {
				r.in[i] = "missing"
			}
			return r
		}, 404, "resource_missing"})
	}
	return all
}

// contract checks an answer against the document.
func (h *harness) contract(op *spec.Operation, a *answered) {
	h.t.Helper()
	for _, v := range violations(h.t, op, a.status, a.text) {
		h.t.Errorf("%s: %s\n%s", op.ID, v, a.text)
	}
}

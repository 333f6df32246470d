package rest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

// ignoredFile lists the parameters that are taken and change nothing, one a
// line: an operation and a parameter in bracket form.
const ignoredFile = "testdata/ignored.txt"

// TestParametersHaveEffects sends each parameter that an implemented operation
// takes, and looks for what it changes in the answer or in what is retrieved
// afterwards. A refusal that names the parameter is honest too. The rest stands
// in testdata/ignored.txt, which may only become shorter: FLORIN_UPDATE=1 writes
// it anew if it does, FLORIN_UPDATE=longer whatever it becomes. What a parameter
// changes does not depend on the database: SQLite has to do.
func TestParametersHaveEffects(t *testing.T) {
	if dbtest.Postgres() {
		t.Skip("gone through on SQLite")
	}
	update := os.Getenv("FLORIN_UPDATE") != ""
	committed := readIgnored(t)
	ignored := &ignoredParams{of: map[string][]string{}}
	t.Run("operations", func(t *testing.T) {
		for _, id := range slices.Sorted(maps.Keys(routes)) {
			// A form is no part of one with files; what its parameters do is shown where it
			// is tested. What is always refused can't be changed.
			if spec.ByID(id).Multipart || scenarios[id].never != "" {
				continue
			}
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				p := &prober{h: newHarness(t), op: spec.ByID(id), s: scenarios[id], bases: map[string]*tried{}}
				p.all()
				for _, other := range p.s.also {
					p.again(other)
				}
				ignored.add(id, p.ignored)
				if !t.Failed() && !update {
					compareIgnored(t, p.ignored, committed[id])
				}
			})
		}
	})
	for id := range committed {
		if _, there := routes[id]; !there {
			t.Errorf("%s lists %s, which is not implemented", ignoredFile, id)
		}
	}
	if update && !t.Failed() {
		writeIgnored(t, ignored.of)
	}
}

// ignoredParams collects what operations ignore.
type ignoredParams struct {
	sync.Mutex
	of map[string][]string // by operation
}

func (i *ignoredParams) add(id string, params []string) {
	i.Lock()
	defer i.Unlock()
	i.of[id] = params
}

// compareIgnored holds the parameters that change nothing against those listed.
func compareIgnored(t *testing.T, found, listed []string) {
	t.Helper()
	for _, param := range found {
		if !slices.Contains(listed, param) {
			t.Errorf("%s changes nothing: refuse it, or let it have an effect", param)
		}
	}
	for _, param := range listed {
		if !slices.Contains(found, param) {
			t.Errorf("%s has an effect by now: take it from %s (FLORIN_UPDATE=1 writes the list)", param, ignoredFile)
		}
	}
}

func readIgnored(t testing.TB) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(ignoredFile)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if id, param, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			out[id] = append(out[id], param)
		}
	}
	return out
}

func writeIgnored(t *testing.T, ignored map[string][]string) {
	t.Helper()
	var lines []string
	for id, params := range ignored {
		for _, param := range params {
			lines = append(lines, id+" "+param)
		}
	}
	slices.Sort(lines)
	before := 0
	for _, params := range readIgnored(t) {
		before += len(params)
	}
	if len(lines) > before && os.Getenv("FLORIN_UPDATE") != "longer" {
		t.Fatalf("%d parameters change nothing, which were %d: refuse them, or let them have an effect", len(lines), before)
	}
	head := fmt.Sprintf("# %d parameters are taken and change nothing. FLORIN_UPDATE=1 go test ./internal/door/rest -run TestParametersHaveEffects writes this list.\n", len(lines))
	if err := os.WriteFile(ignoredFile, []byte(head+strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// prober goes through the parameters of one operation.
type prober struct {
	h       *harness
	op      *spec.Operation
	s       scenario
	noise   map[string]bool   // paths that differ from request to request
	bases   map[string]*tried // what is answered without the parameter at hand, by what else is sent
	ignored []string
	only    []string // if any, the parameters to try
}

// tried is what became of a request.
type tried struct {
	status         int
	param, message string
	code           string
	shown          map[string]string // everything that can be seen, by path
}

func (p *prober) all() {
	p.try(nil)
	p.try(nil) // lists have their length by now
	a, b := p.try(nil), p.try(nil)
	if a.status != http.StatusOK && p.only == nil {
		p.h.t.Fatalf("the scenario's request is refused: %s", a.message)
	}
	p.noise = map[string]bool{}
	for path := range a.shown {
		p.noise[path] = a.shown[path] != b.shown[path]
	}
	for path := range b.shown {
		p.noise[path] = a.shown[path] != b.shown[path]
	}
	for _, f := range p.op.Params.Fields {
		p.probe(probed{f.Name, f.Param, nil, f.Required})
	}
}

// again tries parameters that have had no effect with another request of the
// same operation, in which some have.
func (p *prober) again(other alternative) {
	q := &prober{h: p.h, op: p.op, s: p.s, bases: map[string]*tried{}, only: other.params}
	q.s.prepare = other.prepare
	q.all()
	p.ignored = slices.DeleteFunc(p.ignored, func(name string) bool {
		wanted, _ := q.wanted(name)
		return wanted && !slices.Contains(q.ignored, name)
	})
}

// wanted reports whether a parameter is among those to try, or holds some.
func (p *prober) wanted(name string) (wanted, holds bool) {
	for _, one := range p.only {
		wanted = wanted || one == name || strings.HasPrefix(name, one+"[")
		holds = holds || strings.HasPrefix(one, name+"[")
	}
	return wanted || p.only == nil, holds
}

// probed is a parameter by its name in bracket form, with what the hashes around
// it require besides.
type probed struct {
	name     string
	param    *spec.Param
	beside   []string // pairs
	required bool
}

// children are the parts of a hash or list.
func (n probed) children() (out []probed) {
	switch {
	case n.param.Type&spec.Hash != 0 && len(n.param.Fields) > 0:
		for _, f := range n.param.Fields {
			beside := slices.Clone(n.beside)
			for _, other := range n.param.Fields {
				if other.Required && other.Name != f.Name {
					beside = append(beside, filledIn(probed{n.name + "[" + other.Name + "]", other.Param, nil, true}, false, first)...)
				}
			}
			out = append(out, probed{n.name + "[" + f.Name + "]", f.Param, beside, f.Required})
		}
	case n.param.Type&spec.List != 0:
		out = append(out, probed{n.name + "[0]", n.param.Element, n.beside, n.required})
	case n.param.Type&spec.Map != 0:
		out = append(out, probed{n.name + "[probe]", n.param.Element, n.beside, n.required})
	}
	return out
}

// leaves are the names of the parameters that hold a value.
func (n probed) leaves() (out []string) {
	for _, c := range n.children() {
		out = append(out, c.leaves()...)
	}
	if out == nil {
		out = []string{n.name}
	}
	return out
}

// first and last choose among the values of a parameter.
func first(values []string) string { return values[0] }
func last(values []string) string  { return values[len(values)-1] }

// filledIn are pairs that fill in a parameter: all of it, or what it requires.
func filledIn(n probed, all bool, choose func([]string) string) (pairs []string) {
	children := n.children()
	if len(children) == 0 {
		return []string{n.name, choose(plain(n))}
	}
	for _, c := range children {
		if all || c.required || n.param.Type&(spec.List|spec.Map) != 0 {
			pairs = append(pairs, filledIn(c, all, choose)...)
		}
	}
	if pairs == nil {
		return filledIn(n, true, choose) // a hash of which nothing is sent is not sent
	}
	return pairs
}

// probe finds out what a parameter changes. Of a hash all parts are tried at
// once: where they change nothing together, none does.
func (p *prober) probe(n probed) {
	wanted, holds := p.wanted(n.name)
	if !wanted && !holds {
		return
	}
	n.beside = p.around(n)
	children := n.children()
	if len(children) == 0 {
		p.leaf(n)
		return
	}
	if n.param.Type&spec.Hash != 0 && wanted {
		base, got := p.base(n.beside), p.try(append(slices.Clone(n.beside), filledIn(n, true, first)...))
		if got.status >= 400 && got.param != "" && (got.param == n.name || strings.HasPrefix(n.name, got.param+"[")) {
			return
		}
		// The first value of each may be what is taken for granted anyway.
		if base.status == http.StatusOK && p.same(base, got) && p.same(base, p.try(append(slices.Clone(n.beside), filledIn(n, true, last)...))) {
			p.ignored = append(p.ignored, n.leaves()...)
			return
		}
	}
	for _, c := range children {
		p.probe(c)
	}
}

func (p *prober) leaf(n probed) {
	base := p.base(n.beside)
	if base.names(n.name) {
		return // what it stands in is refused
	}
	var one *tried
	refused, unclear := false, ""
	// What is required is compared with another value, that of the scenario or
	// one that is tried.
	inForm := strings.Contains("&"+strings.ReplaceAll(p.s.request(p.h).form, "[]=", "[0]="), "&"+n.name+"=")
	required := (n.required || base.status != http.StatusOK && p.only == nil) && !inForm
	for _, value := range p.values(n) {
		got := p.try(append(slices.Clone(n.beside), n.name, value))
		switch {
		case got.status >= 500:
			p.h.t.Errorf("%s=%s: %d %s", n.name, value, got.status, got.message)
			return
		case got.names(n.name):
			refused = true
		case got.code == "parameter_missing" || got.code == "parameter_unknown":
			unclear = fmt.Sprintf("%s=%s: %s", n.name, value, got.message)
		case !required && !p.same(base, got), required && one != nil && !p.same(one, got):
			return
		case one == nil:
			one = got
		}
	}
	switch {
	case refused: // some value of it, or any
	case len(n.param.Enum) == 1 && p.try(append(slices.Clone(n.beside), n.name, "something_else")).names(n.name):
		// It can say but one thing, and whatever else it says is refused.
	case unclear != "" && one == nil:
		p.h.t.Errorf("what it does can't be told, give the scenario a value for it: %s", unclear)
	case required && len(n.param.Enum) == 1:
	case slices.Contains(p.s.elsewhere, n.name):
	default:
		p.ignored = append(p.ignored, n.name)
	}
}

// names tells whether a refusal is of a parameter, by name.
func (r *tried) names(name string) bool {
	if r.status < 400 || r.code == "parameter_missing" || r.code == "parameter_unknown" {
		return false
	}
	top, _, _ := strings.Cut(name, "[")
	return r.param != "" && (r.param == name || r.param == top || strings.HasPrefix(name, r.param+"[") || strings.HasPrefix(r.param, name+"[")) ||
		strings.Contains(r.message, "'"+name+"'") || strings.Contains(r.message, "`"+name+"`")
}

// around are the pairs that a parameter needs beside it: not those that the
// scenario sends anyway, and with its values where it has some.
func (p *prober) around(n probed) (out []string) {
	s := p.s.request(p.h)
	top, _, _ := strings.Cut(n.name, "[")
	beside := slices.Clone(n.beside)
	needs, ok := p.s.needs[top]
	if !ok {
		needs = alwaysNeeded[top]
	}
	for pair := range strings.SplitSeq(needs, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == n.name || n.name == top {
			continue
		}
		if i := slices.Index(beside, name); i >= 0 {
			beside[i+1] = value
		} else {
			beside = append(beside, name, value)
		}
	}
	form, known := "&"+strings.ReplaceAll(s.form, "[]=", "[0]="), p.known(s)
	for i := 0; i+1 < len(beside); i += 2 {
		switch name := beside[i]; {
		case strings.Contains(form, "&"+name+"="):
		case known[name] != "":
			out = append(out, name, "="+name)
		default:
			out = append(out, name, beside[i+1])
		}
	}
	return out
}

func (p *prober) base(beside []string) *tried {
	key := strings.Join(beside, "&")
	if p.bases[key] == nil {
		p.bases[key] = p.try(beside)
	}
	return p.bases[key]
}

func (p *prober) same(a, b *tried) bool {
	if a.status != b.status || a.message != b.message {
		return false
	}
	for path := range a.shown {
		if !p.noise[path] && !alike(a.shown[path], b.shown[path]) {
			return false
		}
	}
	for path := range b.shown {
		if _, there := a.shown[path]; !there && !p.noise[path] {
			return false
		}
	}
	return true
}

// alike tells whether two values are equal, or times that are a moment apart, as
// those of two requests are.
func alike(a, b string) bool {
	if a == b {
		return true
	}
	const times, moment = 1_500_000_000, 60
	x, err := strconv.ParseInt(a, 10, 64)
	y, wrong := strconv.ParseInt(b, 10, 64)
	return err == nil && wrong == nil && x > times && y > times && max(x, y)-min(x, y) <= moment
}

// try sends the scenario's request with further parameters, pairs, which take
// the place of those it has. A value that begins with "=" is worked out by the
// scenario once it is prepared.
func (p *prober) try(more []string) *tried {
	s := p.s.request(p.h)
	values := p.known(s)
	for i := 1; i < len(more); i += 2 {
		if ask, is := strings.CutPrefix(more[i], "="); is {
			more = slices.Clone(more)
			more[i] = values[ask]
		}
	}
	// What is sent beside the parameter that is probed, which is the last, is what
	// the scenario has for it.
	for i := 1; i < len(more)-1; i += 2 {
		if v, ok := values[more[i-1]]; ok {
			more = slices.Clone(more)
			more[i], _, _ = strings.Cut(v, "|")
		}
	}
	for name, other := range p.takesPlace() {
		for i := 0; i < len(more); i += 2 {
			if more[i] == name || strings.HasPrefix(more[i], name+"[") {
				s.form = without(s.form, other)
			}
		}
	}
	s.form = merged(s.form, more)
	got := p.h.do(p.op, s)
	out := &tried{status: got.status, shown: map[string]string{}}
	out.param, _ = got.at("error.param").(string)
	out.message, _ = got.at("error.message").(string)
	out.code, _ = got.at("error.code").(string)
	out.message = idPattern.ReplaceAllString(out.message, "$1")
	out.see("answer", got.body)
	for i := 0; i+1 < len(more); i += 2 {
		if idPattern.MatchString(more[i+1]) && strings.Contains(string(got.text), more[i+1]) {
			out.shown["answer shows "+more[i]] = more[i] // ids look alike otherwise
		}
		if cursor := more[i]; (cursor == "starting_after" || cursor == "ending_before") && !strings.Contains(string(got.text), more[i+1]) {
			out.shown["cursor"] = "is left out" // a page of others looks like any other page
		}
	}
	if p.op.Method == http.MethodGet || got.status != http.StatusOK {
		return out
	}
	for name, path := range map[string]string{"payment_method": "/v1/payment_methods/", "latest_charge": "/v1/charges/"} {
		if id, ok := got.at(name).(string); ok {
			out.see(name, p.h.get(path+id).body)
		}
	}
	for _, path := range []string{"mandate", "latest_charge.payment_method_details.card.mandate"} {
		if id, ok := got.at(path).(string); ok {
			out.see("mandate", p.h.get("/v1/mandates/"+id).body)
		}
	}
	if look := p.s.lookAt(p.op, s.in); look != "" {
		out.see("look", p.h.get(firstOf(look)).body)
	}
	if id, ok := got.at("id").(string); ok {
		out.see("made", p.h.get(p.op.Path+"/"+id).body)
	}
	return out
}

// merged is a form in which pairs take the place of what it has under their
// names, above and below.
func merged(form string, more []string) string {
	var out []string
	for pair := range strings.SplitSeq(form, "&") {
		name, _, _ := strings.Cut(pair, "=")
		replaced := pair == ""
		for i := 0; i < len(more); i += 2 {
			loose := strings.ReplaceAll(name, "[]", "[0]")
			replaced = replaced || loose == more[i] || strings.HasPrefix(loose, more[i]+"[") || strings.HasPrefix(more[i], loose+"[")
		}
		if !replaced {
			out = append(out, pair)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		out = append(out, url.QueryEscape(more[i])+"="+url.QueryEscape(more[i+1]))
	}
	return strings.Join(out, "&")
}

// firstOf has a list show its first element only.
func firstOf(path string) string {
	if op, _, ok := spec.Lookup(http.MethodGet, path); ok && op.Params.Field("limit") != nil {
		return path + "?limit=1"
	}
	return path
}

// takesPlace is what parameters are sent instead of.
func (p *prober) takesPlace() map[string]string {
	if p.s.instead != nil {
		return p.s.instead
	}
	return map[string]string{"payment_method_data": "payment_method"}
}

// alwaysNeeded are what parts of a parameter need beside them in any operation.
var alwaysNeeded = map[string]string{"payment_method_data": "payment_method_data[type]=card&payment_method_data[card][token]=tok_visa"}

// without is a form that lacks a parameter and its parts.
func without(form, name string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(form, "&"), func(pair string) bool { return strings.HasPrefix(pair, name+"=") || strings.HasPrefix(pair, name+"[") }), "&")
}

// idPattern finds ids and secrets, which are new each time.
var idPattern = regexp.MustCompile(`\b([a-z]+)_[0-9A-Za-z]{16,}(_secret_[0-9A-Za-z]+)?\b`)

// see notes what a value shows, by path. Ids and moments are evened out.
func (r *tried) see(path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			r.see(path+"."+name, v)
		}
		if len(value) == 0 {
			r.shown[path] = "{}"
		}
	case []any:
		for i, v := range value {
			r.see(path+"."+strconv.Itoa(i), v)
		}
		r.shown[path] = fmt.Sprint(len(value))
	case string:
		r.shown[path] = idPattern.ReplaceAllString(value, "$1")
	case float64:
		if since := time.Since(time.Unix(int64(value), 0)); -time.Hour < since && since < time.Hour {
			r.shown[path] = "now"
			return
		}
		r.shown[path] = strconv.FormatFloat(value, 'f', -1, 64)
	default:
		r.shown[path] = fmt.Sprint(value)
	}
}

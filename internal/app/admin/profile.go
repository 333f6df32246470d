package admin

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The profiles are served from here, not by net/http/pprof, which would put
// itself into http.DefaultServeMux, and the command line, secrets and all, on
// the web.

// recorded are the profiles that take time: what they are, and how long they
// take unless ?seconds says otherwise.
var recorded = map[string]struct {
	seconds int
	begin   func(http.ResponseWriter) error
	end     func()
}{
	"profile": {30, func(w http.ResponseWriter) error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile},
	"trace":   {1, func(w http.ResponseWriter) error { return trace.Start(w) }, trace.Stop},
}

// maxSeconds is the longest that a profile may take.
const maxSeconds = 300

// profiles lists what there is.
func (s *site) profiles(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		Name  string
		Count int
	}
	var list []entry
	for _, p := range pprof.Profiles() {
		list = append(list, entry{p.Name(), p.Count()})
	}
	s.show(w, "profiles.html", list)
}

// profile gives one, in the form that go tool pprof reads, or as text if
// ?debug=1 asks for it.
func (s *site) profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if how, ok := recorded[name]; ok {
		seconds, err := number(r, "seconds", how.seconds, maxSeconds)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		binary(w, name)
		if err := how.begin(w); err != nil { // one at a time
			w.Header().Del("Content-Disposition")
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		_ = s.Clock.Sleep(r.Context(), time.Duration(seconds)*time.Second)
		how.end()
		return
	}
	p := pprof.Lookup(name)
	if p == nil {
		http.Error(w, "there are: "+strings.Join(names(), ", "), http.StatusNotFound)
		return
	}
	debug, err := number(r, "debug", 0, 2)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if name == "heap" && r.FormValue("gc") != "" {
		runtime.GC()
	}
	if debug == 0 {
		binary(w, name)
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_ = p.WriteTo(w, debug)
}

func binary(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

func names() (list []string) {
	for _, p := range pprof.Profiles() {
		list = append(list, p.Name())
	}
	for name := range recorded {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// number reads a parameter from 0 to most.
func number(r *http.Request, name string, otherwise, most int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s: want a number from 0 to %d", name, most)
	}
	return n, nil
}

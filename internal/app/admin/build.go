package admin

import (
	"context"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

// Build is what a binary was made of.
type Build struct {
	Version, Commit, Go string
	// Changed: the commit had changes that were not committed.
	Changed bool
	Modules []Module
}

// Module is one that is linked in.
type Module struct{ Path, Version string }

// ReadBuild reads what the linker has left in the binary. Tests, and builds
// outside a repository, have no commit.
func ReadBuild(version string) Build {
	b := Build{Version: version, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Modules = append(b.Modules, Module{m.Path, m.Version})
	}
	return b
}

// buildView is what the page at the root shows.
type buildView struct {
	Build
	Engine        string
	Schema, Known int64
	Trouble       string // why the schema is not known
	NotReady      string
	Up            time.Duration
	Started       time.Time
	System        string
	CPUs          int
}

func (s *site) buildPage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	v := buildView{
		Build: s.build, Engine: s.DB.Figures().Engine, Known: s.Known, Started: s.started, Up: s.Clock.Now().Sub(s.started),
		System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0),
	}
	var err error
	if v.Schema, err = s.DB.SchemaVersion(ctx); err != nil {
		v.Trouble = err.Error()
	}
	if err := s.Ready(ctx); err != nil {
		v.NotReady = err.Error()
	}
	s.show(w, "build.html", v)
}

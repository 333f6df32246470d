package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

var scope = id.Scope{Account: 7}

// bench is the site over a database whose jobs all die at once.
type bench struct {
	http.Handler
	t  *testing.T
	db *db.DB
	// notReady is what the process says of itself.
	notReady error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, db: dbtest.Open(t)}
	r := job.New(b.db, job.Options{Logger: slog.New(slog.DiscardHandler)})
	r.Register(job.Kind{Name: "mail.send", MaxTries: 1, Handle: func(context.Context, job.Job) error { return errors.New("<b>no</b> such host") }})
	r.Every("sweep <things>", 50*time.Millisecond, func(context.Context) error { return errors.New("the broom is \"gone\"") })
	r.Start()
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.Handler = New(Options{
		Version: "1.2.3", DB: b.db, Jobs: r, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Known: 1,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "florin_up 1\n") }),
		Ready:   func(context.Context) error { return b.notReady },
	})
	return b
}

// get gives a page, which must not ask for anything from elsewhere.
func (b *bench) get(path string, status int) string {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	text := w.Body.String()
	if w.Code != status {
		b.t.Errorf("%s: %d %s", path, w.Code, text)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		if from := regexp.MustCompile(`(?i)(src=|<link|<script|url\(|@import|href="[^/])[^>]*`).FindString(text); from != "" {
			b.t.Errorf("%s: it takes something from elsewhere: %s", path, from)
		}
		if !strings.Contains(text, `name="viewport"`) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			b.t.Errorf("%s: %v %.200s", path, w.Header(), text)
		}
	}
	return text
}

func has(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in %s", want, page)
		}
	}
}

func TestBuildPage(t *testing.T) {
	b := newBench(t)
	has(t, b.get("/", 200), "ready", "1.2.3", "go1.", "Schema</dt><dd>1</dd>", map[bool]string{true: "postgres", false: "sqlite"}[dbtest.Postgres()])
	b.notReady = errors.New("the server is shutting down")
	has(t, b.get("/", 200), "not ready: the server is shutting down")
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	has(t, b.get("/", 200), `class="bad">`, "closed")
	b.get("/jobs", 503)
	b.get("/jobs.json", 503)
	b.get("/nothing", 404)
}

func TestHealth(t *testing.T) {
	b := newBench(t)
	b.get("/readyz", 200)
	b.notReady = errors.New("the database does not answer")
	has(t, b.get("/readyz", 503), "the database does not answer")
	has(t, b.get("/healthz", 200), "ok")
	has(t, b.get("/metrics", 200), "florin_up 1")
}

func TestJobsPage(t *testing.T) {
	b := newBench(t)
	for range shownDead + 3 {
		err := b.db.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
			return job.Enqueue(tx, scope, tx.NewKey(), "mail.send", time.Time{}, nil)
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got Jobs
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got = Jobs{}
		if err := json.Unmarshal([]byte(b.get("/jobs.json", 200)), &got); err != nil {
			t.Fatal(err)
		}
		if got.Counts[0].Dead == shownDead+3 && got.Schedules[0].Failures > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", got)
		}
	}
	if diff := cmp.Diff([]job.Count{{Kind: "mail.send", Dead: shownDead + 3}}, got.Counts); diff != "" {
		t.Error(diff)
	}
	s := got.Schedules[0]
	if s.Name != "sweep <things>" || s.Interval != 50*time.Millisecond || s.Problem != `the broom is "gone"` || s.Next.IsZero() || len(got.Dead) != shownDead || !got.More {
		t.Errorf("%+v, %d dead, more %t", s, len(got.Dead), got.More)
	}
	first := got.Dead[0]
	if _, _, ok := job.ParseID(first.ID); !ok || first.Kind != "mail.send" || first.Tries != 1 || first.Problem != "<b>no</b> such host" {
		t.Errorf("%+v", first)
	}
	page := b.get("/jobs", 200)
	has(t, page, "sweep &lt;things&gt;", "the broom is &#34;gone&#34;", first.ID, "&lt;b&gt;no&lt;/b&gt; such host", "There are more")
	if strings.Contains(page, "<b>no") {
		t.Error("an error is taken for markup")
	}
}

// Whoever runs Florin sees which endpoints it has disabled; not those that the
// merchant did.
func TestDisabledEndpointsAreShown(t *testing.T) {
	b := newBench(t)
	names := map[string]string{}
	err := b.db.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
		for _, e := range []webhook.Endpoint{{URL: "https://a.example", Disabled: true, Reason: "Every request has <failed>."}, {URL: "https://b.example", Disabled: true}, {URL: "https://c.example"}} {
			o, err := webhook.Endpoints.Insert(tx, scope, tx.NewKey(), e)
			if err != nil {
				return err
			}
			names[e.URL] = webhook.Endpoints.ID(scope, o.Key)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	page := b.get("/jobs", 200)
	has(t, page, "Webhook endpoints that were disabled", names["https://a.example"], "Every request has &lt;failed&gt;.")
	var got Jobs
	if err := json.Unmarshal([]byte(b.get("/jobs.json", 200)), &got); err != nil || len(got.Disabled) != 1 || got.Disabled[0].ID != names["https://a.example"] {
		t.Errorf("%+v, %v", got.Disabled, err)
	}
}

func TestProfiles(t *testing.T) {
	b := newBench(t)
	has(t, b.get("/debug/pprof/", 200), "goroutine", "heap", "profile")
	has(t, b.get("/debug/pprof/goroutine?debug=1", 200), "goroutine profile: total")
	for path, magic := range map[string]string{
		"/debug/pprof/heap": "\x1f\x8b", "/debug/pprof/heap?gc=1": "\x1f\x8b", "/debug/pprof/profile?seconds=0": "\x1f\x8b", "/debug/pprof/trace?seconds=0": "go 1.",
	} {
		if got := b.get(path, 200); !strings.HasPrefix(got, magic) {
			t.Errorf("%s begins with %q", path, got[:min(len(got), 20)])
		}
	}
	b.get("/debug/pprof/profile?seconds=1000", 400)
	b.get("/debug/pprof/profile?seconds=x", 400)
	b.get("/debug/pprof/heap?debug=-1", 400)
	has(t, b.get("/debug/pprof/cmdline", 404), "profile, threadcreate, trace")
	// Nobody has put the profiles where the default mux would show them.
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("http.DefaultServeMux shows profiles: %d", w.Code)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Microsecond: "under 1 ms", 1500 * time.Microsecond: "1 ms", 59*time.Second + 900*time.Millisecond: "59 s", time.Minute: "1 min",
		61 * time.Second: "1 min 1 s", time.Hour: "1 h", 25 * time.Hour: "1 d 1 h", 23*time.Hour + 59*time.Minute: "23 h 59 min", -time.Second: "0 s",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	now := time.Now()
	if ago(now.Add(-time.Minute), now) != "1 min ago" || ago(now.Add(time.Hour), now) != "in 1 h" || ago(time.Time{}, now) != "–" || moment(time.Time{}) != "–" {
		t.Error("times are spelled wrongly")
	}
	if lag(999*time.Millisecond) != "" || lag(2*time.Second) != "2 s overdue" || short(4, "aé€b") != "aé" {
		t.Error("lag or short")
	}
}

package news_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/door/inbound"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/test/leak"
)

const (
	secret = "the provider's and ours"
	header = "Signature"
)

var from = news.From{Provider: "acme", Endpoint: "test"}

// told is what acme's messages say.
type told struct {
	ID    string   `json:"id"`
	About []string `json:"about"`
}

// parse reads acme's messages.
func parse(p provider.Push) (provider.Pushed, error) {
	if push.Verify(secret, p.Header(header), p.At, p.Body) != nil {
		return provider.Pushed{}, provider.ErrUnsigned
	}
	var m told
	if json.Unmarshal(p.Body, &m) != nil {
		return provider.Pushed{Raw: string(p.Body), Problem: "it is no JSON"}, nil
	}
	out := provider.Pushed{ID: m.ID, Raw: string(p.Body)}
	for _, about := range m.About {
		out.Notices = append(out.Notices, provider.Notice{ID: m.ID, Kind: provider.NoticeOutcome, Reference: about, Standing: &provider.Standing{Status: provider.Approved}})
	}
	return out, nil
}

// desk takes acme's messages over HTTP.
type desk struct {
	*news.Service
	t      *testing.T
	clock  *clock.Fixed
	mux    *http.ServeMux
	runner *job.Runner

	mu    sync.Mutex
	heard []string
	deaf  error // what Hear says instead of hearing
}

func open(t *testing.T) *desk {
	t.Helper()
	c := clock.At(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c})
	s := &desk{t: t, clock: c, mux: http.NewServeMux()}
	s.Service = &news.Service{DB: d, Log: leak.Logger(t), Breaks: &settle.Service{DB: d, Keys: &idem.Keys{}, Book: &ledger.Book{}},
		Sources: map[news.From]news.Source{from: {Parse: parse, Hear: s.hear}}}
	(&inbound.Server{News: s.Service, Clock: c, Log: s.Log}).Mount(s.mux)
	return s
}

func (s *desk) hear(_ context.Context, name string, n provider.Notice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf != nil {
		return s.deaf
	}
	s.heard = append(s.heard, name+" "+n.Reference)
	return nil
}

func (s *desk) hears() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// send posts a body with a signature, and gives the status of the answer.
func (s *desk) send(to news.From, signature string, body []byte) int {
	r := httptest.NewRequest(http.MethodPost, inbound.Path(to), bytes.NewReader(body))
	r.Header.Set(header, signature)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w.Code
}

func (s *desk) sign(body []byte) string { return push.Sign(secret, s.clock.Now(), body) }

// work lets the jobs that are due run.
func (s *desk) work() {
	s.t.Helper()
	runner := job.New(s.DB, job.Options{Poll: time.Millisecond, Logger: s.Log})
	runner.Register(job.Kind{Name: news.ApplyJob, MaxTries: news.ApplyTries, Handle: s.Apply})
	runner.Start()
	for {
		counts, err := job.Counts(s.t.Context(), s.DB, news.ApplyJob)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(counts) == 0 || counts[0].Running == 0 && counts[0].Overdue == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := runner.Stop(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *desk) inState(st news.State) []news.Message {
	s.t.Helper()
	list, err := news.OfState(s.t.Context(), s.DB, st, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *desk) broken() (n int) {
	s.t.Helper()
	if err := settle.Breaks.Scan(s.t.Context(), s.DB, func(*object.Object[settle.Break]) error { n++; return nil }); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestAMessageIsAppliedOnce(t *testing.T) {
	s := open(t)
	body := []byte(`{"id":"e1","about":["a","b","a"]}`)
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			if code := s.send(from, s.sign(body), body); code != http.StatusNoContent {
				t.Errorf("answered with %d", code)
			}
		})
	}
	senders.Wait()
	if list := s.inState(news.Received); len(list) != 1 || list[0].Copies != 7 || list[0].Raw != string(body) || len(s.hears()) != 0 {
		t.Fatalf("stored: %+v, heard %v", list, s.hears())
	}
	s.work()
	s.send(from, s.sign(body), body) // after it was applied
	s.work()
	if diff := cmp.Diff([]string{"acme a", "acme b", "acme a"}, s.hears()); diff != "" {
		t.Error(diff)
	}
	for _, about := range []string{"a", "b"} {
		list, err := news.About(t.Context(), s.DB, about, 10)
		if err != nil || len(list) != 1 || list[0].State != news.Applied || list[0].Event != "e1" || list[0].Copies != 8 || list[0].Settled.IsZero() {
			t.Errorf("about %s: %+v %v", about, list, err)
		}
	}
	if n := s.broken(); n != 0 {
		t.Errorf("%d breaks", n)
	}
	other := []byte(`{"id":"e1","about":["c"]}`)
	if code := s.send(from, s.sign(other), other); code != http.StatusNoContent || s.broken() != 1 {
		t.Errorf("with another content: %d, %d breaks", code, s.broken())
	}
	s.work()
	if len(s.hears()) != 3 {
		t.Errorf("heard %v", s.hears())
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := open(t)
	body := []byte(`{"id":"e1","about":["a"]}`)
	long := bytes.Repeat([]byte("x"), news.MaxBody+1)
	for what, c := range map[string]struct {
		to        news.From
		signature string
		body      []byte
		want      int
	}{
		"nobody's signature": {from, push.Sign("another", s.clock.Now(), body), body, 401},
		"no signature":       {from, "", body, 401},
		"another body's":     {from, s.sign([]byte("{}")), body, 401},
		"too old":            {from, push.Sign(secret, s.clock.Now().Add(-push.Tolerance-time.Second), body), body, 401},
		"from the future":    {from, push.Sign(secret, s.clock.Now().Add(push.Tolerance+time.Second), body), body, 401},
		"nobody known":       {news.From{Provider: "acme", Endpoint: "live"}, s.sign(body), body, 404},
		"too large":          {from, s.sign(long), long, 413},
	} {
		if code := s.send(c.to, c.signature, c.body); code != c.want {
			t.Errorf("%s: %d, want %d", what, code, c.want)
		}
	}
	for _, st := range []news.State{news.Received, news.Applied, news.Garbled, news.Stuck} {
		if list := s.inState(st); len(list) != 0 {
			t.Errorf("kept: %+v", list)
		}
	}
	s.work()
	if len(s.hears()) != 0 || s.broken() != 0 {
		t.Errorf("heard %v, %d breaks", s.hears(), s.broken())
	}
}

// What is signed and can't be understood is kept for a person, once.
func TestGarbled(t *testing.T) {
	s := open(t)
	body := []byte("\x00\xff<html>")
	for range 2 {
		if code := s.send(from, s.sign(body), body); code != http.StatusNoContent {
			t.Errorf("answered with %d", code)
		}
	}
	list := s.inState(news.Garbled)
	if len(list) != 1 || list[0].Problem == "" || list[0].Copies != 1 || s.broken() != 1 {
		t.Errorf("%+v, %d breaks", list, s.broken())
	}
}

// What can't be applied is tried for about a day, and then a person is asked.
func TestStuck(t *testing.T) {
	s := open(t)
	s.deaf = errors.New("the database is away")
	body := []byte(`{"id":"e1","about":["a"]}`)
	s.send(from, s.sign(body), body)
	begun := s.clock.Now()
	for range news.ApplyTries + 1 {
		s.work()
		s.clock.Advance(time.Hour)
	}
	if list := s.inState(news.Stuck); len(list) != 1 || list[0].Problem == "" || s.broken() != 1 || list[0].Settled.Sub(begun) < 24*time.Hour {
		t.Errorf("%+v, %d breaks", list, s.broken())
	}
	if dead, err := job.Counts(t.Context(), s.DB, news.ApplyJob); err != nil || len(dead) > 0 && dead[0].Dead+dead[0].Waiting > 0 {
		t.Errorf("jobs: %+v %v", dead, err)
	}
}

// A message that could be stored by nobody is not acknowledged.
func TestNotStored(t *testing.T) {
	s := open(t)
	body := []byte(`{"id":"e1","about":["a"]}`)
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if code := s.send(from, s.sign(body), body); code != http.StatusServiceUnavailable {
		t.Errorf("answered with %d", code)
	}
}

// What is settled is deleted after its time, whatever came of it, and with it what
// says whom it is about; what is not settled stays.
func TestOldMessagesAreDeleted(t *testing.T) {
	s := open(t)
	send := func(body string) {
		t.Helper()
		if code := s.send(from, s.sign([]byte(body)), []byte(body)); code != http.StatusNoContent {
			t.Fatalf("answered with %d", code)
		}
	}
	send(`{"id":"e1","about":["a","b","a"]}`)
	send("<html>")
	s.work()
	s.clock.Advance(time.Hour)
	send(`{"id":"e2","about":["a"]}`) // applied an hour later
	s.work()
	send(`{"id":"e3","about":["a"]}`) // and never
	count := func() (list []int) {
		for _, st := range []news.State{news.Received, news.Applied, news.Garbled} {
			list = append(list, len(s.inState(st)))
		}
		for _, about := range []string{"a", "b"} {
			told, err := news.About(t.Context(), s.DB, about, 10)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, len(told))
		}
		return list
	}
	for _, c := range []struct {
		after time.Duration
		gone  int
		want  []int
	}{
		{news.KeepFor - 2*time.Hour, 0, []int{1, 2, 1, 3, 1}},
		{time.Hour + time.Second, 2, []int{1, 1, 0, 2, 0}},
		{time.Hour, 1, []int{1, 0, 0, 1, 0}},
		{news.KeepFor, 0, []int{1, 0, 0, 1, 0}},
	} {
		s.clock.Advance(c.after)
		gone := 0
		err := s.Expire(t.Context(), s.clock.Now().Add(-news.KeepFor), func(_ context.Context, n int) error {
			gone += n
			return nil
		})
		if diff := cmp.Diff(c.want, count()); err != nil || gone != c.gone || diff != "" {
			t.Errorf("after %v more: %d are gone, want %d, %v (-want +got)\n%s", c.after, gone, c.gone, err, diff)
		}
	}
	s.work()
	if len(s.hears()) != 5 {
		t.Errorf("heard %v", s.hears())
	}
}

package providertest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
)

// PushHarness is what a provider brings to [RunPushes].
type PushHarness struct {
	// Start makes a simulator with an empty book that sends to o, and a provider
	// that reaches it and knows the secret. It registers on t whatever must be let
	// go.
	Start func(t *testing.T, o push.Options) PushInstance
}

// PushInstance is a simulator that tells unasked what happened.
type PushInstance struct {
	Provider provider.Provider
	// Happen has something happen that is told, by one message at least, and gives
	// our reference of the operation that it is about.
	Happen func() string
	// Pushes sends the messages.
	Pushes *push.Sender
}

// RunPushes holds what a provider sends, and its Parse, against the rules of the
// seam.
func RunPushes(t *testing.T, h PushHarness) {
	for name, run := range map[string]func(*testing.T, *mailbox, PushInstance){
		"told and understood": understood, "signed by nobody else": unsigned, "one name however often": oneName, "signed and not understood": notUnderstood,
		"the feed tells the same": feedTells,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &mailbox{}
			server := httptest.NewServer(m)
			t.Cleanup(server.Close)
			i := h.Start(t, push.Options{URL: server.URL, Secret: "the provider's and ours"})
			t.Cleanup(func() { _ = i.Pushes.Close() })
			if i.Provider.Parse == nil {
				t.Fatal("it sends messages, and has no Parse")
			}
			run(t, m, i)
		})
	}
}

// mailbox keeps what is sent to it.
type mailbox struct {
	mu     sync.Mutex
	list   []provider.Push
	refuse int // so many are answered with 500
}

// ServeHTTP implements [http.Handler].
func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a message cut short is judged as it is
	header := r.Header.Clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, provider.Push{Header: header.Get, Body: body, At: clock.System{}.Now()})
	if m.refuse > 0 {
		m.refuse--
		http.Error(w, "not now", http.StatusInternalServerError)
	}
}

// all waits until nothing is left to be sent, and gives what came.
func (m *mailbox) all(t *testing.T, i PushInstance) []provider.Push {
	t.Helper()
	for range 5000 {
		if i.Pushes.Idle() {
			m.mu.Lock()
			defer m.mu.Unlock()
			return append([]provider.Push(nil), m.list...)
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("it never stops sending")
	return nil
}

func parsed(t *testing.T, i PushInstance, p provider.Push) provider.Pushed {
	t.Helper()
	told, err := i.Provider.Parse(p)
	if err != nil {
		t.Fatalf("%s: %v", p.Body, err)
	}
	return told
}

func understood(t *testing.T, m *mailbox, i PushInstance) {
	reference := i.Happen()
	list := m.all(t, i)
	found := false
	for _, p := range list {
		told := parsed(t, i, p)
		if told.ID == "" || told.Problem != "" || told.Raw == "" || len(told.Notices) == 0 {
			t.Errorf("%s: %+v", p.Body, told)
		}
		for _, n := range told.Notices {
			found = found || n.Reference == reference
			if n.Number == 0 && n.ID == "" || n.At.IsZero() || n.Kind == "" {
				t.Errorf("%s: %+v", p.Body, n)
			}
			if s := n.Standing; (n.Kind == provider.NoticeOutcome) != (s != nil) || s != nil && s.Status == provider.Declined && s.Reason == "" {
				t.Errorf("%s: %+v", p.Body, s)
			}
		}
	}
	if !found {
		t.Errorf("nothing was told of %s in %d messages", reference, len(list))
	}
}

func unsigned(t *testing.T, m *mailbox, i PushInstance) {
	i.Happen()
	for _, p := range m.all(t, i) {
		other, late, none := p, p, p
		other.Body = append(bytes.Clone(p.Body), ' ')
		late.At = p.At.Add(time.Hour)
		none.Header = func(string) string { return "" }
		for what, bad := range map[string]provider.Push{"another body": other, "an hour later": late, "no signature": none} {
			if told, err := i.Provider.Parse(bad); err != provider.ErrUnsigned || told.ID != "" || len(told.Notices) > 0 {
				t.Errorf("%s: %+v, %v", what, told, err)
			}
		}
	}
}

// oneName: what is not acknowledged, or doubled by the network, comes again
// under the same name, and says the same.
func oneName(t *testing.T, m *mailbox, i PushInstance) {
	m.refuse = 1
	if err := i.Pushes.Inject(push.Fault{Mode: push.Burst, Count: 100}); err != nil {
		t.Fatal(err)
	}
	i.Happen()
	by := map[string]provider.Pushed{}
	list := m.all(t, i)
	for _, p := range list {
		told := parsed(t, i, p)
		if before, again := by[told.ID]; again {
			if diff := cmp.Diff(before, told); diff != "" {
				t.Error(diff)
			}
		}
		by[told.ID] = told
	}
	if len(list) < 10*len(by)+1 {
		t.Errorf("%d messages of %d names", len(list), len(by))
	}
}

func notUnderstood(t *testing.T, m *mailbox, i PushInstance) {
	if err := i.Pushes.Inject(push.Fault{Mode: push.Garbage}); err != nil {
		t.Fatal(err)
	}
	i.Happen()
	problems := 0
	for _, p := range m.all(t, i) {
		if told := parsed(t, i, p); told.Problem != "" {
			if problems++; len(told.Notices) > 0 || !strings.HasPrefix(told.Raw, "<html>") {
				t.Errorf("%+v", told)
			}
		}
	}
	if problems != 1 {
		t.Errorf("%d messages were not understood", problems)
	}
}

// feedTells: a notice with a number that was sent is the one that is there when
// it is asked for.
func feedTells(t *testing.T, m *mailbox, i PushInstance) {
	i.Happen()
	for _, p := range m.all(t, i) {
		for _, n := range parsed(t, i, p).Notices {
			if n.Number == 0 {
				continue
			}
			list, err := i.Provider.Notices(t.Context(), n.Number-1, 1)
			if err != nil || len(list) != 1 {
				t.Fatalf("notice %d: %+v %v", n.Number, list, err)
			}
			if diff := cmp.Diff(n, list[0]); diff != "" {
				t.Errorf("-sent +asked for:\n%s", diff)
			}
		}
	}
}

package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/provider"
)

func newServer(t *testing.T, o Options) (*Simulator, *FileBook, string) {
	t.Helper()
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	sim := NewSimulator(book, o)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return sim, book, server.URL
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAdministration(t *testing.T) {
	_, _, url := newServer(t, Options{})
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/healthz", "", 200, "ok\n"},
		{"GET", "/faults", "", 200, `{"faults":[]}`},
		{"POST", "/faults", `{"fault":"lost","kind":"capture","count":2}`, 200, `{"faults":[{"fault":"lost","kind":"capture","count":2}]}`},
		{"POST", "/faults", `{"fault":"late","delay_ms":1500,"reference":"r"}`, 200,
			`{"faults":[{"fault":"lost","kind":"capture","count":2},{"fault":"late","reference":"r","count":1,"delay_ms":1500}]}`},
		{"DELETE", "/faults", "", 200, `{"faults":[]}`},
		{"POST", "/faults", `{"fault":"odd"}`, 400, ""},
		{"POST", "/faults", `{"fault":"lost","kind":"odd"}`, 400, ""},
		{"POST", "/faults", `{"fault":"lost","knid":"sale"}`, 400, ""},
		{"POST", "/faults", `{"fault":"lost","count":-1}`, 400, ""},
		{"POST", "/faults", `{"fault":"late","delay_ms":9223372036854775807}`, 400, ""},
		{"POST", "/faults", `{"fault":"late","delay_ms":-9223372036854775808}`, 400, ""},
		{"POST", "/faults", `{"fault":"slow_process","delay_ms":30000}`, 400, ""}, // the horizon
		{"POST", "/faults", `[`, 400, ""},
		{"GET", "/faults", "", 200, `{"faults":[]}`},
		{"GET", "/v1/operations", "", 404, `{"error":{"code":"no_such_path","message":"there is nothing here","processed":false}}`},
		{"POST", "/v1/operations", strings.Repeat(" ", maxRequest+1), 413,
			`{"error":{"code":"too_large","message":"a request has at most 1048576 bytes","processed":false}}`},
	}
	for _, test := range tests {
		status, body := call(t, test.method, url+test.path, test.body)
		if status != test.status || test.want != "" && body != test.want {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", test.method, test.path, test.body, status, body, test.status, test.want)
		}
	}
}

func TestBookListing(t *testing.T) {
	_, _, url := newServer(t, Options{})
	p := New(url, ConnectorOptions{})
	p.Authorize(t.Context(), testSale)
	poor := testSale
	poor.Reference, poor.Card.Number = "poor", hidden.NewText("4000000000009995")
	p.Authorize(t.Context(), poor)
	p.Refund(t.Context(), provider.RefundRequest{Reference: "back", Original: "r", Amount: testSale.Amount})
	_, text := call(t, "GET", url+"/book", "")
	var got []string
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var op Operation
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintln(op.Reference, op.Kind, op.Amount, op.Currency, op.State, op.Code, op.Original))
		if op.Time.IsZero() || op.Time.Location() != time.UTC {
			t.Errorf("time %v", op.Time)
		}
	}
	want := []string{
		fmt.Sprintln("r sale 100 eur approved 00", ""),
		fmt.Sprintln("poor sale 100 eur declined 51", ""),
		fmt.Sprintln("back refund 100 eur approved 00 r"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(text, testSale.Card.Number.Reveal()) || strings.Contains(text, `"737"`) {
		t.Errorf("card data in the book: %s", text)
	}
}

// TestFaultScript: a rule hits what it names, as often as it says.
func TestFaultScript(t *testing.T) {
	sim, _, url := newServer(t, Options{})
	p := New(url, ConnectorOptions{Timeout: 2 * time.Second})
	for _, f := range []Fault{{Mode: Garbage, Kind: Sale, Count: 2}, {Mode: Reset, Reference: "special"}} {
		if err := sim.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	statuses := func(references ...string) (all []provider.Status) {
		for _, reference := range references {
			req := testSale
			req.Reference = reference
			if reference == "special" {
				req.Capture = false
			}
			all = append(all, p.Authorize(t.Context(), req).Status)
		}
		return all
	}
	want := []provider.Status{provider.Unknown, provider.Unknown, provider.Unknown, provider.Approved, provider.Approved}
	if diff := cmp.Diff(want, statuses("a", "special", "b", "c", "special")); diff != "" {
		t.Error(diff)
	}
	if left := sim.faults.left(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

// TestRandomFaults: what happens to a request depends on the seed and on the
// request, not on the order in which requests come.
func TestRandomFaults(t *testing.T) {
	draw := func(seed uint64, order []int) map[int]Fault {
		f := &faults{seed: seed, rate: 300, delay: time.Second, visits: map[string]uint64{}}
		drawn := map[int]Fault{}
		for _, i := range order {
			drawn[i] = f.next(Sale, fmt.Sprint("r", i))
		}
		return drawn
	}
	var up, down []int
	for i := range 1000 {
		up, down = append(up, i), append(down, 999-i)
	}
	if diff := cmp.Diff(draw(1, up), draw(1, down)); diff != "" {
		t.Errorf("the order matters:\n%s", diff)
	}
	if cmp.Equal(draw(1, up), draw(2, up)) {
		t.Error("the seed does not matter")
	}
	hit := map[Mode]int{}
	for _, f := range draw(1, up) {
		hit[f.Mode]++
		if f.Delay > time.Second {
			t.Errorf("delay %v", f.Delay)
		}
	}
	for _, mode := range modes {
		if hit[mode] < 20 { // of 50 on average
			t.Errorf("%s was drawn %d times of 1000", mode, hit[mode])
		}
	}
	if faulty := 1000 - hit[""]; faulty < 240 || faulty > 360 {
		t.Errorf("%d faults at a rate of 300 of 1000", faulty)
	}
}

// TestServeEnds: the end comes at once, though one connection is held by a
// fault and one never said a word, and a listener that fails is reported.
func TestServeEnds(t *testing.T) {
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	sim := NewSimulator(book, Options{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	if err := sim.Inject(Fault{Mode: Lost}); err != nil {
		t.Fatal(err)
	}
	if err := sim.Inject(Fault{Mode: SlowProcess, Delay: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := New("http://"+ln.Addr().String(), ConnectorOptions{})
	held := make(chan provider.Outcome, 2)
	for _, reference := range []string{"lost", "slow"} {
		req := testSale
		req.Reference = reference
		go func() { held <- p.Authorize(t.Context(), req) }()
	}
	for len(sim.faults.left()) > 0 || len(listed(t, book)) == 0 {
		time.Sleep(time.Millisecond)
	}
	begun := clock.System{}.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if took := (clock.System{}).Now().Sub(begun); took > 3*time.Second {
		t.Errorf("it took %v to end", took)
	}
	for range 2 {
		if out := <-held; out.Status != provider.Unknown {
			t.Errorf("a held call: %+v", out)
		}
	}
	if n := len(listed(t, book)); n != 1 {
		t.Errorf("%d operations in the book; what was to be processed later must be gone", n)
	}
	if err := NewSimulator(book, Options{}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener: %v", err)
	}
}

// TestAnswerAfterSync: no byte of an answer leaves before its operation is on
// the disk.
func TestAnswerAfterSync(t *testing.T) {
	_, book, url := newServer(t, Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	book.sync = func() error {
		entered <- struct{}{}
		<-release
		return book.file.Sync()
	}
	p := New(url, ConnectorOptions{})
	answered := make(chan provider.Outcome, 1)
	go func() { answered <- p.Authorize(t.Context(), testSale) }()
	select {
	case <-entered:
	case out := <-answered:
		t.Fatalf("answered without a sync: %+v", out)
	}
	select {
	case out := <-answered:
		t.Errorf("answered before the sync returned: %+v", out)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if out := <-answered; out.Status != provider.Approved {
		t.Errorf("%+v", out)
	}
}

// TestBrokenBook: a book that can't be written makes the outcome unknown.
func TestBrokenBook(t *testing.T) {
	_, book, url := newServer(t, Options{})
	book.sync = func() error { return errors.New("disk on fire") }
	p := New(url, ConnectorOptions{})
	if out := p.Authorize(t.Context(), testSale); out.Status != provider.Unknown || out.Code != internal {
		t.Errorf("%+v", out)
	}
	if f := p.Inquire(t.Context(), "r"); f.Answer != provider.NoAnswer {
		t.Errorf("%+v", f)
	}
	book.mu.Lock()
	book.err = nil // for closing
	book.durable = len(book.ops)
	book.mu.Unlock()
}

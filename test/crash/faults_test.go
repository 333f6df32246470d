//go:build unix && !probe

package crash

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/postgres"
)

// under runs a load while faults are made, and inspects what is left, and that a
// receiver, if there is one, was told of everything.
func under(ctx context.Context, t *testing.T, l *load, hook *receiver, server *florintest.Server, box *florintest.Sandbox, faults func(*load)) *world {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.round(clients, func() bool { return !l.over.Load() })
	}()
	func() {
		defer func() {
			l.over.Store(true)
			<-done
		}()
		faults(l)
	}()
	if t.Failed() {
		t.FailNow()
	}
	w := inspect(t, l, server, box)
	if hook != nil {
		told(ctx, t, server, hook)
	}
	return w
}

// TestDatabaseServerKilled ends PostgreSQL's own server with SIGKILL under load,
// again and again, and once leaves it away for longer than a lease lasts. What
// was acknowledged is there, once.
func TestDatabaseServerKilled(t *testing.T) {
	severalNodes(t)
	kills := max(1, number(t, "FLORIN_KILLS", 3))
	away := time.Duration(number(t, "FLORIN_AWAY", 14)) * time.Second
	seed := number(t, "FLORIN_SEED", 1)
	t.Logf("FLORIN_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 7))
	pg := postgres.ForTest(t, postgres.Options{})
	box := florintest.StartSandbox(t, florintest.SandboxOptions{Seed: seed, Faults: faults})
	server := florintest.Start(t, florintest.Options{DB: pg.URL(), Sandbox: box.URL, Args: []string{timeout}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(kills)*5*time.Second+away)
	defer cancel()
	l, hook := mixed(ctx, t, "server", newClient(server), box)
	w := under(ctx, t, l, hook, server, box, func(*load) {
		for i := range kills {
			_ = sleep(ctx, time.Duration(300+random.IntN(1500))*time.Millisecond)
			if err := pg.Kill(); err != nil {
				t.Error(err)
				return
			}
			if i == kills-1 {
				_ = sleep(ctx, away)
			}
			if err := pg.Restart(ctx); err != nil {
				t.Error(err)
				return
			}
		}
		_ = sleep(ctx, time.Second)
	})
	if !server.Running() {
		t.Error("florin has ended with its database")
	}
	w.report(int(kills), nil)
}

// TestNodesKilled ends one of three nodes with SIGKILL at random moments, again
// and again, while clients go on with the others; at times several at once.
func TestNodesKilled(t *testing.T) {
	severalNodes(t)
	kills := max(1, number(t, "FLORIN_KILLS", 4))
	seed := number(t, "FLORIN_SEED", 1)
	t.Logf("FLORIN_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	box := florintest.StartSandbox(t, florintest.SandboxOptions{Seed: seed, Faults: faults})
	nodes := florintest.Nodes(t, 3, florintest.Options{Sandbox: box.URL, Args: []string{timeout}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(kills)*5*time.Second)
	defer cancel()
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	var restarts []time.Duration
	l, hook := mixed(ctx, t, "nodes", c, box)
	w := under(ctx, t, l, hook, nodes[0], box, func(*load) {
		for range kills {
			_ = sleep(ctx, time.Duration(300+random.IntN(1500))*time.Millisecond)
			struck := random.Perm(len(nodes))[:1+max(0, random.IntN(6)-3)] // one, at times two or all
			for _, i := range struck {
				if err := nodes[i].Kill(); err != nil {
					t.Error(err)
					return
				}
			}
			_ = sleep(ctx, time.Duration(random.IntN(1000))*time.Millisecond)
			for _, i := range struck {
				begun := time.Now()
				if err := nodes[i].Restart(ctx); err != nil {
					t.Error(err)
					return
				}
				restarts = append(restarts, time.Since(begun))
			}
		}
	})
	w.report(len(restarts), restarts)
}

// TestDiskFull fills the disk of a SQLite database under load. What can't be
// written is not acknowledged but refused, what is stored is shown meanwhile, and when there
// is room again all goes on in the same process. On a disk that may only be read it does not
// start, and says why.
func TestDiskFull(t *testing.T) {
	if florintest.Postgres() {
		t.Skip("the disk is the database server's business")
	}
	t.Parallel()
	dir := t.TempDir()
	mount := func(options string) error {
		return exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).Run()
	}
	if err := mount("size=24m"); err != nil {
		t.Skip("only root can mount a small disk")
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	server := florintest.Start(t, florintest.Options{DB: "sqlite:" + filepath.Join(dir, "florin.db"), Sandbox: box.URL, Args: []string{timeout}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ballast, pid := filepath.Join(dir, "ballast"), server.PID()
	c := newClient(server)
	w := under(ctx, t, &load{t: t, ctx: ctx, client: c, tag: "full"}, nil, server, box, func(*load) {
		for range 2 {
			_ = sleep(ctx, time.Second)
			fill(t, ballast)
			met := c.retried.Load()
			for end := time.Now().Add(20 * time.Second); c.retried.Load() == met && time.Now().Before(end); {
				_ = sleep(ctx, 20*time.Millisecond)
			}
			if c.retried.Load() == met {
				t.Error("no request has met the full disk")
			}
			withoutRoom(ctx, t, server)
			if err := os.Remove(ballast); err != nil {
				t.Error(err)
			}
			wait, done := context.WithTimeout(ctx, 20*time.Second)
			for r := ask(wait, t, server, http.MethodPost, "/v1/customers"); r.StatusCode != http.StatusOK && wait.Err() == nil; {
				_ = sleep(wait, 20*time.Millisecond)
				r = ask(wait, t, server, http.MethodPost, "/v1/customers")
			}
			if wait.Err() != nil {
				t.Error("nothing is written though there is room again")
			}
			done()
		}
		_ = sleep(ctx, time.Second)
	})
	if server.PID() != pid || !server.Running() {
		t.Error("the server has ended over the full disk")
	}
	w.report(0, nil)
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if err := mount("remount,ro"); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(ctx); err == nil || !strings.Contains(err.Error(), "read") {
		t.Errorf("on a disk that may only be read: %v", err)
	}
	if err := mount("remount,rw"); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(ctx); err != nil {
		t.Error(err)
	}
}

// withoutRoom checks that while the disk is full reads are served and writes are refused as what
// is to be tried again later.
func withoutRoom(ctx context.Context, t *testing.T, server *florintest.Server) {
	t.Helper()
	for _, path := range []string{"/v1/balance", "/v1/payment_intents?limit=3", "/v1/events?limit=3"} {
		if r := ask(ctx, t, server, http.MethodGet, path); r.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", path, r.Status)
		}
	}
	var r *http.Response
	for range 20 { // a little room may be left
		if r = ask(ctx, t, server, http.MethodPost, "/v1/customers"); r.StatusCode != http.StatusOK {
			break
		}
	}
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("POST: %s %v", r.Status, r.Header)
	}
}

// ask makes a request as the server's merchant; its answer's body is read.
func ask(ctx context.Context, t *testing.T, server *florintest.Server, method, path string) *http.Response {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("description=" + strings.Repeat("x", 340))
	}
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(server.SecretKey, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return &http.Response{Status: err.Error(), Header: http.Header{}}
	}
	_, _ = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	return a
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

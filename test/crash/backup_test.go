//go:build unix && !probe

package crash

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// TestBackupDrill: a server is backed up while it takes payments, goes on, and is
// lost with its database. What is restored learns from the acquirer what happened
// since, and every client asks again for all that it has been answered: no payer
// has paid twice, and no payment is unknown.
func TestBackupDrill(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	journeys := int(number(t, "FLORIN_DRILL", 48))
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	first := florintest.Start(t, florintest.Options{Sandbox: box.URL, Args: []string{timeout}})
	l := &load{t: t, ctx: ctx, client: newClient(first), tag: "drill"}
	l.round(clients, upTo(l, journeys))

	archive := filepath.Join(first.Dir, "florin.backup")
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.round(clients, upTo(l, 3*journeys))
	}()
	if _, err := first.Command(ctx, "backup", archive); err != nil {
		t.Fatal(err)
	}
	<-done
	before := approved(ctx, t, box)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second := lose(ctx, t, first, archive, box)
	c := &client{url: second.URL, secret: second.SecretKey, http: l.client.http}
	l.client = c
	again(ctx, t, l)
	after := approved(ctx, t, box)
	if len(before) != len(after) {
		t.Errorf("the acquirer had approved %d operations before the loss, and %d when all was asked for again", len(before), len(after))
	}
	w := look(t, l, second, box)
	w.restored = true
	d := reader(t, second.DB)
	defer func() { _ = d.Close() }()
	w.settle(d)
	w.read()
	w.book()
	w.clearing(d)
	w.outcomes()
	report, err := second.Verify(ctx)
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("florin verify: %+v %v", report.Findings, err)
	}
	t.Logf("%d calls before the loss, %d operations at the acquirer; lost %d, doubled %d, unexplained %d", len(l.calls), len(before), w.lost, w.doubled, w.unexplained)
	if w.learned < journeys/4 {
		t.Errorf("only %d operations were learned of: the drill shows nothing", w.learned)
	}
}

// upTo is whether another journey is to begin.
func upTo(l *load, n int) func() bool {
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.journeys < n
	}
}

// lose destroys a server's database and brings the backup back: in its place on
// SQLite, and on PostgreSQL in another database.
func lose(ctx context.Context, t *testing.T, first *florintest.Server, archive string, box *florintest.Sandbox) *florintest.Server {
	t.Helper()
	o := florintest.Options{DB: first.DB, Sandbox: box.URL, SecretKey: first.SecretKey, PublishableKey: first.PublishableKey, Args: []string{timeout}}
	if path, ok := strings.CutPrefix(first.DB, "sqlite:"); ok {
		for _, file := range []string{path, path + "-wal", path + "-shm", filepath.Join(filepath.Dir(path), "florin.heads")} {
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	} else {
		o.DB = florintest.Database(t)
	}
	second := florintest.New(t, o)
	if florintest.Postgres() {
		key, err := os.ReadFile(first.KeyFile())
		if err == nil {
			err = os.WriteFile(second.KeyFile(), key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := second.Command(ctx, "restore", archive); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Command(ctx, "restore", archive); err == nil || !strings.Contains(err.Error(), "empty place") {
		t.Errorf("a second restore to the same place: %v", err)
	}
	if err := second.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	return second
}

// again asks again for everything that was answered, under its key.
func again(ctx context.Context, t *testing.T, l *load) {
	t.Helper()
	var group sync.WaitGroup
	slots := make(chan struct{}, clients)
	for _, asked := range l.calls {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			got, err := l.client.do(ctx, asked, func() {})
			if err != nil {
				t.Error(err)
				return
			}
			was, now := asked.Answer, got
			o, err := was.thing()
			if err != nil || was.Status != http.StatusOK || o.Status != "succeeded" {
				return // no money was taken by it
			}
			// What the acquirer does not know of, such as metadata, is lost.
			p, err := now.thing()
			if err != nil || now.Status != http.StatusOK || p.Status != o.Status || p.Amount != o.Amount || o.Object == "payment_intent" && p.ID != o.ID {
				t.Errorf("%s %s was answered %s %s, and after the restore %d %s", asked.Path, asked.Key, o.ID, o.Status, now.Status, now.Body)
			}
		})
	}
	group.Wait()
}

// approved lists what the acquirer has approved.
func approved(ctx context.Context, t *testing.T, box *florintest.Sandbox) (list []sandbox.Operation) {
	t.Helper()
	all, err := box.Operations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range all {
		if op.State == sandbox.Approved {
			list = append(list, op)
		}
	}
	return list
}

// TestRestoreRefusals: a backup is brought back whole, with its key, to an empty
// place, or not at all.
func TestRestoreRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := florintest.Start(t, florintest.Options{})
	c := newClient(s)
	if a, err := c.do(ctx, &call{Key: "one", Path: "/v1/payment_intents", Form: creating(2000, "usd", "automatic", "pm_card_visa").form(nil)}, func() {}); err != nil || a.Status != http.StatusOK {
		t.Fatal(a, err)
	}
	archive := filepath.Join(s.Dir, "florin.backup")
	if _, err := s.Command(ctx, "backup", archive); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Command(ctx, "backup", archive); err == nil {
		t.Error("a backup is written over another")
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup may be read by others: %v %v", info.Mode(), err)
	}
	key, err := os.ReadFile(s.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content, bytes.TrimSpace(key)) {
		t.Error("the backup holds the master key")
	}
	// Where no key is.
	other := florintest.New(t, florintest.Options{SecretKey: s.SecretKey, PublishableKey: s.PublishableKey})
	refused := func(what string, want string, file string) {
		t.Helper()
		if _, err := other.Command(ctx, "restore", file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want that %q", what, err, want)
		}
	}
	if out, err := other.Command(ctx, "restore", archive); err == nil {
		t.Errorf("without a key: %s", out)
	}
	wrong := florintest.Start(t, florintest.Options{})
	put(t, wrong.KeyFile(), other.KeyFile())
	refused("another key", "is sealed under master key", archive)
	put(t, s.KeyFile(), other.KeyFile())
	torn := filepath.Join(s.Dir, "torn.backup")
	for _, at := range []int{10, len(content) / 2, len(content) - 5} {
		if err := os.WriteFile(torn, content[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		refused("a backup that was cut off", "backup", torn)
	}
	bad := bytes.Clone(content)
	bad[len(bad)/2] ^= 1
	if err := os.WriteFile(torn, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a damaged backup", "damaged", torn)
	if _, err := other.Command(ctx, "restore", archive); err != nil {
		t.Fatal(err)
	}
	if err := other.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if list, err := newClient(other).list(ctx, "/v1/payment_intents"); err != nil || len(list) != 1 || list[0].Status != "succeeded" {
		t.Errorf("after the restore there is %+v, %v", list, err)
	}
}

func put(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

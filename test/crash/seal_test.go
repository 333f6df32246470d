//go:build unix && !probe

package crash

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// unsealed are the tables that seals are in.
var unsealed = []string{"DELETE FROM seal", "DELETE FROM seal_mark", "DELETE FROM seal_chain"}

// sealDamages are changes that agree with everything in the database but its
// seals, or with these too but not with the heads that are kept elsewhere.
var sealDamages = map[string]struct {
	sql     func(s subject) []string
	reseal  bool   // the server runs on the changed database, with another heads file
	check   string // what verify must find, and nothing that is no seal's
	problem string
}{
	"the time of a posting": {sql: func(s subject) []string {
		return []string{fmt.Sprintf("UPDATE posting SET at = at - 86400000000 WHERE key = %d", s.posting)}
	}, check: "seal", problem: "are not what seal 1 of shard"},
	"the key of a posting": {sql: func(s subject) []string {
		return []string{fmt.Sprintf("UPDATE posting SET key = key + 1 WHERE key = %d", s.posting)}
	}, check: "seal", problem: "are not what seal 1 of shard"},
	"a seal": {sql: func(subject) []string {
		return []string{"UPDATE seal SET at = at + 1 WHERE number = 1"}
	}, check: "seal", problem: "is not what its head was made from"},
	"how far is sealed": {sql: func(subject) []string {
		return []string{"UPDATE seal_mark SET number = number + 1"}
	}, check: "seal mark", problem: "postings are sealed up to"},
	"all seals cut off": {sql: func(subject) []string { return unsealed }, check: "heads", problem: "is missing: the database was cut or restored"},
	"all sealed anew over another posting": {sql: func(s subject) []string {
		return append([]string{fmt.Sprintf("UPDATE posting SET at = at - 1 WHERE key = %d", s.posting)}, unsealed...)
	}, reseal: true, check: "heads", problem: "the chain was replaced from there on"},
}

// TestVerifyFindsSealDamage: what nothing else shows, seals and the heads that
// are kept of them do.
func TestVerifyFindsSealDamage(t *testing.T) {
	t.Parallel()
	address, s := books(t)
	for name, damage := range sealDamages {
		t.Run(name, func(t *testing.T) {
			spoiled := florintest.New(t, florintest.Options{DB: copyOf(t, address), Env: []string{"FLORIN_MASTER_KEY_FILE=" + s.key}})
			for _, statement := range damage.sql(s) {
				behind(t, spoiled.DB, statement)
			}
			if damage.reseal {
				if err := spoiled.Restart(t.Context(), "FLORIN_HEADS="+filepath.Join(t.TempDir(), "other.heads")); err != nil {
					t.Fatal(err)
				}
				if err := spoiled.Stop(); err != nil {
					t.Fatal(err)
				}
				if report, err := spoiled.Verify(t.Context()); err != nil || !report.OK || !report.Seals.Missing {
					t.Errorf("without its heads nothing shows; yet %+v, %v", report, err)
				}
			}
			report, err := spoiled.Verify(t.Context(), "--heads="+s.heads)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range report.Findings {
				found = found || f.Check == damage.check && strings.Contains(f.Problem, damage.problem)
				if f.Check != "seal" && f.Check != "seal mark" && f.Check != "heads" {
					t.Errorf("found %+v", f)
				}
			}
			if !found {
				t.Errorf("no %q that %q; findings %+v", damage.check, damage.problem, report.Findings)
			}
		})
	}
}

// TestRestoredDatabase: an older copy of the database, put in its place, lacks
// what the heads file has. The server says so and leaves the file alone.
func TestRestoredDatabase(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heads := filepath.Join(t.TempDir(), "florin.heads")
	server := florintest.Start(t, florintest.Options{Args: []string{"--heads=" + heads}})
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "restored"}
	round := func(n int) {
		t.Helper()
		l.round(4, func() bool { return l.journeys < n })
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		report, err := server.Verify(ctx, "--heads="+heads)
		if err != nil || !report.OK || report.Seals.Unsealed != 0 || report.Seals.Sealed == 0 || report.Seals.Missing {
			t.Errorf("sound books: %+v, %v", report, err)
		}
	}
	round(8)
	old := copyOf(t, server.DB)
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	round(16)
	kept, err := os.ReadFile(heads)
	if err != nil {
		t.Fatal(err)
	}
	restored := florintest.New(t, florintest.Options{DB: old, Args: []string{"--heads=" + heads},
		SecretKey: server.SecretKey, PublishableKey: server.PublishableKey, Env: []string{"FLORIN_MASTER_KEY_FILE=" + server.KeyFile()}})
	report, err := restored.Verify(ctx, "--heads="+heads)
	if err != nil || len(report.Findings) != 1 || report.Findings[0].Check != "heads" {
		t.Errorf("a restored database: %+v, %v", report, err)
	}
	if err := restored.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := restored.Stop(); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(heads); err != nil || string(now) != string(kept) {
		t.Errorf("the heads file was changed (%v)", err)
	}
	if !strings.Contains(restored.Log(), "Rows were removed or replaced, or it is another or an older database") {
		t.Errorf("the server says nothing of it:\n%s", restored.Log())
	}
}

// TestHeadsByDefault: heads are kept beside the master key, and looked for there.
func TestHeadsByDefault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := florintest.Start(t, florintest.Options{})
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "heads"}
	l.round(4, func() bool { return l.journeys < 8 })
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	report, err := server.Verify(ctx)
	if err != nil || !report.OK || report.Seals.Missing || report.Seals.Heads == 0 || report.Seals.Unsealed != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	want := filepath.Join(filepath.Dir(server.KeyFile()), "florin.heads")
	if _, err := os.Stat(want); err != nil {
		t.Error(err)
	}
	if err := os.Remove(want); err != nil {
		t.Fatal(err)
	}
	if report, err := server.Verify(ctx); err != nil || !report.OK || !report.Seals.Missing {
		t.Errorf("that the file is gone is not said: %+v, %v", report, err)
	}
	if _, err := server.Verify(ctx, "--heads="+want); err == nil {
		t.Error("a file that was named and is not there is passed over")
	}
}

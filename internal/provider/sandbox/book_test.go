package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/hidden"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// record puts an approved sale into the book.
func record(t testing.TB, b Book, reference string) Operation {
	t.Helper()
	req := request{Reference: reference, Kind: Sale, Amount: 100, Currency: "eur", Card: &card{hidden.NewText("4242424242424242"), 12, 2034, hidden.Text{}}}
	op, _, err := b.Apply(t.Context(), reference, func(v View) (Operation, error) { return rules{}.judge(v, req, noon) })
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func listed(t testing.TB, b Book) []Operation {
	t.Helper()
	var ops []Operation
	for op, err := range b.Operations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

// writtenBook gives the bytes of a book with some operations, and them.
func writtenBook(t *testing.T, n int) ([]byte, []Operation) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.book")
	b := openBook(t, path)
	for i := range n {
		record(t, b, fmt.Sprint("ref-", i))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text, listed(t, b)
}

// TestBookTornAtEveryByte cuts the file at each of its bytes, as a crash may,
// and expects the whole lines back, and a book that goes on from there.
func TestBookTornAtEveryByte(t *testing.T) {
	text, ops := writtenBook(t, 3)
	dir := t.TempDir()
	for cut := range len(text) + 1 {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenFileBook(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		whole := max(0, bytes.Count(text[:cut], []byte("\n"))-1)
		if diff := cmp.Diff(append([]Operation(nil), ops[:whole]...), listed(t, b)); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
		}
		record(t, b, "later")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := OpenFileBook(path)
		if err != nil {
			t.Fatalf("cut at %d, after another operation: %v", cut, err)
		}
		if got := listed(t, again); len(got) != whole+1 || got[whole].Reference != "later" {
			t.Fatalf("cut at %d, after another operation: %+v", cut, got)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBookDamage changes each byte in turn; none may go unnoticed.
func TestBookDamage(t *testing.T) {
	text, _ := writtenBook(t, 2)
	path := filepath.Join(t.TempDir(), "b.book")
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 0x20 // changes letters' case, which JSON's names forgive
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := OpenFileBook(path); err == nil {
			t.Errorf("byte %d changed from %q to %q, and the book opens with %d operations", i, text[i], bad[i], len(listed(t, b)))
			_ = b.Close()
		}
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, bad := range map[string][][]byte{
		"line missing":      {lines[0], lines[2]},
		"lines swapped":     {lines[0], lines[2], lines[1]},
		"line twice":        {lines[0], lines[1], lines[1]},
		"heading missing":   {lines[1], lines[2]},
		"empty line":        {lines[0], lines[1], []byte("\n"), lines[2]},
		"something else":    {[]byte("hello\n")},
		"other book's tail": {lines[0], []byte(`{"sum":"00000000","op":{}}` + "\n")},
	} {
		if err := os.WriteFile(path, bytes.Join(bad, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := OpenFileBook(path); err == nil {
			t.Errorf("%s: the book opens", name)
			_ = b.Close()
		}
	}
}

func TestBookHasOneHolder(t *testing.T) {
	for _, name := range []string{"b.book", "b.db"} {
		path := filepath.Join(t.TempDir(), name)
		b, err := OpenBook(t.Context(), path, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenBook(t.Context(), path, db.Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("%s: a second process may hold the book: %v", name, err)
		}
		record(t, b, "sale")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := OpenBook(t.Context(), path, db.Options{})
		if err != nil {
			t.Fatalf("%s: once its holder has gone: %v", name, err)
		}
		if got := listed(t, again); len(got) != 1 || got[0].Reference != "sale" {
			t.Errorf("%s: %+v", name, got)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestGroupCommit: while one sync is under way, all others gather behind it and
// share the next; and nobody is told anything before its sync has returned.
func TestGroupCommit(t *testing.T) {
	b := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	var syncs atomic.Int64
	entered, release := make(chan struct{}, 8), make(chan struct{})
	b.sync = func() error {
		syncs.Add(1)
		entered <- struct{}{}
		<-release
		return b.file.Sync()
	}
	var told atomic.Int64
	var wg sync.WaitGroup
	start := func(reference string) {
		wg.Go(func() { record(t, b, reference); told.Add(1) })
	}
	start("first")
	select {
	case <-entered:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was synced")
	}
	const crowd = 200
	for i := range crowd {
		start(fmt.Sprint("ref-", i))
	}
	start("first") // its repetition must wait for the same sync
	wg.Go(func() {
		if _, found, err := b.Find(t.Context(), "first"); !found || err != nil {
			t.Errorf("find: %t, %v", found, err)
		}
		told.Add(1)
	})
	for decided := 0; decided < crowd+1; {
		time.Sleep(time.Millisecond)
		b.mu.Lock()
		decided = len(b.index)
		b.mu.Unlock()
	}
	if n := told.Load(); n != 0 {
		t.Errorf("%d were told before the first sync returned", n)
	}
	close(release)
	wg.Wait()
	if n := syncs.Load(); n != 2 {
		t.Errorf("%d operations took %d syncs, want 2", crowd+1, n)
	}
}

// TestFailedSync: after a sync that failed nobody knows what is on the disk, so
// the book says nothing more.
func TestFailedSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.book")
	b := openBook(t, path)
	record(t, b, "good")
	broken := errors.New("disk on fire")
	b.sync = func() error { return broken }
	decide := func(View) (Operation, error) {
		return Operation{Reference: "bad", State: Approved, Code: codeApproved}, nil
	}
	if _, _, err := b.Apply(t.Context(), "bad", decide); !errors.Is(err, broken) {
		t.Errorf("apply: %v", err)
	}
	b.sync = b.file.Sync
	if _, _, err := b.Apply(t.Context(), "good", decide); !errors.Is(err, broken) {
		t.Errorf("apply afterwards: %v", err)
	}
	if _, _, err := b.Find(t.Context(), "good"); !errors.Is(err, broken) {
		t.Errorf("find afterwards: %v", err)
	}
	for _, err := range b.Operations(t.Context()) {
		if !errors.Is(err, broken) {
			t.Errorf("list afterwards: %v", err)
		}
	}
	if err := b.Close(); !errors.Is(err, broken) {
		t.Errorf("close: %v", err)
	}
	if _, _, err := b.Find(t.Context(), "good"); !errors.Is(err, ErrBookClosed) {
		t.Errorf("find after close: %v", err)
	}
	again := openBook(t, path)
	if _, found, err := again.Find(t.Context(), "good"); !found || err != nil {
		t.Errorf("after opening anew: %t, %v", found, err)
	}
}

// TestTwoSimulatorsShareABook: nothing that is decided on is kept elsewhere.
func TestTwoSimulatorsShareABook(t *testing.T) {
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	sims := []*Simulator{NewSimulator(book, Options{}), NewSimulator(book, Options{})}
	req := request{Reference: "s", Kind: Sale, Amount: 100, Currency: "eur", Card: &card{hidden.NewText("4242424242424242"), 12, 2034, hidden.Text{}}}
	if _, err := sims[0].process(req); err != nil {
		t.Fatal(err)
	}
	var approved atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			op, err := sims[i%2].process(request{Reference: fmt.Sprint("r", i), Kind: Refund, Original: "s", Amount: 30, Currency: "eur"})
			if err != nil {
				t.Error(err)
			}
			if op.State == Approved {
				approved.Add(1)
			}
		})
	}
	wg.Wait()
	if n := approved.Load(); n != 3 {
		t.Errorf("%d refunds of 30 on 100 were approved", n)
	}
}

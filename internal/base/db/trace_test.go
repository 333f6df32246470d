package db_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// TestTrace: who looks at a handle's statements sees each, with the rows that it has
// written and who sent it; and what waits can be seen without a statement.
func TestTrace(t *testing.T) {
	var mu sync.Mutex
	var sent []db.Sent
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Trace: func(s db.Sent) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, s)
	}})
	take := func() (verbs map[string]int64, readers int) {
		mu.Lock()
		defer mu.Unlock()
		verbs = map[string]int64{}
		for _, s := range sent {
			verb, _, _ := strings.Cut(s.SQL, " ")
			if strings.Contains(s.SQL, "INTO train ") {
				verb = "train"
			}
			if verbs[verb] += s.Rows; s.Reader {
				readers++
			}
		}
		sent = nil
		return verbs, readers
	}
	take()
	put(t, d, counter{Payload: "a"}, counter{Payload: "b"}, counter{Payload: "c"})
	if verbs, readers := take(); verbs["INSERT"] != 3 || verbs["UPDATE"] != 0 || readers != 0 {
		t.Errorf("three rows: %v, %d of readers", verbs, readers)
	}
	if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 10)); err != nil {
		t.Fatal(err)
	}
	if verbs, readers := take(); verbs["INSERT"] != 0 || verbs["UPDATE"] != 1 || readers != 0 {
		t.Errorf("a change: %v, %d of readers", verbs, readers)
	}
	if got, err := sorted.All(t.Context(), d, int64(2)); err != nil || len(got) != 3 {
		t.Fatalf("%v %v", got, err)
	}
	if verbs, readers := take(); readers != 1 || len(verbs) != 1 {
		t.Errorf("a query: %v, %d of readers", verbs, readers)
	}
	if n := d.Queued(); n != 0 {
		t.Errorf("%d steps wait", n)
	}
}

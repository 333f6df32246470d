package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/test/leak"
)

// onBothEngines runs f with the address of a database that holds no book yet.
func onBothEngines(t *testing.T, f func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		t.Cleanup(func() { leak.CheckDir(t, dir) })
		f(t, "sqlite:"+filepath.Join(dir, "book.db"))
	})
	t.Run("postgres", func(t *testing.T) { f(t, postgresAddress(t)) })
}

// postgresAddress is a database with Florin's own tables in it, as serve has it.
func postgresAddress(t *testing.T) string {
	t.Helper()
	if !dbtest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server")
	}
	return dbtest.Address(t)
}

// openDBBook opens a book that is closed when the test is over.
func openDBBook(t testing.TB, address string, o db.Options) *DBBook {
	t.Helper()
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	book, err := OpenDBBook(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	return book
}

// hurried is the system's clock, as far ahead as it is told.
type hurried struct {
	clock.System
	ahead atomic.Int64 // nanoseconds
}

func (h *hurried) Now() time.Time { return h.System.Now().Add(time.Duration(h.ahead.Load())) }

// TestDBBookIsLikeTheFileBook puts the same random operations into a book of
// each sort; all that they tell must be the same.
func TestDBBookIsLikeTheFileBook(t *testing.T) {
	seed := uint64(1)
	t.Logf("seed %d", seed)
	onBothEngines(t, func(t *testing.T, address string) {
		random := rand.New(rand.NewPCG(seed, 0))
		file := openBook(t, filepath.Join(t.TempDir(), "b.book"))
		// A millisecond passes between operations: what different nodes record within
		// one is in no order that could be foretold.
		ticking := &hurried{}
		two := []*DBBook{openDBBook(t, address, db.Options{Clock: ticking}), openDBBook(t, address, db.Options{Clock: ticking})}
		kinds := []Kind{Authenticate, Authorize, Sale, Increment, Capture, Capture, Refund, Refund, Refund, Reversal, Reversal}
		approved := map[Kind]int{}
		var good []string // what was approved
		for range 400 {
			req := request{
				Reference: fmt.Sprint("r", random.IntN(200)), Kind: kinds[random.IntN(len(kinds))],
				Amount: []int64{10, 100, 100}[random.IntN(3)], Currency: "eur",
			}
			if req.Kind.takesCard() {
				numbers := []string{"4242424242424242", "4000000000000259", "4000000000005126", "4000000000007726"}
				req.Card = &card{hidden.NewText(numbers[random.IntN(len(numbers))]), 12, 2034, hidden.Text{}}
				if req.Kind == Authorize {
					req.Features = features
				}
			} else if req.Original = fmt.Sprint("r", random.IntN(200)); len(good) > 0 && random.IntN(4) > 0 {
				req.Original = good[random.IntN(len(good))]
			}
			decide := func(v View) (Operation, error) { return rules{}.judge(v, req, noon) }
			wantOp, wantRepeated, wantErr := file.Apply(t.Context(), req.Reference, decide)
			ticking.ahead.Add(int64(time.Millisecond))
			op, repeated, err := two[random.IntN(2)].Apply(t.Context(), req.Reference, decide)
			if diff := cmp.Diff(wantOp, op); diff != "" || repeated != wantRepeated || !errors.Is(err, wantErr) {
				t.Fatalf("%+v: repeated %t, want %t; %v, want %v; -want +got:\n%s", req, repeated, wantRepeated, err, wantErr, diff)
			}
			if err == nil && !repeated && op.State == Approved {
				approved[op.Kind]++
				good = append(good, op.Reference)
			}
		}
		if len(approved) != 7 {
			t.Fatalf("not every kind was approved: %v", approved)
		}
		want := listed(t, file)
		for _, b := range append(two, openDBBook(t, address, db.Options{})) { // and one that was opened later
			got := listed(t, b)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-file +database:\n%s", diff)
			}
			inCausalOrder(t, got)
			for _, at := range []int64{0, 3, 1000} {
				wantNotices, _ := file.Notices(t.Context(), at, 20)
				if list, err := b.Notices(t.Context(), at, 20); err != nil || !cmp.Equal(list, wantNotices) {
					t.Errorf("notices after %d: %v\n%s", at, err, cmp.Diff(wantNotices, list))
				}
			}
			wantDue, _ := file.Due(t.Context(), noon.Add(answerTime), 1000)
			due, err := b.Due(t.Context(), noon.Add(answerTime), 1000)
			byReference := func(x, y Operation) int { return strings.Compare(x.Reference, y.Reference) }
			slices.SortFunc(wantDue, byReference)
			slices.SortFunc(due, byReference)
			if diff := cmp.Diff(wantDue, due); diff != "" || err != nil || len(due) == 0 {
				t.Errorf("due: %v\n%s", err, diff)
			}
			for i := range 200 {
				reference := fmt.Sprint("r", i)
				wantOp, wantFound, _ := file.Find(t.Context(), reference)
				if op, found, err := b.Find(t.Context(), reference); !cmp.Equal(op, wantOp) || found != wantFound || err != nil {
					t.Errorf("find %s: %+v %t %v, want %+v %t", reference, op, found, err, wantOp, wantFound)
				}
			}
		}
	})
}

// inCausalOrder expects every approved operation after its original.
func inCausalOrder(t *testing.T, ops []Operation) {
	t.Helper()
	seen := map[string]bool{}
	for _, op := range ops {
		if op.State == Approved && op.Original != "" && !seen[op.Original] {
			t.Errorf("%s is listed before its original %s", op.Reference, op.Original)
		}
		seen[op.Reference] = true
	}
}

// TestClocksThatDiffer: a refund by a node whose clock is an hour behind is
// listed after its sale all the same.
func TestClocksThatDiffer(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		ahead := openDBBook(t, address, db.Options{Clock: clock.At(noon.Add(time.Hour))})
		behind := openDBBook(t, address, db.Options{Clock: clock.At(noon)})
		record(t, ahead, "sale")
		for _, req := range []request{
			{Reference: "refund", Kind: Refund, Original: "sale", Amount: 10, Currency: "eur"},
			{Reference: "undo", Kind: Reversal, Original: "refund", Amount: 10, Currency: "eur"},
		} {
			op, _, err := behind.Apply(t.Context(), req.Reference, func(v View) (Operation, error) { return rules{}.judge(v, req, noon) })
			if err != nil || op.State != Approved {
				t.Fatalf("%+v %v", op, err)
			}
		}
		if ops := listed(t, ahead); len(ops) != 3 {
			t.Errorf("%d operations are listed, want 3", len(ops))
		} else {
			inCausalOrder(t, ops)
		}
	})
}

// TestRefundsThroughTwoNodes: 100 refunds of a sale at once through two
// handles, and what is approved is what was taken.
func TestRefundsThroughTwoNodes(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		// A millisecond passes between operations: what different nodes record within
		// one is in no order that could be foretold.
		ticking := &hurried{}
		two := []*DBBook{openDBBook(t, address, db.Options{Clock: ticking}), openDBBook(t, address, db.Options{Clock: ticking})}
		sims := []*Simulator{NewSimulator(two[0], Options{}), NewSimulator(two[1], Options{})}
		record(t, two[0], "sale")
		var approved, declined atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				op, err := sims[i%2].process(request{Reference: fmt.Sprint("refund-", i), Kind: Refund, Original: "sale", Amount: 3, Currency: "eur"})
				switch {
				case err != nil:
					t.Error(err)
				case op.State == Approved:
					approved.Add(1)
				case op.Code == codeInvalidAmount:
					declined.Add(1)
				}
			})
		}
		wg.Wait()
		if approved.Load() != 33 || declined.Load() != 67 {
			t.Errorf("%d refunds of 3 on 100 were approved and %d declined", approved.Load(), declined.Load())
		}
		ops := listed(t, two[1])
		if len(ops) != 101 || ops[0].Reference != "sale" {
			t.Errorf("%d operations are listed, the first of them %+v", len(ops), ops[0])
		}
	})
}

// TestOneReferenceThroughTwoNodes: a reference that is sent many times at once
// is decided once, and everybody is told the same.
func TestOneReferenceThroughTwoNodes(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		// A millisecond passes between operations: what different nodes record within
		// one is in no order that could be foretold.
		ticking := &hurried{}
		two := []*DBBook{openDBBook(t, address, db.Options{Clock: ticking}), openDBBook(t, address, db.Options{Clock: ticking})}
		const references, each = 5, 20
		var first atomic.Int64
		var wg sync.WaitGroup
		for i := range references * each {
			wg.Go(func() {
				reference := fmt.Sprint("ref-", i%references)
				op, repeated, err := two[i/references%2].Apply(t.Context(), reference, func(View) (Operation, error) {
					// The amount tells whose decision it was.
					return Operation{Reference: reference, Kind: Sale, Amount: int64(i + 1), Currency: "eur", State: Approved, Code: codeApproved, Time: noon}, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if !repeated {
					first.Add(1)
				}
				if stored, _, err := two[0].Find(t.Context(), reference); err != nil || !cmp.Equal(stored, op) || repeated == (op.Amount == int64(i+1)) {
					t.Errorf("told %+v (repeated %t), stored is %+v, %v", op, repeated, stored, err)
				}
			})
		}
		wg.Wait()
		if n, ops := first.Load(), listed(t, two[0]); n != references || len(ops) != references {
			t.Errorf("%d references were decided %d times, and %d operations are listed", references, n, len(ops))
		}
	})
}

// TestAbsenceHolds: two decisions, each of which records only where the other
// is not there, are never both recorded, though neither finds a row to lock.
func TestAbsenceHolds(t *testing.T) {
	taken := errors.New("the other was there")
	onBothEngines(t, func(t *testing.T, address string) {
		// A millisecond passes between operations: what different nodes record within
		// one is in no order that could be foretold.
		ticking := &hurried{}
		two := []*DBBook{openDBBook(t, address, db.Options{Clock: ticking}), openDBBook(t, address, db.Options{Clock: ticking})}
		for round := range 20 {
			var wg sync.WaitGroup
			var recorded atomic.Int64
			for i := range 2 {
				wg.Go(func() {
					mine, other := fmt.Sprintf("%d-%d", round, i), fmt.Sprintf("%d-%d", round, 1-i)
					_, _, err := two[i].Apply(t.Context(), mine, func(v View) (Operation, error) {
						if _, found, err := v.Find(other); found || err != nil {
							return Operation{}, errors.Join(err, taken)
						}
						return Operation{Reference: mine, Kind: Sale, Amount: 1, Currency: "eur", State: Approved, Code: codeApproved, Time: noon}, nil
					})
					if err == nil {
						recorded.Add(1)
					} else if !errors.Is(err, taken) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := recorded.Load(); n != 1 {
				t.Fatalf("round %d: %d of two that exclude each other are recorded", round, n)
			}
		}
		if ops := listed(t, two[0]); len(ops) != 20 {
			t.Errorf("%d operations are listed, want 20", len(ops))
		}
	})
}

// TestNothingIsRecordedTooLate: a decision that had to wait until its time was
// over is not made, even where it was begun before.
func TestNothingIsRecordedTooLate(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		book := openDBBook(t, address, db.Options{})
		record(t, book, "original")
		ctx, cancel := context.WithCancel(t.Context())
		_, _, err := book.Apply(ctx, "late", func(v View) (Operation, error) {
			cancel()
			if _, _, err := v.Find("original"); err != nil { // not loaded yet: the decision waits
				return Operation{}, err
			}
			return Operation{Reference: "late", Kind: Sale, Amount: 1, Currency: "eur", State: Approved, Code: codeApproved, Time: noon}, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("apply: %v", err)
		}
		if _, found, err := book.Find(t.Context(), "late"); found || err != nil {
			t.Errorf("find: %t, %v", found, err)
		}
	})
}

// TestManyFollowers: however many refunds were made and undone, a decision
// finds all of them within the rounds that a train has.
func TestManyFollowers(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		book := openDBBook(t, address, db.Options{})
		sim := NewSimulator(book, Options{})
		record(t, book, "sale")
		do := func(kind Kind, reference, original string, amount int64) string {
			op, err := sim.process(request{Reference: reference, Kind: kind, Original: original, Amount: amount, Currency: "eur"})
			if err != nil {
				t.Fatalf("%s: %v", reference, err)
			}
			return op.Code
		}
		for i := range 30 {
			refund := fmt.Sprint("refund-", i)
			if code := do(Refund, refund, "sale", 100); code != codeApproved {
				t.Fatalf("%s: %s", refund, code)
			}
			if code := do(Reversal, "undo-"+refund, refund, 100); code != codeApproved {
				t.Fatalf("undo %s: %s", refund, code)
			}
		}
		if code := do(Reversal, "undo-sale", "sale", 100); code != codeApproved {
			t.Errorf("reversal of the sale: %s", code)
		}
	})
}

// TestLongListing: a listing goes on from page to page, in order, and ends
// where its reader ends it.
func TestLongListing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		book := openDBBook(t, address, db.Options{})
		var wg sync.WaitGroup
		var want []string
		for i := range 2*pageSize + 1 {
			reference := fmt.Sprint("ref-", i)
			want = append(want, reference)
			wg.Go(func() { record(t, book, reference) })
		}
		wg.Wait()
		record(t, book, "last")
		var got []string
		for _, op := range listed(t, book) {
			got = append(got, op.Reference)
		}
		if len(got) != len(want)+1 || got[len(got)-1] != "last" {
			t.Fatalf("%d operations, the last of them %s", len(got), got[len(got)-1])
		}
		slices.Sort(want)
		slices.Sort(got[:len(want)])
		if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
			t.Error(diff)
		}
		for range book.Operations(t.Context()) {
			break
		}
	})
}

// TestNodesThatStartAtOnce make one schema and one set of tables.
func TestNodesThatStartAtOnce(t *testing.T) {
	address := postgresAddress(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			book, err := OpenDBBook(t.Context(), address, db.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := book.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	record(t, openDBBook(t, address, db.Options{}), "sale")
}

// TestBookTables: every statement fits the book's own tables, which are no part
// of Florin's beside them.
func TestBookTables(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		book := openDBBook(t, address, db.Options{})
		if err := book.db.CheckStatements(t.Context()); err != nil {
			t.Error(err)
		}
		if err := book.ForgetTrains(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(address, "postgres") {
			return
		}
		err := dbtest.OpenAt(t, address, db.Options{}).CheckStatements(t.Context())
		if err == nil || !strings.Contains(err.Error(), "sandbox_entry") {
			t.Errorf("Florin's own tables have the book's among them: %v", err)
		}
	})
}

func TestDamagedRowIsNotServed(t *testing.T) {
	good := `{"reference":"r","kind":"sale","amount":1,"currency":"eur","state":"approved","code":"00","time":"2026-11-21T12:00:00Z"}`
	for _, e := range []entry{
		{Recorded: 1, Reference: "r"},
		{Recorded: 1, Reference: "r", Body: good[1:]},
		{Recorded: 1, Reference: "other", Body: good},
	} {
		if op, _, err := e.operation(); err == nil {
			t.Errorf("%+v gives %+v", e, op)
		}
	}
	if op, found, err := (entry{Recorded: 1, Reference: "r", Body: good}).operation(); !found || err != nil || op.Amount != 1 {
		t.Errorf("%+v %t %v", op, found, err)
	}
}

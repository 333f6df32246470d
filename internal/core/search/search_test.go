package search

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// world is a search over a vault and a database of its own.
type world struct {
	*Service
	t     *testing.T
	vault *vault.Service
	s     id.Scope
	clock *clock.Fixed
}

func newWorld(t *testing.T) *world {
	c := clock.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c})
	m, err := secret.GenerateFrom(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(d, m, &idem.Keys{Sealer: m})
	w := &world{New(d, m, v), t, v, id.Scope{Account: 7}, c}
	t.Cleanup(func() {
		err := vault.Customers.Check(context.Background(), d, func(_ id.Scope, key int64, problem string) { t.Errorf("%d: %s", key, problem) })
		if err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) customer(name, email string, metadata map[string]string) *object.Object[vault.Customer] {
	w.t.Helper()
	p := &vault.CustomerParams{Metadata: &vault.Metadata{Set: metadata}}
	if name != "" {
		p.Name = &name
	}
	if email != "" {
		p.Email = &email
	}
	r, err := w.vault.CreateCustomer(w.t.Context(), w.s, p, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Main.(*object.Object[vault.Customer])
}

func (w *world) run() {
	w.t.Helper()
	if err := w.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// find gives the keys of all pages.
func (w *world) find(query string, limit int) (keys []int64) {
	w.t.Helper()
	r := Request{Query: query, Limit: limit}
	for {
		page, err := w.Customers(w.t.Context(), w.s, r)
		if err != nil {
			w.t.Fatalf("%s: %v", query, err)
		}
		for _, o := range page.Objects {
			keys = append(keys, o.Key)
		}
		if r.Page = page.Next; r.Page == "" {
			return keys
		}
	}
}

func (w *world) id(key int64) string { return vault.Customers.ID(w.s, key) }

// count says how many rows the index has.
func (w *world) count() (terms, entries int64) {
	w.t.Helper()
	rows, err := indexRows.All(w.t.Context(), w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	return rows[0].Terms, rows[0].Entries
}

type sizes struct{ Terms, Entries int64 }

var indexRows = db.NewQuery("rows of the index", "SELECT (SELECT count(*) FROM search_term), (SELECT count(*) FROM search_entry)", func(s *sizes, f *db.Fields) {
	db.Int(f, &s.Terms)
	db.Int(f, &s.Entries)
})

var (
	names  = []string{"", "Ada Lovelace", "Ada Byron", "Björk Ödegård", "Lovejoy", "aaaaaa", "李小龍 陳"}
	values = []string{"1", "2", "Two", "two", "ABC-1"}
)

// TestFindsWhatAComparisonOfAllFinds draws customers, changes and queries, and
// compares every answer with one that looks at all customers.
func TestFindsWhatAComparisonOfAllFinds(t *testing.T) {
	w := newWorld(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	var all []*object.Object[vault.Customer]
	for range 60 {
		email := ""
		if random.IntN(2) == 0 {
			email = fmt.Sprintf("%d@example.%s", random.IntN(4), pick([]string{"com", "org"}))
		}
		all = append(all, w.customer(pick(names), email, map[string]string{pick(values): pick(values)}))
		w.clock.Advance(time.Duration(random.IntN(900)) * time.Millisecond)
		if random.IntN(6) == 0 {
			w.run() // some are changed after they were indexed, some before
		}
		o := all[random.IntN(len(all))]
		switch random.IntN(8) {
		case 0:
			_, _ = w.vault.DeleteCustomer(t.Context(), w.s, w.id(o.Key), nil) // refused when it is gone
		case 1, 2:
			_, _ = w.vault.UpdateCustomer(t.Context(), w.s, w.id(o.Key), &vault.CustomerParams{Name: new(pick(names)), Metadata: &vault.Metadata{Clear: true, Set: map[string]string{"k": pick(values)}}}, nil)
		}
	}
	w.run()
	first := all[0].Created().Unix()
	clauses := func() string {
		c := []string{
			fmt.Sprintf("name:%q", pick(names)), fmt.Sprintf("name~%q", pick([]string{"ada", "LOVE", "aaa", "aaaaaaa", "ödeg", "lovel", "小龍 "})),
			fmt.Sprintf("email~%q", pick([]string{"example", "@exa", ".org", "0@example.com"})), fmt.Sprintf("email:%q", pick([]string{"0@example.com", "3@EXAMPLE.org"})),
			fmt.Sprintf("metadata[%q]:%q", pick(append(values, "k")), pick(values)), fmt.Sprintf("metadata[%q]:null", pick(values)), "email:null", "name:null",
			fmt.Sprintf("created%s%d", pick([]string{">", "<", ">=", "<=", ":"}), first+random.Int64N(30)),
		}
		return pick([]string{"", "", "-"}) + c[random.IntN(len(c))]
	}
	found := 0
	for range 300 {
		n, word := 1+random.IntN(3), pick([]string{" AND ", " OR "})
		list := make([]string, n)
		for i := range list {
			list[i] = clauses()
		}
		text := strings.Join(list, word)
		want := w.compareAll(text, all)
		got := w.find(text, 1+random.IntN(20))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
		r, err := w.Customers(t.Context(), w.s, Request{Query: text, Limit: 1, Count: true})
		if err != nil || r.Total != len(want) {
			t.Fatalf("%s: total %d, want %d (%v)", text, r.Total, len(want), err)
		}
		found += len(want)
	}
	if found < 300 {
		t.Errorf("only %d were found in all: the queries are too narrow", found)
	}
}

func (w *world) compareAll(text string, all []*object.Object[vault.Customer]) (keys []int64) {
	w.t.Helper()
	q, err := parse("customer", customerFields, text)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range all {
		now, _, err := vault.Customers.Read(w.t.Context(), w.db, w.s, o.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		d, err := customerDocument(w.t.Context(), w.Service, now)
		if err != nil {
			w.t.Fatal(err)
		}
		if q.matches(d) {
			keys = append(keys, o.Key)
		}
	}
	slices.Reverse(keys)
	return keys
}

// TestTheIndexHoldsNoMoreThanThereIs: terms that an object no longer has go,
// those of a deleted customer too, and nothing lies in clear.
func TestTheIndexHoldsNoMoreThanThereIs(t *testing.T) {
	w := newWorld(t)
	o := w.customer("Ada Lovelace", "ada@example.com", map[string]string{"order": "order-value"})
	w.run()
	before, _ := w.count()
	if before < 20 {
		t.Fatalf("%d terms", before)
	}
	packed, _, err := entries.Read(t.Context(), w.db, db.Key{Scope: w.s.Key(), ID: o.Key})
	if err != nil || bytes.Contains(bytes.ToLower(packed), []byte("ada")) || int64(len(packed)) != 8*before {
		t.Errorf("%d bytes of terms, %v", len(packed), err)
	}
	if _, err := w.vault.UpdateCustomer(t.Context(), w.s, w.id(o.Key), &vault.CustomerParams{Name: new("Bob")}, nil); err != nil {
		t.Fatal(err)
	}
	w.run()
	if after, _ := w.count(); after >= before || len(w.find(`name:"bob"`, 5)) != 1 || len(w.find(`name~"ada"`, 5)) != 0 {
		t.Errorf("%d terms, then %d", before, after)
	}
	if _, err := w.vault.DeleteCustomer(t.Context(), w.s, w.id(o.Key), nil); err != nil {
		t.Fatal(err)
	}
	if len(w.find(`name:"bob"`, 5)) != 0 {
		t.Error("a deleted customer is found before the index knows")
	}
	w.run()
	if terms, entries := w.count(); terms != 0 || entries != 0 {
		t.Errorf("%d terms and %d entries of a deleted customer", terms, entries)
	}
}

// TestNodesIndexSideBySide: while customers are made and changed, two nodes
// index; afterwards everything is found.
func TestNodesIndexSideBySide(t *testing.T) {
	w := newWorld(t)
	var makers, nodes sync.WaitGroup
	ended := make(chan struct{})
	for range 2 {
		nodes.Go(func() {
			for {
				if err := w.Run(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	for m := range 4 {
		makers.Go(func() {
			for i := range 15 {
				r, err := w.vault.CreateCustomer(t.Context(), w.s, &vault.CustomerParams{Name: new("Draft")}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				key := r.Main.(*object.Object[vault.Customer]).Key
				if _, err = w.vault.UpdateCustomer(t.Context(), w.s, w.id(key), &vault.CustomerParams{Name: new(fmt.Sprintf("Maker %d", m)), Metadata: &vault.Metadata{Set: map[string]string{"i": fmt.Sprint(i)}}}, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	makers.Wait()
	close(ended)
	nodes.Wait()
	w.run()
	for m := range 4 {
		if got := len(w.find(fmt.Sprintf("name:\"maker %d\"", m), 100)); got != 15 {
			t.Errorf("maker %d has %d", m, got)
		}
	}
	if got := len(w.find(`metadata["i"]:"3"`, 100)); got != 4 {
		t.Errorf("%d have 3", got)
	}
	if len(w.find(`name~"draft"`, 100)) != 0 {
		t.Error("a name that was given up is found")
	}
}

// TestAnIndexIsBuilt over what a database without one holds, and over what is
// left of one, in several rounds.
func TestAnIndexIsBuilt(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.customer(fmt.Sprintf("Customer %d", i), "", nil)
	}
	w.run()
	w.wipe(2)
	if len(w.find(`name~"customer"`, 10)) == 5 {
		t.Fatal("the index was not damaged")
	}
	for range len(indexers) + 1 {
		w.run()
	}
	if len(w.find(`name~"customer"`, 10)) != 5 {
		t.Error("the index was not built")
	}
}

// wipe takes the entries and all but some of the terms away, and that the index
// was ever built.
func (w *world) wipe(leave int) {
	w.t.Helper()
	all, err := allTerms.All(w.t.Context(), w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.db.Run(w.t.Context(), db.Step{Name: "wipe", Do: func(tx *db.Tx) error {
		var missed error
		for _, t := range all[leave:] {
			missed = keep(missed, remove(tx, w.s, t.Sub, t.ID))
			at := db.Key{Scope: w.s.Key(), ID: t.ID}
			_, ok, err := entries.Get(tx, at)
			if missed = keep(missed, err); ok {
				entries.Delete(tx, at)
			}
		}
		_, _, err := builds.Get(tx, db.Key{ID: format})
		if missed = keep(missed, err); missed == nil {
			builds.Delete(tx, db.Key{ID: format})
		}
		return missed
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

var allTerms = db.NewQuery("all terms", "SELECT key, term FROM search_term ORDER BY key, term", func(k *db.Key, f *db.Fields) {
	db.Int(f, &k.ID)
	db.Int(f, &k.Sub)
})

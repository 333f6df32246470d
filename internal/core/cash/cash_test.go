package cash_test

import (
	"context"
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
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/test/leak"
)

type world struct {
	*cash.Service
	t     *testing.T
	s     id.Scope
	vault *vault.Service
}

// live is the same merchant in live mode.
func (w *world) live() *world {
	other := *w
	other.s.Livemode = true
	return &other
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldAt(t, dbtest.Address(t))
}

func worldAt(t *testing.T, address string) *world {
	t.Helper()
	d := dbtest.OpenAt(t, address, db.Options{})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := &idem.Keys{Sealer: master, Pin: func(*db.Tx, id.Scope, *idem.Reply) ([]object.Ref, error) { return nil, nil }}
	merchants := merchant.New(d, merchant.Options{})
	shop, err := merchants.Bootstrap(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(d, master, keys)
	v.Holds = cash.Holds
	p := &payment.Service{DB: d, Keys: keys, Vault: v, Merchant: merchants, Book: &ledger.Book{}, Own: []string{vault.TypeTransfer}, Log: leak.Logger(t)}
	w := &world{&cash.Service{DB: d, Keys: keys, Book: p.Book, Payment: p}, t, id.Scope{Account: shop.Account.Key}, v}
	p.Funds = w.Service
	return w
}

func (w *world) customer() (public string, key int64) {
	w.t.Helper()
	reply, err := w.vault.CreateCustomer(context.Background(), w.s, &vault.CustomerParams{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	o := reply.Main.(*object.Object[vault.Customer])
	return vault.Customers.ID(w.s, o.Key), o.Key
}

func (w *world) fund(customer string, minor int64, currency money.Currency) error {
	return refusal(w.Fund(context.Background(), w.s, customer, money.New(minor, currency), "", nil))
}

// refusal is what an operation was refused with, before its step or in it.
func refusal(reply *idem.Reply, err error) error {
	if err == nil && reply.Error != nil {
		return reply.Error
	}
	return err
}

// books are the net balances of the merchant by account, but for those that are
// empty.
func (w *world) books() map[string]int64 {
	w.t.Helper()
	balances, err := ledger.ReadBalances(w.t.Context(), w.DB, w.s)
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]int64{}
	for _, b := range balances {
		if b.Net() != 0 {
			got[b.Account.String()] = b.Net()
		}
	}
	return got
}

// findings are what a check of the cash balances, and of the ledger, finds wrong.
func (w *world) findings() (found []string) {
	w.t.Helper()
	report := func(f ledger.Finding) { found = append(found, f.String()) }
	for _, err := range []error{w.Check(context.Background(), report), w.Payment.Check(context.Background(), report), ledger.Check(context.Background(), w.DB, report)} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return found
}

// A node whose clock is behind gives keys that are older than what is there.
func TestClocksThatDiffer(t *testing.T) {
	address := dbtest.Address(t)
	w := worldAt(t, address)
	behind := dbtest.OpenAt(t, address, db.Options{Clock: clock.At(time.Now().Add(-time.Hour))})
	customer, _ := w.customer()
	other := &world{&cash.Service{DB: behind, Keys: w.Keys, Book: &ledger.Book{}, Payment: w.Payment}, t, w.s, w.vault}
	for _, at := range []*world{w, other, w} {
		if err := at.fund(customer, 500, "usd"); err != nil {
			t.Fatal(err)
		}
	}
	if found := w.findings(); len(found) > 0 {
		t.Error(found)
	}
}

// Money that comes at once from many sides is all there: in the balance, in its
// transactions, and in the books, where none of it is the merchant's.
func TestFundedAtOnce(t *testing.T) {
	w := newWorld(t)
	one, key := w.customer()
	other, _ := w.customer()
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if err := w.fund([]string{one, one, other}[i%3], 100, []money.Currency{"usd", "eur", "usd"}[i%3]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o, ok, err := vault.Customers.Read(t.Context(), w.DB, w.s, key)
	if err != nil || !ok {
		t.Fatal(err)
	}
	b, ok, err := cash.Balances.Read(t.Context(), w.DB, w.s, o.Body.Cash)
	if err != nil || !ok {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[money.Currency]int64{"usd": 1000, "eur": 1000}, b.Body.Available); diff != "" {
		t.Error(diff)
	}
	got := w.books()
	want := map[string]int64{"customer_cash:usd": 2000, "customer_cash:eur": 1000, "bank:usd": -2000, "bank:eur": -1000}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if found := w.findings(); len(found) > 0 {
		t.Errorf("wrong: %v", found)
	}
}

// A customer whose money is held can't be deleted; nothing comes in for one who
// is gone, in live mode, or in a currency that no bank of ours has.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	held, _ := w.customer()
	if err := w.fund(held, 100, "usd"); err != nil {
		t.Fatal(err)
	}
	if err := refusal(w.vault.DeleteCustomer(t.Context(), w.s, held, nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("deleted with money: %v", err)
	}
	gone, _ := w.customer()
	if _, err := w.vault.DeleteCustomer(t.Context(), w.s, gone, nil); err != nil {
		t.Fatal(err)
	}
	live := w.live()
	abroad, _ := live.customer()
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"gone":     {w.fund(gone, 100, "usd"), fault.NotFound},
		"nobody":   {w.fund("cus_nobody", 100, "usd"), fault.NotFound},
		"nothing":  {w.fund(held, 0, "usd"), fault.Invalid},
		"too much": {w.fund(held, 99_999_999_999_999, "usd"), fault.Invalid},
		"currency": {w.fund(held, 100, "chf"), fault.Invalid},
		"live":     {live.fund(abroad, 100, "usd"), fault.Invalid},
	} {
		if fault.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if found := w.findings(); len(found) > 0 {
		t.Errorf("wrong: %v", found)
	}
}

// A balance that does not agree with its transactions, or with the books, is
// found.
func TestDamageIsFound(t *testing.T) {
	w := newWorld(t)
	customer, key := w.customer()
	if err := w.fund(customer, 100, "usd"); err != nil {
		t.Fatal(err)
	}
	o, _, err := vault.Customers.Read(t.Context(), w.DB, w.s, key)
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB.Run(t.Context(), db.Step{Name: "damage", Scope: w.s.Key(), Do: func(tx *db.Tx) error {
		b, _, err := cash.Balances.Get(tx, w.s, o.Body.Cash)
		if err != nil {
			return err
		}
		b.Body.Available = map[money.Currency]int64{"usd": 99}
		return cash.Balances.Update(tx, b)
	}})
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Join(w.findings(), "\n")
	for _, part := range []string{"its transactions add up to 100", "the cash balances of customers add up to 99"} {
		if !strings.Contains(found, part) {
			t.Errorf("%q is not among\n%s", part, found)
		}
	}
}

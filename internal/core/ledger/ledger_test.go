package ledger

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var (
	noon  = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	today = Day(noon)
)

// bench is a ledger on a database of its own, at noon until its clock is moved.
type bench struct {
	t       testing.TB
	address string
	db      *db.DB
	clock   *clock.Fixed
	book    *Book
	s       id.Scope
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, address: dbtest.Address(t), clock: clock.At(noon), s: id.Scope{Account: 7}}
	b.db = dbtest.OpenAt(t, b.address, db.Options{Clock: b.clock})
	b.book = &Book{}
	return b
}

// try runs a step.
func (b *bench) try(f func(tx *db.Tx) error) error {
	return b.db.Run(b.t.Context(), db.Step{Name: "test", Scope: b.s.Key(), Do: f})
}

func (b *bench) do(f func(tx *db.Tx) error) {
	b.t.Helper()
	if err := b.try(f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) post(t Transaction, list ...Posting) (o *object.Object[Transaction], err error) {
	err = b.try(func(tx *db.Tx) (err error) {
		o, err = b.book.Post(tx, b.s, t, list...)
		return err
	})
	return o, err
}

// charge is a transaction of a payment, and its postings.
func charge(gross, fee int64, c money.Currency, on time.Time) (Transaction, []Posting) {
	t := Transaction{Type: "charge", ReportingCategory: "charge", SourceKind: "charge", Source: 41, Currency: c,
		Amount: gross, Fee: fee, Net: gross - fee, AvailableOn: on}
	list := []Posting{{ProviderClearing, Pending, money.New(gross, c)}}
	if fee > 0 {
		t.FeeDetails = []FeeDetail{{Type: ProcessingFee, Amount: fee}}
		list = append(list, Posting{Pending, Fees, money.New(fee, c)})
	}
	return t, list
}

// refund is a transaction of a refund, and its posting.
func refund(amount int64, c money.Currency) (Transaction, Posting) {
	return Transaction{Type: "refund", SourceKind: "refund", Source: 43, Currency: c, Amount: -amount, Net: -amount},
		Posting{Available, ProviderClearing, money.New(amount, c)}
}

// net gives the balances that are not nothing: "available:usd" → net.
func (b *bench) net() map[string]int64 {
	b.t.Helper()
	list, err := ReadBalances(b.t.Context(), b.db, b.s)
	if err != nil {
		b.t.Fatal(err)
	}
	net := map[string]int64{}
	for _, x := range list {
		if x.Net() != 0 {
			net[x.Account.String()] = x.Net()
		}
	}
	return net
}

func (b *bench) findings() (list []Finding) {
	b.t.Helper()
	if err := Check(b.t.Context(), b.db, func(f Finding) { list = append(list, f) }); err != nil {
		b.t.Fatal(err)
	}
	return list
}

// sound fails the test when the check finds anything.
func (b *bench) sound() {
	b.t.Helper()
	for _, f := range b.findings() {
		b.t.Error(f)
	}
}

func (b *bench) same(want, got any) {
	b.t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b money.Amount) bool { return a == b })); diff != "" {
		b.t.Errorf("−want +got:\n%s", diff)
	}
}

func TestAccountNumbers(t *testing.T) {
	for c := range money.Currencies() {
		for k := ProviderClearing; k <= DueFrom; k++ {
			a := AccountOf(k, c)
			if a.Kind() != k || a.Currency() != c || !a.known() || a.String() != k.String()+":"+string(c) {
				t.Errorf("account %d of %v in %s is %v", int64(a), k, c, a)
			}
		}
	}
	if a := AccountOf(Available, "usd"); a != 3840 {
		t.Errorf("available:usd is stored as %d: stored numbers must not change", a)
	}
	for _, a := range []Account{0, 840, 3000, 13840, -3840, math.MinInt64, math.MaxInt64} {
		if a.known() {
			t.Errorf("account %d is known as %v", int64(a), a)
		}
	}
}

func TestPostWritesEverything(t *testing.T) {
	b := newBench(t)
	want, list := charge(10_000, 320, "usd", noon.Add(48*time.Hour))
	o, err := b.post(want, list...)
	if err != nil {
		t.Fatal(err)
	}
	b.same(want, o.Body)
	read, ok, err := Transactions.Read(t.Context(), b.db, b.s, o.Key)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	b.same(o, read)
	b.same(map[string]int64{"provider_clearing:usd": -10_000, "pending:usd": 9_680, "fees:usd": 320}, b.net())

	entries, err := PostingsOf(t.Context(), b.db, b.s, o.Key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if entries[i].Key == 0 || entries[i].Transaction != o.Key {
			t.Errorf("posting %+v", entries[i])
		}
		entries[i].Key, entries[i].Transaction = 0, 0
	}
	b.same([]Entry{
		{Number: 1, Debit: 1840, Credit: 2840, Amount: money.New(10_000, "usd"), At: noon},
		{Number: 1, Debit: 2840, Credit: 4840, Amount: money.New(320, "usd"), At: noon},
	}, entries)

	// Another scope has none of it.
	other, err := ReadBalances(t.Context(), b.db, id.Scope{Account: 7, Livemode: true})
	if err != nil || len(other) != 0 {
		t.Errorf("live mode has %v %v", other, err)
	}
	page, _, err := Transactions.List(t.Context(), b.db, b.s, object.Range{Limit: 5, Where: map[string]any{"source": int64(41), "type": "charge", "currency": "usd"}})
	if err != nil || len(page) != 1 || page[0].Key != o.Key {
		t.Errorf("listed %v %v", page, err)
	}
	b.sound()
}

func TestPostRefuses(t *testing.T) {
	usd := func(n int64) money.Amount { return money.New(n, "usd") }
	good, list := charge(1000, 30, "usd", noon)
	for name, c := range map[string]struct {
		change func(*Transaction)
		list   []Posting
		want   string
	}{
		"no postings":         {nil, []Posting{}, "without postings"},
		"nothing moved":       {nil, []Posting{{ProviderClearing, Pending, usd(0)}}, "posting of"},
		"negative":            {nil, []Posting{{Pending, ProviderClearing, usd(-1000)}}, "posting of"},
		"other currency":      {nil, []Posting{{ProviderClearing, Pending, money.New(1000, "eur")}}, "posting of"},
		"unknown currency":    {func(t *Transaction) { t.Currency = "xxx" }, []Posting{{ProviderClearing, Pending, money.New(970, "xxx")}}, "posting of"},
		"to itself":           {nil, []Posting{{Pending, Pending, usd(970)}}, "from pending to pending"},
		"unknown account":     {nil, []Posting{{Pending, 13, usd(970)}}, "to kind(13)"},
		"net of the postings": {nil, list[:1], "move the merchant's balance by 1000"},
		"net of the amounts":  {func(t *Transaction) { t.Amount++ }, nil, "is not amount"},
		"fee to nowhere":      {nil, []Posting{{ProviderClearing, Pending, usd(970)}}, "move fees by 0"},
		"fee details":         {func(t *Transaction) { t.FeeDetails[0].Amount++ }, nil, "details add up to 31"},
		"overflow": {nil, []Posting{{ProviderClearing, Pending, usd(math.MaxInt64)}, {ProviderClearing, Pending, usd(1)}},
			"overflow"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			tr, postings := good, list
			tr.FeeDetails = append([]FeeDetail{}, good.FeeDetails...)
			if c.change != nil {
				c.change(&tr)
			}
			if c.list != nil {
				postings = c.list
			}
			if _, err := b.post(tr, postings...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			b.same(map[string]int64{}, b.net())
			b.sound()
		})
	}
}

// A balance that would leave int64 refuses the step, and that one only.
func TestOverflowOfABalanceRefusesTheStep(t *testing.T) {
	b := newBench(t)
	most, list := charge(math.MaxInt64-5, 0, "usd", noon)
	if _, err := b.post(most, list...); err != nil {
		t.Fatal(err)
	}
	more, list := charge(6, 0, "usd", noon)
	if _, err := b.post(more, list...); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("error %v", err)
	}
	last, list := charge(5, 0, "usd", noon)
	if _, err := b.post(last, list...); err != nil {
		t.Error(err)
	}
	b.same(map[string]int64{"provider_clearing:usd": -math.MaxInt64, "pending:usd": math.MaxInt64}, b.net())
	b.sound()
}

// A transaction that is itself a fee has no fee of its own.
func TestFeeAsATransaction(t *testing.T) {
	b := newBench(t)
	if _, err := b.post(Transaction{Type: "stripe_fee", Currency: "usd", Amount: -50, Net: -50},
		Posting{Available, Fees, money.New(50, "usd")}); err != nil {
		t.Fatal(err)
	}
	dispute := Transaction{Type: "adjustment", Currency: "usd", Amount: -1000, Fee: 1500, Net: -2500, FeeDetails: []FeeDetail{{Type: ProcessingFee, Amount: 1500}}}
	if _, err := b.post(dispute, Posting{Available, Disputes, money.New(1000, "usd")}, Posting{Available, Fees, money.New(1500, "usd")}); err != nil {
		t.Fatal(err)
	}
	b.same(map[string]int64{"available:usd": -2550, "fees:usd": 1550, "disputes:usd": 1000}, b.net())
	b.sound()
}

func TestManyPostingsAtOnceLoseNothing(t *testing.T) {
	d := dbtest.Open(t)
	b := &bench{t: t, db: d, book: &Book{}, s: id.Scope{Account: 7}}
	const n = 300
	failed := make(chan error, n)
	on := d.Clock().Now().Add(48 * time.Hour)
	for range n {
		go func() {
			tr, list := charge(100, 3, "usd", on)
			_, err := b.post(tr, list...)
			failed <- err
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	b.same(map[string]int64{"provider_clearing:usd": -100 * n, "pending:usd": 97 * n, "fees:usd": 3 * n}, b.net())
	b.sound()
}

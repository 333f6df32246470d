package ledger

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/money"
)

func TestDays(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01T00:00:00Z": 0, "1970-01-01T23:59:59Z": 0, "1969-12-31T23:59:59Z": -1, "1969-12-31T00:00:00Z": -1,
		"2026-11-05T00:00:00Z": 20762, "2026-11-05T23:59:59.999999Z": 20762, "2026-11-05T23:30:00-01:00": 20763,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Day(at); got != want {
			t.Errorf("Day(%s) = %d, want %d", text, got, want)
		}
		if start := DayStart(want); Day(start) != want || Day(start.Add(-1)) != want-1 {
			t.Errorf("day %d starts at %v", want, start)
		}
	}
}

func (b *bench) mature(day int64, c money.Currency) error {
	return b.try(func(tx *db.Tx) error { return b.book.Mature(tx, b.s, day, c) })
}

func (b *bench) due() []Due {
	b.t.Helper()
	list, err := DueMaturities(b.t.Context(), b.db, b.clock.Now(), 10)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func TestMoneyBecomesAvailableOnce(t *testing.T) {
	b := newBench(t)
	in := func(days int) time.Time { return noon.AddDate(0, 0, days) }
	for _, c := range []struct {
		gross, fee int64
		in         money.Currency
		on         time.Time
	}{{1000, 30, "usd", in(2)}, {500, 10, "usd", in(2)}, {77, 0, "jpy", in(2)}, {200, 0, "usd", in(3)}} {
		tr, list := charge(c.gross, c.fee, c.in, c.on)
		if _, err := b.post(tr, list...); err != nil {
			t.Fatal(err)
		}
	}
	b.same([]Due(nil), b.due())
	if err := b.mature(today+2, "usd"); err == nil {
		t.Error("matured before its day")
	}

	b.clock.Advance(36 * time.Hour) // to the first instant of the second day from now
	b.same([]Due{{b.s, today + 2, "jpy"}, {b.s, today + 2, "usd"}}, b.due())
	for range 2 { // the second time it does nothing
		for _, c := range []money.Currency{"usd", "jpy"} {
			if err := b.mature(today+2, c); err != nil {
				t.Fatal(err)
			}
		}
		b.same(map[string]int64{"provider_clearing:usd": -1700, "fees:usd": 40, "pending:usd": 200, "available:usd": 1460,
			"provider_clearing:jpy": -77, "available:jpy": 77}, b.net())
		b.same([]Due(nil), b.due())
		b.sound()
	}
	entries, err := PostingsOf(t.Context(), b.db, b.s, -maturityNumber(today+2, "usd"))
	if err != nil || len(entries) != 1 || entries[0].Amount != money.New(1460, "usd") {
		t.Errorf("postings of the maturity: %+v %v", entries, err)
	}
	if err := b.mature(today+1, "usd"); err != nil {
		t.Errorf("a day without accruals: %v", err)
	}
}

// What comes too late for a day that was posted becomes available on the next.
func TestLateAccrualGoesToTheNextDay(t *testing.T) {
	b := newBench(t)
	post := func(gross int64, on time.Time) time.Time {
		t.Helper()
		tr, list := charge(gross, 0, "usd", on)
		o, err := b.post(tr, list...)
		if err != nil {
			t.Fatal(err)
		}
		return o.Body.AvailableOn
	}
	b.same(noon, post(100, noon))
	b.same(noon, post(100, time.Time{})) // not said: at once
	if err := b.mature(today, "usd"); err != nil {
		t.Fatal(err)
	}
	b.same(DayStart(today+1), post(10, noon))
	b.same(DayStart(today+1), post(10, noon.AddDate(0, 0, -9)))
	b.same(map[string]int64{"provider_clearing:usd": -220, "available:usd": 200, "pending:usd": 20}, b.net())
	b.sound()
	b.clock.Advance(24 * time.Hour)
	if err := b.mature(today+1, "usd"); err != nil {
		t.Fatal(err)
	}
	b.same(map[string]int64{"provider_clearing:usd": -220, "available:usd": 220}, b.net())
	b.sound()
}

func TestNegativeAndEmptyMaturities(t *testing.T) {
	b := newBench(t)
	back := func(n int64, c money.Currency) {
		t.Helper()
		if _, err := b.post(Transaction{Type: "adjustment", Currency: c, Amount: -n, Net: -n, AvailableOn: noon}, Posting{Pending, ProviderClearing, money.New(n, c)}); err != nil {
			t.Fatal(err)
		}
	}
	back(300, "usd")
	tr, list := charge(50, 0, "eur", noon)
	if _, err := b.post(tr, list...); err != nil {
		t.Fatal(err)
	}
	back(50, "eur")
	for _, c := range []money.Currency{"usd", "eur"} {
		if err := b.mature(today, c); err != nil {
			t.Fatal(err)
		}
	}
	b.same(map[string]int64{"provider_clearing:usd": 300, "available:usd": -300}, b.net())
	b.same([]Due(nil), b.due())
	b.sound()
}

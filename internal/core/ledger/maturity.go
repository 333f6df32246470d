package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
)

const daySeconds = 24 * 60 * 60

// Day is the number of the UTC day of t, 0 for 1 January 1970.
func Day(t time.Time) int64 {
	seconds := t.Unix()
	day := seconds / daySeconds
	if seconds%daySeconds < 0 {
		day--
	}
	return day
}

// DayStart is the instant at which a day begins.
func DayStart(day int64) time.Time { return time.Unix(day*daySeconds, 0).UTC() }

// maturityNumber is the row key of a maturity. Negated it stands in for a
// transaction in the maturity's posting.
func maturityNumber(day int64, c money.Currency) int64 { return day*perKind + int64(c.Numeric()) }

// accrue adds what a transaction leaves in Pending to the maturity that will
// move it on.
func (b *Book) accrue(tx *db.Tx, s id.Scope, t *Transaction, amount int64) error {
	for day := max(Day(t.AvailableOn), Day(tx.Now())); ; day++ {
		k := maturityKey(s, day, t.Currency)
		m, ok, err := maturities.Get(tx, k)
		if err != nil {
			return err
		}
		if m.Posted {
			continue
		}
		if m.Accrued, err = plus(m.Accrued, amount); err != nil {
			return err
		}
		if day != Day(t.AvailableOn) {
			t.AvailableOn = DayStart(day)
		}
		if ok {
			maturities.Update(tx, k, m)
		} else {
			maturities.Insert(tx, k, m)
		}
		return nil
	}
}

// Mature moves what has accrued for a day from [Pending] to [Available] (back,
// when it is less than nothing) with one posting. It does so once; on a
// maturity that was posted already, or that is not there, it does nothing. A
// day that has not begun is refused.
func (b *Book) Mature(tx *db.Tx, s id.Scope, day int64, c money.Currency) error {
	if day > Day(tx.Now()) {
		return fmt.Errorf("ledger: day %d has not begun", day)
	}
	k := maturityKey(s, day, c)
	from, to := AccountOf(Pending, c), AccountOf(Available, c)
	e := postingRow{Transaction: -k.ID, Debit: from, Credit: to, Currency: int64(c.Numeric()), At: tx.Now()}
	missing := load(tx, s, []postingRow{e})
	m, ok, err := maturities.Get(tx, k)
	switch {
	case err != nil:
		return err
	case missing != nil:
		return missing
	case !ok || m.Posted && !probe.Mutant("ledger.mature-twice"):
		return nil
	}
	m.Posted = true
	maturities.Update(tx, k, m)
	e.Amount = m.Accrued
	if m.Accrued < 0 {
		e.Debit, e.Credit = to, from
		if e.Amount, err = minus(0, m.Accrued); err != nil {
			return err
		}
	}
	if m.Accrued == 0 {
		return nil
	}
	if err := b.write(tx, s, []postingRow{e}); err != nil {
		return err
	}
	return BecomesAvailable(tx, s)
}

// Due names a maturity whose day has come.
type Due struct {
	Scope    id.Scope
	Day      int64
	Currency money.Currency
}

// DueMaturities gives the oldest maturities that are due at now, at most limit.
func DueMaturities(ctx context.Context, d *db.DB, now time.Time, limit int) ([]Due, error) {
	var list []Due
	err := qDue.Each(ctx, d, func(r dueRow) error {
		c, ok := money.CurrencyByNumeric(int(r.Key % perKind))
		if !ok {
			return fmt.Errorf("ledger: maturity %d is in no currency", r.Key)
		}
		list = append(list, Due{id.ScopeOf(r.Scope), r.Key / perKind, c})
		return nil
	}, (Day(now)+1)*perKind, int64(limit))
	return list, err
}

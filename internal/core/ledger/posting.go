package ledger

import (
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

// Posting moves an amount from the account that it debits to the one that it
// credits. The amount is more than nothing.
type Posting struct {
	Debit, Credit Kind
	Amount        money.Amount
}

// Entry is a posting as it is stored.
type Entry struct {
	Key int64
	// Number is the posting's place among those that debit the same account: from
	// 1, without gaps, in the order of their commits.
	Number int64
	// Transaction is the key of the transaction that the posting belongs to;
	// negative for the posting that a maturity made, whose number it then is.
	Transaction   int64
	Debit, Credit Account
	Amount        money.Amount
	At            time.Time
}

// movement is what postings do, together, to the accounts that a transaction
// speaks of: credits − debits.
type movement struct {
	net     int64 // Pending and Available
	pending int64 // Pending alone
	fees    int64 // Fees
}

func (m *movement) add(debit, credit Kind, amount int64) (err error) {
	side := func(k Kind, n int64) {
		if err == nil && k.merchant() {
			m.net, err = plus(m.net, n)
		}
		if err == nil && k == Pending {
			m.pending, err = plus(m.pending, n)
		}
		if err == nil && k == Fees {
			m.fees, err = plus(m.fees, n)
		}
	}
	side(debit, -amount)
	side(credit, amount)
	return err
}

// total checks that postings can be made in one transaction in c, and adds
// them up.
func total(c money.Currency, postings []Posting) (m movement, err error) {
	if len(postings) == 0 {
		return m, fmt.Errorf("ledger: a transaction without postings")
	}
	for _, p := range postings {
		switch {
		case !c.Known() || p.Amount.Currency() != c:
			return m, fmt.Errorf("ledger: posting of %v in a transaction in %q", p.Amount, c)
		case !p.Amount.IsPositive():
			return m, fmt.Errorf("ledger: posting of %v", p.Amount)
		case !p.Debit.Known() || !p.Credit.Known() || p.Debit == p.Credit:
			return m, fmt.Errorf("ledger: posting from %v to %v", p.Debit, p.Credit)
		}
		if err := m.add(p.Debit, p.Credit, p.Amount.Minor()); err != nil {
			return m, err
		}
	}
	return m, nil
}

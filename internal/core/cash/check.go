package cash

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// held is what is held in one currency, of a customer or, without one, of all.
type held struct {
	scope    id.Scope
	customer int64
	currency money.Currency
}

// Check compares balances with their transactions and with the books, and
// columns with bodies. It reports every row that does not fit, and fails only
// when it can't read. Its memory grows with the number of customers that money
// is held for.
func (v *Service) Check(ctx context.Context, report func(ledger.Finding)) error {
	say := func(check string, s id.Scope, table string, key int64, format string, args ...any) {
		report(ledger.Finding{Check: check, Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
	}
	columns := func(table string) func(id.Scope, int64, string) {
		return func(s id.Scope, key int64, problem string) { say("columns", s, table, key, "%s", problem) }
	}
	if err := Balances.Check(ctx, v.DB, columns(Balances.Name)); err != nil {
		return err
	}
	if err := Transactions.Check(ctx, v.DB, columns(Transactions.Name)); err != nil {
		return err
	}
	sums, totals := map[held]int64{}, map[held]int64{}
	ways := map[held]chain{}
	err := Transactions.Scan(ctx, v.DB, func(o *object.Object[Transaction]) error {
		at := held{o.Scope, o.Body.Customer, o.Body.Currency}
		sums[at] += o.Body.Net
		if ways[at] == nil {
			ways[at] = chain{}
		}
		ways[at].step(o.Body.Ending-o.Body.Net, o.Body.Ending)
		return nil
	})
	if err != nil {
		return err
	}
	for at, way := range ways {
		if broken, n := way.broken(sums[at]); broken {
			say("cash", at.scope, Balances.Name, at.customer, "no order of its transactions in %s leads from one balance to the next: %d", at.currency, n)
		}
	}
	err = Balances.Scan(ctx, v.DB, func(o *object.Object[Balance]) error {
		for currency, n := range o.Body.Available {
			at := held{o.Scope, o.Body.Customer, currency}
			if n < 0 || n != sums[at] {
				say("cash", o.Scope, Balances.Name, o.Key, "it is %d %s and its transactions add up to %d", n, currency, sums[at])
			}
			delete(sums, at)
			totals[held{o.Scope, 0, currency}] += n
		}
		return nil
	})
	for at, n := range sums {
		if n != 0 {
			say("cash", at.scope, Balances.Name, at.customer, "%d %s of a customer's transactions are in no balance", n, at.currency)
		}
	}
	if err != nil {
		return err
	}
	return v.checkBooks(ctx, totals, say)
}

// checkBooks compares what is held for all customers with the ledger.
func (v *Service) checkBooks(ctx context.Context, totals map[held]int64, say func(string, id.Scope, string, int64, string, ...any)) error {
	err := ledger.EachScope(ctx, v.DB, func(s id.Scope) error {
		balances, err := ledger.ReadBalances(ctx, v.DB, s)
		for _, b := range balances {
			if b.Account.Kind() != ledger.CustomerCash {
				continue
			}
			at := held{s, 0, b.Account.Currency()}
			if b.Net() != totals[at] {
				say("cash", s, "balance", int64(b.Account), "it is %d and the cash balances of customers add up to %d", b.Net(), totals[at])
			}
			delete(totals, at)
		}
		return err
	})
	for at, n := range totals {
		if n != 0 {
			say("cash", at.scope, Balances.Name, 0, "%d %s are held for customers and are not in the books", n, at.currency)
		}
	}
	return err
}

// chain counts how often a balance was left and how often it was come to. The
// keys of transactions do not tell their order: nodes make keys, and commit them
// as it comes.
type chain map[int64]int

func (c chain) step(from, to int64) {
	c[from]--
	c[to]++
}

// broken reports whether no order of the steps leads from nothing to the end,
// and a balance at which it breaks off.
func (c chain) broken(end int64) (bool, int64) {
	for at, n := range c {
		if at == 0 {
			n++
		}
		if at == end {
			n--
		}
		if n != 0 {
			return true, at
		}
	}
	return false, 0
}

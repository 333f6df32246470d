package cash

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// held is what is held in one currency, of a customer or, without one, of all.
type held struct {
	scope    id.Scope
	customer int64
	currency money.Currency
}

// thing is a payment or a refund that money went to or came from.
type thing struct {
	scope id.Scope
	key   int64
}

// change is what a check keeps of a transaction.
type change struct {
	key, number, net, ending int64
	currency                 money.Currency
}

// checker is one run of [Service.Check].
type checker struct {
	*Service
	ctx    context.Context
	report func(ledger.Finding)
	// changes are the transactions of each customer's balance.
	changes map[thing][]change
	// sums are what they add up to; totals what is available of all customers, and
	// aside what is set aside for payments.
	sums, totals, aside map[held]int64
	// applied and refunded are what transactions say of payments and refunds, and
	// waiting the customers of payments that wait.
	applied, refunded, waiting map[thing]int64
}

// Check compares balances with their transactions, with the payments that were
// made of them or wait, and with the books, and columns with bodies. It reports
// every row that does not fit, and fails only when it can't read. Its memory
// grows with the number of transactions, and of payments by bank transfer.
func (v *Service) Check(ctx context.Context, report func(ledger.Finding)) error {
	c := &checker{v, ctx, report, map[thing][]change{}, map[held]int64{}, map[held]int64{}, map[held]int64{}, map[thing]int64{}, map[thing]int64{}, map[thing]int64{}}
	columns := func(table string) func(id.Scope, int64, string) {
		return func(s id.Scope, key int64, problem string) {
			report(ledger.Finding{Check: "columns", Scope: s, Table: table, Key: key, Problem: problem})
		}
	}
	for _, step := range []func() error{
		func() error { return Balances.Check(ctx, v.DB, columns(Balances.Name)) },
		func() error { return Transactions.Check(ctx, v.DB, columns(Transactions.Name)) },
		func() error { return Transactions.Scan(ctx, v.DB, c.transaction) },
		c.chains,
		func() error { return Balances.Scan(ctx, v.DB, c.balance) },
		func() error { return payment.Intents.Scan(ctx, v.DB, c.intent) },
		func() error { return payment.Refunds.Scan(ctx, v.DB, c.refund) },
		c.rest,
		c.books,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) say(s id.Scope, table string, key int64, format string, args ...any) {
	c.report(ledger.Finding{Check: "cash", Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
}

func (c *checker) transaction(o *object.Object[Transaction]) error {
	of := thing{o.Scope, o.Body.Customer}
	c.changes[of] = append(c.changes[of], change{o.Key, o.Body.Number, o.Body.Net, o.Body.Ending, o.Body.Currency})
	switch o.Body.Type {
	case Applied, Unapplied:
		c.applied[thing{o.Scope, o.Body.Intent}] -= o.Body.Net
	case Refunded:
		c.refunded[thing{o.Scope, o.Body.Refund}] += o.Body.Net
	}
	return nil
}

// chains checks that transactions follow on each other.
func (c *checker) chains() error {
	for of, list := range c.changes {
		slices.SortFunc(list, func(x, y change) int { return cmp.Compare(x.number, y.number) })
		for i, one := range list {
			at := held{of.scope, of.key, one.currency}
			c.sums[at] += one.net
			if one.number != int64(i+1) || c.sums[at] != one.ending {
				c.say(of.scope, Transactions.Name, one.key, "it is change %d, and %d %s are left, where it should be change %d and leave %d",
					one.number, one.ending, one.currency, i+1, c.sums[at])
			}
		}
	}
	return nil
}

func (c *checker) balance(o *object.Object[Balance]) error {
	for currency, n := range o.Body.Available {
		at := held{o.Scope, o.Body.Customer, currency}
		if n < 0 || n != c.sums[at] {
			c.say(o.Scope, Balances.Name, o.Key, "it is %d %s and its transactions add up to %d", n, currency, c.sums[at])
		}
		delete(c.sums, at)
		c.totals[held{o.Scope, 0, currency}] += n
	}
	if n := len(c.changes[thing{o.Scope, o.Body.Customer}]); int64(n) != o.Body.Changes {
		c.say(o.Scope, Balances.Name, o.Key, "it was changed %d times and has %d transactions", o.Body.Changes, n)
	}
	for _, intent := range o.Body.Waiting {
		c.waiting[thing{o.Scope, intent}] = o.Body.Customer
	}
	return nil
}

func (c *checker) intent(o *object.Object[payment.Intent]) error {
	at := thing{o.Scope, o.Key}
	if c.applied[at] != o.Body.Funded {
		c.say(o.Scope, payment.Intents.Name, o.Key, "%d were taken for it, its customer's transactions say %d", o.Body.Funded, c.applied[at])
	}
	delete(c.applied, at)
	if !o.Body.Awaits() {
		return nil
	}
	c.aside[held{o.Scope, 0, o.Body.Currency}] += o.Body.Funded
	if c.waiting[at] != o.Body.Customer {
		c.say(o.Scope, payment.Intents.Name, o.Key, "it waits for a bank transfer and no balance knows of it")
	}
	delete(c.waiting, at)
	return nil
}

func (c *checker) refund(o *object.Object[payment.Refund]) error {
	at, want := thing{o.Scope, o.Key}, int64(0)
	if o.Body.ToCash {
		want = o.Body.Amount
	}
	if c.refunded[at] != want {
		c.say(o.Scope, payment.Refunds.Name, o.Key, "%d went to its customer's cash balance, whose transactions say %d", want, c.refunded[at])
	}
	delete(c.refunded, at)
	return nil
}

// rest reports what transactions and balances know of and nobody else does.
func (c *checker) rest() error {
	for at, n := range c.sums {
		if n != 0 {
			c.say(at.scope, Balances.Name, at.customer, "%d %s of a customer's transactions are in no balance", n, at.currency)
		}
	}
	for at := range c.waiting {
		c.say(at.scope, payment.Intents.Name, at.key, "a balance has it wait, and it does not")
	}
	for at := range c.applied {
		c.say(at.scope, payment.Intents.Name, at.key, "money was taken for it, and it is not there")
	}
	for at := range c.refunded {
		c.say(at.scope, payment.Refunds.Name, at.key, "it went to a cash balance, and it is not there")
	}
	return nil
}

// books compares what is held for all customers with the ledger.
func (c *checker) books() error {
	want := map[ledger.Kind]map[held]int64{ledger.CustomerCash: c.totals, ledger.AppliedCash: c.aside}
	what := map[ledger.Kind]string{ledger.CustomerCash: "the cash balances of customers", ledger.AppliedCash: "what payments that wait have got"}
	err := ledger.EachScope(c.ctx, c.DB, func(s id.Scope) error {
		balances, err := ledger.ReadBalances(c.ctx, c.DB, s)
		for _, b := range balances {
			kind, at := b.Account.Kind(), held{s, 0, b.Account.Currency()}
			if want[kind] == nil {
				continue
			}
			if b.Net() != want[kind][at] {
				c.say(s, "balance", int64(b.Account), "it is %d and %s add up to %d", b.Net(), what[kind], want[kind][at])
			}
			delete(want[kind], at)
		}
		return err
	})
	for kind, left := range want {
		for at, n := range left {
			if n != 0 {
				c.say(at.scope, Balances.Name, 0, "%s add up to %d %s, of which the books have nothing", what[kind], n, at.currency)
			}
		}
	}
	return err
}

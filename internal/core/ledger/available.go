package ledger

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// AvailableJob tells a merchant, by an event, that money has become available.
const AvailableJob = "ledger.tell_available"

// Stand is what a merchant had at a time.
type Stand struct {
	Lines []StandLine `json:"lines"` // by currency
}

// StandLine is what there was of a currency, in ISO 4217 minor units.
type StandLine struct {
	Currency  money.Currency `json:"c"`
	Available int64          `json:"a"`
	Pending   int64          `json:"p"`
}

// Stands are the balances that events have told of.
var Stands = object.Define(object.Spec[Stand, struct{}]{
	Name: "balance", Prefix: "bal", Schema: 1, Table: "balance_stand",
	Fields: func(*struct{}, *db.Fields) {},
	Derive: func(*Stand) struct{} { return struct{}{} },
})

// BecomesAvailable has an event written soon, in the step that adds to what is
// available.
func BecomesAvailable(tx *db.Tx, s id.Scope) error {
	return job.Enqueue(tx, s, tx.NewKey(), AvailableJob, tx.Now(), struct{}{})
}

// TellAvailable does an [AvailableJob]: it writes down how the balances stand,
// and an event about that.
func TellAvailable(ctx context.Context, d *db.DB, j job.Job) error {
	all, err := ReadBalances(ctx, d, j.Scope)
	if err != nil {
		return err
	}
	var currencies []money.Currency
	needs := []db.Need{j.Need()}
	for _, b := range all {
		if b.Account.Kind() == Available {
			currencies = append(currencies, b.Account.Currency())
			needs = append(needs, balances.Need(balanceKey(j.Scope, b.Account)), balances.Need(balanceKey(j.Scope, AccountOf(Pending, b.Account.Currency()))))
		}
	}
	return d.Run(ctx, db.Step{Name: "ledger.tell_available", Scope: j.Scope.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		if err := job.Done(tx, j); err != nil {
			return err
		}
		stand, err := standOf(tx, j.Scope, currencies)
		if err != nil {
			return err
		}
		key := tx.NewKey()
		o, err := Stands.Insert(tx, j.Scope, key, stand)
		if err != nil {
			return err
		}
		return event.Append(tx, event.Event{Scope: j.Scope, Key: tx.NewKey(), Lane: key, Type: "balance.available", Kind: Stands.Name, Object: o.Ref()})
	}})
}

func standOf(tx *db.Tx, s id.Scope, currencies []money.Currency) (stand Stand, err error) {
	for _, c := range currencies {
		available, _, err := balances.Get(tx, balanceKey(s, AccountOf(Available, c)))
		if err != nil {
			return stand, err
		}
		pending, _, err := balances.Get(tx, balanceKey(s, AccountOf(Pending, c)))
		if err != nil {
			return stand, err
		}
		stand.Lines = append(stand.Lines, StandLine{c, available.Credits - available.Debits, pending.Credits - pending.Debits})
	}
	return stand, nil
}

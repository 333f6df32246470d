package cash

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Bank simulates the bank at which customers' money arrives, so that its
// statements tell of it.
type Bank struct {
	Name string // in the books
	// Receive notes a transfer, once by its reference; nil: no bank tells of any.
	Receive func(context.Context, Arrival) error
}

// Arrival is a transfer of a customer as the bank has it.
type Arrival struct {
	Reference string // end to end: the transaction's id
	Amount    money.Amount
	At        time.Time
	Text      string // what its sender wrote
}

// ArriveJob is the kind of the jobs that [Service.Arrive] handles.
const ArriveJob = "cash.arrive"

// arriving is what such a job is about.
type arriving struct {
	Transaction int64 `json:"transaction"`
}

// reference is how the bank's statement names the transfer of a transaction; empty:
// there is none.
func (v *Service) reference(s id.Scope, key int64) (bank, reference string) {
	if v.Bank.Receive == nil {
		return "", ""
	}
	return v.Bank.Name, Transactions.ID(s, key)
}

// announce has the bank told of the transfer of a transaction.
func (v *Service) announce(tx *db.Tx, s id.Scope, key int64) error {
	if v.Bank.Receive == nil {
		return nil
	}
	return job.Enqueue(tx, s, tx.NewKey(), ArriveJob, tx.Now(), arriving{key})
}

// maxText is how many bytes of what a sender wrote the bank takes over.
const maxText = 64

// Arrive tells the bank of a transfer.
func (v *Service) Arrive(ctx context.Context, j job.Job) error {
	var p arriving
	if err := j.Payload(&p); err != nil {
		return err
	}
	o, ok, err := Transactions.Read(ctx, v.DB, j.Scope, p.Transaction)
	if err == nil && !ok {
		err = fmt.Errorf("cash: the transaction %d is missing", p.Transaction)
	}
	if err != nil {
		return err
	}
	if v.Bank.Receive != nil {
		text := o.Body.Reference
		text = strings.ToValidUTF8(text[:min(len(text), maxText)], "")
		if err := v.Bank.Receive(ctx, Arrival{Transactions.ID(o.Scope, o.Key), money.New(o.Body.Net, o.Body.Currency), o.At, text}); err != nil {
			return err
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "cash.arrived", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error { return job.Done(tx, j) }})
}

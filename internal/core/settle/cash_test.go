package settle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/test/leak"
)

// sends has a customer's money come in, and the bank told of it if it is to be.
func (h *house) sends(amount int64, told bool) {
	h.t.Helper()
	heard := make(chan struct{}, 1)
	h.Cash.Bank = cash.Bank{Name: bank.Name, Receive: func(ctx context.Context, a cash.Arrival) error {
		defer func() { heard <- struct{}{} }()
		if !told {
			return nil
		}
		d := bank.Deposit{Reference: a.Reference, Amount: a.Amount.Minor(), Currency: string(a.Amount.Currency()), At: a.At, Note: a.Text}
		for range 2 { // as a job does that was broken off
			if err := h.book.Receive(ctx, d); err != nil {
				h.t.Error(err)
			}
		}
		return nil
	}}
	made, err := h.Vault.CreateCustomer(h.t.Context(), h.scope, &vault.CustomerParams{}, nil)
	if err != nil || made.Error != nil {
		h.t.Fatal(made, err)
	}
	reply, err := h.Cash.Fund(h.t.Context(), h.scope, vault.Customers.ID(h.scope, made.Shown[0].Key), money.New(amount, "usd"), "for the red one", nil)
	if err != nil || reply.Error != nil {
		h.t.Fatal(reply, err)
	}
	runner := job.New(h.DB, job.Options{Poll: time.Millisecond, Logger: leak.Logger(h.t)})
	runner.Register(job.Kind{Name: cash.ArriveJob, Lease: time.Minute, MaxTries: 3, Handle: h.Cash.Arrive})
	runner.Start()
	select {
	case <-heard:
	case <-time.After(20 * time.Second):
		h.t.Error("the bank was not told")
	}
	if err := runner.Stop(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// What customers have sent ahead is compared with the statement as all else that
// goes through the account, and each way in which the two can differ is found.
func TestCustomersCash(t *testing.T) {
	onSQLite(t)
	for fault, c := range map[bank.StatementFault]struct {
		bank   int64
		breaks []string
	}{
		"":                {7_000, nil},
		"never arrived":   {7_000, []string{"bank missing_there 7000/0 usd"}},
		bank.MissingEntry: {7_000, []string{"bank missing_there 7000/0 usd"}},
		bank.DoubleEntry:  {7_000, []string{"bank duplicate 0/7000 usd"}},
		bank.WrongEntry:   {7_000, []string{"bank amount 7000/6999 usd"}},
		bank.StrangeEntry: {7_000, []string{"bank missing_here 0/4711 usd"}},
		bank.BareEntry:    {7_000, nil},
	} {
		t.Run(strings.ReplaceAll("fault "+string(fault), " ", "_"), func(t *testing.T) {
			h := openHouse(t)
			if fault != "" && fault != "never arrived" {
				if err := h.bank.InjectStatement(firstDay, fault); err != nil {
					t.Fatal(err)
				}
			}
			h.sends(7_000, fault != "never arrived")
			h.run(5)
			h.want(map[string]int64{"bank:usd": c.bank}, c.breaks...)
		})
	}
}

package app

import (
	"context"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"

	"github.com/florinpay/florin/internal/base/db"
)

// batch is how many rows one run of a sweep takes.
const batch = 500

// clockTries lets a clock survive that many crashes of processes that move it.
const clockTries = 20

// expireTries lets the expiry of an authorisation wait about a day for a provider.
const expireTries = 200

// settleTries lets reconciliation wait about a day for a provider's files.
const settleTries = 30

// remitTries lets a remittance wait for days for its receiver's database.
const remitTries = 1000

// reconcileTries lets the reconciling of a cash balance wait for a database that
// is away.
const reconcileTries = 20

// register tells the runner what there is to do.
func (a *App) register() {
	a.Jobs.Register(
		job.Kind{Name: payment.GiveBackJob, Lease: time.Minute, MaxTries: payment.GiveBackTries, MaxBackoff: 10 * time.Minute, Handle: a.Payment.GiveBackDue},
		job.Kind{Name: news.ApplyJob, Lease: time.Minute, MaxTries: news.ApplyTries, MaxBackoff: time.Hour, Handle: a.News.Apply},
	)
	a.Jobs.Every("read providers' notices", time.Second, a.Payment.ReadNotices)
	a.Jobs.Register(
		job.Kind{Name: timeline.AdvanceJob, Lease: time.Minute, MaxTries: clockTries, Handle: a.Clocks.Move},
		job.Kind{Name: timeline.DeleteJob, Lease: time.Minute, MaxTries: clockTries, Handle: a.Clocks.Clear},
		job.Kind{Name: dispute.DueJob, Lease: time.Minute, MaxTries: dispute.ExpireTries, MaxBackoff: dispute.ExpireBackoff, Handle: a.Dispute.ExpireDue},
		job.Kind{Name: payment.SettleJob, Lease: time.Minute, MaxTries: expireTries, MaxBackoff: 10 * time.Minute, Handle: a.Payment.SettleDue},
		job.Kind{Name: payment.ExpireJob, Lease: time.Minute, MaxTries: expireTries, MaxBackoff: 10 * time.Minute, Handle: a.Payment.ExpireDue},
	)
	a.Jobs.Register(job.Kind{Name: settle.RunJob, Lease: 30 * time.Minute, MaxTries: settleTries, Handle: a.Settle.Daily})
	a.Jobs.Every("schedule reconciliation", time.Hour, a.Settle.Schedule)
	a.Jobs.Register(a.noticeKind(), job.Kind{Name: cash.ReconcileJob, Lease: time.Minute, MaxTries: reconcileTries, Handle: a.Cash.Reconcile},
		job.Kind{Name: cash.ArriveJob, Lease: time.Minute, MaxTries: reconcileTries, Handle: a.Cash.Arrive})
	a.Jobs.Register(job.Kind{Name: ledger.AvailableJob, Handle: func(ctx context.Context, j job.Job) error { return ledger.TellAvailable(ctx, a.DB, j) }})
	a.Jobs.Register(job.Kind{Name: ledger.RemitJob, Lease: time.Minute, MaxTries: remitTries, MaxBackoff: 10 * time.Minute,
		Handle: func(ctx context.Context, j job.Job) error { return a.Payment.Book.Deliver(ctx, a.DB, j) }})
	a.Jobs.Every("resolve attempts", time.Second, func(ctx context.Context) error {
		_, err := a.Payment.Sweep(ctx, batch)
		return err
	})
	a.Jobs.Every("resolve setup attempts", time.Second, func(ctx context.Context) error {
		_, err := a.Setup.Sweep(ctx, batch)
		return err
	})
	a.Jobs.Every("delete security codes", time.Minute, func(ctx context.Context) error {
		_, err := a.Vault.ExpireCVC(ctx, batch)
		return err
	})
	a.Jobs.Register(a.retention.kind())
	a.Jobs.Every("look for what is no longer kept", lookEvery, a.retention.look)
	a.Jobs.Every("make balances available", time.Minute, a.mature)
	a.Jobs.Every("send payouts", time.Second, a.payOut)
	a.Jobs.Every("hear of returned payouts", 10*time.Second, a.Payout.Listen)
	a.Jobs.Every("delete expired files", 10*time.Minute, func(ctx context.Context) error {
		_, err := a.File.Expire(ctx, batch)
		return err
	})
	a.Jobs.Every("pay out by schedule", time.Minute, a.payAutomatically)
	a.Jobs.Every("seal postings", sealEvery, a.sealing.run)
	a.Jobs.Every("index for search", 500*time.Millisecond, a.Search.Run)
	a.Jobs.Every("take over from processes that are gone", takeOverEvery, a.takeOver)
	a.Jobs.Every("forget trains", time.Hour, a.forgetTrains)
}

func (a *App) forgetTrains(ctx context.Context) (err error) {
	for _, forget := range a.forget {
		err = errors.Join(err, forget(ctx))
	}
	return err
}

// mature posts pending money whose day has come to the available balances.
func (a *App) mature(ctx context.Context) error {
	due, err := ledger.DueMaturities(ctx, a.DB, a.DB.Clock().Now(), batch)
	if err != nil {
		return err
	}
	for _, d := range due {
		err := a.DB.Run(ctx, db.Step{Name: "ledger.mature", Scope: d.Scope.Key(), Do: func(tx *db.Tx) error {
			return a.Payment.Book.Mature(tx, d.Scope, d.Day, d.Currency)
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

package payout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// noteRecalled notes that the database had forgotten an attempt.
const noteRecalled = "learned from the bank after a restore"

// errStray: a transfer can't be fitted in. A person has to look.
var errStray = errors.New("it can't be fitted in")

// Recall takes on a transfer that a bank has and the database may have
// forgotten, as [payment.Service.Recall] does: the payout is made again under the
// same reference, its money leaves the balance, even below zero, and the bank is
// asked how it stands. A payout that the database still means to send is noted
// as sent.
func (v *Service) Recall(ctx context.Context, source string, op provider.Operation) (did payment.Recalled, why string, err error) {
	row, shard, ok := Attempts.Prefix.ParseShard(op.Reference)
	if !ok {
		return payment.RecallStray, "its reference is none of ours", nil
	}
	s, known, err := v.home(ctx, shard, row)
	switch {
	case err != nil:
		return 0, "", err
	case known:
		return payment.RecallKnown, "", v.noteSent(ctx, s, row, op.At)
	case op.Status == provider.Declined:
		return payment.RecallNothing, "", nil // it came back, or never went
	case op.Kind != provider.KindPayout:
		return payment.RecallStray, "it takes back a payout", nil
	}
	m, ok := payment.ParseMark(op.Mark)
	if !ok {
		return payment.RecallStray, "it carries no mark of ours", nil
	}
	if _, err := v.Merchant.Account(ctx, m.Scope); err != nil {
		if _, missing := fault.As(err); !missing {
			return 0, "", err
		}
		return payment.RecallStray, "its account is not known any more", nil
	}
	err = v.DB.Run(ctx, db.Step{Name: "payout.recall", Scope: m.Scope.Key(), Needs: []db.Need{Attempts.Need(m.Scope, row)}, Do: func(tx *db.Tx) error {
		if _, there, err := Attempts.Get(tx, m.Scope, row); there || err != nil {
			return err // another node was quicker
		}
		return v.recall(tx, m, row, source, op)
	}})
	if errors.Is(err, errStray) {
		return payment.RecallStray, err.Error(), nil
	}
	if err != nil {
		return 0, "", err
	}
	return payment.RecallTaken, "", v.Resolve(ctx, m.Scope, row)
}

// home finds the scope of an attempt.
func (v *Service) home(ctx context.Context, shard uint16, row int64) (s id.Scope, ok bool, err error) {
	accounts, err := merchant.OfShard(ctx, v.DB, shard)
	for _, account := range accounts {
		for _, live := range []bool{false, true} {
			s = id.Scope{Account: account, Livemode: live}
			if _, ok, err = Attempts.Read(ctx, v.DB, s, row); ok || err != nil {
				return s, ok, err
			}
		}
	}
	return s, false, err
}

// noteSent notes of a queued attempt that the bank has it.
func (v *Service) noteSent(ctx context.Context, s id.Scope, row int64, at time.Time) error {
	err := v.DB.Run(ctx, db.Step{Name: "payout.note-sent", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, row)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, row)
		if err != nil || a.Body.State != Queued {
			return err
		}
		if a.Body.State, err = next(a, newsSubmit); err != nil {
			return err
		}
		a.Body.Sent, a.Body.Due, a.Body.Note = at, tx.Now(), noteRecalled
		return Attempts.Update(tx, a)
	}})
	if err != nil {
		return err
	}
	return v.Resolve(ctx, s, row)
}

// recall writes a payout with its attempt, and the reply to the request that
// made it.
func (v *Service) recall(tx *db.Tx, m payment.Mark, row int64, source string, op provider.Operation) error {
	s := m.Scope
	key, ok := Payouts.Prefix.Parse(m.Object)
	to, ok2 := vault.BankAccounts.Prefix.Parse(m.Detail)
	if !ok || !ok2 {
		return fmt.Errorf("%w: its mark names no payout", errStray)
	}
	if _, there, err := Payouts.Get(tx, s, key); err != nil {
		return err
	} else if there {
		return fmt.Errorf("%w: its payout %s is here and has another attempt", errStray, m.Object)
	}
	if _, there, err := vault.BankAccounts.Get(tx, s, to); err != nil {
		return err
	} else if !there {
		return fmt.Errorf("%w: the bank account %s is not known any more", errStray, m.Detail)
	}
	body := Payout{Status: Pending, Amount: op.Amount.Minor(), Currency: op.Amount.Currency(), Destination: to, Method: "standard",
		SourceType: "card", Attempt: row, Arrival: op.At.UTC().Add(inTransit), Description: "Learned from the bank after a restore from a backup"}
	if op.Instant {
		body.Method, body.Arrival = "instant", op.At.UTC()
	}
	posted, err := v.Book.Post(tx, s, transaction("payout", key, -body.Amount, body.Currency, body.Description),
		ledger.Posting{Debit: ledger.Available, Credit: ledger.PayoutInTransit, Amount: op.Amount})
	if err != nil {
		return err
	}
	body.BalanceTransaction = posted.Key
	if _, err := Attempts.Insert(tx, s, row, Attempt{State: Sending, Provider: source, Payout: key, Due: tx.Now(), Sent: op.At, Note: noteRecalled}); err != nil {
		return err
	}
	var o *object.Object[Payout]
	if o, err = Payouts.Insert(tx, s, key, body); err != nil {
		return err
	}
	if err := tell(tx, "payout.created", o, by(nil)); err != nil {
		return err
	}
	return v.Keys.Foresee(tx, s, m.Ticket, shown(o))
}

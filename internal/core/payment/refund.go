package payment

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
)

// RefundParams say what is given back.
type RefundParams struct {
	Charge ChargeID // or
	Intent IntentID
	// Amount in the API's minor units; zero: all that is left.
	Amount   int64
	Reason   string
	Metadata map[string]string
	// Email is where the payer is told how the money comes back; empty: nowhere.
	Email string
	// ShowCharge: the reply shows the charge.
	ShowCharge bool

	told *recalled // the provider has it already
}

// Refund gives back a captured amount, or part of it. The reply shows the
// refund: succeeded, failed, or pending while its outcome is not known.
func (v *Service) Refund(ctx context.Context, s id.Scope, p RefundParams, r *idem.Request) (*idem.Reply, error) {
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	needs := []db.Need{Charges.Need(s, int64(p.Charge)), Intents.Need(s, int64(p.Intent))}
	return v.operate(ctx, "payment.refund", s, r, needs, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		ch, err := v.refundable(tx, s, p)
		if err != nil {
			return nil, nil, err
		}
		amount, err := amountOf(p.Amount, "amount", money.New(ch.Body.Captured-ch.Body.Refunded, ch.Body.Currency))
		if err != nil {
			return nil, nil, err
		}
		if err := v.reserveRefund(tx, ch, p.Amount == 0, &amount); err != nil {
			return nil, nil, err
		}
		if ch.Body.Attempt == 0 {
			reply, err := v.refundCash(tx, ch, amount, &p, account.Settings.NegativeBalance, r)
			return reply, nil, err
		}
		attempt, err := v.insertRefund(tx, ch, amount, p, account.Settings.NegativeBalance, r)
		return nil, attempt, err
	})
}

// refundable loads the charge that the caller named, directly or by its intent.
func (v *Service) refundable(tx *db.Tx, s id.Scope, p RefundParams) (*object.Object[Charge], error) {
	key, param := p.Charge, "charge"
	if key == 0 {
		o, err := find(tx, Intents, s, int64(p.Intent), fault.Invalid, "payment_intent")
		if err != nil {
			return nil, err
		}
		if o.Body.LatestCharge == 0 {
			return nil, fault.Param("payment_intent", "", "This PaymentIntent (%s) does not have a successful charge to refund.", Intents.ID(s, o.Key))
		}
		key, param = o.Body.LatestCharge, "payment_intent"
	}
	ch, err := find(tx, Charges, s, int64(key), fault.Invalid, param)
	switch {
	case err != nil:
		return nil, err
	case ch.Body.Status != ChargeSucceeded:
		return nil, fault.Param(param, "", "The charge %s failed and can't be refunded.", Charges.ID(s, ch.Key))
	case ch.Body.Captured == 0:
		return nil, fault.New(fault.Invalid, "", "The charge %s has not been captured. Cancel its PaymentIntent to release the funds instead.", Charges.ID(s, ch.Key))
	case ch.Body.ChargedBack():
		return nil, chargedBack(s, ch.Key)
	}
	return ch, nil
}

// reserveRefund takes the charge's refund guard. When all that is left was
// asked for, what other refunds in flight have reserved is not left.
func (v *Service) reserveRefund(tx *db.Tx, ch *object.Object[Charge], all bool, amount *money.Amount) error {
	guard, _, err := v.Book.Guard(tx, ch.Scope, ch.Key, ledger.GuardRefund)
	if err != nil {
		return err
	}
	left := guard.Ceiling - guard.Reserved - guard.Done
	if all && !probe.Mutant("payment.refund-reserved") {
		*amount = money.New(left, ch.Body.Currency)
	}
	if left <= 0 && ch.Body.Disputed > 0 {
		return chargedBack(ch.Scope, ch.Key)
	}
	if left <= 0 && guard.Reserved == 0 {
		return fault.New(fault.Invalid, "charge_already_refunded", "Charge %s has already been refunded.", Charges.ID(ch.Scope, ch.Key))
	}
	if amount.Minor() <= 0 {
		return overRefund(*amount, left)
	}
	err = v.Book.Reserve(tx, ch.Scope, ch.Key, ledger.GuardRefund, amount.Minor())
	if _, over := errors.AsType[*ledger.GuardError](err); over {
		return overRefund(*amount, left)
	}
	return err
}

func chargedBack(s id.Scope, charge int64) *fault.Error {
	return fault.New(fault.Invalid, "charge_disputed", "Charge %s has been charged back; cannot issue a refund.", Charges.ID(s, charge))
}

func overRefund(amount money.Amount, left int64) *fault.Error {
	return fault.Param("amount", "", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", amount, money.New(left, amount.Currency()))
}

// insertRefund holds the money and writes the refund with its attempt.
func (v *Service) insertRefund(tx *db.Tx, ch *object.Object[Charge], amount money.Amount, p RefundParams, mayGoNegative bool, r *idem.Request) (*object.Object[Attempt], error) {
	s, key := ch.Scope, tx.NewKey()
	account := ledger.AccountOf(ledger.Available, amount.Currency())
	if err := v.Book.Hold(tx, s, key, account, amount.Minor(), mayGoNegative); err != nil {
		if errors.Is(err, ledger.ErrInsufficient) {
			return nil, balanceInsufficient()
		}
		return nil, err
	}
	original, err := get(tx, Attempts, s, int64(ch.Body.Attempt))
	if err != nil {
		return nil, err
	}
	attempt, err := v.insertAttempt(tx, s, Attempt{
		Operation: OpRefund, Provider: original.Body.Provider, Amount: amount.Minor(), Currency: amount.Currency(),
		Intent: ch.Body.Intent, Charge: ChargeID(ch.Key), Refund: RefundID(key), Original: AttemptID(original.Key), Method: ch.Body.Method, ShowCharge: p.ShowCharge, told: p.told,
	}, r)
	if err != nil {
		return nil, err
	}
	contact, err := v.refundContact(tx, ch, &p)
	if err != nil {
		return nil, err
	}
	_, err = Refunds.Insert(tx, s, key, Refund{
		Status: RefundPending, Amount: amount.Minor(), Currency: amount.Currency(), Charge: ChargeID(ch.Key), Intent: ch.Body.Intent,
		Type: original.Body.Type, Reason: p.Reason, Metadata: p.Metadata, Contact: contact,
	})
	return attempt, err
}

func balanceInsufficient() error {
	return fault.New(fault.Invalid, "balance_insufficient", "Insufficient available balance for this refund.")
}

// refundContact is where the payer is told how a refund comes back.
func (v *Service) refundContact(tx *db.Tx, ch *object.Object[Charge], p *RefundParams) (none vault.SealedContact, err error) {
	if p.Email == "" {
		return none, nil
	}
	return v.Vault.ChangeContact(tx, ch.Scope, ch.Body.Customer, none, &vault.ContactChanges{Email: &p.Email})
}

// amountOf reads an optional amount of the API in the currency of the default.
func amountOf(api int64, param string, otherwise money.Amount) (money.Amount, error) {
	if api == 0 {
		return otherwise, nil
	}
	a, err := money.FromAPI(api, otherwise.Currency())
	if err != nil || a.Minor() < 0 {
		return money.Amount{}, fault.Param(param, "parameter_invalid_integer", "Invalid amount: %d %s.", api, otherwise.Currency())
	}
	return a, nil
}

package payment

import (
	"context"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Awaits reports whether the intent waits for money from its customer.
func (i *Intent) Awaits() bool {
	return i.Status == RequiresAction && i.Action != nil && i.Action.Transfer != nil
}

// Remaining is what an intent that waits has still to get.
func (i *Intent) Remaining() int64 { return i.Amount - i.Funded }

// Left is Remaining as an amount.
func (i *Intent) Left() money.Amount { return i.money(i.Remaining()) }

// TransferReference is what a payer is asked to write on the bank transfer for an
// intent.
func TransferReference(intent IntentID) string {
	return strings.ToUpper(strconv.FormatInt(int64(intent), 36))
}

// confirmCash pays an intent with what its customer has sent ahead. Where that
// does not suffice the intent waits for a bank transfer. Nobody else is asked,
// so that all is done in this step: what is taken for one intent is gone from
// the customer's balance before another looks at it.
func (v *Service) confirmCash(tx *db.Tx, o *object.Object[Intent], m *object.Object[vault.PaymentMethod], p *ConfirmParams, r *idem.Request) (*idem.Reply, error) {
	i, by := &o.Body, request(r)
	if err := v.suitsCash(o.Scope, i); err != nil {
		return nil, err
	}
	// One that waits already keeps what it has.
	if !i.Awaits() {
		if err := v.dropAction(tx, o, by); err != nil {
			return nil, err
		}
	}
	if _, err := p.Agreement.take(tx, o, m); err != nil {
		return nil, err
	}
	if err := v.openAuthorize(tx, o); err != nil {
		return nil, err
	}
	if err := move(o, confirm); err != nil {
		return nil, err
	}
	i.LastError, i.Proof, i.Action = nil, 0, nil
	taken, err := v.Funds.Await(tx, o, by)
	if err != nil {
		return nil, err
	}
	if taken < i.Remaining() {
		if err := v.askForTransfer(tx, o, p, by); err != nil {
			return nil, err
		}
	}
	if taken > 0 {
		if err := v.Fund(tx, p.account, o, taken, by); err != nil {
			return nil, err
		}
	}
	return shown(Intents, o), nil
}

// suitsCash refuses an intent that can't be paid from a cash balance.
func (v *Service) suitsCash(s id.Scope, i *Intent) error {
	switch {
	case v.Funds == nil || s.Livemode:
		return fault.Param("payment_method", "payment_intent_invalid_parameter", "Florin has no bank that takes transfers in live mode.")
	case i.Customer == 0:
		return fault.Param("customer", "parameter_missing", "A PaymentIntent that is paid with customer_balance needs a customer.")
	case i.manual():
		return fault.Param("capture_method", "payment_intent_invalid_parameter", "What is paid with customer_balance can't be captured by hand.")
	case i.SetupFutureUsage != "" && i.Cash.SetupFutureUsage != "none":
		return fault.Param("setup_future_usage", "payment_intent_invalid_parameter", "A customer_balance can't be set up for later payments: each of them has to be confirmed.")
	}
	return nil
}

// askForTransfer has an intent wait for the bank transfer that its options say.
func (v *Service) askForTransfer(tx *db.Tx, o *object.Object[Intent], p *ConfirmParams, by event.Request) error {
	i := &o.Body
	switch {
	case p.Payer.Refuse:
		return fault.New(fault.Invalid, "payment_intent_action_required", "The customer would have to send money for this PaymentIntent, and error_on_requires_action is set.")
	case i.Cash.Funding == "":
		return fault.Param(cashOptions+"[funding_type]", "parameter_missing", "The customer's cash balance does not cover this PaymentIntent. Say with %s[funding_type]=bank_transfer that the rest is sent.", cashOptions)
	}
	wanted, err := i.Cash.NewTransfer(i.Currency, cashOptions+"[bank_transfer]")
	if err != nil {
		return err
	}
	wanted.Holder = p.account.Name
	i.Action = &Action{Transfer: wanted}
	if err := move(o, needsAction); err != nil {
		return err
	}
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, IntentID(o.Key), "payment_intent.requires_action", Intents, o, by)
}

// Fund gives, in a step, money that was taken for an intent to it. The intent
// succeeds once that is all of its amount. account is the merchant's.
func (v *Service) Fund(tx *db.Tx, account *merchant.Account, o *object.Object[Intent], amount int64, by event.Request) error {
	if err := v.Book.Reserve(tx, o.Scope, o.Key, ledger.GuardAuthorize, amount); err != nil {
		return err
	}
	i := &o.Body
	i.Funded += amount
	if i.Remaining() > 0 {
		if err := Intents.Update(tx, o); err != nil {
			return err
		}
		return tell(tx, IntentID(o.Key), "payment_intent.partially_funded", Intents, o, by)
	}
	on := fundsCame
	if i.Status == Processing {
		on = saleApproved
	}
	if err := move(o, on); err != nil {
		return err
	}
	return v.funded(tx, account, o, by)
}

// funded writes the charge of an intent that has all its money, and books it.
func (v *Service) funded(tx *db.Tx, account *merchant.Account, o *object.Object[Intent], by event.Request) error {
	s, i, key := o.Scope, &o.Body, tx.NewKey()
	if err := v.Book.Settle(tx, s, o.Key, ledger.GuardAuthorize, i.Amount); err != nil {
		return err
	}
	m, err := get(tx, vault.PaymentMethods, s, i.Method)
	if err != nil {
		return err
	}
	body := chargeOf(&object.Object[Attempt]{Scope: s, Body: authorization(o, m, account)}, o, ChargeSucceeded)
	body.Captured = body.Amount
	if body.BalanceTransaction, err = v.takeFunds(tx, account, s, key, i.money(i.Amount)); err != nil {
		return err
	}
	ch, err := Charges.Insert(tx, s, key, body)
	if err != nil {
		return err
	}
	if err := v.Book.OpenGuard(tx, s, key, ledger.GuardRefund, body.Captured); err != nil {
		return err
	}
	i.LatestCharge, i.Received, i.Action = ChargeID(key), body.Captured, nil
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.Vault.UseUp(tx, m); err != nil {
		return err
	}
	if err := tell(tx, IntentID(o.Key), "charge.succeeded", Charges, ch, by); err != nil {
		return err
	}
	return tell(tx, IntentID(o.Key), "payment_intent.succeeded", Intents, o, by)
}

// takeFunds books what was set aside for a payment that is whole: applied_cash to
// available, since the bank has had it all along, and the fee.
func (v *Service) takeFunds(tx *db.Tx, account *merchant.Account, s id.Scope, charge int64, gross money.Amount) (int64, error) {
	fee, err := account.Fees.Fee(gross)
	if err != nil {
		return 0, err
	}
	t := ledger.Transaction{
		Type: "payment", ReportingCategory: "charge", SourceKind: Charges.Name, Source: charge, Currency: gross.Currency(),
		Amount: gross.Minor(), Fee: fee.Minor(), Net: gross.Minor() - fee.Minor(), AvailableOn: tx.Now(),
	}
	postings := []ledger.Posting{{Debit: ledger.AppliedCash, Credit: ledger.Available, Amount: gross}}
	if fee.IsPositive() {
		postings = append(postings, ledger.Posting{Debit: ledger.Available, Credit: ledger.Fees, Amount: fee})
		t.FeeDetails = []ledger.FeeDetail{{Type: ledger.ProcessingFee, Amount: fee.Minor(), Description: "Florin processing fees"}}
	}
	posted, err := v.Book.Post(tx, s, t, postings...)
	if err != nil {
		return 0, err
	}
	return posted.Key, ledger.BecomesAvailable(tx, s)
}

// dropTransfer gives what came for an intent back to its customer, who is asked
// for no more. The caller stores the intent.
func (v *Service) dropTransfer(tx *db.Tx, o *object.Object[Intent], by event.Request) error {
	if o.Body.Funded > 0 {
		if err := v.Book.Release(tx, o.Scope, o.Key, ledger.GuardAuthorize, o.Body.Funded); err != nil {
			return err
		}
	}
	if err := v.Funds.Return(tx, o, by); err != nil {
		return err
	}
	o.Body.Funded, o.Body.Action = 0, nil
	return nil
}

// ApplyParams say what of a customer's money an intent gets.
type ApplyParams struct {
	// Amount in the API's minor units; zero: all that it still needs.
	Amount   int64
	Currency money.Currency // empty: the intent's
}

// ApplyFunds gives an intent that waits for a bank transfer what its customer has
// sent already. The reply shows the intent.
func (v *Service) ApplyFunds(ctx context.Context, s id.Scope, intent IntentID, p ApplyParams, r *idem.Request) (*idem.Reply, error) {
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.apply_funds", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
		if err != nil {
			return nil, nil, err
		}
		i := &o.Body
		if !i.Awaits() {
			return nil, nil, fault.New(fault.Invalid, "payment_intent_unexpected_state",
				"This PaymentIntent's status is %s, and it does not wait for a bank transfer: nothing of a cash balance can be applied to it.", i.Status)
		}
		if p.Currency != "" && p.Currency != i.Currency {
			return nil, nil, fault.Param("currency", "", "The PaymentIntent is in %s, and not in %s.", i.Currency, p.Currency)
		}
		amount, err := amountOf(p.Amount, "amount", i.Left())
		if err == nil && amount.Minor() > i.Remaining() {
			err = fault.Param("amount", "amount_too_large", "The PaymentIntent needs no more than %s.", i.Left())
		}
		if err != nil {
			return nil, nil, err
		}
		if err := v.Funds.Take(tx, o, amount.Minor(), request(r)); err != nil {
			return nil, nil, err
		}
		if err := v.Fund(tx, account, o, amount.Minor(), request(r)); err != nil {
			return nil, nil, err
		}
		return shown(Intents, o), nil, nil
	})
}

// refundCash gives a payment from a cash balance back to the balance, at once.
func (v *Service) refundCash(tx *db.Tx, ch *object.Object[Charge], amount money.Amount, p *RefundParams, mayGoNegative bool, r *idem.Request) (*idem.Reply, error) {
	s, by := ch.Scope, request(r)
	free, err := v.Book.Free(tx, s, ledger.AccountOf(ledger.Available, amount.Currency()))
	if err != nil {
		return nil, err
	}
	if free < amount.Minor() && !mayGoNegative {
		return nil, balanceInsufficient()
	}
	body := Refund{
		Status: RefundPending, Amount: amount.Minor(), Currency: amount.Currency(), Charge: ChargeID(ch.Key), Intent: ch.Body.Intent,
		Reason: p.Reason, Metadata: p.Metadata, ToCash: true,
	}
	if body.Contact, err = v.refundContact(tx, ch, p); err != nil {
		return nil, err
	}
	o, err := Refunds.Insert(tx, s, tx.NewKey(), body)
	if err != nil {
		return nil, err
	}
	if err := v.giveBack(tx, o, ch, nil, ledger.CustomerCash); err != nil {
		return nil, err
	}
	if err := v.Funds.Refund(tx, o, ch.Body.Customer, by); err != nil {
		return nil, err
	}
	if err := tell(tx, ch.Body.Intent, "refund.created", Refunds, o, by); err != nil {
		return nil, err
	}
	reply := shown(Refunds, o)
	if p.ShowCharge {
		reply = shown(Charges, ch)
	}
	return reply, tell(tx, ch.Body.Intent, "charge.refunded", Charges, ch, by)
}

package payment

import (
	"fmt"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// move changes an intent's status by its table.
func move(o *object.Object[Intent], on Trigger) error {
	next, ok := intentMachine.Next(o.Body.Status, on)
	if !ok {
		return fmt.Errorf("payment_intent %d: %s in status %s", o.Key, on, o.Body.Status)
	}
	o.Body.Status = next
	return nil
}

// paid applies an approved authorisation or sale.
func (v *Service) paid(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) error {
	s := a.Scope
	o, err := get(tx, Intents, s, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if err := v.settleAuthorize(tx, a); err != nil {
		return err
	}
	on := saleApproved
	if a.Body.Operation == OpAuthorize {
		on = authApproved
	}
	if err := move(o, on); err != nil {
		return err
	}
	return v.book(tx, account, a, o)
}

// settleAuthorize turns what was reserved of the intent's amount into what was
// approved, and gives back the rest.
func (v *Service) settleAuthorize(tx *db.Tx, a *object.Object[Attempt]) error {
	if short := a.Body.Amount - a.Body.approved(); short > 0 {
		if err := v.Book.Release(tx, a.Scope, int64(a.Body.Intent), ledger.GuardAuthorize, short); err != nil {
			return err
		}
	}
	return v.Book.Settle(tx, a.Scope, int64(a.Body.Intent), ledger.GuardAuthorize, a.Body.approved())
}

// book writes the charge of an approved authorisation or sale, its money, and
// the intent that it pays.
func (v *Service) book(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], o *object.Object[Intent]) error {
	s := a.Scope
	key := tx.NewKey()
	body := chargeOf(a, o, ChargeSucceeded)
	pending, err := pendingCharge(tx, a)
	if err != nil {
		return err
	}
	if pending != nil {
		key, body = pending.Key, pending.Body // what was changed meanwhile stays
		body.Status, body.NetworkCode = ChargeSucceeded, a.Body.Code
	}
	if a.Body.Operation == OpSale {
		body.Captured = body.Amount
		txn, err := v.take(tx, account, a, key, body.Captured)
		if err != nil {
			return err
		}
		body.BalanceTransaction = txn
	}
	if a.Body.Operation == OpAuthorize {
		if body.CaptureBefore, err = v.planExpiry(tx, s, IntentID(o.Key), o.Body.Customer, a.Body.hold(tx.Now())); err != nil {
			return err
		}
	}
	review, err := openReview(tx, s, key, &body)
	if err != nil {
		return err
	}
	ch, err := putCharge(tx, pending, s, key, body)
	if err != nil {
		return err
	}
	guard, ceiling := ledger.GuardCapture, body.MaxCapture
	if a.Body.Operation == OpSale {
		guard, ceiling = ledger.GuardRefund, body.Captured
	}
	if err := v.Book.OpenGuard(tx, s, key, guard, ceiling); err != nil {
		return err
	}
	i := &o.Body
	i.Attempt, i.LatestCharge, i.LastError, i.Review = 0, ChargeID(key), nil, body.Review
	if a.Body.Operation == OpSale {
		i.Received = body.Captured
	} else {
		i.Capturable = body.Amount
	}
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.used(tx, a, i); err != nil {
		return err
	}
	if err := v.Vault.SettleMandate(tx, s, a.Body.Mandate, true, a.Body.Request); err != nil {
		return err
	}
	if err := tell(tx, a.Body.Intent, "charge.succeeded", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	typ := "payment_intent.amount_capturable_updated"
	if a.Body.Operation == OpSale {
		typ = "payment_intent.succeeded"
	}
	if err := tell(tx, a.Body.Intent, typ, Intents, o, a.Body.Request); err != nil || review == nil {
		return err
	}
	return tell(tx, a.Body.Intent, "review.opened", Reviews, review, a.Body.Request)
}

// used notes that a method has paid: its security code goes, it is kept for its
// customer where that was asked for, and one that belongs to nobody is used up.
func (v *Service) used(tx *db.Tx, a *object.Object[Attempt], i *Intent) error {
	if err := v.Vault.DropCVC(tx, a.Scope, a.Body.Card); err != nil {
		return err
	}
	m, err := get(tx, vault.PaymentMethods, a.Scope, a.Body.Method.Key)
	if err != nil {
		return err
	}
	before := m.Body.SetUp
	m.Body.NoteSetUp(i.future())
	checked := m.Body.Card.Checks.Learn(vault.Checks{CVC: a.Body.CVCCheck, Line1: a.Body.Line1Check, PostalCode: a.Body.PostalCheck})
	if i.future() != "" && i.Customer != 0 && m.Body.Customer == 0 && !m.Body.Spent() {
		c, err := get(tx, vault.Customers, a.Scope, i.Customer)
		if err != nil {
			return err
		}
		// Who was deleted meanwhile gets no new methods: nobody would erase them.
		if !c.Body.Deleted {
			return v.Vault.Attach(tx, m, i.Customer, a.Body.Request)
		}
	}
	if (checked || m.Body.SetUp != before) && (m.Body.Customer != 0 || m.Body.UsedUp) {
		return vault.PaymentMethods.Update(tx, m)
	}
	return v.Vault.UseUp(tx, m)
}

func chargeOf(a *object.Object[Attempt], o *object.Object[Intent], st ChargeStatus) Charge {
	i := &o.Body
	body := Charge{
		Status: st, Amount: a.Body.Amount, Currency: a.Body.Currency, Intent: a.Body.Intent, Attempt: AttemptID(a.Key),
		Customer: i.Customer, Method: a.Body.Method, NetworkCode: a.Body.Code, AuthorizationCode: a.Body.AuthorizationCode,
		CVCCheck: a.Body.CVCCheck, Line1Check: a.Body.Line1Check, PostalCheck: a.Body.PostalCheck, Network: i.Card.Network, ThreeDS: a.Body.ThreeDS, Mandate: a.Body.Mandate,
		Statement: a.Body.Descriptor, Features: a.Body.Features, Contact: i.Contact, RadarSession: i.RadarSession, Description: i.Description, Descriptor: i.Descriptor, DescriptorSuffix: i.DescriptorSuffix,
		TransferGroup: i.TransferGroup, Metadata: i.Metadata,
	}
	body.Risk = a.Body.Risk
	if st == ChargeSucceeded {
		body.Amount, body.Granted = a.Body.approved(), a.Body.Granted
		if a.Body.Operation == OpAuthorize {
			body.Authorized, body.MaxCapture = true, a.Body.maxCapture()
		}
	}
	return body
}

// take books captured money: provider_clearing to pending for the gross
// amount, pending to fees for the fee. That of the test cards which stand for
// it goes to available at once.
func (v *Service) take(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], charge, amount int64) (txn int64, err error) {
	gross := money.New(amount, a.Body.Currency)
	fee, err := account.Fees.Fee(gross)
	if probe.Mutant("payment.no-fee") {
		fee = money.New(0, gross.Currency())
	}
	if err != nil {
		return 0, err
	}
	m, err := get(tx, vault.PaymentMethods, a.Scope, a.Body.Method.Key)
	if err != nil {
		return 0, err
	}
	into, on := ledger.Pending, availableOn(tx.Now(), account.Settings.SettlementDays)
	if strings.HasPrefix(m.Body.Card.Test, "bypassPending") {
		into, on = ledger.Available, tx.Now()
	}
	postings := []ledger.Posting{{Debit: ledger.ProviderClearing, Credit: into, Amount: gross}}
	t := ledger.Transaction{
		Type: "charge", ReportingCategory: "charge", SourceKind: Charges.Name, Source: charge, Currency: gross.Currency(),
		Amount: gross.Minor(), Fee: fee.Minor(), Net: gross.Minor() - fee.Minor(),
		AvailableOn: on, Provider: a.Body.Provider, Reference: Reference(a.Scope, AttemptID(a.Key)),
	}
	if fee.IsPositive() {
		postings = append(postings, ledger.Posting{Debit: into, Credit: ledger.Fees, Amount: fee})
		t.FeeDetails = []ledger.FeeDetail{{Type: "processing_fee", Amount: fee.Minor(), Description: "Florin processing fees"}}
	}
	posted, err := v.Book.Post(tx, a.Scope, t, postings...)
	if err != nil {
		return 0, err
	}
	if into == ledger.Available {
		return posted.Key, ledger.BecomesAvailable(tx, a.Scope)
	}
	return posted.Key, nil
}

// availableOn is the start of the UTC day on which captured money can be paid
// out.
func availableOn(now time.Time, days int) time.Time {
	return now.Truncate(24*time.Hour).AddDate(0, 0, days)
}

// unpaid applies an authorisation or sale by which nothing was authorised.
func (v *Service) unpaid(tx *db.Tx, a *object.Object[Attempt], outcome provider.Outcome) error {
	s := a.Scope
	o, err := get(tx, Intents, s, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if err := v.releaseAuthorize(tx, a); err != nil {
		return err
	}
	if err := move(o, attemptFailed); err != nil {
		return err
	}
	why := a.Body.refusal()
	pending, err := pendingCharge(tx, a)
	if err != nil {
		return err
	}
	i := &o.Body
	i.Attempt, i.Method, i.LastError = 0, 0, &Failure{Error: why, Method: a.Body.Method}
	if outcome.Status == provider.Declined || pending != nil {
		key, body := tx.NewKey(), chargeOf(a, o, ChargeFailed)
		if pending != nil {
			body = pending.Body
			body.Status, body.NetworkCode = ChargeFailed, a.Body.Code
		}
		body.Failure = &why
		ch, err := putCharge(tx, pending, s, key, body)
		if err != nil {
			return err
		}
		i.LatestCharge, i.LastError.Charge = ChargeID(ch.Key), ChargeID(ch.Key)
		if err := tell(tx, a.Body.Intent, "charge.failed", Charges, ch, a.Body.Request); err != nil {
			return err
		}
	}
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.Vault.DropCVC(tx, s, a.Body.Card); err != nil {
		return err
	}
	if err := v.Vault.SettleMandate(tx, s, a.Body.Mandate, false, a.Body.Request); err != nil {
		return err
	}
	return tell(tx, a.Body.Intent, "payment_intent.payment_failed", Intents, o, a.Body.Request)
}

// releaseAuthorize gives back what an authorisation or sale had reserved of its
// intent's amount.
func (v *Service) releaseAuthorize(tx *db.Tx, a *object.Object[Attempt]) error {
	return v.Book.Release(tx, a.Scope, int64(a.Body.Intent), ledger.GuardAuthorize, a.Body.Amount)
}

func (v *Service) intentAndCharge(tx *db.Tx, a *object.Object[Attempt]) (*object.Object[Intent], *object.Object[Charge], error) {
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return nil, nil, err
	}
	ch, err := get(tx, Charges, a.Scope, int64(a.Body.Charge))
	return o, ch, err
}

// followUpRefused is told when a capture or void was refused.
func followUpRefused(a *Attempt) fault.Error {
	e := declined(a.Reason)
	if a.State != Declined {
		e = declined("processing_error")
	}
	return e
}

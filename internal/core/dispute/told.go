package dispute

import (
	"fmt"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Told implements [payment.Aftermath].
func (v *Service) Told(tx *db.Tx, account *merchant.Account, ch *object.Object[payment.Charge], n provider.Notice) error {
	if n.Kind == provider.NoticeFraud {
		return v.warned(tx, ch, n)
	}
	d := n.Dispute
	switch {
	case d == nil || d.ID == "" || !slices.Contains(Statuses, Status(d.Status)):
		return fmt.Errorf("dispute: notice %d tells of no dispute that can be understood: %+v", n.Number, d)
	case d.Amount <= 0 || d.Currency != ch.Body.Currency:
		return v.contradiction(tx, ch, payment.Charges.ID(ch.Scope, ch.Key), fmt.Sprintf("%d %s are disputed of a charge in %s", d.Amount, d.Currency, ch.Body.Currency))
	}
	for _, c := range ch.Body.Complaints {
		if c.ID == d.ID {
			return v.toldMore(tx, account, ch, c.Dispute, n)
		}
	}
	return v.open(tx, account, ch, n)
}

// open begins a dispute, and takes it on to where the provider says that it
// stands.
func (v *Service) open(tx *db.Tx, account *merchant.Account, ch *object.Object[payment.Charge], n provider.Notice) error {
	s, d, key := ch.Scope, n.Dispute, tx.NewKey()
	o := &object.Object[Dispute]{Scope: s, Key: key, Body: Dispute{
		Status: Status(d.Status).opening(), Reason: d.Reason, Network: d.Network, Case: caseOf(d), Amount: d.Amount, Currency: d.Currency,
		Charge: payment.ChargeID(ch.Key), Intent: ch.Body.Intent, Method: ch.Body.Method, ProviderID: d.ID, Notice: n.Number, Heard: n.At.Truncate(time.Microsecond),
		Enhanced: d.Enhanced, Subject: key,
	}}
	if err := o.Body.expect(tx, ch, n); err != nil {
		return err
	}
	if ch.Body.Customer != 0 {
		o.Body.Subject = ch.Body.Customer
	}
	ch.Body.Complaints = append(ch.Body.Complaints, payment.Complaint{Dispute: key, ID: d.ID})
	if err := v.book(tx, account, ch, o); err != nil {
		return err
	}
	o, err := Disputes.Insert(tx, s, key, o.Body)
	if err != nil {
		return err
	}
	if err := payment.Charges.Update(tx, ch); err != nil {
		return err
	}
	types := []string{"charge.dispute.created"}
	if o.Body.taken() {
		types = append(types, "charge.dispute.funds_withdrawn")
	}
	for _, typ := range types {
		if err := tell(tx, o.Body.Intent, typ, Disputes, o, event.Request{}); err != nil {
			return err
		}
	}
	if err := payment.CloseReview(tx, ch, "disputed", event.Request{}); err != nil {
		return err
	}
	if err := v.await(tx, o); err != nil {
		return err
	}
	if err := v.unwarn(tx, ch); err != nil {
		return err
	}
	return v.move(tx, account, ch, o, told(Status(d.Status)), event.Request{})
}

// expect sets by when evidence must be there. What the provider says in its time
// is brought onto the payer's line: it is as far off there.
func (d *Dispute) expect(tx *db.Tx, ch *object.Object[payment.Charge], n provider.Notice) (err error) {
	promised := n.Dispute.Due.Truncate(time.Microsecond)
	if promised.IsZero() || promised.Equal(d.Promised) {
		return nil
	}
	d.Due, d.Promised = promised, promised
	if d.Line, err = vault.Line(tx, ch.Scope, ch.Body.Customer); err != nil || d.Line == 0 {
		return err
	}
	now, err := timeline.Now(tx, ch.Scope, d.Line)
	d.Due = now.Add(promised.Sub(n.At)).Truncate(time.Microsecond)
	return err
}

func caseOf(d *provider.Dispute) string {
	switch {
	case d.Case != "":
		return d.Case
	case Status(d.Status).opening() == WarningNeedsResponse:
		return "inquiry"
	}
	return "chargeback"
}

// contradiction opens a break about what a provider says, which fits nothing.
func (v *Service) contradiction(tx *db.Tx, ch *object.Object[payment.Charge], subject, why string) error {
	a, err := get(tx, payment.Attempts, ch.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return err
	}
	return v.Payment.OpenBreak(tx, ch.Scope, payment.BreakContradiction, subject, a.Body.Provider, money.Amount{}, why)
}

// newer reports whether a notice was told after the last one that was applied:
// by the provider's numbers, or by its time where one has none.
func (d *Dispute) newer(n provider.Notice) bool {
	switch {
	case probe.Mutant("dispute.last-heard-wins"):
		return true
	case n.Number > 0 && d.Notice > 0:
		return n.Number > d.Notice
	}
	return n.At.Truncate(time.Microsecond).After(d.Heard)
}

// toldMore applies a further notice about a dispute.
func (v *Service) toldMore(tx *db.Tx, account *merchant.Account, ch *object.Object[payment.Charge], key int64, n provider.Notice) error {
	o, err := get(tx, Disputes, ch.Scope, key)
	if err != nil || !o.Body.newer(n) {
		return err // an old one that comes again
	}
	b, d := &o.Body, n.Dispute
	b.Notice, b.Heard = max(b.Notice, n.Number), n.At.Truncate(time.Microsecond)
	if err := v.compare(tx, ch, o, d); err != nil {
		return err
	}
	if d.Network != "" {
		b.Network = d.Network
	}
	before := b.Due
	if err := b.expect(tx, ch, n); err != nil {
		return err
	}
	if !b.Due.Equal(before) {
		if err := v.await(tx, o); err != nil {
			return err
		}
	}
	if b.Case == "inquiry" && Status(d.Status).opening() == NeedsResponse {
		b.Case = "chargeback"
	}
	if !machine.Can(b.Status, told(Status(d.Status))) {
		return Disputes.Update(tx, o) // no news, or none that counts where it stands
	}
	return v.move(tx, account, ch, o, told(Status(d.Status)), event.Request{})
}

// compare opens a break where the provider contradicts what it has said of a
// dispute: another amount, or a status that comes before the one it had, or after
// the last.
func (v *Service) compare(tx *db.Tx, ch *object.Object[payment.Charge], o *object.Object[Dispute], d *provider.Dispute) error {
	b, now := &o.Body, Status(d.Status)
	why := ""
	switch {
	case d.Amount != b.Amount:
		why = fmt.Sprintf("%d %s are disputed, and it is told to be about %d now", b.Amount, b.Currency, d.Amount)
	case now != b.Status && b.Status.closed() && machine.Can(b.Status, told(now)) && b.Status != WarningClosed:
		why = fmt.Sprintf("it was %s, and is %s now; the money follows", b.Status, now)
	case now != b.Status && !machine.Can(b.Status, told(now)):
		why = fmt.Sprintf("it is %s, and told to be %s now", b.Status, now)
	default:
		return nil
	}
	return v.contradiction(tx, ch, Disputes.ID(o.Scope, o.Key), why)
}

// move takes a dispute to where news leads, with its money, and tells. News that
// leads nowhere from where it stands changes nothing.
func (v *Service) move(tx *db.Tx, account *merchant.Account, ch *object.Object[payment.Charge], o *object.Object[Dispute], on News, by event.Request) error {
	next, ok := machine.Next(o.Body.Status, on)
	if !ok {
		return nil
	}
	was, taken, closed := o.Body.Status, o.Body.taken(), o.Body.Status.closed()
	o.Body.Status = next
	if err := v.book(tx, account, ch, o); err != nil {
		return err
	}
	if err := Disputes.Update(tx, o); err != nil {
		return err
	}
	if err := payment.Charges.Update(tx, ch); err != nil {
		return err
	}
	types := []string{"charge.dispute.updated"}
	if next.closed() && (!closed || next != was) {
		types = []string{"charge.dispute.closed"}
	}
	switch {
	case o.Body.taken() && !taken:
		types = append(types, "charge.dispute.funds_withdrawn")
	case !o.Body.taken() && taken:
		types = append(types, "charge.dispute.funds_reinstated")
	}
	for _, typ := range types {
		if err := tell(tx, o.Body.Intent, typ, Disputes, o, by); err != nil {
			return err
		}
	}
	if taken && !o.Body.taken() {
		return v.Payment.Contradicted(tx, ch)
	}
	return nil
}

// book moves the disputed amount to where it belongs in the dispute's status,
// and has the charge say how it stands. The caller stores both.
func (v *Service) book(tx *db.Tx, account *merchant.Account, ch *object.Object[payment.Charge], o *object.Object[Dispute]) error {
	b := &o.Body
	if b.Status.takes() != b.taken() && (!b.taken() || !probe.Mutant("dispute.keep-won")) {
		w := payment.Withdrawal{SourceKind: Disputes.Name, Source: o.Key, Amount: b.money(), Fee: money.New(0, b.Currency), Reference: b.ProviderID}
		book := v.Payment.Reinstate
		if !b.taken() {
			book = v.Payment.Withdraw
			if len(b.Transactions) == 0 && !probe.Mutant("dispute.no-fee") {
				w.Fee = account.Fees.DisputeFee(b.Currency)
			}
		}
		txn, err := book(tx, ch, w)
		if err != nil {
			return err
		}
		b.Transactions = append(slices.Clone(b.Transactions), txn)
	}
	ch.Body.Complaints = slices.Clone(ch.Body.Complaints)
	for i := range ch.Body.Complaints {
		if c := &ch.Body.Complaints[i]; c.Dispute == o.Key {
			c.Open = b.Status.takes() && !b.Status.closed()
		}
	}
	b.Refundable = refundable(b.Status, ch)
	return nil
}

// refundable reports whether something of a charge could still be refunded as
// far as one of its disputes is concerned.
func refundable(s Status, ch *object.Object[payment.Charge]) bool {
	return !s.takes() && ch.Body.Refunded < ch.Body.Captured
}

// DueJob is the kind of the job that looks whether evidence came in time.
const DueJob = "dispute.due"

type duePayload struct {
	Dispute int64 `json:"dispute"`
}

// await has a job look at the dispute when its time is up.
func (v *Service) await(tx *db.Tx, o *object.Object[Dispute]) error {
	if o.Body.Due.IsZero() || o.Body.Status.closed() {
		return nil
	}
	return timeline.Enqueue(tx, o.Scope, o.Body.Line, DueJob, o.Body.Due, duePayload{o.Key})
}

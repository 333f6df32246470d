package dispute

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// Params are what a merchant says about a dispute.
type Params struct {
	Evidence Evidence // fields to set; an empty value clears its field
	Cleared  []string // paths that are cleared before that
	// Submit, unless nil, says whether the evidence goes to the provider now.
	// Evidence that is given goes at once unless it says otherwise.
	Submit   *bool
	Metadata *vault.Metadata // nil: stays as it is
}

func (p *Params) speaks() bool { return len(p.Evidence) > 0 || len(p.Cleared) > 0 }

func (p *Params) submits() bool {
	if p.Submit != nil {
		return *p.Submit
	}
	return p.speaks()
}

// maxMetadata is how many keys an object's metadata may have
// (https://docs.stripe.com/api/metadata).
const maxMetadata = 50

// Update changes evidence and metadata of a dispute, and sends the evidence. The
// reply shows the dispute; while it is not known whether the provider has the
// evidence, as it was.
func (v *Service) Update(ctx context.Context, s id.Scope, key int64, p Params, r *idem.Request) (*idem.Reply, error) {
	have, ok, err := Disputes.Read(ctx, v.DB, s, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, missing(s, key)
	}
	private, err := v.Vault.NewPrivate(s, have.Body.Subject)
	if err != nil {
		return nil, err
	}
	needs := []db.Need{Disputes.Need(s, key), private.Need(), event.Lane(s, int64(have.Body.Intent))}
	return v.Payment.Contest(ctx, s, r, needs, func(tx *db.Tx) (*idem.Reply, *payment.Contest, error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, nil, err
		}
		if err := p.change(tx, o, private); err != nil {
			return nil, nil, err
		}
		if !p.submits() {
			if err := Disputes.Update(tx, o); err != nil {
				return nil, nil, err
			}
			return shown(o), nil, tell(tx, o.Body.Intent, "charge.dispute.updated", Disputes, o, request(r))
		}
		if len(o.Body.Evidence) == 0 {
			return nil, nil, fault.Param("submit", "", "There is no evidence on this dispute that could be submitted.")
		}
		c, err := v.contest(tx, o, false, p.speaks() || p.Metadata != nil, request(r))
		return nil, c, err
	})
}

// change applies the parameters to a dispute that takes them.
func (p *Params) change(tx *db.Tx, o *object.Object[Dispute], private *vault.Private) (err error) {
	b := &o.Body
	if p.speaks() || p.submits() {
		if err := answerable(o, "evidence can't be changed or submitted any more"); err != nil {
			return err
		}
	}
	if p.Metadata != nil {
		if b.Metadata = merge(b.Metadata, p.Metadata); len(b.Metadata) > maxMetadata {
			return fault.Param("metadata", "", "Metadata can have up to %d keys, but this request would leave %d keys.", maxMetadata, len(b.Metadata))
		}
	}
	if !p.speaks() {
		return nil
	}
	for name, value := range p.Evidence {
		programme, ok := programmeOf(name)
		if ok && value != "" && !slices.Contains(b.Enhanced, programme) {
			return fault.Param("evidence[enhanced_evidence]["+programme+"]", "", "This dispute is not eligible for %s.", programme)
		}
	}
	var bad error
	b.Evidence, err = private.Seal(tx, b.Evidence, func(text string) string {
		e, err := parseEvidence(text)
		if err == nil {
			if e = e.patch(p.Cleared, p.Evidence); e.size() > maxEvidence {
				err = fault.Param("evidence", "", "The evidence of a dispute can have up to %d characters in all.", maxEvidence)
			} else if len(e.Priors()) > mostPrior {
				err = fault.Param("evidence[enhanced_evidence]", "", "At most %d prior undisputed transactions can be given.", mostPrior)
			} else {
				text, err = e.text()
			}
		}
		bad = err
		return text
	})
	return errors.Join(bad, err)
}

// answerable refuses to answer a dispute that takes no answer now.
func answerable(o *object.Object[Dispute], what string) error {
	switch {
	case o.Body.Answer != 0:
		return payment.Locked(o.Scope, o.Body.Answer)
	case o.Body.Status.closed():
		return fault.New(fault.Invalid, "", "This dispute is already closed (%s); its %s.", o.Body.Status, what)
	case !o.Body.Status.answerable():
		return fault.New(fault.Invalid, "", "This dispute's status is %s; its %s.", o.Body.Status, what)
	}
	return nil
}

// Close gives in to a dispute.
func (v *Service) Close(ctx context.Context, s id.Scope, key int64, r *idem.Request) (*idem.Reply, error) {
	return v.Payment.Contest(ctx, s, r, []db.Need{Disputes.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, *payment.Contest, error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, nil, err
		}
		if err := answerable(o, "holder can't close it"); err != nil {
			return nil, nil, err
		}
		c, err := v.contest(tx, o, true, false, request(r))
		return nil, c, err
	})
}

// contest is the answer to a dispute. changed tells that something that shows has
// changed already.
func (v *Service) contest(tx *db.Tx, o *object.Object[Dispute], concede, changed bool, by event.Request) (*payment.Contest, error) {
	ch, err := get(tx, payment.Charges, o.Scope, int64(o.Body.Charge))
	if err != nil {
		return nil, err
	}
	return &payment.Contest{Charge: ch, Dispute: o.Key, Concede: concede, Begun: func(tx *db.Tx, a payment.AttemptID) error {
		o.Body.Answer, o.Body.Asked = a, o.Body.Notice
		if err := Disputes.Update(tx, o); err != nil || !changed {
			return err
		}
		return tell(tx, o.Body.Intent, "charge.dispute.updated", Disputes, o, by)
	}}, nil
}

// Answer implements [payment.Aftermath]. While the attempt is open the evidence
// stays as it is, so that sending it again sends the same.
func (v *Service) Answer(ctx context.Context, a *object.Object[payment.Attempt]) (provider.ContestRequest, error) {
	o, ok, err := Disputes.Read(ctx, v.DB, a.Scope, a.Body.Dispute)
	if err == nil && !ok {
		err = missing(a.Scope, a.Body.Dispute)
	}
	if err != nil {
		return provider.ContestRequest{}, err
	}
	r := provider.ContestRequest{Dispute: o.Body.ProviderID}
	if a.Body.Operation == payment.OpConcede {
		return r, nil
	}
	r.Evidence, err = v.EvidenceOf(ctx, o)
	return r, err
}

// Answered implements [payment.Aftermath].
func (v *Service) Answered(tx *db.Tx, account *merchant.Account, a *object.Object[payment.Attempt]) error {
	o, err := get(tx, Disputes, a.Scope, a.Body.Dispute)
	if err != nil {
		return err
	}
	b := &o.Body
	if b.Answer == payment.AttemptID(a.Key) {
		b.Answer = 0
	}
	if a.Body.State != payment.Approved {
		return Disputes.Update(tx, o)
	}
	on := conceded
	if a.Body.Operation == payment.OpContest {
		b.Submissions++
		now, err := timeline.Now(tx, a.Scope, b.Line)
		if err != nil {
			return err
		}
		b.PastDue = !b.Due.IsZero() && now.After(b.Due)
		on = answered
	}
	// What the provider has said meanwhile is newer than the answer, and may be
	// what came of it.
	if b.Notice != b.Asked || !machine.Can(b.Status, on) {
		if err := Disputes.Update(tx, o); err != nil {
			return err
		}
		return tell(tx, b.Intent, "charge.dispute.updated", Disputes, o, a.Body.Request)
	}
	ch, err := get(tx, payment.Charges, a.Scope, int64(b.Charge))
	if err != nil {
		return err
	}
	return v.move(tx, account, ch, o, on, a.Body.Request)
}

// Shown implements [payment.Aftermath].
func (v *Service) Shown(tx *db.Tx, a *object.Object[payment.Attempt]) (*idem.Reply, error) {
	o, err := get(tx, Disputes, a.Scope, a.Body.Dispute)
	if err != nil {
		return nil, err
	}
	reply := shown(o)
	switch a.Body.State {
	case payment.Declined:
		reply.Error = fault.New(fault.Invalid, "", "The bank did not take this answer to the dispute.")
	case payment.Failed, payment.Reversed:
		reply.Error = fault.New(fault.Invalid, "", "The answer to this dispute could not be delivered. Try again.")
	}
	return reply, nil
}

// ExpireDue ends the dispute that a job was planned for, if nobody answered it.
func (v *Service) ExpireDue(ctx context.Context, j job.Job) error {
	var p duePayload
	if err := j.Payload(&p); err != nil {
		return err
	}
	return v.Expire(ctx, j.Scope, p.Dispute, j.At)
}

// Expire ends a dispute to which no evidence came in time, at a time on its
// line. It may be called at any time, and again.
func (v *Service) Expire(ctx context.Context, s id.Scope, key int64, now time.Time) error {
	account, err := v.Payment.Merchant.Account(ctx, s)
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "dispute.expire", Scope: s.Key(), Needs: []db.Need{Disputes.Need(s, key)}, Do: func(tx *db.Tx) error {
		o, err := find(tx, s, key)
		if err != nil || !o.Body.Status.answerable() || o.Body.Due.IsZero() || now.Before(o.Body.Due) {
			return err
		}
		if o.Body.Answer != 0 {
			return errUnderWay // looked at again later
		}
		ch, err := get(tx, payment.Charges, s, int64(o.Body.Charge))
		if err != nil {
			return err
		}
		return v.move(tx, account, ch, o, overdue, event.Request{})
	}})
}

// ExpireTries and ExpireBackoff let the job of a due date wait for longer than
// an answer may be unknown.
const (
	ExpireTries   = 400
	ExpireBackoff = 10 * time.Minute
)

var errUnderWay = errors.New("dispute: its answer is under way")

func merge(old map[string]string, m *vault.Metadata) map[string]string {
	out := map[string]string{}
	if !m.Clear {
		maps.Copy(out, old)
	}
	for _, name := range m.Unset {
		delete(out, name)
	}
	maps.Copy(out, m.Set)
	return out
}

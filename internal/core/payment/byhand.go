package payment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// Resolution is what a person says became of an operation, with evidence.
type Resolution struct {
	Succeeded bool `json:"succeeded,omitempty"`
	// Evidence is how the person knows: a case number at the provider, a line of a
	// statement.
	Evidence string `json:"evidence"`
	// By is who says so: a name, or the id of the request.
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// MaxEvidence is how many bytes evidence may have.
const MaxEvidence = 5000

// Check refuses a resolution that says too little, or too much.
func (r *Resolution) Check() error {
	switch {
	case strings.TrimSpace(r.Evidence) == "":
		return fault.Param("evidence", "parameter_missing", "Say how you know: a case number at the provider, a line of a statement.")
	case len(r.Evidence) > MaxEvidence || strings.ContainsRune(r.Evidence, 0):
		return fault.Param("evidence", "", "Evidence is a text of at most %d bytes.", MaxEvidence)
	}
	return nil
}

// ResolveByHand settles an attempt about which a break is open as a person says,
// and posts what follows. The reply shows the attempt.
func (v *Service) ResolveByHand(ctx context.Context, s id.Scope, key AttemptID, p Resolution, r *idem.Request) (*idem.Reply, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.resolve-by-hand", s, r, []db.Need{Attempts.Need(s, int64(key))}, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		a, err := find(tx, Attempts, s, int64(key), fault.NotFound, "attempt")
		if err != nil {
			return nil, nil, err
		}
		if a.Body.Break.IsZero() {
			return nil, nil, fault.New(fault.Invalid, "", "No break is open about %s, which is %s: what became of it is found out by itself. A person can settle it when that was not possible for a day.", Reference(s, key), a.Body.State)
		}
		p.At = tx.Now()
		if err := v.byHand(tx, account, a, p); err != nil {
			return nil, nil, err
		}
		a, err = get(tx, Attempts, s, int64(key))
		if err != nil {
			return nil, nil, err
		}
		return shown(Attempts, a), nil, nil
	})
}

func (v *Service) byHand(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], p Resolution) error {
	said := "failed"
	if p.Succeeded {
		said = "succeeded"
	}
	v.Log.Info("a person settles an operation", "attempt", Reference(a.Scope, AttemptID(a.Key)), "state", a.Body.State, "said", said, "by", p.By, "evidence", p.Evidence)
	a.Body.Resolution = &p
	if err := v.explain(tx, a, fmt.Sprintf("%s says that it %s: %s", p.By, said, p.Evidence)); err != nil {
		return err
	}
	switch succeeded := p.Succeeded; {
	case a.Body.Open():
		return v.endByHand(tx, account, a, succeeded)
	case succeeded == (a.Body.State == Approved):
		return v.dismiss(tx, a) // the books have said so all the time
	case !succeeded:
		return fault.New(fault.Invalid, "", "%s is booked as approved, and money may have been given out for it since. Resolve its break with the posting that is due instead.", Reference(a.Scope, AttemptID(a.Key)))
	}
	return v.lateByHand(tx, account, a)
}

// endByHand settles an attempt whose outcome nobody could find out.
func (v *Service) endByHand(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], succeeded bool) error {
	news, o := newsFailed, provider.Outcome{Status: provider.Failed}
	if succeeded {
		news, o = newsApproved, provider.Outcome{Status: provider.Approved}
	}
	a.Body.Note = "settled by a person"
	if err := v.applyNews(tx, account, a, news, o); err != nil {
		return err
	}
	_, err := v.answer(tx, a, nil)
	return err
}

// lateByHand books a success that the provider has and the books have called
// failed.
func (v *Service) lateByHand(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) error {
	if op := a.Body.Operation; op == OpAuthorize || op == OpSale || op.contests() {
		return v.late(tx, account, a, provider.Outcome{Status: provider.Approved})
	}
	applied, err := v.followedLate(tx, account, a)
	if err == nil && !applied {
		err = fault.New(fault.Invalid, "", "There is no room to book %s: other operations have taken what it needs. Settle those first, or resolve its break with the posting that is due.", Reference(a.Scope, AttemptID(a.Key)))
	}
	if err != nil {
		return err
	}
	return v.forget(tx, a)
}

// dismiss keeps an attempt as it is, since a person says that it is so.
func (v *Service) dismiss(tx *db.Tx, a *object.Object[Attempt]) error {
	if a.Body.Note == noteContradicted {
		a.Body.Note = "it did not succeed, says a person"
	}
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	return v.forget(tx, a)
}

// forget has the charge of an attempt not wait for it to be booked any more.
func (v *Service) forget(tx *db.Tx, a *object.Object[Attempt]) error {
	if a.Body.Charge == 0 {
		return nil
	}
	ch, err := get(tx, Charges, a.Scope, int64(a.Body.Charge))
	if err != nil || !slices.Contains(ch.Body.Contradicted, AttemptID(a.Key)) {
		return err
	}
	ch.Body.Contradicted = slices.DeleteFunc(slices.Clone(ch.Body.Contradicted), func(k AttemptID) bool { return k == AttemptID(a.Key) })
	return Charges.Update(tx, ch)
}

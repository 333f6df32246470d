package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Review is the body of a review: somebody should look at a payment. It is open
// until Closed says why it no longer is: approved, refunded, refunded_as_fraud,
// disputed or canceled.
type Review struct {
	Charge ChargeID `json:"charge"`
	Intent IntentID `json:"intent"`
	// Method is what was paid with, as it was then.
	Method object.Ref `json:"method"`
	Closed string     `json:"closed,omitempty"`
}

type reviewColumns struct{ Open bool }

// Reviews are the reviews of payments.
var Reviews = object.Define(object.Spec[Review, reviewColumns]{
	Name: "review", Prefix: "prv", Schema: 1, Fades: true, Table: "review", Columns: "open",
	Fields:  func(c *reviewColumns, f *db.Fields) { db.Bool(f, &c.Open) },
	Derive:  func(r *Review) reviewColumns { return reviewColumns{r.Closed == ""} },
	Filters: []string{"open"},
})

// openReview begins the review of a charge that is about to be written, where its
// risk asks for one.
func openReview(tx *db.Tx, s id.Scope, key int64, body *Charge) (*object.Object[Review], error) {
	if body.Risk == nil || !body.Risk.Review {
		return nil, nil
	}
	o, err := Reviews.Insert(tx, s, tx.NewKey(), Review{Charge: ChargeID(key), Intent: body.Intent, Method: body.Method})
	if err == nil {
		body.Review = o.Key
	}
	return o, err
}

// CloseReview ends, in a step, the review of a charge, if it is open.
func CloseReview(tx *db.Tx, ch *object.Object[Charge], reason string, by event.Request) error {
	if ch.Body.Review == 0 {
		return nil
	}
	o, err := get(tx, Reviews, ch.Scope, ch.Body.Review)
	if err != nil || o.Body.Closed != "" {
		return err
	}
	return closeReview(tx, o, reason, by)
}

func closeReview(tx *db.Tx, o *object.Object[Review], reason string, by event.Request) error {
	o.Body.Closed = reason
	if err := Reviews.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, o.Body.Intent, "review.closed", Reviews, o, by)
}

// reviewRefunded ends the review of a charge all of which was given back.
func reviewRefunded(tx *db.Tx, ch *object.Object[Charge], r *object.Object[Refund], by event.Request) error {
	if ch.Body.Refunded < ch.Body.Captured {
		return nil
	}
	reason := "refunded"
	if r.Body.Reason == "fraudulent" {
		reason = "refunded_as_fraud"
	}
	return CloseReview(tx, ch, reason, by)
}

// ApproveReview ends a review: the payment is as it should be. The reply shows
// the review. 400 for one that is not open.
func (v *Service) ApproveReview(ctx context.Context, s id.Scope, review int64, r *idem.Request) (*idem.Reply, error) {
	return v.operate(ctx, "payment.approve_review", s, r, []db.Need{Reviews.Need(s, review)}, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Reviews, s, review, fault.NotFound, "review")
		if err != nil {
			return nil, nil, err
		}
		if o.Body.Closed != "" {
			return nil, nil, fault.New(fault.Invalid, "", "The review %s is closed already: it was %s.", Reviews.ID(s, o.Key), o.Body.Closed)
		}
		if err := closeReview(tx, o, "approved", request(r)); err != nil {
			return nil, nil, err
		}
		return shown(Reviews, o), nil, nil
	})
}

// ReviewZip is the postal code that a reviewed payment was made with; empty: none
// was given.
func (v *Service) ReviewZip(ctx context.Context, r *object.Object[Review]) (string, error) {
	m, ok, err := vault.PaymentMethods.ReadVersion(ctx, v.DB, r.Scope, r.Body.Method)
	if err != nil || !ok {
		return "", err
	}
	b, err := v.Vault.BillingDetails(ctx, m)
	return b.Address.PostalCode, err
}

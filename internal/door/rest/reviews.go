package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
)

var reviewRoutes = map[string]route{
	"GetReviews":               {listReviews, merchant.Charges, merchant.Read},
	"GetReviewsReview":         {retrieveReview, merchant.Charges, merchant.Read},
	"PostReviewsReviewApprove": {approveReview, merchant.Charges, merchant.Write},
}

// listReviews lists those that are open, as Stripe does.
func listReviews(s *Server, c *call) (any, error) {
	return listOf(s, c, payment.Reviews, map[string]any{"open": int64(1)}, renderReview)
}

func retrieveReview(s *Server, c *call) (any, error) {
	return retrieve(s, c, payment.Reviews, "review", renderReview)
}

func approveReview(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Reviews, "review")
	if err != nil {
		return nil, err
	}
	return s.Payment.ApproveReview(c.ctx, c.scope, key, c.idem)
}

type shownReview struct {
	ID            string `json:"id"`
	Object        string `json:"object"`
	BillingZip    any    `json:"billing_zip"`
	Charge        any    `json:"charge"`
	ClosedReason  any    `json:"closed_reason"`
	Created       int64  `json:"created"`
	IPAddress     any    `json:"ip_address"`
	IPLocation    any    `json:"ip_address_location"`
	Livemode      bool   `json:"livemode"`
	Open          bool   `json:"open"`
	OpenedReason  string `json:"opened_reason"`
	PaymentIntent any    `json:"payment_intent,omitempty"`
	Reason        string `json:"reason"`
	Session       any    `json:"session"`
}

func renderReview(v *view, o *object.Object[payment.Review]) (any, error) {
	b := &o.Body
	out := &shownReview{ID: payment.Reviews.ID(o.Scope, o.Key), Object: payment.Reviews.Name, ClosedReason: text(b.Closed), Created: o.Created().Unix(),
		Livemode: o.Scope.Livemode, Open: b.Closed == "", OpenedReason: "rule", Reason: "rule"}
	if b.Closed != "" {
		out.Reason = b.Closed
	}
	if v.tx == nil { // what is sealed is not opened within a step
		zip, err := v.s.Payment.ReviewZip(v.ctx, o)
		if err != nil {
			return nil, err
		}
		out.BillingZip = text(zip)
	}
	var err error
	if out.Charge, err = ref(v, "charge", payment.Charges, int64(b.Charge), renderCharge); err != nil {
		return nil, err
	}
	out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(b.Intent), renderIntent)
	return out, err
}

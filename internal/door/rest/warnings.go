package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
)

var warningRoutes = map[string]route{
	"GetRadarEarlyFraudWarnings":                  {listWarnings, merchant.Disputes, merchant.Read},
	"GetRadarEarlyFraudWarningsEarlyFraudWarning": {retrieveWarning, merchant.Disputes, merchant.Read},
}

func listWarnings(s *Server, c *call) (any, error) {
	where, err := ofPayment(s, c)
	if err != nil {
		return nil, err
	}
	return listOf(s, c, dispute.Warnings, where, renderWarning)
}

func retrieveWarning(s *Server, c *call) (any, error) {
	return retrieve(s, c, dispute.Warnings, "early_fraud_warning", renderWarning)
}

type shownWarning struct {
	ID            string `json:"id"`
	Object        string `json:"object"`
	Actionable    bool   `json:"actionable"`
	Charge        any    `json:"charge"`
	Created       int64  `json:"created"`
	FraudType     string `json:"fraud_type"`
	Livemode      bool   `json:"livemode"`
	PaymentIntent any    `json:"payment_intent,omitempty"`
}

func renderWarning(v *view, o *object.Object[dispute.Warning]) (any, error) {
	out := &shownWarning{
		ID: dispute.Warnings.ID(v.scope, o.Key), Object: "radar.early_fraud_warning", Actionable: o.Body.Actionable, Created: o.Created().Unix(),
		FraudType: o.Body.Type, Livemode: v.scope.Livemode,
	}
	var err error
	if out.Charge, err = ref(v, "charge", payment.Charges, int64(o.Body.Charge), renderCharge); err != nil {
		return nil, err
	}
	out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(o.Body.Intent), renderIntent)
	return out, err
}

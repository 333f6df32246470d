package payment

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
)

// Risk is how risky a payment was found.
type Risk struct {
	Level string `json:"level"` // elevated or highest; a payment without a Risk is normal
	// Score is from 0 to 99: from 65 on the level is elevated, from 75 on highest.
	Score   int  `json:"score"`
	Blocked bool `json:"blocked,omitempty"` // no provider heard of it
	Review  bool `json:"review,omitempty"`  // somebody should look at it
}

// The levels of risk that are told (https://docs.stripe.com/api/charges/object,
// outcome.risk_level).
const (
	RiskNormal   = "normal"
	riskElevated = "elevated"
	riskHighest  = "highest"
)

// testRisks are the test cards that stand for a risk, by name
// (https://docs.stripe.com/testing, fraud prevention). In live mode no card has
// such a name, and nothing is assessed.
var testRisks = map[string]Risk{
	"radarBlock":               {Level: riskHighest, Score: 99, Blocked: true},
	"riskLevelHighest":         {Level: riskHighest, Score: 85},
	"riskLevelElevated":        {Level: riskElevated, Score: 70, Review: true},
	"cvcCheckFailElevatedRisk": {Level: riskElevated, Score: 67},
	"avsZipFailElevatedRisk":   {Level: riskElevated, Score: 67},
}

// assess is how risky it is to be paid with a card; nil: not.
func assess(c *vault.Card) *Risk {
	if r, ok := testRisks[c.Test]; ok {
		return &r
	}
	return nil
}

// block ends a confirmation before any provider hears of it: the payment is as
// good as declined, and the intent can be paid otherwise.
func (v *Service) block(tx *db.Tx, o *object.Object[Intent], m *object.Object[vault.PaymentMethod], p *ConfirmParams, risk *Risk, r *idem.Request) (*idem.Reply, error) {
	if err := v.dropAction(tx, o, request(r)); err != nil {
		return nil, err
	}
	// What became of an attempt, if there had been one.
	a := &object.Object[Attempt]{Scope: o.Scope, Body: authorization(o, m, p.account)}
	a.Body.Request = request(r)
	why := declined("fraudulent")
	body := chargeOf(a, o, ChargeFailed)
	body.Failure, body.Risk = &why, risk
	ch, err := Charges.Insert(tx, o.Scope, tx.NewKey(), body)
	if err != nil {
		return nil, err
	}
	i := &o.Body
	i.Status, i.Method, i.LatestCharge, i.Proof = RequiresPaymentMethod, 0, ChargeID(ch.Key), 0
	i.LastError = &Failure{Error: why, Charge: ChargeID(ch.Key), Method: m.Ref()}
	if err := Intents.Update(tx, o); err != nil {
		return nil, err
	}
	if err := v.Vault.DropCVC(tx, o.Scope, m.Body.CardRow); err != nil {
		return nil, err
	}
	if err := tell(tx, IntentID(o.Key), "charge.failed", Charges, ch, request(r)); err != nil {
		return nil, err
	}
	reply := shown(Intents, o)
	if p.showCharge {
		reply = shown(Charges, ch)
	}
	reply.Error = &why
	return reply, tell(tx, IntentID(o.Key), "payment_intent.payment_failed", Intents, o, request(r))
}

package rest

import (
	"fmt"
	"github.com/florinpay/florin/internal/core/merchant"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var chargeRoutes = map[string]route{
	"GetCharges":               {listCharges, merchant.Charges, merchant.Read},
	"GetChargesCharge":         {retrieveCharge, merchant.Charges, merchant.Read},
	"PostChargesCharge":        {updateCharge, merchant.Charges, merchant.Write},
	"PostChargesChargeCapture": {captureCharge, merchant.Charges, merchant.Write},
}

func listCharges(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if group, ok := c.form.String("transfer_group"); ok && group != "" {
		where["transfer_group"] = group
	}
	if err := filter(s, c, where, vault.Customers, "customer", "customer"); err != nil {
		return nil, err
	}
	if err := filter(s, c, where, payment.Intents, "payment_intent", "intent"); err != nil {
		return nil, err
	}
	return listOf(s, c, payment.Charges, where, renderCharge)
}

func retrieveCharge(s *Server, c *call) (any, error) {
	return retrieve(s, c, payment.Charges, "charge", renderCharge)
}

func updateCharge(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	p := payment.ChargeChanges{Description: textAt(c.form, "description"), TransferGroup: textAt(c.form, "transfer_group"), Metadata: metadataAt(c.form)}
	if p.Customer, err = keyOf(c, vault.Customers, "customer"); err != nil {
		return nil, err
	}
	if p.UserReport, err = choice(c, "fraud_details", "user_report"); err != nil {
		return nil, err
	}
	if p.Contact, err = contactAt(c.form); err != nil {
		return nil, err
	}
	return s.Payment.UpdateCharge(c.ctx, c.scope, payment.ChargeID(key), p, c.idem)
}

func captureCharge(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, "application_fee", "application_fee_amount", "transfer_data"); err != nil {
		return nil, err
	}
	var p payment.CaptureParams
	if p.Amount, err = positive(c, "amount"); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	return s.Payment.CaptureCharge(c.ctx, c.scope, payment.ChargeID(key), p, c.idem)
}

type charge struct {
	ID                            string               `json:"id"`
	Object                        string               `json:"object"`
	Amount                        int64                `json:"amount"`
	AmountCaptured                int64                `json:"amount_captured"`
	AmountRefunded                int64                `json:"amount_refunded"`
	Application                   any                  `json:"application"`
	ApplicationFee                any                  `json:"application_fee"`
	ApplicationFeeAmount          any                  `json:"application_fee_amount"`
	BalanceTransaction            any                  `json:"balance_transaction"`
	BillingDetails                any                  `json:"billing_details"`
	CalculatedStatementDescriptor any                  `json:"calculated_statement_descriptor"`
	Captured                      bool                 `json:"captured"`
	Created                       int64                `json:"created"`
	Currency                      money.Currency       `json:"currency"`
	Customer                      any                  `json:"customer"`
	Description                   any                  `json:"description"`
	Disputed                      bool                 `json:"disputed"`
	FailureBalanceTransaction     any                  `json:"failure_balance_transaction"`
	FailureCode                   any                  `json:"failure_code"`
	FailureMessage                any                  `json:"failure_message"`
	FraudDetails                  map[string]any       `json:"fraud_details"`
	Livemode                      bool                 `json:"livemode"`
	Metadata                      map[string]string    `json:"metadata"`
	OnBehalfOf                    any                  `json:"on_behalf_of"`
	Outcome                       outcome              `json:"outcome"`
	Paid                          bool                 `json:"paid"`
	PaymentIntent                 any                  `json:"payment_intent"`
	PaymentMethod                 any                  `json:"payment_method"`
	PaymentMethodDetails          any                  `json:"payment_method_details"`
	RadarOptions                  map[string]any       `json:"radar_options"`
	ReceiptEmail                  any                  `json:"receipt_email"`
	ReceiptNumber                 any                  `json:"receipt_number"`
	ReceiptURL                    any                  `json:"receipt_url"`
	Refunded                      bool                 `json:"refunded"`
	Refunds                       *list                `json:"refunds,omitempty"` // when expanded
	Review                        any                  `json:"review"`
	Shipping                      any                  `json:"shipping"`
	SourceTransfer                any                  `json:"source_transfer"`
	StatementDescriptor           any                  `json:"statement_descriptor"`
	StatementDescriptorSuffix     any                  `json:"statement_descriptor_suffix"`
	Status                        payment.ChargeStatus `json:"status"`
	TransferData                  any                  `json:"transfer_data"`
	TransferGroup                 any                  `json:"transfer_group"`
}

func renderCharge(v *view, o *object.Object[payment.Charge]) (any, error) {
	ch, n := &o.Body, counter{currency: o.Body.Currency}
	out := &charge{
		ID: payment.Charges.ID(v.scope, o.Key), Object: "charge",
		Amount: n.api(ch.Amount), AmountCaptured: n.api(ch.Captured), AmountRefunded: n.api(ch.Refunded),
		CalculatedStatementDescriptor: text(ch.Statement), Captured: ch.Captured > 0, Created: o.Created().Unix(), Currency: ch.Currency, Disputed: len(ch.Complaints) > 0,
		Description: text(ch.Description), FraudDetails: fraudDetails(ch.UserReport), Livemode: v.scope.Livemode, Metadata: metadata(ch.Metadata),
		Outcome: outcomeOf(ch), Paid: ch.Status == payment.ChargeSucceeded, PaymentMethod: text(vault.PaymentMethods.ID(v.scope, ch.Method.Key)),
		RadarOptions: radarOptions(ch.RadarSession), Refunded: ch.Captured > 0 && ch.Refunded == ch.Captured,
		StatementDescriptor: text(ch.Descriptor), StatementDescriptorSuffix: text(ch.DescriptorSuffix), Status: ch.Status,
		TransferGroup: text(ch.TransferGroup),
	}
	if ch.Voided {
		// What was never captured and is given back counts as refunded.
		out.Refunded, out.AmountRefunded = true, out.Amount
	}
	if ch.Failure != nil {
		out.FailureCode, out.FailureMessage = text(ch.Failure.Code), text(ch.Failure.Message)
	}
	if n.err != nil {
		return nil, n.err
	}
	return out, out.refer(v, o)
}

// refer fills in the other objects that a charge shows.
func (out *charge) refer(v *view, o *object.Object[payment.Charge]) (err error) {
	ch := &o.Body
	if out.BalanceTransaction, err = ref(v, "balance_transaction", ledger.Transactions, ch.BalanceTransaction, renderTransaction); err != nil {
		return err
	}
	if out.Customer, err = ref(v, "customer", vault.Customers, ch.Customer, renderCustomer); err != nil {
		return err
	}
	if out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(ch.Intent), renderIntent); err != nil {
		return err
	}
	if out.Review, err = ref(v, "review", payment.Reviews, ch.Review, renderReview); err != nil {
		return err
	}
	if v.tx != nil {
		return nil // what follows goes by versions and times and needs no pins
	}
	if out.BillingDetails, err = v.billingOf(ch.Method); err != nil {
		return err
	}
	if len(ch.Contact.Sealed) > 0 {
		contact, err := v.s.Vault.Contact(v.ctx, v.scope, ch.Contact)
		if err != nil {
			return err
		}
		out.ReceiptEmail, out.Shipping = text(contact.Email), goodsTo(contact.Shipping)
	}
	if out.PaymentMethodDetails, err = paidWith(v, ch, out.Amount); err != nil {
		return err
	}
	if v.wants("charge.refunds") {
		out.Refunds, err = refundsOf(v.within("refunds"), o.Key)
	}
	return err
}

func fraudDetails(report string) map[string]any {
	if report == "" {
		return map[string]any{}
	}
	return map[string]any{"user_report": report}
}

func radarOptions(session string) map[string]any {
	if session == "" {
		return map[string]any{}
	}
	return map[string]any{"session": session}
}

// outcome is what the network and risk rules said.
type outcome struct {
	AdviceCode         any    `json:"advice_code"`
	NetworkAdviceCode  any    `json:"network_advice_code"`
	NetworkDeclineCode any    `json:"network_decline_code"`
	NetworkStatus      string `json:"network_status"`
	Reason             any    `json:"reason"`
	RiskLevel          string `json:"risk_level"`
	RiskScore          int    `json:"risk_score,omitempty"` // where there is one
	SellerMessage      string `json:"seller_message"`
	Type               string `json:"type"`
}

func outcomeOf(ch *payment.Charge) outcome {
	out := outcome{NetworkStatus: "approved_by_network", RiskLevel: payment.RiskNormal, SellerMessage: "Payment complete.", Type: "authorized"}
	if r := ch.Risk; r != nil {
		out.RiskLevel, out.RiskScore = r.Level, r.Score
		switch {
		case r.Blocked:
			out.NetworkStatus, out.Reason, out.Type = "not_sent_to_network", r.Level+"_risk_level", "blocked"
			out.SellerMessage = "Florin blocked this payment as too risky."
			return out
		case r.Review && ch.Failure == nil:
			out.Reason, out.Type = r.Level+"_risk_level", "manual_review"
			out.SellerMessage = "Florin evaluated this payment as having " + r.Level + " risk. Somebody should look at it."
		}
	}
	if ch.Failure == nil {
		return out
	}
	out.AdviceCode, out.NetworkDeclineCode, out.NetworkStatus = text(ch.Failure.AdviceCode), text(ch.NetworkCode), "declined_by_network"
	out.Reason, out.Type = text(ch.Failure.DeclineCode), "issuer_declined"
	out.SellerMessage = "The bank did not return any further details with this decline."
	if reason := ch.Failure.DeclineCode; reason != "" && reason != "generic_decline" {
		out.SellerMessage = fmt.Sprintf("The bank returned the decline code `%s`.", reason)
	}
	return out
}

// paidWith is payment_method_details: the method as it was when it paid, and
// what the network said of it then. amount is the charge's in API units.
func paidWith(v *view, ch *payment.Charge, amount int64) (any, error) {
	m, err := v.methodVersion(ch.Method)
	if err != nil {
		return nil, err
	}
	if m != nil && m.Body.Type != vault.TypeCard {
		return paidByAccount(v, ch, &m.Body), nil
	}
	card, err := v.cardDetails(ch.Method)
	if err != nil {
		return nil, err
	}
	card.AuthorizationCode = text(ch.AuthorizationCode)
	if err := card.grant(ch, amount); err != nil {
		return nil, err
	}
	if ch.ThreeDS != nil {
		card.ThreeDSecure = &chargedThreeDS{shownThreeDS: threeDSOf(ch.ThreeDS)}
	}
	card.Mandate = text(vault.Mandates.ID(v.scope, ch.Mandate))
	card.NetworkToken = map[string]any{"used": false}
	for _, check := range []struct {
		to   *any
		said string
	}{{&card.Checks.CVC, ch.CVCCheck}, {&card.Checks.Line1, ch.Line1Check}, {&card.Checks.PostalCode, ch.PostalCheck}} {
		if check.said != "" {
			*check.to = check.said
		}
	}
	if ch.Network != "" {
		card.Network = ch.Network
	}
	if ch.Status == payment.ChargeSucceeded {
		card.AmountAuthorized = amount
	}
	return map[string]any{"type": vault.TypeCard, "card": card}, nil
}

// ahead is by how much the keys that a step makes may be later than the time of
// its train. What is too new by its own time is left out besides.
const ahead = time.Minute

// refundsOf lists a charge's newest refunds. An answer that is given again
// lists those that it listed, as they were.
func refundsOf(v *view, charge int64) (*list, error) {
	r := object.Range{Limit: defaultLimit, Where: map[string]any{"charge": charge}}
	if v.pins != nil {
		r.Before = id.Floor(v.now.Add(ahead))
	}
	objects, more, err := payment.Refunds.List(v.ctx, v.s.DB, v.scope, r)
	if err != nil {
		return nil, err
	}
	out := &list{Object: "list", URL: "/v1/charges/" + payment.Charges.ID(v.scope, charge) + "/refunds", HasMore: more, Data: []any{}}
	v = v.within("data")
	for _, o := range objects {
		if o, err = asOf(v, payment.Refunds, o); err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		shown, err := renderRefund(v, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}

// chargesOf lists an intent's newest charges as refundsOf does refunds.
func chargesOf(v *view, intent int64) (*list, error) {
	r := object.Range{Limit: defaultLimit, Where: map[string]any{"intent": intent}}
	if v.pins != nil {
		r.Before = id.Floor(v.now.Add(ahead))
	}
	objects, more, err := payment.Charges.List(v.ctx, v.s.DB, v.scope, r)
	if err != nil {
		return nil, err
	}
	out := &list{Object: "list", URL: "/v1/charges?payment_intent=" + payment.Intents.ID(v.scope, intent), HasMore: more, Data: []any{}}
	v = v.within("data")
	for _, o := range objects {
		if o, err = asOf(v, payment.Charges, o); err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		shown, err := renderCharge(v, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}

// asOf gives an object as it was when the answer to a write was made; nil if it
// was not there yet. For a read that is as it is.
func asOf[T any, N comparable](v *view, k *object.Kind[T, N], o *object.Object[T]) (*object.Object[T], error) {
	if v.pins == nil {
		return o, nil
	}
	for o.At.After(v.now) {
		if o.Version == 1 {
			return nil, nil
		}
		earlier, ok, err := k.ReadVersion(v.ctx, v.s.DB, v.scope, object.Ref{Key: o.Key, Version: o.Version - 1})
		if err == nil && !ok {
			err = fmt.Errorf("%s %d has no version %d", k.Name, o.Key, o.Version-1)
		}
		if err != nil {
			return nil, err
		}
		o = earlier
	}
	return o, nil
}

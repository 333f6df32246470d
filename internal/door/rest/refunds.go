package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var refundRoutes = map[string]route{
	"PostRefunds":                        {createRefund, merchant.Charges, merchant.Write},
	"GetRefunds":                         {listRefunds, merchant.Charges, merchant.Read},
	"GetRefundsRefund":                   {retrieveRefund, merchant.Charges, merchant.Read},
	"PostRefundsRefund":                  {updateRefund, merchant.Charges, merchant.Write},
	"PostRefundsRefundCancel":            {cancelRefund, merchant.Charges, merchant.Write},
	"PostTestHelpersRefundsRefundExpire": {expireRefund, merchant.Charges, merchant.Write},
}

func createRefund(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "customer", "currency", "origin"); err != nil {
		return nil, err
	}
	p, err := refundAt(c)
	if err != nil {
		return nil, err
	}
	if c.form.Has("charge") == c.form.Has("payment_intent") {
		return nil, fault.New(fault.Invalid, "parameter_missing", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	charge, err := keyOf(c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	intent, err := keyOf(c, payment.Intents, "payment_intent")
	if err != nil {
		return nil, err
	}
	p.Charge, p.Intent = payment.ChargeID(charge), payment.IntentID(intent)
	return s.Payment.Refund(c.ctx, c.scope, p, c.idem)
}

// refundAt reads how much is refunded and why.
func refundAt(c *call) (p payment.RefundParams, err error) {
	p.Metadata = newMetadata(c)
	// Both are about money of other accounts, which no payment of ours has.
	for _, param := range []string{"refund_application_fee", "reverse_transfer"} {
		if yes, _ := c.form.Bool(param); yes {
			return p, unsupported(param, "")
		}
	}
	if p.Amount, err = positive(c, "amount"); err != nil {
		return p, err
	}
	if p.Reason, err = oneOf(c, "reason"); err != nil {
		return p, err
	}
	p.Email, _ = c.form.String("instructions_email")
	if !plausibleEmail(p.Email) {
		return p, invalidEmail("instructions_email", p.Email)
	}
	return p, nil
}

func updateRefund(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Refunds, "refund")
	if err != nil {
		return nil, err
	}
	return s.Payment.UpdateRefund(c.ctx, c.scope, payment.RefundID(key), metadataAt(c.form), c.idem)
}

func cancelRefund(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Refunds, "refund")
	if err != nil {
		return nil, err
	}
	return s.Payment.StopRefund(c.ctx, c.scope, payment.RefundID(key), "canceled", c.idem)
}

// expireRefund is a test helper, for test mode alone.
func expireRefund(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payment.Refunds, "refund")
	if err != nil {
		return nil, err
	}
	return s.Payment.StopRefund(c.ctx, c.scope, payment.RefundID(key), "expired", c.idem)
}

func listRefunds(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, payment.Charges, "charge", "charge"); err != nil {
		return nil, err
	}
	if err := filter(s, c, where, payment.Intents, "payment_intent", "intent"); err != nil {
		return nil, err
	}
	return listOf(s, c, payment.Refunds, where, renderRefund)
}

func retrieveRefund(s *Server, c *call) (any, error) {
	return retrieve(s, c, payment.Refunds, "refund", renderRefund)
}

type refund struct {
	ID                     string               `json:"id"`
	Object                 string               `json:"object"`
	Amount                 int64                `json:"amount"`
	BalanceTransaction     any                  `json:"balance_transaction"`
	Charge                 any                  `json:"charge"`
	Created                int64                `json:"created"`
	Currency               money.Currency       `json:"currency"`
	Customer               any                  `json:"customer"`
	CustomerAccount        any                  `json:"customer_account"`
	DestinationDetails     map[string]any       `json:"destination_details"`
	FailureTransaction     any                  `json:"failure_balance_transaction,omitempty"` // when it failed after it had succeeded
	FailureReason          string               `json:"failure_reason,omitempty"`              // when it failed
	InstructionsEmail      string               `json:"instructions_email,omitempty"`          // when there is one
	Metadata               map[string]string    `json:"metadata"`
	PaymentIntent          any                  `json:"payment_intent"`
	PaymentMethod          any                  `json:"payment_method"`
	PendingReason          string               `json:"pending_reason,omitempty"` // while it is pending
	Reason                 any                  `json:"reason"`
	ReceiptNumber          any                  `json:"receipt_number"`
	SourceTransferReversal any                  `json:"source_transfer_reversal"`
	Status                 payment.RefundStatus `json:"status"`
	TransferReversal       any                  `json:"transfer_reversal"`
}

func renderRefund(v *view, o *object.Object[payment.Refund]) (any, error) {
	r, n := &o.Body, counter{currency: o.Body.Currency}
	out := &refund{
		ID: payment.Refunds.ID(v.scope, o.Key), Object: "refund", Amount: n.api(r.Amount), Created: o.Created().Unix(), Currency: r.Currency,
		DestinationDetails: givenBackBy(r.Type), FailureReason: r.FailureReason, Metadata: metadata(r.Metadata), Reason: text(r.Reason), Status: r.Status,
	}
	if r.ToCash {
		out.DestinationDetails = map[string]any{"type": "customer_cash_balance", "customer_cash_balance": map[string]any{}}
	}
	if r.Status == payment.RefundPending {
		out.PendingReason = "processing"
	}
	if v.tx == nil && len(r.Contact.Sealed) > 0 {
		contact, err := v.s.Vault.Contact(v.ctx, v.scope, r.Contact)
		if err != nil {
			return nil, err
		}
		out.InstructionsEmail = contact.Email
	}
	if n.err != nil {
		return nil, n.err
	}
	var err error
	if out.BalanceTransaction, err = ref(v, "balance_transaction", ledger.Transactions, r.BalanceTransaction, renderTransaction); err != nil {
		return nil, err
	}
	if out.FailureTransaction, err = ref(v, "failure_balance_transaction", ledger.Transactions, r.FailureTransaction, renderTransaction); err != nil {
		return nil, err
	}
	if out.Charge, err = ref(v, "charge", payment.Charges, int64(r.Charge), renderCharge); err != nil {
		return nil, err
	}
	out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(r.Intent), renderIntent)
	return out, err
}

package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

// directRoutes are the calls by which cards were charged before there were
// payment intents, and by which a charge's refunds and dispute are reached
// through the charge.
var directRoutes = map[string]route{
	"PostCharges":                    {chargeNow, merchant.Charges, merchant.Write},
	"PostChargesChargeRefund":        {refundCharge, merchant.Charges, merchant.Write},
	"PostChargesChargeRefunds":       {refundOfCharge, merchant.Charges, merchant.Write},
	"GetChargesChargeRefunds":        {listChargeRefunds, merchant.Charges, merchant.Read},
	"GetChargesChargeRefundsRefund":  {retrieveChargeRefund, merchant.Charges, merchant.Read},
	"PostChargesChargeRefundsRefund": {updateChargeRefund, merchant.Charges, merchant.Write},
	"GetChargesChargeDispute":        {retrieveChargeDispute, merchant.Disputes, merchant.Read},
	"PostChargesChargeDispute":       {updateChargeDispute, merchant.Disputes, merchant.Write},
	"PostChargesChargeDisputeClose":  {closeChargeDispute, merchant.Disputes, merchant.Write},
	"GetBalanceHistory":              {listTransactions, merchant.BalanceSources, merchant.Read},
	"GetBalanceHistoryId":            {retrieveTransaction, merchant.BalanceSources, merchant.Read},
	"PostExternalAccountsId":         {updateAnyExternalAccount, merchant.ExternalAccounts, merchant.Write},
}

// chargeNow makes a payment intent, confirms it without asking the payer for
// anything, and shows the charge that comes of it.
func chargeNow(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "application_fee", "application_fee_amount", "destination", "on_behalf_of", "transfer_data"); err != nil {
		return nil, err
	}
	p := payment.CreateParams{Confirm: true, ShowCharge: true, Payer: payment.Payer{Away: true}}
	var err error
	if p.Amount, err = newAmount(c); err != nil {
		return nil, err
	}
	if p.Customer, err = keyOf(c, vault.Customers, "customer"); err != nil {
		return nil, err
	}
	if err := s.chargedAt(c, &p); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	if capture, ok := c.form.Bool("capture"); ok && !capture {
		p.CaptureMethod = "manual"
	}
	return s.Payment.Create(c.ctx, c.scope, p, c.idem)
}

// chargedAt reads what is charged: a card, a token, a customer's source, or the
// customer's default source.
func (s *Server) chargedAt(c *call, p *payment.CreateParams) error {
	in, err := s.cardOrToken(c)
	switch {
	case err != nil:
		return err
	case in != nil && in.Card != nil:
		p.MethodData = &vault.MethodInput{Type: vault.TypeCard, Card: in.Card, Billing: in.Billing, Metadata: in.Metadata}
		return nil
	case in != nil && p.Customer != 0 && strings.HasPrefix(in.Token, "tok_"):
		return fault.Param(in.Param, "missing", "Customer %s does not have a linked source with ID %s.", vault.Customers.ID(c.scope, p.Customer), clip(in.Token))
	case in != nil:
		p.Method = in.Token
		return nil
	case p.Customer == 0:
		return fault.New(fault.Invalid, "parameter_missing", "Must provide source or customer.")
	}
	id := vault.Customers.ID(c.scope, p.Customer)
	o, err := s.Vault.RetrieveCustomer(c.ctx, c.scope, id)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil, err == nil && o.Body.Deleted:
		return fault.Missing(fault.Invalid, "customer", "customer", id)
	case err != nil:
		return err
	case o.Body.DefaultSource == 0:
		return &fault.Error{Kind: fault.Declined, Code: "missing", Param: "card", Message: "Cannot charge a customer that has no active card"}
	}
	p.Method = vault.Sources.ID(c.scope, o.Body.DefaultSource)
	return nil
}

// refundCharge answers with the charge.
func refundCharge(s *Server, c *call) (any, error) { return s.refundInPath(c, true) }

// refundOfCharge answers with the refund.
func refundOfCharge(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "customer", "currency", "origin"); err != nil {
		return nil, err
	}
	return s.refundInPath(c, false)
}

func (s *Server) refundInPath(c *call, show bool) (any, error) {
	o, err := named(s, c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	p, err := refundAt(c)
	if err != nil {
		return nil, err
	}
	intent, err := keyOf(c, payment.Intents, "payment_intent")
	if err == nil && intent != 0 && intent != int64(o.Body.Intent) {
		err = fault.Param("payment_intent", "", "The charge %s is not one of the PaymentIntent %s.", payment.Charges.ID(c.scope, o.Key), payment.Intents.ID(c.scope, intent))
	}
	if err != nil {
		return nil, err
	}
	p.Charge, p.ShowCharge = payment.ChargeID(o.Key), show
	return s.Payment.Refund(c.ctx, c.scope, p, c.idem)
}

func listChargeRefunds(s *Server, c *call) (any, error) {
	o, err := named(s, c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	url := "/v1/charges/" + payment.Charges.ID(c.scope, o.Key) + "/refunds"
	return listUnder(s, c, payment.Refunds, map[string]any{"charge": o.Key}, url, renderRefund)
}

// refundThere finds the refund that a path names below its charge.
func refundThere(s *Server, c *call) (*object.Object[payment.Refund], error) {
	o, err := named(s, c, payment.Refunds, "refund")
	if err == nil && payment.Charges.ID(c.scope, int64(o.Body.Charge)) != c.path["charge"] {
		err = fault.Missing(fault.NotFound, "refund", payment.Refunds.Name, clip(c.path["refund"]))
	}
	return o, err
}

func retrieveChargeRefund(s *Server, c *call) (any, error) {
	o, err := refundThere(s, c)
	if err != nil {
		return nil, err
	}
	return renderRefund(s.view(c), o)
}

func updateChargeRefund(s *Server, c *call) (any, error) {
	o, err := refundThere(s, c)
	if err != nil {
		return nil, err
	}
	return s.Payment.UpdateRefund(c.ctx, c.scope, payment.RefundID(o.Key), metadataAt(c.form), c.idem)
}

// disputeThere finds the newest dispute of the charge that a path names.
func disputeThere(s *Server, c *call) (*object.Object[dispute.Dispute], error) {
	charge, err := named(s, c, payment.Charges, "charge")
	if err != nil {
		return nil, err
	}
	page, _, err := dispute.Disputes.List(c.ctx, s.DB, c.scope, object.Range{Limit: 1, Where: map[string]any{"charge": charge.Key}})
	if err != nil {
		return nil, err
	}
	if len(page) == 0 {
		return nil, fault.New(fault.NotFound, "resource_missing", "No dispute for charge: %s", payment.Charges.ID(c.scope, charge.Key))
	}
	return page[0], nil
}

func retrieveChargeDispute(s *Server, c *call) (any, error) {
	o, err := disputeThere(s, c)
	if err != nil {
		return nil, err
	}
	return renderDispute(s.view(c), o)
}

func updateChargeDispute(s *Server, c *call) (any, error) {
	o, err := disputeThere(s, c)
	if err != nil {
		return nil, err
	}
	return s.changeDispute(c, o.Key)
}

func closeChargeDispute(s *Server, c *call) (any, error) {
	o, err := disputeThere(s, c)
	if err != nil {
		return nil, err
	}
	return s.Dispute.Close(c.ctx, c.scope, o.Key, c.idem)
}

// cardOrToken reads card and source; nil: neither is there.
func (s *Server) cardOrToken(c *call) (*vault.SourceInput, error) {
	card := c.form.Get("card")
	token, given := c.form.String("source")
	switch {
	case given && card != nil:
		return nil, fault.Param("card", "parameters_exclusive", "You may only specify one of these parameters: card, source.")
	case given && token != "":
		return &vault.SourceInput{Token: token, Param: "source"}, nil
	case card.Kind() == form.Scalar && card.Text() != "":
		return &vault.SourceInput{Token: card.Text(), Param: "card"}, nil
	case card.Kind() != form.Hash:
		return nil, nil
	}
	for _, name := range []string{"encrypted", "swipe_data", "network_token"} {
		if card.Has(name) {
			return nil, unsupported("card["+name+"]", "")
		}
	}
	if err := s.allowRawCard(c); err != nil {
		return nil, err
	}
	in := cardAt(card)
	return &vault.SourceInput{Card: &in, Billing: legacyBillingAt(card), Param: "card", Metadata: metadataAt(card).Apply(nil)}, nil
}

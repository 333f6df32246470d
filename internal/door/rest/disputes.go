package rest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var disputeRoutes = map[string]route{
	"GetDisputes":              {listDisputes, merchant.Disputes, merchant.Read},
	"GetDisputesDispute":       {retrieveDispute, merchant.Disputes, merchant.Read},
	"PostDisputesDispute":      {updateDispute, merchant.Disputes, merchant.Write},
	"PostDisputesDisputeClose": {closeDispute, merchant.Disputes, merchant.Write},
}

func listDisputes(s *Server, c *call) (any, error) {
	where, err := ofPayment(s, c)
	if err != nil {
		return nil, err
	}
	return listOf(s, c, dispute.Disputes, where, renderDispute)
}

// ofPayment narrows a list to a charge or an intent.
func ofPayment(s *Server, c *call) (map[string]any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, payment.Charges, "charge", "charge"); err != nil {
		return nil, err
	}
	return where, filter(s, c, where, payment.Intents, "payment_intent", "intent")
}

func retrieveDispute(s *Server, c *call) (any, error) {
	return retrieve(s, c, dispute.Disputes, "dispute", renderDispute)
}

func updateDispute(s *Server, c *call) (any, error) {
	key, err := pathKey(c, dispute.Disputes, "dispute")
	if err != nil {
		return nil, err
	}
	return s.changeDispute(c, key)
}

func (s *Server) changeDispute(c *call, key int64) (any, error) {
	p := dispute.Params{Evidence: dispute.Evidence{}, Metadata: metadataAt(c.form)}
	if yes, ok := c.form.Bool("submit"); ok {
		p.Submit = &yes
	}
	if at := c.form.Get("evidence"); at != nil {
		if err := evidenceAt(&p, "", at); err != nil {
			return nil, err
		}
	}
	if err := s.evidenceThere(c, &p); err != nil {
		return nil, err
	}
	return s.Dispute.Update(c.ctx, c.scope, key, p, c.idem)
}

// evidenceFiles are the fields of evidence that name a file.
var evidenceFiles = map[string]bool{
	"cancellation_policy": true, "customer_communication": true, "customer_signature": true, "duplicate_charge_documentation": true, "receipt": true,
	"refund_policy": true, "service_documentation": true, "shipping_documentation": true, "uncategorized_file": true,
}

// evidenceThere refuses evidence whose files were not uploaded as evidence.
func (s *Server) evidenceThere(c *call, p *dispute.Params) error {
	for _, path := range slices.Sorted(maps.Keys(p.Evidence)) {
		if !evidenceFiles[path] {
			continue
		}
		key, _ := file.Files.Prefix.Parse(p.Evidence[path])
		o, ok, err := file.Files.Read(c.ctx, s.DB, c.scope, key)
		switch {
		case err != nil:
			return err
		case !ok || o.Body.Gone:
			return fault.Missing(fault.Invalid, "evidence["+path+"]", "file upload", clip(p.Evidence[path]))
		case o.Body.Purpose != "dispute_evidence":
			return fault.Param("evidence["+path+"]", "", "The file %s was uploaded for the purpose %s, and evidence must be uploaded for dispute_evidence.", clip(p.Evidence[path]), o.Body.Purpose)
		}
	}
	return nil
}

// evidenceAt reads the fields below a part of the evidence. A list takes the
// place of the one that there is; an empty text clears what it names.
func evidenceAt(p *dispute.Params, path string, at *form.Value) error {
	switch at.Kind() {
	case form.Scalar:
		if path == "" {
			return fault.Param("evidence", "", "Invalid evidence: it must be an object.")
		}
		if at.Text() == "" {
			p.Cleared = append(p.Cleared, path)
			return nil
		}
		p.Evidence[path] = at.Text()
		if b, ok := form.ParseBool(at.Text()); ok && strings.HasSuffix(path, ".fee_acknowledged") {
			p.Evidence[path] = strconv.FormatBool(b)
		}
		return nil
	case form.List:
		p.Cleared = append(p.Cleared, path)
	}
	for name, value := range at.All() {
		if path != "" {
			name = path + "." + name
		}
		if err := evidenceAt(p, name, value); err != nil {
			return err
		}
	}
	return nil
}

func closeDispute(s *Server, c *call) (any, error) {
	key, err := pathKey(c, dispute.Disputes, "dispute")
	if err != nil {
		return nil, err
	}
	return s.Dispute.Close(c.ctx, c.scope, key, c.idem)
}

type shownDispute struct {
	ID                   string            `json:"id"`
	Object               string            `json:"object"`
	Amount               int64             `json:"amount"`
	BalanceTransactions  []any             `json:"balance_transactions"`
	Charge               any               `json:"charge"`
	Created              int64             `json:"created"`
	Currency             money.Currency    `json:"currency"`
	EnhancedTypes        []string          `json:"enhanced_eligibility_types"`
	Evidence             map[string]any    `json:"evidence"`
	EvidenceDetails      evidenceDetails   `json:"evidence_details"`
	IsChargeRefundable   bool              `json:"is_charge_refundable"`
	Livemode             bool              `json:"livemode"`
	Metadata             map[string]string `json:"metadata"`
	PaymentIntent        any               `json:"payment_intent"`
	PaymentMethodDetails map[string]any    `json:"payment_method_details,omitempty"` // of a card
	Reason               string            `json:"reason"`
	Status               dispute.Status    `json:"status"`
}

type evidenceDetails struct {
	DueBy               any            `json:"due_by"`
	EnhancedEligibility map[string]any `json:"enhanced_eligibility"`
	HasEvidence         bool           `json:"has_evidence"`
	PastDue             bool           `json:"past_due"`
	SubmissionCount     int            `json:"submission_count"`
}

func renderDispute(v *view, o *object.Object[dispute.Dispute]) (any, error) {
	d, n := &o.Body, counter{currency: o.Body.Currency}
	out := &shownDispute{
		ID: dispute.Disputes.ID(v.scope, o.Key), Object: "dispute", Amount: n.api(d.Amount), BalanceTransactions: []any{}, Created: o.Created().Unix(),
		Currency: d.Currency, EnhancedTypes: append([]string{}, d.Enhanced...), IsChargeRefundable: d.Refundable, Livemode: v.scope.Livemode,
		Metadata: metadata(d.Metadata), Reason: d.Reason, Status: d.Status,
		EvidenceDetails: evidenceDetails{HasEvidence: len(d.Evidence) > 0, PastDue: d.PastDue, SubmissionCount: d.Submissions},
	}
	if !d.Due.IsZero() {
		out.EvidenceDetails.DueBy = d.Due.Unix()
	}
	if n.err != nil {
		return nil, n.err
	}
	var err error
	if out.Charge, err = ref(v, "charge", payment.Charges, int64(d.Charge), renderCharge); err != nil {
		return nil, err
	}
	if out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(d.Intent), renderIntent); err != nil {
		return nil, err
	}
	if err := out.transactions(v, d); err != nil || v.tx != nil {
		return out, err // what follows goes by versions and needs no pins
	}
	e, err := v.s.Dispute.EvidenceOf(v.ctx, o)
	if err != nil {
		return nil, err
	}
	out.Evidence, out.EvidenceDetails.EnhancedEligibility = shownEvidence(d, e), eligibility(d, e)
	out.PaymentMethodDetails, err = disputedMethod(v, d)
	return out, err
}

// transactions shows the movements of money, which are always expanded.
func (out *shownDispute) transactions(v *view, d *dispute.Dispute) error {
	within := v.within("balance_transactions")
	for _, key := range d.Transactions {
		o, err := load(within, ledger.Transactions, key)
		if err != nil {
			return err
		}
		shown, err := renderTransaction(within, o)
		if err != nil {
			return err
		}
		out.BalanceTransactions = append(out.BalanceTransactions, shown)
	}
	v.shown = within.shown
	return nil
}

// evidenceFields are those of the evidence that stand at its top.
var evidenceFields = strings.Fields(`access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
	customer_communication customer_email_address customer_name customer_purchase_ip customer_signature duplicate_charge_documentation
	duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure
	refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier shipping_date
	shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text`)

func shownEvidence(d *dispute.Dispute, e dispute.Evidence) map[string]any {
	out := map[string]any{}
	for _, name := range evidenceFields {
		out[name] = text(e[name])
	}
	enhanced := map[string]any{}
	for _, programme := range d.Enhanced {
		switch programme {
		case dispute.VisaCompelling:
			enhanced[programme] = compellingEvidence(e)
		case dispute.VisaCompliance, dispute.MastercardCompliance:
			enhanced[programme] = map[string]any{"fee_acknowledged": e.Acknowledged(programme)}
		}
	}
	out["enhanced_evidence"] = enhanced
	return out
}

var (
	payerFields   = []string{"customer_account_id", "customer_device_fingerprint", "customer_device_id", "customer_email_address", "customer_purchase_ip", "product_description"}
	addressFields = []string{"city", "country", "line1", "line2", "postal_code", "state"}
)

func compellingEvidence(e dispute.Evidence) map[string]any {
	const path = "enhanced_evidence." + dispute.VisaCompelling + "."
	priors := []any{}
	for _, n := range e.Priors() {
		at := path + "prior_undisputed_transactions." + n + "."
		one, _ := transactionEvidence(e, at)
		one["charge"] = e[at+"charge"]
		priors = append(priors, one)
	}
	out := map[string]any{"disputed_transaction": nil, "prior_undisputed_transactions": priors}
	one, said := transactionEvidence(e, path+"disputed_transaction.")
	goods := e[path+"disputed_transaction.merchandise_or_services"]
	if said || goods != "" {
		one["merchandise_or_services"] = text(goods)
		out["disputed_transaction"] = one
	}
	return out
}

// transactionEvidence shows what is said of a transaction, and whether anything
// is.
func transactionEvidence(e dispute.Evidence, at string) (map[string]any, bool) {
	out, said := map[string]any{"shipping_address": nil}, false
	for _, name := range payerFields {
		out[name] = text(e[at+name])
		said = said || e[at+name] != ""
	}
	address, sent := map[string]any{}, false
	for _, name := range addressFields {
		address[name] = text(e[at+"shipping_address."+name])
		sent = sent || e[at+"shipping_address."+name] != ""
	}
	if sent {
		out["shipping_address"] = address
	}
	return out, said || sent
}

// eligibility says for each programme what is still wanted.
func eligibility(d *dispute.Dispute, e dispute.Evidence) map[string]any {
	out := map[string]any{}
	for _, programme := range d.Enhanced {
		switch programme {
		case dispute.VisaCompelling:
			missing, status := e.MissingActions(), "qualified"
			if len(missing) > 0 {
				status = "requires_action"
			}
			out[programme] = map[string]any{"required_actions": missing, "status": status}
		case dispute.VisaCompliance, dispute.MastercardCompliance:
			status := "requires_fee_acknowledgement"
			if e.Acknowledged(programme) {
				status = "fee_acknowledged"
			}
			out[programme] = map[string]any{"status": status}
		}
	}
	return out
}

func disputedMethod(v *view, d *dispute.Dispute) (map[string]any, error) {
	m, err := v.methodVersion(d.Method)
	if err != nil || m != nil && m.Body.Type != vault.TypeCard {
		return nil, err
	}
	card, err := v.cardDetails(d.Method)
	if err != nil {
		return nil, err
	}
	network := card.Network
	if network == nil {
		network = card.Brand
	}
	return map[string]any{"type": "card", "card": map[string]any{
		"brand": card.Brand, "case_type": d.Case, "network": network, "network_reason_code": text(d.Network),
	}}, nil
}

package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
)

// shownTyped is what a payment method has of its type, under the type's name.
// The other names are not there.
type shownTyped struct {
	ACSS     *shownACSS `json:"acss_debit,omitempty"`
	BECS     *shownBECS `json:"au_becs_debit,omitempty"`
	Bacs     *shownBacs `json:"bacs_debit,omitempty"`
	Card     *shownCard `json:"card,omitempty"`
	Transfer *struct{}  `json:"customer_balance,omitempty"`
	SEPA     *shownSEPA `json:"sepa_debit,omitempty"`
	ACH      *shownACH  `json:"us_bank_account,omitempty"`
}

type shownSEPA struct {
	BankCode      any    `json:"bank_code"`
	BranchCode    any    `json:"branch_code"`
	Country       string `json:"country"`
	Fingerprint   string `json:"fingerprint"`
	GeneratedFrom any    `json:"generated_from"`
	Last4         string `json:"last4"`
}

type shownACH struct {
	AccountHolderType           any              `json:"account_holder_type"`
	AccountType                 any              `json:"account_type"`
	BankName                    any              `json:"bank_name"`
	FinancialConnectionsAccount any              `json:"financial_connections_account"`
	Fingerprint                 string           `json:"fingerprint"`
	Last4                       string           `json:"last4"`
	Networks                    shownACHNetworks `json:"networks"`
	RoutingNumber               string           `json:"routing_number"`
	StatusDetails               struct{}         `json:"status_details"`
}

type shownACHNetworks struct {
	Preferred any      `json:"preferred"`
	Supported []string `json:"supported"`
}

type shownBacs struct {
	Fingerprint string `json:"fingerprint"`
	Last4       string `json:"last4"`
	SortCode    string `json:"sort_code"`
}

type shownACSS struct {
	BankName          any    `json:"bank_name"`
	Fingerprint       string `json:"fingerprint"`
	InstitutionNumber string `json:"institution_number"`
	Last4             string `json:"last4"`
	TransitNumber     string `json:"transit_number"`
}

type shownBECS struct {
	BSBNumber   string `json:"bsb_number"`
	Fingerprint string `json:"fingerprint"`
	Last4       string `json:"last4"`
}

// typedOf shows what a payment method has of its type.
func typedOf(m *vault.PaymentMethod) (out shownTyped) {
	a := m.Account
	switch m.Type {
	case vault.TypeCard:
		out.Card = new(cardOf(&m.Card))
	case vault.TypeTransfer:
		out.Transfer = new(struct{})
	case vault.TypeSEPA:
		out.SEPA = &shownSEPA{BankCode: text(a.Bank), BranchCode: text(a.Branch), Country: a.Country, Fingerprint: a.Fingerprint, Last4: a.Last4}
	case vault.TypeACH:
		out.ACH = &shownACH{AccountHolderType: text(a.HolderType), AccountType: text(a.AccountType), BankName: text(a.BankName), Fingerprint: a.Fingerprint,
			Last4: a.Last4, Networks: shownACHNetworks{"ach", []string{"ach"}}, RoutingNumber: a.Bank}
	case vault.TypeBacs:
		out.Bacs = &shownBacs{a.Fingerprint, a.Last4, a.Bank}
	case vault.TypeACSS:
		out.ACSS = &shownACSS{text(a.BankName), a.Fingerprint, a.Bank, a.Last4, a.Branch}
	case vault.TypeBECS:
		out.BECS = &shownBECS{a.Bank, a.Fingerprint, a.Last4}
	}
	return out
}

// permitted is payment_method_details of a mandate.
func (v *view) permitted(o *object.Object[vault.Mandate]) (map[string]any, error) {
	typ := vault.TypeCard
	if v.tx == nil {
		m, err := load(v, vault.PaymentMethods, o.Body.Method)
		if err != nil {
			return nil, err
		}
		typ = m.Body.Type
	}
	// The text that the holder has agreed to is the merchant's: there is no page of
	// Florin's that shows it.
	id := vault.Mandates.ID(o.Scope, o.Key)
	reference, url := strings.ToUpper(strings.TrimPrefix(id, "mandate_")), "urn:florin:"+id
	of := map[string]any{}
	switch typ {
	case vault.TypeSEPA:
		of = map[string]any{"reference": reference, "url": url}
	case vault.TypeBacs:
		status := map[vault.MandateStatus]string{vault.MandateActive: "accepted", vault.MandatePending: "pending", vault.MandateInactive: "revoked"}[o.Body.Status]
		of = map[string]any{"display_name": nil, "network_status": status, "reference": reference, "revocation_reason": nil, "service_user_number": nil, "url": url}
	case vault.TypeACSS:
		of = map[string]any{"interval_description": nil, "payment_schedule": "sporadic", "transaction_type": "personal"}
	case vault.TypeBECS:
		of = map[string]any{"url": url}
	}
	return map[string]any{"type": typ, typ: of}, nil
}

// givenBackBy is destination_details of a refund of what was paid by a type of
// method; empty: a card.
func givenBackBy(typ string) map[string]any {
	// Providers do not tell the number by which the payer's bank knows the refund.
	switch transfer := map[string]any{"reference": nil, "reference_status": "unavailable"}; typ {
	case "", vault.TypeCard:
		return map[string]any{"type": "card", "card": map[string]any{
			"reference_status": "unavailable", "reference_type": "acquirer_reference_number", "type": "refund",
		}}
	case vault.TypeSEPA:
		return map[string]any{"type": "eu_bank_transfer", "eu_bank_transfer": transfer}
	case vault.TypeACH:
		return map[string]any{"type": "us_bank_transfer", "us_bank_transfer": transfer}
	case vault.TypeBacs:
		return map[string]any{"type": "gb_bank_transfer", "gb_bank_transfer": transfer}
	}
	return map[string]any{"type": typ}
}

// paidByAccount is payment_method_details of a payment by what is no card.
func paidByAccount(v *view, ch *payment.Charge, m *vault.PaymentMethod) map[string]any {
	mandate := text(vault.Mandates.ID(v.scope, ch.Mandate))
	a := m.Account
	if a == nil {
		a = &vault.Account{}
	}
	of := map[string]any{}
	if m.Account != nil {
		of = map[string]any{"fingerprint": a.Fingerprint, "last4": a.Last4}
		if mandate != nil {
			of["mandate"] = mandate
		}
	}
	switch m.Type {
	case vault.TypeSEPA:
		of["bank_code"], of["branch_code"], of["country"], of["mandate"] = text(a.Bank), text(a.Branch), a.Country, mandate
	case vault.TypeACH:
		of["account_holder_type"], of["account_type"], of["bank_name"] = text(a.HolderType), text(a.AccountType), text(a.BankName)
		of["payment_reference"], of["routing_number"] = nil, a.Bank
	case vault.TypeBacs:
		of["sort_code"], of["mandate"] = a.Bank, mandate
	case vault.TypeACSS:
		of["bank_name"], of["institution_number"], of["transit_number"] = text(a.BankName), a.Bank, a.Branch
	case vault.TypeBECS:
		of["bsb_number"] = a.Bank
	}
	return map[string]any{"type": m.Type, m.Type: of}
}

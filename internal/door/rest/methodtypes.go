package rest

import (
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

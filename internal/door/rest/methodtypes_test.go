package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/method"
)

const payer = "&billing_details[name]=Jenny+Rosen&billing_details[email]=jenny@example.com&billing_details[address][country]=GB"

// typedMethods are bodies that make a payment method of each type but cards.
var typedMethods = map[string]string{
	vault.TypeSEPA:     "type=sepa_debit&sepa_debit[iban]=FR14+2004+1010+0505+0001+3M02+606" + payer,
	vault.TypeACH:      "type=us_bank_account&us_bank_account[account_number]=000123456789&us_bank_account[routing_number]=110000000&us_bank_account[account_holder_type]=company" + payer,
	vault.TypeBacs:     "type=bacs_debit&bacs_debit[account_number]=00012345&bacs_debit[sort_code]=10-88-00" + payer,
	vault.TypeACSS:     "type=acss_debit&acss_debit[account_number]=000123456789&acss_debit[institution_number]=000&acss_debit[transit_number]=11000" + payer,
	vault.TypeBECS:     "type=au_becs_debit&au_becs_debit[account_number]=000123456&au_becs_debit[bsb_number]=000000" + payer,
	vault.TypeTransfer: "type=customer_balance",
}

func TestMethodsOfEveryType(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	for typ, want := range map[string]map[string]string{
		vault.TypeSEPA: {"bank_code": "20041", "branch_code": "01005", "country": "FR", "last4": "2606", "generated_from": "null"},
		vault.TypeACH: {"routing_number": "110000000", "last4": "6789", "account_holder_type": "company", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"networks.supported": `["ach"]`},
		vault.TypeBacs:     {"sort_code": "108800", "last4": "2345"},
		vault.TypeACSS:     {"institution_number": "000", "transit_number": "11000", "last4": "6789"},
		vault.TypeBECS:     {"bsb_number": "000000", "last4": "3456"},
		vault.TypeTransfer: {},
	} {
		made := d.replayed("POST", "/v1/payment_methods", typedMethods[typ]+"&metadata[k]=v", nil).ok().shows("payment_method")
		made.want(map[string]string{"type": typ, "card": absent, "metadata": `{"k":"v"}`, typ + ".iban": absent, typ + ".account_number": absent})
		shown := map[string]string{}
		for field, value := range want {
			shown[typ+"."+field] = value
		}
		made.want(shown)
		again := d.post("/v1/payment_methods", typedMethods[typ])
		if typ != vault.TypeTransfer && (len(made.at(typ+".fingerprint")) != 16 || made.at(typ+".fingerprint") != again.at(typ+".fingerprint")) {
			t.Errorf("%s: fingerprints %s and %s", typ, made.at(typ+".fingerprint"), again.at(typ+".fingerprint"))
		}
		id := made.at("id")
		d.post("/v1/payment_methods/"+id+"/attach", "customer="+customer).shows("payment_method").want(map[string]string{"customer": customer, "type": typ})
		if got := d.get("/v1/payment_methods", "customer="+customer+"&type="+typ).ids(); len(got) != 1 || got[0] != id {
			t.Errorf("%s: the customer has %v", typ, got)
		}
		d.as(d.sk, "POST", "/v1/payment_methods/"+id, "card[exp_month]=12").refused(400, "invalid_request_error", "", "card", typ)
		token := d.post("/v1/test_helpers/confirmation_tokens", "payment_method="+id).shows("confirmation_token")
		token.want(map[string]string{"payment_method_preview.type": typ, "payment_method_preview.card": absent})
	}
	ach := d.post("/v1/payment_methods", typedMethods[vault.TypeACH]).at("id")
	d.post("/v1/payment_methods/"+ach+"/attach", "customer="+customer)
	d.post("/v1/payment_methods/"+ach, "us_bank_account[account_type]=savings&us_bank_account[account_holder_type]=individual").shows("payment_method").
		want(map[string]string{"us_bank_account.account_type": "savings", "us_bank_account.account_holder_type": "individual"})
}

func TestTypedMethodRefusals(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct{ form, code, param, in string }{
		"no IBAN":              {"type=sepa_debit" + payer, "parameter_missing", "sepa_debit[iban]", "iban"},
		"check digits":         {"type=sepa_debit&sepa_debit[iban]=DE88370400440532013000" + payer, "account_number_invalid", "sepa_debit[iban]", "IBAN"},
		"no name":              {"type=sepa_debit&sepa_debit[iban]=DE89370400440532013000&billing_details[email]=a@b.c", "parameter_missing", "billing_details[name]", "name"},
		"can't be debited":     {"type=sepa_debit&sepa_debit[iban]=DE18370400440000066666" + payer, "bank_account_unusable", "sepa_debit[iban]", "debited"},
		"routing":              {"type=us_bank_account&us_bank_account[account_number]=000123456789&us_bank_account[routing_number]=110000001&us_bank_account[account_holder_type]=company" + payer, "routing_number_invalid", "us_bank_account[routing_number]", "routing_number"},
		"letters":              {"type=us_bank_account&us_bank_account[account_number]=1x&us_bank_account[routing_number]=110000000&us_bank_account[account_holder_type]=company" + payer, "account_number_invalid", "us_bank_account[account_number]", "account number"},
		"connections":          {"type=us_bank_account&us_bank_account[financial_connections_account]=fca_1" + payer, "", "us_bank_account[financial_connections_account]", "Financial Connections"},
		"sort code":            {"type=bacs_debit&bacs_debit[account_number]=00012345&bacs_debit[sort_code]=1" + payer, "routing_number_invalid", "bacs_debit[sort_code]", "sort_code"},
		"transit":              {"type=acss_debit&acss_debit[account_number]=000123456789&acss_debit[institution_number]=000&acss_debit[transit_number]=1" + payer, "routing_number_invalid", "acss_debit[transit_number]", "transit_number"},
		"particulars":          {"type=sepa_debit&card[token]=tok_visa" + payer, "", "card", "sepa_debit"},
		"nobody moves it":      {"type=oxxo" + payer, "", "type", "oxxo"},
		"a method as source":   {"source=pm_sepaDebit_success_de", "", "source", "sepa_debit"},
		"an account to nobody": {"type=sepa_debit&sepa_debit[iban]=4242424242424242" + payer, "account_number_invalid", "sepa_debit[iban]", "IBAN"},
	} {
		path := "/v1/payment_methods"
		if name == "a method as source" {
			path = "/v1/customers"
		}
		t.Run(name, func(t *testing.T) {
			r := d.as(d.sk, "POST", path, c.form)
			r.t = t
			r.refused(400, "invalid_request_error", c.code, c.param, c.in)
		})
	}
}

// The table knows every type that the API's document names.
func TestEveryTypeIsKnown(t *testing.T) {
	all := spec.ByID("PostPaymentMethods").Params.Field("type").Param.Enum
	if len(all) < 50 {
		t.Fatal(len(all))
	}
	for _, name := range all {
		if _, ok := method.Of(name); !ok {
			t.Errorf("%s is not in the table", name)
		}
	}
}

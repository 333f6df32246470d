package method

import (
	"time"

	"github.com/florinpay/florin/internal/kit/country"
	"github.com/florinpay/florin/internal/kit/money"
)

// types is the table. A type without currencies or countries takes all.
var types = func() map[string]Type {
	m := map[string]Type{}
	for _, t := range []Type{
		{Name: "card", Class: Sync, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "link", Class: Sync, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "card_present", Class: Reader, Currencies: currencies{"aud", "cad", "chf", "czk", "dkk", "eur", "gbp", "jpy", "myr", "nok", "nzd", "sek", "sgd", "usd"}, Countries: countries{"AT", "AU", "BE", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP", "LU", "MY", "NL", "NO", "NZ", "PT", "SE", "SG", "US"}, Refund: Partial,
			Manual: true},
		{Name: "interac_present", Class: Reader, Currencies: currencies{"cad"}, Countries: countries{"CA"}, Refund: Partial},
		{Name: "klarna", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"aud", "cad", "chf", "czk", "dkk", "eur", "gbp", "nok", "nzd", "pln", "ron", "sek", "usd"}, Countries: countries{"AT", "AU", "BE", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "IE", "IT", "NL", "NO", "NZ", "PL", "PT", "RO", "SE", "US"}, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "affirm", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"cad", "gbp", "usd"}, Countries: countries{"CA", "GB", "US"}, Refund: Partial,
			Manual: true, Limits: limits{"usd": {5000, 3000000}, "cad": {5000, 3000000}}},
		{Name: "afterpay_clearpay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"aud", "cad", "gbp", "nzd", "usd"}, Countries: countries{"AU", "CA", "GB", "NZ", "US"}, Refund: Partial,
			Manual: true, Limits: limits{"aud": {100, 200000}, "cad": {100, 200000}, "gbp": {100, 120000}, "nzd": {100, 200000}, "usd": {100, 400000}}},
		{Name: "zip", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"aud", "usd"}, Countries: countries{"AU", "US"}, Refund: Partial},
		{Name: "billie", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur", "gbp", "sek"}, Countries: countries{"AT", "DE", "FR", "GB", "NL", "SE"}, Refund: Partial,
			Manual: true},
		{Name: "alma", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"BE", "DE", "ES", "FR", "IE", "IT", "LU", "NL", "PT"}, Refund: Partial,
			Manual: true},
		{Name: "scalapay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"ES", "FR", "IT", "PT"}, Refund: Partial},
		{Name: "sunbit", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"usd"}, Countries: countries{"US"}, Refund: Partial},
		{Name: "sequra", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"ES", "FR", "IT", "PT"}, Refund: Partial},
		{Name: "alipay", Class: Redirect, Action: "alipay_handle_redirect", Currencies: currencies{"aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "myr", "nzd", "sgd", "usd"}, Countries: countries{"CN"}, Refund: Partial,
			Reusable: true},
		{Name: "wechat_pay", Class: QR, Action: "wechat_pay_display_qr_code", Currencies: currencies{"aud", "cad", "chf", "cny", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "sek", "sgd", "usd"}, Countries: countries{"CN"}, Refund: Partial},
		{Name: "ideal", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"NL"}, Refund: Partial,
			Reusable: true},
		{Name: "bancontact", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"BE"}, Refund: Partial,
			Reusable: true},
		{Name: "sofort", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"AT", "BE", "DE", "ES", "IT", "NL"}, Refund: Partial,
			Reusable: true},
		{Name: "giropay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"DE"}, Refund: Partial},
		{Name: "eps", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"AT"}, Refund: Partial},
		{Name: "p24", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur", "pln"}, Countries: countries{"PL"}, Refund: Partial},
		{Name: "twint", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"chf"}, Countries: countries{"CH"}, Refund: Partial,
			Reusable: true},
		{Name: "swish", Class: Push, Action: "swish_handle_redirect_or_display_qr_code", Currencies: currencies{"sek"}, Countries: countries{"SE"}, Refund: Partial},
		{Name: "mobilepay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"dkk", "eur", "nok", "sek"}, Countries: countries{"DK", "FI"}, Refund: Partial,
			Manual: true},
		{Name: "bizum", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"ES"}, Refund: Partial},
		{Name: "mb_way", Class: Push, Currencies: currencies{"eur"}, Countries: countries{"PT"}, Refund: Partial},
		{Name: "blik", Class: Push, Action: "blik_authorize", Currencies: currencies{"pln"}, Countries: countries{"PL"}, Refund: Partial},
		{Name: "satispay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur"}, Countries: countries{"AT", "BE", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PT", "SI", "SK"}, Refund: Partial,
			Manual: true},
		{Name: "pay_by_bank", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur", "gbp"}, Countries: countries{"DE", "FI", "FR", "GB", "IE"}, Refund: Partial},
		{Name: "revolut_pay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"eur", "gbp", "ron", "huf", "pln", "dkk", "usd"}, Countries: countries{"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "amazon_pay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"aud", "chf", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "nzd", "sek", "usd", "zar"}, Countries: countries{"AT", "BE", "CH", "CY", "DE", "DK", "ES", "FR", "GB", "HU", "IE", "IT", "LU", "NL", "PT", "SE", "US"}, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "paypal", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"aud", "cad", "chf", "czk", "dkk", "eur", "gbp", "hkd", "nok", "nzd", "pln", "sek", "sgd", "usd"}, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "cashapp", Class: Redirect, Action: "cashapp_handle_redirect_or_display_qr_code", Currencies: currencies{"usd"}, Countries: countries{"US"}, Refund: Partial,
			Reusable: true, Manual: true},
		{Name: "grabpay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"myr", "sgd"}, Countries: countries{"MY", "SG"}, Refund: Partial},
		{Name: "paynow", Class: QR, Action: "paynow_display_qr_code", Currencies: currencies{"sgd"}, Countries: countries{"SG"}, Refund: Partial,
			Expires: 1 * time.Hour},
		{Name: "promptpay", Class: QR, Action: "promptpay_display_qr_code", Currencies: currencies{"thb"}, Countries: countries{"TH"}, Refund: Partial},
		{Name: "pix", Class: QR, Action: "pix_display_qr_code", Currencies: currencies{"brl"}, Countries: countries{"BR"}, Refund: Partial,
			Expires: 24 * time.Hour},
		{Name: "upi", Class: QR, Action: "upi_handle_redirect_or_display_qr_code", Currencies: currencies{"inr"}, Countries: countries{"IN"}, Refund: Partial,
			Reusable: true},
		{Name: "fpx", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"myr"}, Countries: countries{"MY"}, Refund: Partial,
			Fields: fields{"bank"}},
		{Name: "boleto", Class: Voucher, Action: "boleto_display_details", Currencies: currencies{"brl"}, Countries: countries{"BR"}, Refund: NoRefund,
			Expires: 72 * time.Hour, Reusable: true, Fields: fields{"tax_id"}, Required: fields{"name", "email", "address"}, Limits: limits{"brl": {500, 4999999}}},
		{Name: "oxxo", Class: Voucher, Action: "oxxo_display_details", Currencies: currencies{"mxn"}, Countries: countries{"MX"}, Refund: NoRefund,
			Expires: 72 * time.Hour, Required: fields{"name", "email"}, Limits: limits{"mxn": {1000, 1000000}}},
		{Name: "konbini", Class: Voucher, Action: "konbini_display_details", Currencies: currencies{"jpy"}, Countries: countries{"JP"}, Refund: Partial,
			Expires: 72 * time.Hour, Required: fields{"name", "email"}, Limits: limits{"jpy": {120, 300000}}},
		{Name: "multibanco", Class: Voucher, Action: "multibanco_display_details", Currencies: currencies{"eur"}, Countries: countries{"PT"}, Refund: Partial,
			Expires: 168 * time.Hour, Required: fields{"email"}},
		{Name: "customer_balance", Class: Transfer, Action: "display_bank_transfer_instructions", Currencies: currencies{"eur", "gbp", "jpy", "mxn", "usd"}, Refund: Partial,
			Customer: true},
		{Name: "kakao_pay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"krw"}, Countries: countries{"KR"}, Refund: Partial,
			Reusable: true},
		{Name: "naver_pay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"krw"}, Countries: countries{"KR"}, Refund: Partial,
			Reusable: true},
		{Name: "payco", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"krw"}, Countries: countries{"KR"}, Refund: Partial},
		{Name: "samsung_pay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"krw"}, Countries: countries{"KR"}, Refund: Partial},
		{Name: "kr_card", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"krw"}, Countries: countries{"KR"}, Refund: Partial,
			Reusable: true},
		{Name: "paypay", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"jpy"}, Countries: countries{"JP"}, Refund: Partial},
		{Name: "us_bank_account", Class: Delayed, Currencies: currencies{"usd"}, Countries: countries{"US"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 4, Account: ABA, Required: fields{"name"}, Fields: fields{"account_number", "routing_number", "account_holder_type"}},
		{Name: "sepa_debit", Class: Delayed, Currencies: currencies{"eur"}, Countries: country.SEPA(), Refund: Partial,
			Reusable: true, Mandate: true, Days: 6, Account: IBAN, Required: fields{"name", "email"}, Fields: fields{"iban"}},
		{Name: "bacs_debit", Class: Delayed, Currencies: currencies{"gbp"}, Countries: countries{"GB"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 6, Account: Sort, Required: fields{"name", "email", "address"}, Fields: fields{"account_number", "sort_code"}},
		{Name: "acss_debit", Class: Delayed, Currencies: currencies{"cad", "usd"}, Countries: countries{"CA"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 5, Account: CPA, Required: fields{"name", "email"}, Fields: fields{"account_number", "institution_number", "transit_number"}},
		{Name: "au_becs_debit", Class: Delayed, Currencies: currencies{"aud"}, Countries: countries{"AU"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 4, Account: BSB, Required: fields{"name", "email"}, Fields: fields{"account_number", "bsb_number"}},
		{Name: "nz_bank_account", Class: Delayed, Currencies: currencies{"nzd"}, Countries: countries{"NZ"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 4, Account: NZ, Required: fields{"name", "email"}, Fields: fields{"account_number", "bank_code", "branch_code", "suffix"}},
		{Name: "payto", Class: Delayed, Currencies: currencies{"aud"}, Countries: countries{"AU"}, Refund: Partial,
			Reusable: true, Mandate: true, Days: 1},
		{Name: "crypto", Class: Redirect, Action: "redirect_to_url", Currencies: currencies{"usd"}, Refund: Partial},
		{Name: "custom", Class: External, Refund: NoRefund},
	} {
		m[t.Name] = t
	}
	return m
}()

type (
	currencies = []money.Currency
	countries  = []string
	fields     = []string
	limits     = map[money.Currency]Limit
)

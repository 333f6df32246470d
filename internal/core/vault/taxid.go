package vault

import (
	"regexp"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
)

// TaxID is the body of a customer's tax id. Its value may be a person's and is
// sealed under the customer's data key.
type TaxID struct {
	Customer int64  `json:"c"`
	Type     string `json:"t"` // "eu_vat"
	// Country is ISO 3166-1 alpha-2, empty where the type has none.
	Country string `json:"y,omitempty"`
	Sealed  []byte `json:"p"`
	// Status is of the verification: "pending", "verified", "unverified" or
	// "unavailable".
	Status  string `json:"s"`
	Deleted bool   `json:"x,omitempty"`
}

type taxColumns struct {
	Customer int64
	Deleted  bool
}

// TaxIDs are the API's tax ids.
var TaxIDs = object.Define(object.Spec[TaxID, taxColumns]{
	Name: "tax_id", Prefix: "txi", Schema: 1, Table: "tax_id", Columns: "customer, deleted",
	Fields: func(n *taxColumns, f *db.Fields) {
		db.Int(f, &n.Customer)
		db.Bool(f, &n.Deleted)
	},
	Derive:  func(t *TaxID) taxColumns { return taxColumns{t.Customer, t.Deleted} },
	Filters: []string{"customer", "deleted"},
})

// TaxIDInput describes a new tax id.
type TaxIDInput struct{ Type, Value string }

// The statuses of a verification.
const (
	taxPending     = "pending"
	taxVerified    = "verified"
	taxUnverified  = "unverified"
	taxUnavailable = "unavailable"
)

// playedTaxIDs are the values that play a verification in test mode, and how it
// ends (https://docs.stripe.com/billing/customer/tax-ids#testing).
var playedTaxIDs = map[string]string{"000000000": taxVerified, "111111111": taxUnverified, "222222222": taxPending}

// verifiable are the types that an authority can be asked about.
var verifiable = map[string]bool{"au_abn": true, "eu_vat": true, "gb_vat": true}

// euVAT are the forms of the member states' VAT numbers, by their prefixes
// (https://taxation-customs.ec.europa.eu, "VAT identification numbers").
var euVAT = map[string]*regexp.Regexp{
	"AT": whole(`U\d{8}`), "BE": whole(`[01]\d{9}`), "BG": whole(`\d{9,10}`), "CY": whole(`\d{8}[A-Z]`), "CZ": whole(`\d{8,10}`),
	"DE": whole(`\d{9}`), "DK": whole(`\d{8}`), "EE": whole(`\d{9}`), "EL": whole(`\d{9}`), "ES": whole(`[0-9A-Z]\d{7}[0-9A-Z]`),
	"FI": whole(`\d{8}`), "FR": whole(`[0-9A-Z]{2}\d{9}`), "HR": whole(`\d{11}`), "HU": whole(`\d{8}`), "IE": whole(`\d[0-9A-Z+*]\d{5}[A-Z]{1,2}`),
	"IT": whole(`\d{11}`), "LT": whole(`\d{9}|\d{12}`), "LU": whole(`\d{8}`), "LV": whole(`\d{11}`), "MT": whole(`\d{8}`),
	"NL": whole(`\d{9}B\d{2}`), "PL": whole(`\d{10}`), "PT": whole(`\d{9}`), "RO": whole(`\d{2,10}`), "SE": whole(`\d{12}`),
	"SI": whole(`\d{8}`), "SK": whole(`\d{10}`), "XI": whole(`\d{9}|\d{12}|(GD|HA)\d{3}`),
}

// taxForms are the forms of other types' values, without blanks, dots, dashes
// and slashes (https://docs.stripe.com/billing/customer/tax-ids). A type that is
// not there has up to thirty letters and digits.
var taxForms = map[string]*regexp.Regexp{
	"ae_trn": whole(`\d{15}`), "au_abn": whole(`\d{11}`), "au_arn": whole(`\d{12}`), "br_cnpj": whole(`\d{14}`), "br_cpf": whole(`\d{11}`),
	"ca_bn": whole(`\d{9}`), "ca_gst_hst": whole(`\d{9}RT\d{4}`), "ca_pst_bc": whole(`PST\d{8}`), "ca_pst_mb": whole(`\d{7}`),
	"ca_pst_sk": whole(`\d{7}`), "ca_qst": whole(`\d{10}TQ\d{4}`), "ch_vat": whole(`CHE\d{9}(MWST|TVA|IVA)?`), "ch_uid": whole(`CHE\d{9}`),
	"cl_tin": whole(`\d{7,8}[\dK]`), "de_stn": whole(`\d{10,13}`), "es_cif": whole(`[A-Z]\d{7}[0-9A-Z]`), "eu_oss_vat": whole(`EU\d{9}`),
	"gb_vat": whole(`(GB|XI)(\d{9}|\d{12}|(GD|HA)\d{3})`), "hk_br": whole(`\d{8}`), "id_npwp": whole(`\d{15,16}`), "il_vat": whole(`\d{9}`),
	"in_gst": whole(`\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]`), "is_vat": whole(`\d{5,6}`), "jp_cn": whole(`\d{13}`), "jp_rn": whole(`\d{5}`),
	"jp_trn": whole(`T\d{13}`), "ke_pin": whole(`[A-Z]\d{9}[A-Z]`), "kr_brn": whole(`\d{10}`), "li_uid": whole(`CHE\d{9}`),
	"mx_rfc": whole(`[A-ZÑ&]{3,4}\d{6}[0-9A-Z]{3}`), "my_itn": whole(`[A-Z]{1,2}\d{8,11}`), "no_vat": whole(`\d{9}MVA`), "nz_gst": whole(`\d{8,9}`),
	"ru_inn": whole(`\d{10}|\d{12}`), "ru_kpp": whole(`\d{9}`), "sa_vat": whole(`\d{15}`), "sg_gst": whole(`[A-Z]?\d{7,9}[0-9A-Z]{1,2}`),
	"sg_uen": whole(`\d{8,9}[A-Z]|[A-Z]\d{2}[A-Z]{2}\d{4}[A-Z]`), "si_tin": whole(`\d{8}`), "th_vat": whole(`\d{13}`), "tr_tin": whole(`\d{10}`),
	"tw_vat": whole(`\d{8}`), "ua_vat": whole(`\d{12}`), "us_ein": whole(`\d{9}`), "za_vat": whole(`4\d{9}`), "cn_tin": whole(`[0-9A-Z]{15,20}`),
}

var anyTaxID = whole(`[0-9A-Z]{1,30}`)

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(` + pattern + `)$`) }

var taxSeparators = strings.NewReplacer(" ", "", ".", "", "-", "", "/", "")

// check gives the country of a tax id and how its verification begins and ends,
// or refuses a value that its type does not have.
func (in TaxIDInput) check(livemode bool) (country, begins, ends string, err error) {
	value := strings.ToUpper(taxSeparators.Replace(in.Value))
	form, country, rest := taxForm(in.Type, value)
	if end, plays := playedTaxIDs[strings.TrimLeft(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]; plays && !livemode && verifiable[in.Type] {
		return country, taxPending, end, nil
	}
	if form == nil || !form.MatchString(rest) {
		return "", "", "", fault.Param("value", "tax_id_invalid", "Invalid value for %s.", in.Type)
	}
	return country, taxUnavailable, taxUnavailable, nil // no authority is asked
}

// taxForm is what the rest of a value has to look like, after the prefix that
// says which member state's it is, and the country; no form where there is none.
func taxForm(kind, value string) (form *regexp.Regexp, country, rest string) {
	if kind == "eu_vat" {
		if len(value) < 2 || euVAT[value[:2]] == nil {
			return nil, "", value
		}
		country = value[:2]
		if country == "EL" {
			country = "GR" // as ISO 3166 has it
		}
		return euVAT[value[:2]], country, value[2:]
	}
	if code, _, _ := strings.Cut(kind, "_"); len(code) == 2 && code != "eu" {
		country = strings.ToUpper(code)
	}
	if form = taxForms[kind]; form == nil {
		form = anyTaxID
	}
	return form, country, value
}

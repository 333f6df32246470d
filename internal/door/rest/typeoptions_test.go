package rest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

// optionForms gives a form for each option that a parameter has below it.
func optionForms(name string, p *spec.Param) (forms []string) {
	switch {
	case p.Type&spec.Hash != 0:
		for _, f := range p.Fields {
			for _, form := range optionForms(name+"["+f.Name+"]", f.Param) {
				forms = append(forms, form+required(name, p, f.Name))
			}
		}
	case p.Type&spec.List != 0:
		return optionForms(name+"[0]", p.Element)
	case len(p.Enum) > 0:
		for _, value := range p.Enum[:1] {
			forms = append(forms, "&"+name+"="+value)
		}
	case p.Type&spec.Integer != 0:
		return []string{"&" + name + "=7"}
	case p.Type&spec.Boolean != 0:
		return []string{"&" + name + "=true"}
	default:
		return []string{"&" + name + "=" + url.QueryEscape("2030-01-01")}
	}
	return forms
}

// required are the other fields of a hash that it can't be without.
func required(name string, p *spec.Param, but string) (form string) {
	for _, f := range p.Fields {
		if f.Required && f.Name != but {
			form += strings.Join(optionForms(name+"["+f.Name+"]", f.Param), "")
		}
	}
	return form
}

// Every option of every type is shown as the document has it, or refused.
func TestOptionsAreShownOrRefused(t *testing.T) {
	d := newDesk(t)
	for path, schema := range map[string]string{"/v1/payment_intents": "payment_intent", "/v1/setup_intents": "setup_intent"} {
		op, form := "PostPaymentIntents", "amount=1000&currency=usd"
		if schema == "setup_intent" {
			op, form = "PostSetupIntents", "description=x"
		}
		shown, refused := 0, 0
		for _, f := range spec.ByID(op).Params.Field(options).Param.Fields {
			if f.Name == vault.TypeCard || f.Name == vault.TypeTransfer {
				continue
			}
			for _, more := range optionForms(options+"["+f.Name+"]", f.Param) {
				r := d.as(d.sk, "POST", path, form+more)
				if r.status == 400 {
					if param := r.at("error.param"); !strings.HasPrefix(param, options+"["+f.Name+"]") {
						t.Errorf("%s: %s", more, r.text)
					}
					refused++
					continue
				}
				validate(t, schema, r.text)
				if r.at(options+"."+f.Name) == absent {
					t.Errorf("%s is taken and not shown", more)
				}
				shown++
			}
		}
		t.Logf("%s: %d shown, %d refused", schema, shown, refused)
		if shown < 10 || refused > shown {
			t.Errorf("%s: %d shown, %d refused", schema, shown, refused)
		}
	}
}

// With listed types, options are for those.
func TestOptionsOfListedTypes(t *testing.T) {
	d := newDesk(t)
	const listed = "amount=1000&currency=eur&payment_method_types[]=card&payment_method_types[]=sepa_debit"
	const day = "&payment_method_options[sepa_debit][target_date]=2030-01-01"
	made := d.post("/v1/payment_intents", listed+day).shows("payment_intent")
	made.want(map[string]string{options + ".sepa_debit": `{"target_date":"2030-01-01"}`})
	path := "/v1/payment_intents/" + made.at("id")
	d.as(d.sk, "POST", "/v1/payment_intents", listed+"&payment_method_options[ideal][setup_future_usage]=none").
		refused(400, "invalid_request_error", "payment_intent_invalid_parameter", "payment_method_options[ideal]", "ideal")
	d.post(path, "payment_method_options[sepa_debit][setup_future_usage]=off_session").shows("payment_intent").
		want(map[string]string{options + ".sepa_debit.target_date": "2030-01-01", options + ".sepa_debit.setup_future_usage": "off_session"})
	d.post(path, "payment_method_options[sepa_debit][setup_future_usage]=").want(map[string]string{options + ".sepa_debit": `{"target_date":"2030-01-01"}`})
	d.post(path, "payment_method_options[sepa_debit]=").want(map[string]string{options + ".sepa_debit": "{}"})
	d.post(path, "payment_method_types[]=card").want(map[string]string{options + ".sepa_debit": absent})
	d.as(d.sk, "POST", "/v1/setup_intents", "payment_method_types[]=card&payment_method_options[sepa_debit][mandate_options][reference_prefix]=X").
		refused(400, "invalid_request_error", "setup_intent_invalid_parameter", "payment_method_options[sepa_debit]", "sepa_debit")

	// What is said of the type alone decides whether the method is kept.
	customer := d.post("/v1/customers", "").at("id")
	paying := d.post("/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_success_de&customer="+customer+byBrowser+
		"&payment_method_options[sepa_debit][setup_future_usage]=off_session")
	paying.want(map[string]string{"status": "processing", "setup_future_usage": "null"})
	d.get("/v1/payment_methods/"+paying.at("payment_method"), "").want(map[string]string{"customer": customer})
}

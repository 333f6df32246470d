package rest

import (
	"net/http"
	"strings"
	"testing"
)

// informing are parameters that every operation on an intent takes which has
// them, and what they change in it and in its charge.
var informing = []struct {
	params         string
	intent, charge map[string]any
	always         bool // may be changed in any state
}{
	{"description=Two+lamps", map[string]any{"description": "Two lamps"}, map[string]any{"description": "Two lamps"}, true},
	{"metadata[order]=6735", map[string]any{"metadata.order": "6735"}, map[string]any{"metadata.order": "6735"}, true},
	{"receipt_email=jo@shop.example", map[string]any{"receipt_email": "jo@shop.example"}, map[string]any{"receipt_email": "jo@shop.example"}, true},
	{"shipping[name]=Jo&shipping[phone]=555&shipping[carrier]=DHL&shipping[tracking_number]=T1&shipping[address][line1]=1+Road&shipping[address][postal_code]=12345",
		map[string]any{"shipping.name": "Jo", "shipping.phone": "555", "shipping.carrier": "DHL", "shipping.tracking_number": "T1", "shipping.address.line1": "1 Road", "shipping.address.postal_code": "12345"},
		map[string]any{"shipping.name": "Jo", "shipping.address.line1": "1 Road"}, true},
	{"transfer_group=g1", map[string]any{"transfer_group": "g1"}, map[string]any{"transfer_group": "g1"}, true},
	{"payment_details[customer_reference]=C-1&payment_details[order_reference]=O-1",
		map[string]any{"payment_details.customer_reference": "C-1", "payment_details.order_reference": "O-1"}, nil, true},
	{"statement_descriptor_suffix=LAMPS", map[string]any{"statement_descriptor_suffix": "LAMPS"}, map[string]any{"statement_descriptor_suffix": "LAMPS", "calculated_statement_descriptor": "LAMPS"}, false},
	{"statement_descriptor=LAMPSHOP", map[string]any{"statement_descriptor": "LAMPSHOP"}, map[string]any{"statement_descriptor": "LAMPSHOP", "calculated_statement_descriptor": "LAMPSHOP"}, false},
	{"setup_future_usage=off_session", map[string]any{"setup_future_usage": "off_session"}, nil, false},
	{"hooks[inputs][tax][calculation]=taxcalc_1", map[string]any{"hooks.inputs.tax.calculation": "taxcalc_1"}, nil, false},
	{"amount_details[discount_amount]=100&amount_details[shipping][amount]=200&amount_details[shipping][from_postal_code]=11111&amount_details[shipping][to_postal_code]=22222&amount_details[tax][total_tax_amount]=50",
		map[string]any{"amount_details.discount_amount": 100, "amount_details.shipping.amount": 200, "amount_details.shipping.from_postal_code": "11111",
			"amount_details.shipping.to_postal_code": "22222", "amount_details.tax.total_tax_amount": 50, "amount_details.error": nil}, nil, false},
	{"payment_method_options[card][network]=visa", map[string]any{"payment_method_options.card.network": "visa"}, map[string]any{"payment_method_details.card.network": "visa"}, false},
	{"payment_method_options[card][require_cvc_recollection]=true", map[string]any{"payment_method_options.card.require_cvc_recollection": true}, nil, false},
	{"payment_method_options[card][installments][enabled]=true", map[string]any{"payment_method_options.card.installments.enabled": true}, nil, false},
	{"payment_method_options[card][request_extended_authorization]=if_available", map[string]any{"payment_method_options.card.request_extended_authorization": "if_available"}, nil, false},
	{"payment_method_options[card][request_incremental_authorization]=if_available", map[string]any{"payment_method_options.card.request_incremental_authorization": "if_available"}, nil, false},
	{"payment_method_options[card][request_multicapture]=if_available", map[string]any{"payment_method_options.card.request_multicapture": "if_available"}, nil, false},
	{"payment_method_options[card][request_overcapture]=never", map[string]any{"payment_method_options.card.request_overcapture": "never"}, nil, false},
	{"payment_method_options[card][setup_future_usage]=none", map[string]any{"payment_method_options.card.setup_future_usage": "none"}, nil, false},
	{"payment_method_options[card][statement_descriptor_suffix_kana]=%E3%83%86&payment_method_options[card][statement_descriptor_suffix_kanji]=%E6%9D%B1",
		map[string]any{"payment_method_options.card.statement_descriptor_suffix_kana": "テ", "payment_method_options.card.statement_descriptor_suffix_kanji": "東"}, nil, false},
	{"excluded_payment_method_types[]=klarna", map[string]any{"excluded_payment_method_types.0": "klarna"}, nil, false},
	{"payment_method_types[]=card", map[string]any{"automatic_payment_methods": nil, "allowed_payment_method_types.0": "card", "payment_method_types.0": "card"}, nil, false},
	{"allowed_payment_method_types[]=card", map[string]any{"automatic_payment_methods": nil, "allowed_payment_method_types.0": "card", "payment_method_types.0": "card"}, nil, false},
	{"capture_method=manual", map[string]any{"capture_method": "manual"}, map[string]any{"captured": false}, false},
	{"payment_method_options[card][capture_method]=manual", map[string]any{"capture_method": "automatic_async", "payment_method_options.card.capture_method": "manual"}, map[string]any{"captured": false}, false},
}

// Each parameter changes the intent, whether it comes with its creation or
// later, and what it says is said of the charge too.
func TestEveryParameterChangesSomething(t *testing.T) {
	h := newHarness(t)
	for _, c := range informing {
		name, _, _ := strings.Cut(c.params, "=")
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			made := h.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa&"+c.params).ok().has(c.intent)
			validate(t, "payment_intent", made.text)
			plain := h.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa").ok()
			same := true
			for path, value := range c.intent {
				same = same && plain.at(path) == value
			}
			if same {
				t.Errorf("%s changes nothing at creation", c.params)
			}
			updated := h.post("/v1/payment_intents/"+plain.str("id"), c.params).ok().has(c.intent)
			validate(t, "payment_intent", updated.text)
			complete(t, "payment_intent", updated.text)
			paid := h.post("/v1/payment_intents/"+updated.str("id")+"/confirm", "expand[]=latest_charge").ok().has(c.intent)
			for path, value := range c.charge {
				paid.has(map[string]any{"latest_charge." + path: value})
			}
			validate(t, "charge", paid.part("latest_charge"))
			if c.always {
				done := h.paid().str("id")
				h.post("/v1/payment_intents/"+done, c.params).ok().has(c.intent).has(map[string]any{"status": "succeeded"})
			} else if !strings.HasPrefix(name, "allowed") {
				h.post("/v1/payment_intents/"+paid.str("id"), c.params).is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
			}
		})
	}
	h.checkBooks()
}

func TestUpdateIntent(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Jo").ok().str("id")
	card := h.post("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).ok().str("id")
	made := h.post("/v1/payment_intents", "amount=1000&currency=usd&receipt_email=a@b.example&metadata[a]=1&metadata[b]=2").ok()
	at := "/v1/payment_intents/" + made.str("id")
	h.post(at, "amount=1500&currency=eur").ok().has(map[string]any{"amount": 1500, "currency": "eur", "status": "requires_payment_method"})
	h.post(at, "payment_method="+card).is(400).has(map[string]any{"error.param": "payment_method"}) // it is the customer's
	h.post(at, "customer="+customer+"&payment_method="+card).ok().has(map[string]any{"customer": customer, "payment_method": card, "status": "requires_confirmation", "receipt_email": "a@b.example"})
	h.post(at, "payment_method=").ok().has(map[string]any{"payment_method": nil, "status": "requires_payment_method"})
	h.post(at, "payment_method_data[type]=card&payment_method_data[card][token]=tok_mastercard").ok().has(map[string]any{"status": "requires_confirmation"})
	h.post(at, "metadata[a]=&metadata[c]=3&receipt_email=").ok().has(map[string]any{"metadata.a": nil, "metadata.b": "2", "metadata.c": "3", "receipt_email": nil})
	h.post(at, "metadata=").ok().has(map[string]any{"metadata.b": nil})
	for params, param := range map[string]string{
		"amount=10": "amount", "amount=9999999999999": "amount", "currency=xxx": "currency", "customer=cus_nobody": "customer", "payment_method=pm_nothing": "payment_method",
		"receipt_email=nobody": "receipt_email", "statement_descriptor_suffix=123": "statement_descriptor_suffix", "statement_descriptor_suffix=A*B": "statement_descriptor_suffix",
		"excluded_payment_method_types[]=card": "excluded_payment_method_types", "payment_method_types[]=klarna": "payment_method_types",
		"payment_method_configuration=pmc_1": "payment_method_configuration", "application_fee_amount=5": "application_fee_amount",
		"payment_method_options[card][installments][plan][type]=fixed_count": "payment_method_options[card][installments][plan]",
	} {
		h.post(at, params).is(400).has(map[string]any{"error.param": param})
	}
	h.post(at+"/confirm", "amount_to_confirm=1000").is(400).has(map[string]any{"error.param": "amount_to_confirm"})
	h.post(at+"/confirm", "amount_to_confirm=1500").ok().has(map[string]any{"status": "succeeded", "amount_received": 1500})
	h.post(at, "amount=1000").is(400).has(map[string]any{"error.param": "amount", "error.code": "payment_intent_unexpected_state"})
	h.post("/v1/payment_intents/pi_nothing", "amount=1000").is(404)
	h.checkBooks()
}

// Amount details have to add up, unless the request says that they need not.
func TestAmountDetails(t *testing.T) {
	h := newHarness(t)
	lines := "&amount_details[line_items][0][product_name]=Lamp&amount_details[line_items][0][quantity]=2&amount_details[line_items][0][unit_cost]=400&amount_details[line_items][0][tax][total_tax_amount]=60" +
		"&amount_details[line_items][1][product_name]=Bulb&amount_details[line_items][1][quantity]=1&amount_details[line_items][1][unit_cost]=100&amount_details[line_items][1][discount_amount]=10" +
		"&amount_details[line_items][1][product_code]=B-1&amount_details[line_items][1][unit_of_measure]=each&amount_details[line_items][1][payment_method_options][card][commodity_code]=C1" +
		"&amount_details[shipping][amount]=50"
	made := h.post("/v1/payment_intents", "amount=1000&currency=usd"+lines).ok().has(map[string]any{"amount_details.error": nil})
	all := h.get("/v1/payment_intents/" + made.str("id") + "/amount_details_line_items").ok().has(map[string]any{
		"object": "list", "has_more": false, "data.0.product_name": "Lamp", "data.0.quantity": 2, "data.0.unit_cost": 400, "data.0.tax.total_tax_amount": 60,
		"data.1.product_name": "Bulb", "data.1.discount_amount": 10, "data.1.product_code": "B-1", "data.1.unit_of_measure": "each",
		"data.1.payment_method_options.card.commodity_code": "C1", "data.2": nil,
	})
	validate(t, "payment_intent_amount_details_line_item", all.part("data.0"))
	validate(t, "payment_intent_amount_details_line_item", all.part("data.1"))
	at := "/v1/payment_intents/" + made.str("id") + "/amount_details_line_items?limit=1"
	h.get(at).ok().has(map[string]any{"has_more": true, "data.0.id": all.str("data.0.id"), "data.1": nil})
	h.get(at + "&starting_after=" + all.str("data.0.id")).ok().has(map[string]any{"has_more": false, "data.0.id": all.str("data.1.id")})
	h.get(at + "&ending_before=" + all.str("data.1.id")).ok().has(map[string]any{"has_more": false, "data.0.id": all.str("data.0.id")})
	h.get(at + "&starting_after=uli_nothing").is(400)

	validate(t, "payment_intent", h.get("/v1/payment_intents/"+made.str("id")+"?expand[]=amount_details.line_items").ok().has(map[string]any{
		"amount_details.line_items.object": "list", "amount_details.line_items.data.1.product_name": "Bulb"}).text)
	h.post("/v1/payment_intents", "amount=1001&currency=usd"+lines).is(400).has(map[string]any{"error.code": "amount_details_amount_mismatch", "error.param": "amount_details"})
	h.post("/v1/payment_intents", "amount=1001&currency=usd&amount_details[enforce_arithmetic_validation]=false"+lines).ok().
		has(map[string]any{"amount_details.error.code": "amount_details_amount_mismatch"})
	h.post("/v1/payment_intents/"+made.str("id"), "amount=900").ok().has(map[string]any{"amount_details.error.code": "amount_details_amount_mismatch"})
	h.post("/v1/payment_intents/"+made.str("id"), "amount_details=").ok().has(map[string]any{"amount_details.error": nil, "amount_details.shipping": nil})
	h.post("/v1/payment_intents", "amount=1000&currency=usd&amount_details[tax][total_tax_amount]=1001").is(400).
		has(map[string]any{"error.code": "amount_details_tax_shipping_discount_greater_than_amount"})
	for _, wrong := range []string{
		"[line_items][0][product_name]=x&amount_details[line_items][0][quantity]=0&amount_details[line_items][0][unit_cost]=1", "[discount_amount]=-1",
		"[line_items][0][product_name]=x&amount_details[line_items][0][quantity]=9223372036854775807&amount_details[line_items][0][unit_cost]=1000000000000000",
	} {
		h.post("/v1/payment_intents", "amount=1000&currency=usd&amount_details"+wrong).is(400)
	}
}

// A method that is described with the payment is one like any other.
func TestMethodDataInFull(t *testing.T) {
	h := newHarness(t)
	data := pairs("payment_method_data[type]", "card", "payment_method_data[card][number]", "4242424242424242", "payment_method_data[card][exp_month]", "12",
		"payment_method_data[card][exp_year]", "2034", "payment_method_data[card][cvc]", "123", "payment_method_data[billing_details][name]", "Jo",
		"payment_method_data[billing_details][address][postal_code]", "12345", "payment_method_data[metadata][a]", "b", "payment_method_data[allow_redisplay]", "always")
	paid := h.post("/v1/payment_intents", "amount=1000&currency=usd&confirm=true&expand[]=payment_method&expand[]=latest_charge&"+data).ok()
	paid.has(map[string]any{"status": "succeeded", "payment_method.billing_details.name": "Jo", "payment_method.metadata.a": "b", "payment_method.allow_redisplay": "always",
		"payment_method.card.last4": "4242", "latest_charge.billing_details.address.postal_code": "12345", "latest_charge.payment_method_details.card.checks.cvc_check": "pass"})
	h.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method_data[type]=card&payment_method_data[card][number]=4242424242424241&payment_method_data[card][exp_month]=1&payment_method_data[card][exp_year]=2034").
		is(http.StatusPaymentRequired).has(map[string]any{"error.code": "incorrect_number", "error.param": "number"})
	h.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method_data[type]=card&payment_method_data[card][token]=tok_nothing").is(400).
		has(map[string]any{"error.code": "resource_missing", "error.param": "payment_method_data[card][token]"})
	h.post("/v1/payment_intents", "amount=1000&currency=usd&"+data+"&payment_method_data[billing_details][email]=x").is(400).has(map[string]any{"error.param": "payment_method_data[billing_details][email]"})
}

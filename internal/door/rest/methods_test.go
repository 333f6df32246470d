package rest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/merchant"
)

const (
	rawCard = "type=card&card[number]=4000+0025+0000+1001&card[exp_month]=12&card[exp_year]=2044&card[cvc]=7391"
	rawPAN  = "4000002500001001"
)

func TestMethodLife(t *testing.T) {
	d := newDesk(t)
	made := d.post("/v1/payment_methods", rawCard+"&card[networks][preferred]=cartes_bancaires&billing_details[name]=Ada&billing_details[email]=a@b.c"+
		"&billing_details[address][postal_code]=75001&metadata[k]=v&allow_redisplay=always").shows("payment_method")
	id := made.at("id")
	made.want(map[string]string{
		"object": "payment_method", "type": "card", "customer": "null", "livemode": "false", "metadata": `{"k":"v"}`, "allow_redisplay": "always",
		"billing_details.name": "Ada", "billing_details.phone": "null", "billing_details.address.postal_code": "75001", "billing_details.address.city": "null",
		"card.brand": "visa", "card.last4": "1001", "card.exp_month": "12", "card.exp_year": "2044", "card.funding": "debit", "card.country": "FR",
		"card.display_brand": "cartes_bancaires", "card.networks.available": `["visa","cartes_bancaires"]`, "card.networks.preferred": "cartes_bancaires",
		"card.checks.cvc_check": "unchecked", "card.checks.address_postal_code_check": "unchecked", "card.checks.address_line1_check": "null",
		"card.wallet": "null", "card.number": absent, "card.cvc": absent,
	})
	customer := d.post("/v1/customers", "").at("id")
	d.replayed("POST", "/v1/payment_methods/"+id+"/attach", "customer="+customer+"&expand[]=customer", func(*deskReply) {
		d.post("/v1/customers/"+customer, "name=Later")
	}).ok().shows("payment_method").want(map[string]string{"customer.id": customer, "customer.name": "null", "card.checks.cvc_check": "pass"})
	d.get("/v1/payment_methods/"+id, "").want(map[string]string{"customer": customer})
	d.as(d.sk, "POST", "/v1/payment_methods/"+id+"/attach", "customer="+d.post("/v1/customers", "").at("id")).
		refused(400, "invalid_request_error", "", "", "already been attached")
	d.replayed("POST", "/v1/payment_methods/"+id+"/detach", "", nil).ok().want(map[string]string{"customer": "null"})
	d.as(d.sk, "POST", "/v1/payment_methods/"+id+"/attach", "customer="+customer).refused(400, "invalid_request_error", "", "", "may not be used again")
}

func TestMethodsOfCustomer(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	var mine []string
	for range 3 {
		mine = append([]string{d.post("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).at("id")}, mine...)
	}
	loose := d.post("/v1/payment_methods", "type=card&card[token]=tok_visa").at("id")
	for query, want := range map[string][]string{
		"customer=" + customer:                                mine,
		"customer=" + customer + "&type=card":                 mine,
		"customer=" + customer + "&type=sepa_debit":           nil,
		"customer=" + customer + "&starting_after=" + mine[0]: mine[1:],
		"":          append([]string{loose}, mine...),
		"type=card": append([]string{loose}, mine...),
	} {
		if diff := cmp.Diff(want, d.get("/v1/payment_methods", query).ids()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	d.get("/v1/payment_methods", "customer="+customer+"&limit=2&expand[]=data.customer").want(map[string]string{
		"has_more": "true", "data.0.customer.id": customer, "data.0.customer.object": "customer"})
}

func TestTokenLife(t *testing.T) {
	d := newDesk(t)
	token := d.replayed("POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40&card[cvc]=123&card[name]=Ada"+
		"&card[address_zip]=94110&card[address_line1]=1+Main+St", nil).ok().shows("token")
	validate(t, "card", token.part("card"))
	token.want(map[string]string{
		"object": "token", "type": "card", "used": "false", "client_ip": "null", "livemode": "false",
		"card.object": "card", "card.brand": "Visa", "card.last4": "4242", "card.exp_month": "1", "card.exp_year": "2040", "card.name": "Ada",
		"card.address_zip": "94110", "card.address_zip_check": "unchecked", "card.cvc_check": "unchecked", "card.customer": absent, "card.metadata": "{}",
	})
	id := token.at("id")
	if !strings.HasPrefix(id, "tok_") || !strings.HasPrefix(token.at("card.id"), "card_") {
		t.Errorf("ids %s, %s", id, token.at("card.id"))
	}
	d.post("/v1/payment_methods", "type=card&card[token]="+id).want(map[string]string{"card.last4": "4242", "billing_details.name": "Ada",
		"card.fingerprint": token.at("card.fingerprint")})
	d.as(d.sk, "POST", "/v1/payment_methods", "type=card&card[token]="+id).refused(400, "invalid_request_error", "token_already_used", "", "more than once")
}

func TestMethodRefusals(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		method, path, form   string
		status               int
		typ, code, param, in string
	}{
		"no type":             {"POST", "/v1/payment_methods", "card[token]=tok_visa", 400, "invalid_request_error", "parameter_missing", "type", "type"},
		"no card":             {"POST", "/v1/payment_methods", "type=card", 400, "invalid_request_error", "parameter_missing", "card", "card"},
		"another type":        {"POST", "/v1/payment_methods", "type=klarna", 400, "invalid_request_error", "", "type", "\"klarna\" is not available"},
		"token and number":    {"POST", "/v1/payment_methods", rawCard + "&card[token]=tok_visa", 400, "invalid_request_error", "parameters_exclusive", "card[token]", ""},
		"copy":                {"POST", "/v1/payment_methods", rawCard + "&payment_method=pm_1", 400, "invalid_request_error", "", "payment_method", "does not copy"},
		"email":               {"POST", "/v1/payment_methods", "type=card&card[token]=tok_visa&billing_details[email]=a@b@c", 400, "invalid_request_error", "email_invalid", "billing_details[email]", "a@b@c"},
		"unknown token":       {"POST", "/v1/payment_methods", "type=card&card[token]=tok_none", 400, "invalid_request_error", "resource_missing", "card[token]", "No such token: 'tok_none'"},
		"check digit":         {"POST", "/v1/payment_methods", strings.Replace(rawCard, "1001", "1002", 1), 402, "card_error", "incorrect_number", "number", "incorrect"},
		"no digits":           {"POST", "/v1/tokens", "card[number]=abc&card[exp_month]=1&card[exp_year]=40", 402, "card_error", "invalid_number", "number", "not a valid"},
		"month":               {"POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=40", 402, "card_error", "invalid_expiry_month", "exp_month", "month"},
		"month in words":      {"POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=May&card[exp_year]=40", 402, "card_error", "invalid_expiry_month", "exp_month", "month"},
		"past year":           {"POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2020", 402, "card_error", "invalid_expiry_year", "exp_year", "year"},
		"code":                {"POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40&card[cvc]=99", 402, "card_error", "invalid_cvc", "cvc", "security code"},
		"token of a card id":  {"POST", "/v1/tokens", "card=card_1", 400, "invalid_request_error", "", "card", "Invalid hash"},
		"token of nothing":    {"POST", "/v1/tokens", "", 400, "invalid_request_error", "parameter_missing", "card", "card"},
		"token of a bank":     {"POST", "/v1/tokens", "bank_account[country]=US&bank_account[account_number]=1", 400, "invalid_request_error", "routing_number_invalid", "bank_account[routing_number]", "routing number"},
		"not there":           {"GET", "/v1/payment_methods/pm_none", "", 404, "invalid_request_error", "resource_missing", "payment_method", "No such PaymentMethod: 'pm_none'"},
		"attach to nobody":    {"POST", "/v1/payment_methods/pm_card_visa/attach", "", 400, "invalid_request_error", "parameter_missing", "customer", "customer"},
		"attach to a ghost":   {"POST", "/v1/payment_methods/pm_card_visa/attach", "customer=cus_none", 400, "invalid_request_error", "resource_missing", "customer", "No such customer"},
		"attach nothing":      {"POST", "/v1/payment_methods/pm_none/detach", "", 404, "invalid_request_error", "resource_missing", "payment_method", "No such PaymentMethod"},
		"list of a ghost":     {"GET", "/v1/payment_methods", "customer=cus_none", 400, "invalid_request_error", "resource_missing", "customer", "No such customer"},
		"filter":              {"GET", "/v1/payment_methods", "allow_redisplay=always", 400, "invalid_request_error", "", "allow_redisplay", "does not filter"},
		"operation not there": {"GET", "/v1/tokens/tok_1/x", "", 404, "invalid_request_error", "", "", "Unrecognized request URL"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.as(d.sk, c.method, c.path, c.form)
			r.t = t
			r.refused(c.status, c.typ, c.code, c.param, c.in)
		})
	}
	loose := d.post("/v1/payment_methods", "type=card&card[token]=tok_visa").at("id")
	d.as(d.sk, "POST", "/v1/payment_methods/"+loose+"/detach", "").refused(400, "invalid_request_error", "", "", "not attached")
}

// A card that is declined can't be attached, and the refusal is the issuer's.
func TestDeclinedAttach(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	r := d.replayed("POST", "/v1/payment_methods/pm_card_visa_chargeDeclinedLostCard/attach", "customer="+customer, nil)
	r.refused(402, "card_error", "card_declined", "", "declined")
	r.want(map[string]string{"error.decline_code": "lost_card", "error.advice_code": "do_not_try_again", "error.doc_url": "https://stripe.com/docs/error-codes/card-declined"})
}

func TestCardNumbersAreRefusedUnlessAllowed(t *testing.T) {
	off := merchant.DefaultSettings()
	off.RawCardTest = false
	d, forbidding := newDesk(t), deskWith(t, off)
	const inToken = "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40"
	for name, c := range map[string]struct {
		d                        *desk
		key, path, form, setting string
	}{
		"live method":  {d, d.live, "/v1/payment_methods", rawCard, "raw_card_live"},
		"live token":   {d, d.live, "/v1/tokens", inToken, "raw_card_live"},
		"test method":  {forbidding, forbidding.sk, "/v1/payment_methods", rawCard, "raw_card_test"},
		"test token":   {forbidding, forbidding.sk, "/v1/tokens", inToken, "raw_card_test"},
		"from browser": {forbidding, forbidding.pk, "/v1/tokens", inToken, "raw_card_test"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.d.as(c.key, "POST", c.path, c.form)
			r.t = t
			r.refused(402, "invalid_request_error", "", "", c.setting)
		})
	}
	forbidding.post("/v1/payment_methods", "type=card&card[token]=tok_visa")
	on := merchant.DefaultSettings()
	on.RawCardLive = true
	allowing := deskWith(t, on)
	allowing.as(allowing.live, "POST", "/v1/payment_methods", rawCard).ok().want(map[string]string{"livemode": "true", "card.last4": "1001"})
}

// No answer, of success or refusal, repeats what a card's owner must keep.
func TestCardDataIsNotRepeated(t *testing.T) {
	d := newDesk(t)
	var said strings.Builder
	for _, form := range []string{rawCard, rawCard + "&card[token]=tok_visa", rawCard + "&colour=red", rawCard + "&card[exp_day]=1",
		strings.Replace(rawCard, "12", "14", 1), strings.Replace(rawCard, "type=card", "type=link", 1), rawCard + "&card[networks][preferred]=mastercard"} {
		said.Write(d.as(d.sk, "POST", "/v1/payment_methods", form).body)
		said.Write(d.as(d.live, "POST", "/v1/payment_methods", form).body)
		said.Write(d.as(d.sk, "POST", "/v1/tokens", strings.TrimPrefix(form, "type=card&")).body)
	}
	for _, secret := range []string{rawPAN, "4000 0025 0000 1001", "7391"} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%q is in an answer", secret)
		}
	}
}

func TestPublishableKeyMakesMethods(t *testing.T) {
	d := newDesk(t)
	d.as(d.pk, "POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40").ok()
	method := d.as(d.pk, "POST", "/v1/payment_methods", rawCard).ok().at("id")
	customer := d.post("/v1/customers", "").at("id")
	for _, c := range [][3]string{
		{"POST", "/v1/customers", ""}, {"GET", "/v1/customers", ""}, {"GET", "/v1/customers/" + customer, ""}, {"DELETE", "/v1/customers/" + customer, ""},
		{"POST", "/v1/customers/" + customer, "name=x"}, {"GET", "/v1/payment_methods", ""}, {"GET", "/v1/payment_methods/" + method, ""},
		{"POST", "/v1/payment_methods/" + method + "/attach", "customer=" + customer}, {"POST", "/v1/payment_methods/" + method + "/detach", ""},
		{"GET", "/v1/balance", ""}, {"GET", "/v1/balance_transactions", ""}, {"GET", "/v1/balance_transactions/txn_1", ""},
		{"GET", "/v1/events", ""}, {"GET", "/v1/events/evt_1", ""},
	} {
		d.as(d.pk, c[0], c[1], c[2]).refused(401, "invalid_request_error", "secret_key_required", "", "publishable")
	}
}

// What one mode has, the other doesn't see, nor does another merchant.
func TestModesAndMerchantsAreApart(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "email=a@b.c&payment_method=pm_card_visa").at("id")
	method := d.post("/v1/payment_methods", rawCard).at("id")
	token := d.post("/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40").at("id")
	d.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never")
	transaction, event := d.get("/v1/balance_transactions", "").ids()[0], d.get("/v1/events", "").ids()[0]
	for name, key := range map[string]string{"live mode": d.live, "another merchant": otherSecretKey} {
		for _, path := range []string{"/v1/customers", "/v1/customers?email=a@b.c", "/v1/payment_methods", "/v1/balance_transactions", "/v1/events"} {
			if got := d.as(key, "GET", path, "").ok().ids(); got != nil {
				t.Errorf("%s: %s shows %v", name, path, got)
			}
		}
		for _, path := range []string{"/v1/customers/" + customer, "/v1/payment_methods/" + method, "/v1/balance_transactions/" + transaction, "/v1/events/" + event} {
			if r := d.as(key, "GET", path, ""); r.status != 404 || r.at("error.code") != "resource_missing" {
				t.Errorf("%s: %s: %s", name, path, r.body)
			}
		}
		for path, form := range map[string]string{
			"/v1/customers/" + customer: "name=x", "/v1/payment_methods/" + method + "/attach": "customer=" + customer,
			"/v1/payment_methods/" + method + "/detach": "", "/v1/payment_methods": "type=card&card[token]=" + token,
		} {
			if r := d.as(key, "POST", path, form); r.at("error.code") != "resource_missing" {
				t.Errorf("%s: %s: %s", name, path, r.body)
			}
		}
		for path, cursor := range map[string]string{"/v1/customers": customer, "/v1/payment_methods": method, "/v1/balance_transactions": transaction, "/v1/events": event} {
			d.as(key, "GET", path, "ending_before="+cursor).refused(400, "invalid_request_error", "resource_missing", "ending_before", cursor)
		}
		d.as(key, "GET", "/v1/balance", "").ok().want(map[string]string{"pending": `[{"amount":0,"currency":"usd","source_types":{"card":0}}]`})
	}
	d.as(d.live, "POST", "/v1/payment_methods", "type=card&card[token]=tok_visa").refused(400, "invalid_request_error", "resource_missing", "card[token]", "No such token")
	d.as(d.live, "GET", "/v1/payment_methods/pm_card_visa", "").refused(404, "invalid_request_error", "resource_missing", "payment_method", "pm_card_visa")
}

// A payment method made by a browser shows the same version for ever.
func TestMethodReplays(t *testing.T) {
	d := newDesk(t)
	made := d.replayed("POST", "/v1/payment_methods", rawCard+"&billing_details[name]=Ada", func(first *deskReply) {
		d.post("/v1/payment_methods/"+first.ok().at("id")+"/attach", "customer="+d.post("/v1/customers", "").at("id"))
	}).ok()
	if now := d.get("/v1/payment_methods/"+made.at("id"), ""); now.at("customer") == "null" {
		t.Error("it was not attached in between")
	}
}

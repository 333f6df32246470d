package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
)

const everyCustomerField = "name=Ada+Lovelace&email=ada@example.com&phone=%2B441234&description=First&balance=-250&tax_exempt=exempt" +
	"&address[city]=London&address[country]=GB&address[line1]=12+St+James&address[postal_code]=SW1&preferred_locales[]=en&preferred_locales[]=fr" +
	"&shipping[name]=Dock&shipping[phone]=1&shipping[address][line1]=Quay&metadata[order]=7&payment_method=pm_card_visa" +
	"&invoice_settings[default_payment_method]=pm_card_visa"

func TestCustomerLife(t *testing.T) {
	d := newDesk(t)
	made := d.post("/v1/customers", everyCustomerField)
	made.shows("customer", "cash_balance")
	id := made.at("id")
	method := made.at("invoice_settings.default_payment_method")
	made.want(map[string]string{
		"object": "customer", "name": "Ada Lovelace", "email": "ada@example.com", "phone": "+441234", "description": "First", "balance": "-250",
		"tax_exempt": "exempt", "address.city": "London", "address.line2": "null", "address.country": "GB", "preferred_locales": `["en","fr"]`,
		"shipping.name": "Dock", "shipping.address.line1": "Quay", "metadata": `{"order":"7"}`, "livemode": "false", "default_source": "null",
		"currency": "usd", "discount": "null", "test_clock": "null", "sources": "absent", "deleted": "absent",
	})
	if !strings.HasPrefix(id, "cus_") || !strings.HasPrefix(method, "pm_") {
		t.Fatalf("ids %s, %s", id, method)
	}

	d.post("/v1/customers/"+id, "name=&phone=&shipping=&metadata[order]=&metadata[new]=1&tax_exempt=&description=Second").want(map[string]string{
		"name": "null", "phone": "null", "shipping": "null", "metadata": `{"new":"1"}`, "tax_exempt": "none", "description": "Second",
		"email": "ada@example.com", "address.city": "London",
	})
	d.get("/v1/customers/"+id, "expand[]=invoice_settings.default_payment_method&expand[]=subscriptions&expand[]=sources&expand[]=tax_ids").want(map[string]string{
		"invoice_settings.default_payment_method.id": method, "invoice_settings.default_payment_method.customer": id,
		"subscriptions.data": "[]", "sources.data": "[]", "tax_ids.url": "/v1/customers/" + id + "/tax_ids",
	})

	gone := map[string]any{"id": id, "object": "customer", "deleted": true}
	d.as(d.sk, http.MethodDelete, "/v1/customers/"+id, "").ok().shows("deleted_customer")
	if diff := cmp.Diff(gone, d.get("/v1/customers/"+id, "").tree()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(gone, d.get("/v1/payment_methods/"+method, "expand[]=customer").tree()["customer"]); diff != "" {
		t.Error(diff)
	}
	d.as(d.sk, http.MethodDelete, "/v1/customers/"+id, "").refused(404, "invalid_request_error", "resource_missing", "id", "No such customer: '"+id+"'")
	d.as(d.sk, http.MethodPost, "/v1/customers/"+id, "name=x").refused(404, "invalid_request_error", "resource_missing", "id", "No such customer")
	d.get("/v1/customers", "").want(map[string]string{"data": "[]", "has_more": "false", "url": "/v1/customers", "object": "list"})
}

func TestSmallestCustomer(t *testing.T) {
	d := newDesk(t)
	made := d.post("/v1/customers", "")
	made.shows("customer", "cash_balance")
	made.want(map[string]string{"name": "null", "email": "null", "address": "null", "shipping": "null", "metadata": "{}", "preferred_locales": "[]",
		"tax_exempt": "none", "balance": "0", "delinquent": "false"})
}

func TestCustomerFromToken(t *testing.T) {
	d := newDesk(t)
	made := d.post("/v1/customers", "source=tok_mastercard&expand[]=default_source&expand[]=sources")
	made.shows("customer", "cash_balance")
	made.want(map[string]string{"default_source.object": "card", "default_source.brand": "MasterCard", "default_source.last4": "4444",
		"default_source.customer": made.at("id"), "sources.data.0.id": made.at("default_source.id")})
}

func TestCustomerRefusals(t *testing.T) {
	d := newDesk(t)
	id := d.post("/v1/customers", "").at("id")
	for name, c := range map[string]struct {
		method, path, form   string
		status               int
		typ, code, param, in string
	}{
		"bad email":       {"POST", "/v1/customers", "email=nobody", 400, "invalid_request_error", "email_invalid", "email", "nobody"},
		"unknown param":   {"POST", "/v1/customers", "nickname=x", 400, "invalid_request_error", "parameter_unknown", "nickname", "nickname"},
		"test clock":      {"POST", "/v1/customers", "test_clock=clock_1", 400, "invalid_request_error", "resource_missing", "test_clock", "clock_1"},
		"no such method":  {"POST", "/v1/customers", "payment_method=pm_nothing", 400, "invalid_request_error", "resource_missing", "payment_method", "No such PaymentMethod"},
		"declined method": {"POST", "/v1/customers", "payment_method=pm_card_chargeDeclinedExpiredCard", 402, "card_error", "expired_card", "exp_month", "expired"},
		"foreign default": {"POST", "/v1/customers/" + id, "invoice_settings[default_payment_method]=pm_card_visa", 400, "invalid_request_error", "resource_missing", "payment_method", ""},
		"no such source":  {"POST", "/v1/customers/" + id, "source=tok_nothing", 400, "invalid_request_error", "resource_missing", "source", "No such token"},
		"a bank account":  {"POST", "/v1/customers/" + id, "bank_account=btok_1", 400, "invalid_request_error", "", "bank_account", "Attach a PaymentMethod"},
		"not there":       {"GET", "/v1/customers/cus_nothing", "", 404, "invalid_request_error", "resource_missing", "id", "No such customer: 'cus_nothing'"},
		"cursor":          {"GET", "/v1/customers", "starting_after=cus_nothing", 400, "invalid_request_error", "resource_missing", "starting_after", "No such customer"},
		"limit":           {"GET", "/v1/customers", "limit=101", 400, "invalid_request_error", "parameter_invalid_integer", "limit", "101"},
		"balance":         {"POST", "/v1/customers", "balance=1.5", 400, "invalid_request_error", "parameter_invalid_integer", "balance", "1.5"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.as(d.sk, c.method, c.path, c.form)
			r.t = t
			r.refused(c.status, c.typ, c.code, c.param, c.in)
		})
	}
}

func TestCustomersByEmail(t *testing.T) {
	d := newDesk(t)
	var want []string
	for i := range 4 {
		id := d.post("/v1/customers", "email="+url.QueryEscape([]string{"Ada@example.com", "bob@example.com"}[i%2])).at("id")
		if i%2 == 0 {
			want = append([]string{id}, want...)
		}
	}
	if diff := cmp.Diff(want, d.get("/v1/customers", "email=ada@example.com").ids()); diff != "" {
		t.Error(diff)
	}
	if got := d.get("/v1/customers", "email=carol@example.com").ids(); got != nil {
		t.Errorf("nobody's address finds %v", got)
	}
}

// walk reads a whole list page by page, in the order in which clients see it.
func (d *desk) walk(path, cursor string, limit int) (ids []string, pages int) {
	d.t.Helper()
	query := fmt.Sprintf("limit=%d", limit)
	for {
		r := d.get(path, query)
		page := r.ids()
		if len(page) == 0 {
			d.t.Fatalf("an empty page after %d", len(ids))
		}
		if cursor == "ending_before" {
			slices.Reverse(page)
		}
		ids, pages = append(ids, page...), pages+1
		if r.at("has_more") != "true" {
			return ids, pages
		}
		query = fmt.Sprintf("limit=%d&%s=%s", limit, cursor, page[len(page)-1])
	}
}

func TestPagesOfCustomers(t *testing.T) {
	d := newDesk(t)
	const n = 250
	var made []string
	for i := range n {
		reply, err := d.server.Vault.CreateCustomer(t.Context(), d.scope, &vault.CustomerParams{Name: new(fmt.Sprint("customer ", i))}, &idem.Request{})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, vault.Customers.ID(d.scope, reply.Shown[0].Key))
	}
	newestFirst := slices.Clone(made)
	slices.Reverse(newestFirst)
	got, pages := d.walk("/v1/customers", "starting_after", 100)
	if diff := cmp.Diff(newestFirst, got); diff != "" || pages != 3 {
		t.Errorf("%d pages forth: %s", pages, diff)
	}
	// Back from the oldest: all that are newer, the nearest first.
	oldest := d.get("/v1/customers", "limit=3&ending_before="+made[0])
	if diff := cmp.Diff([]string{made[3], made[2], made[1]}, oldest.ids()); diff != "" || oldest.at("has_more") != "true" {
		t.Errorf("first page back: %s", diff)
	}
	back := []string{made[0]}
	for more := true; more; {
		r := d.get("/v1/customers", "limit=100&ending_before="+back[len(back)-1])
		page := r.ids()
		slices.Reverse(page)
		back, more = append(back, page...), r.at("has_more") == "true"
	}
	if diff := cmp.Diff(made, back); diff != "" {
		t.Error(diff)
	}
	if got := d.get("/v1/customers", "").ids(); len(got) != 10 {
		t.Errorf("%d by default", len(got))
	}
}

func TestCustomerReplays(t *testing.T) {
	d := newDesk(t)
	made := d.replayed("POST", "/v1/customers", everyCustomerField+"&expand[]=invoice_settings.default_payment_method&expand[]=sources", func(first *deskReply) {
		path := "/v1/customers/" + first.ok().at("id")
		d.post("/v1/payment_methods/"+first.at("invoice_settings.default_payment_method.id")+"/detach", "")
		d.post(path, "name=Someone+else")
	}).ok()
	d.replayed("POST", "/v1/customers", "source=tok_visa&expand[]=sources", func(first *deskReply) {
		d.post("/v1/payment_methods/"+first.ok().at("default_source")+"/detach", "")
	}).ok()
	path := "/v1/customers/" + made.at("id")
	d.replayed("POST", path, "description=Third", func(*deskReply) { d.post(path, "description=Fourth") }).ok()
	d.replayed("DELETE", path, "", nil).ok()
	d.replayed("POST", "/v1/customers", "payment_method=pm_card_visa_chargeDeclined", nil).refused(402, "card_error", "card_declined", "", "declined")
	d.post("/v1/customers", "name=one", "Idempotency-Key", "mine")
	d.as(d.sk, "POST", "/v1/customers", "name=other", "Idempotency-Key", "mine").refused(400, "idempotency_error", "", "", "same parameters")
}

// Within a step nothing may be read but through its transaction: what is sealed
// is left out, and the vault not asked.
func TestNothingSealedIsReadWithinAStep(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", everyCustomerField).at("id")
	method := d.post("/v1/payment_methods", rawCard+"&billing_details[name]=Ada").at("id")
	token := d.post("/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40&card[name]=Ada").at("id")
	err := d.server.DB.Run(t.Context(), db.Step{Name: "test", Scope: d.scope.Key(), Do: func(tx *db.Tx) error {
		v := &view{s: &Server{}, scope: d.scope, tx: tx, expand: expansion([]string{"default_source", "sources"})}
		return errors.Join(
			renderNamed(v, vault.Customers, customer, renderCustomer), renderNamed(v, vault.PaymentMethods, method, renderMethod),
			renderNamed(v, vault.PaymentMethods, method, renderSource), renderNamed(v, vault.Tokens, token, renderToken))
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func renderNamed[T any, N comparable](v *view, k *object.Kind[T, N], name string, render func(*view, *object.Object[T]) (any, error)) error {
	key, _ := k.Prefix.Parse(name)
	o, ok, err := k.Get(v.tx, v.scope, key)
	if err != nil || !ok {
		return errors.Join(err, fmt.Errorf("%s there: %v", name, ok))
	}
	_, err = render(v, o)
	return err
}

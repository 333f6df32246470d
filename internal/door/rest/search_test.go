package rest

import (
	"fmt"
	"net/url"
	"testing"
)

func (h *harness) index() {
	h.t.Helper()
	if err := h.server.Search.Run(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) search(noun, query, more string) *answered {
	h.t.Helper()
	return h.get("/v1/" + noun + "/search?query=" + url.QueryEscape(query) + more)
}

func TestSearchPayments(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Ada+Lovelace&email=ada@example.com").ok().at("id").(string)
	paid := h.post("/v1/payment_intents", "amount=1500&currency=usd&payment_method=pm_card_mastercard&confirm=true&customer="+customer+
		"&metadata[order]=A-1&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never").ok()
	h.post("/v1/payment_intents", "amount=900&currency=eur&payment_method_types[]=card&metadata[order]=A-2").ok()
	charge := paid.at("latest_charge").(string)
	h.index()
	fingerprint := h.get("/v1/charges/" + charge).ok().at("payment_method_details.card.fingerprint").(string)
	intent := paid.at("id").(string)
	for _, c := range []struct {
		noun, query string
		want        int
	}{
		{"payment_intents", `metadata["order"]:"a-1"`, 1},
		{"payment_intents", `metadata["order"]:"a-1" AND amount>1500`, 0},
		{"payment_intents", `amount>=900 AND amount<1501`, 2},
		{"payment_intents", `status:"succeeded"`, 1},
		{"payment_intents", `-status:"succeeded"`, 1},
		{"payment_intents", `currency:"EUR" OR amount:1500`, 2},
		{"payment_intents", `customer:"` + customer + `"`, 1},
		{"payment_intents", `customer:null`, 1},
		{"payment_intents", `created>1 AND created<4000000000`, 2},
		{"payment_intents", `created<1`, 0},
		{"charges", `payment_method_details.card.last4:4444`, 1},
		{"charges", `payment_method_details.card.last4:"4242"`, 0},
		{"charges", `payment_method_details.card.fingerprint:"` + fingerprint + `" AND payment_method_details.card.brand:"mastercard"`, 1},
		{"charges", `payment_method_details.card.exp_year>2020`, 1},
		{"charges", `metadata["order"]:"A-1" refunded:"false" disputed:"false"`, 1},
		{"charges", `refunded:"true"`, 0},
		{"customers", `email:"ADA@example.com"`, 1},
		{"customers", `name~"love" AND email~"example"`, 1},
		{"customers", `name:"Ada"`, 0},
	} {
		got := h.search(c.noun, c.query, "").ok()
		if n := len(got.at("data").([]any)); n != c.want {
			t.Errorf("%s %s: %d found, want %d: %s", c.noun, c.query, n, c.want, got.text)
		}
	}
	got := h.search("payment_intents", `metadata["order"]:"A-1"`, "&expand[]=data.latest_charge&expand[]=total_count").ok()
	if got.at("data.0.id") != intent || got.at("data.0.latest_charge.id") != charge || got.at("total_count") != float64(1) ||
		got.at("object") != "search_result" || got.at("url") != "/v1/payment_intents/search" || got.at("next_page") != nil || got.at("has_more") != false {
		t.Errorf("%s", got.text)
	}
	h.post("/v1/refunds", "charge="+charge).ok()
	if n := len(h.search("charges", `refunded:"true"`, "").ok().at("data").([]any)); n != 1 {
		t.Errorf("%d refunded", n)
	}
}

func TestSearchPages(t *testing.T) {
	h := harnessWith(t, approving())
	for i := range 7 {
		h.post("/v1/customers", fmt.Sprintf("name=Customer+%d&metadata[n]=%d", i, i)).ok()
	}
	h.index()
	const query = `name~"customer"`
	var names []any
	page := ""
	for range 4 {
		got := h.search("customers", query, "&limit=2"+page).ok()
		for _, o := range got.at("data").([]any) {
			names = append(names, follow(o, "name"))
		}
		next, more := got.at("next_page").(string)
		if got.at("has_more") != more {
			t.Errorf("has_more %v and next_page %q", got.at("has_more"), next)
		}
		if page = "&page=" + next; !more {
			break
		}
	}
	if fmt.Sprint(names) != "[Customer 6 Customer 5 Customer 4 Customer 3 Customer 2 Customer 1 Customer 0]" {
		t.Error(names)
	}
	first := h.search("customers", query, "&limit=2").ok().at("next_page").(string)
	h.search("customers", `name~"other"`, "&page="+first).is(400).has(map[string]any{"error.param": "page"})
	h.search("customers", query, "&page=x").is(400).has(map[string]any{"error.param": "page"})
	h.search("customers", query, "&limit=101").is(400).has(map[string]any{"error.param": "limit"})
	h.search("customers", `x`, "").is(400).has(map[string]any{"error.param": "query"})
	h.get("/v1/customers/search").is(400).has(map[string]any{"error.param": "query"})
	other := h.get("/v1/customers/search?query="+url.QueryEscape(query), "Authorization", "Bearer "+otherSecretKey).ok()
	if len(other.at("data").([]any)) != 0 {
		t.Error("another merchant finds this one's customers")
	}
}

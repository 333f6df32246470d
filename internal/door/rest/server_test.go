package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/fault"
)

func TestWhoMayAsk(t *testing.T) {
	h := harnessWith(t, approving())
	for name, headers := range map[string][]string{
		"no key":             {"Authorization", ""},
		"no scheme":          {"Authorization", testSecretKey},
		"an unknown key":     {"Authorization", "Bearer sk_test_nobodysnobodys01"},
		"a key without end":  {"Authorization", "Bearer " + strings.Repeat("k", 5000)},
		"a live key":         {"Authorization", "Bearer " + strings.Replace(testSecretKey, "test", "live", 1)},
		"basic without user": {"Authorization", "Basic Og=="},
	} {
		a := h.get("/v1/payment_intents", headers...)
		if a.status != http.StatusUnauthorized || a.at("error.type") != "invalid_request_error" || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: status %d, %v: %s", name, a.status, a.header, a.text)
		}
	}
	h.get("/v1/payment_intents", "Authorization", "Basic c2tfdGVzdF9oYXJuZXNzaGFybmVzczAwMDE6").ok() // the secret key and a colon
}

func TestUnknownOperations(t *testing.T) {
	h := harnessWith(t, approving())
	for _, c := range []struct{ method, path, message string }{
		{"GET", "/", "Unrecognized request URL (GET: /)."},
		{"GET", "/v1/nothing", "Unrecognized request URL"},
		{"PUT", "/v1/payment_intents", "Unrecognized request URL"},
		{"DELETE", "/v1/payment_intents/pi_1", "Unrecognized request URL"},
		{"GET", "/v1/payment_intents/", "Unrecognized request URL"},
		{"GET", "/v1/payment_intents/%2Fx%2F%2F/y", "Unrecognized request URL"},
		{"GET", "/v1/invoices", "Florin does not implement this operation yet (GET /v1/invoices)."},
	} {
		a := h.send(c.method, c.path, "").is(http.StatusNotFound)
		if !strings.HasPrefix(a.str("error.message"), c.message) || a.header.Get("Stripe-Should-Retry") != "false" {
			t.Errorf("%s %s: %v %s", c.method, c.path, a.header, a.text)
		}
	}
}

func TestVersions(t *testing.T) {
	h := harnessWith(t, approving())
	for sent, want := range map[string]string{
		"": Version, "2024-06-20": "2024-06-20", "2026-10-28.endive": "2026-10-28.endive", "2027-05-26.fuchsia": "2027-05-26.fuchsia",
	} {
		if got := h.get("/v1/charges", "Stripe-Version", sent).ok().header.Get("Stripe-Version"); got != want {
			t.Errorf("%q is answered as %q", sent, got)
		}
	}
	for _, wrong := range []string{"latest", "2024-6-1", "1999-01-01", "2026-08-26.Dahlia", "2024-06-21", Version + "; feature_beta=v1"} {
		h.get("/v1/charges", "Stripe-Version", wrong).is(400).has(map[string]any{
			"error.type": "invalid_request_error", "error.message": "Invalid Stripe API version: " + wrong, "error.code": nil, "error.param": nil,
		})
	}
}

func TestBodies(t *testing.T) {
	h := harnessWith(t, approving())
	h.post("/v1/payment_intents", `{"amount":1000}`, "Content-Type", "application/json").is(400)
	h.post("/v1/payment_intents", "amount=1000&currency=usd", "Content-Type", "application/x-www-form-urlencoded; charset=utf-8").ok()
	h.post("/v1/payment_intents", "amount=1000&currency=usd", "Content-Type", "").ok()
	h.post("/v1/payment_intents?amount=1000", "currency=usd").ok()
	h.post("/v1/payment_intents", "description="+strings.Repeat("x", maxBody)).is(400)
	h.post("/v1/payment_intents", "description=%ff").is(400)
	h.send("GET", "/v1/payment_intents", "limit=1").ok().has(map[string]any{"has_more": true})
	h.send("GET", "/v1/payment_intents?limit=%zz", "").is(400)
}

// Every kind of refusal has its status and its type.
func TestEveryKindIsAnswered(t *testing.T) {
	for _, k := range fault.Kinds() {
		if kinds[k].status == 0 || kinds[k].typ == "" {
			t.Errorf("%v has no status or type", k)
		}
	}
	body := errorBody(&fault.Error{Kind: fault.Declined, Code: "card_declined"})
	if body.Type != "card_error" || body.DocURL != "https://stripe.com/docs/error-codes/card-declined" {
		t.Errorf("%+v", body)
	}
	if body := errorBody(&fault.Error{Kind: fault.Declined}); body.Type != "invalid_request_error" || body.DocURL != "" {
		t.Errorf("a refusal by a rule of ours is a %+v", body)
	}
}

// All routes are operations of the document.
func TestRoutes(t *testing.T) {
	for id := range routes {
		if spec.ByID(id) == nil {
			t.Errorf("there is no operation %s", id)
		}
	}
	for name, n := range nouns() {
		if _, err := n.render(&view{}, "no object"); err == nil {
			t.Errorf("a %s is shown from a text", name)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	h := harnessWith(t, approving())
	h.server.Payment = nil
	a := h.post("/v1/payment_intents", "amount=1000&currency=usd").is(http.StatusInternalServerError)
	a.has(map[string]any{"error.type": "api_error"})
	if !strings.Contains(a.str("error.message"), a.header.Get("Request-Id")) || strings.Contains(string(a.text), "nil pointer") {
		t.Errorf("%s", a.text)
	}
}

func TestPages(t *testing.T) {
	h := harnessWith(t, approving())
	var ids []string // newest first
	for range 7 {
		ids = append([]string{h.intent().ok().str("id")}, ids...)
	}
	page := func(query string) (got []string, more bool) {
		a := h.get("/v1/payment_intents?" + query).ok().has(map[string]any{"object": "list", "url": "/v1/payment_intents"})
		for i := range 10 {
			if o := a.at(fmt.Sprintf("data.%d", i)); o != nil {
				got = append(got, follow(o, "id").(string))
			}
		}
		return got, a.at("has_more") == true
	}
	same := func(query string, want []string, wantMore bool) {
		t.Helper()
		if got, more := page(query); strings.Join(got, " ") != strings.Join(want, " ") || more != wantMore {
			t.Errorf("%s: %v, %v, want %v, %v", query, got, more, want, wantMore)
		}
	}
	same("", ids, false)
	same("limit=3", ids[:3], true)
	same("limit=3&starting_after="+ids[2], ids[3:6], true)
	same("limit=3&starting_after="+ids[5], ids[6:], false)
	same("limit=3&starting_after="+ids[6], nil, false)
	same("limit=3&ending_before="+ids[4], ids[1:4], true)
	same("limit=4&ending_before="+ids[4], ids[:4], false)
	same("limit=7&ending_before="+ids[0], nil, false)
	now := h.server.DB.Clock().Now().Unix()
	same(fmt.Sprintf("created[gte]=%d", now-60), ids, false)
	same(fmt.Sprintf("created[lt]=%d", now-60), nil, false)
	same(fmt.Sprintf("created[gt]=%d", now+60), nil, false)
	same("created[lte]=9223372036854775807", ids, false)
	same("created[lt]=-9223372036854775808", nil, false)
	same("created[gt]=9223372036854775807", nil, false)
	same("created[gt]=0&created[lt]=9223372036854775807", ids, false)
	same("created=9223372036854775807", nil, false)
	for query, param := range map[string]string{
		"limit=0": "limit", "limit=101": "limit", "limit=x": "limit", "created[after]=5": "created[after]",
		"starting_after=pi_nothing": "starting_after", "ending_before=" + payment.Charges.Prefix.Format(h.scope(), 5): "ending_before",
		"starting_after=" + ids[0] + "&ending_before=" + ids[1]: "starting_after",
	} {
		h.get("/v1/payment_intents?" + query).is(400).has(map[string]any{"error.param": param})
	}
}

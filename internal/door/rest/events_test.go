package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// eventful has every kind of event happen that a merchant's own requests cause,
// and gives what was made.
func eventful(d *desk) (customer, method, intent, charge string) {
	d.t.Helper()
	customer = d.post("/v1/customers", "name=Ada&metadata[a]=1").at("id")
	method = d.post("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).at("id")
	d.post("/v1/customers/"+customer, "name=Bea&metadata[b]=2&metadata[a]=&invoice_settings[default_payment_method]="+method, "Idempotency-Key", "rename")
	made := d.post("/v1/payment_intents", "amount=2000&currency=usd&capture_method=manual&customer="+customer+"&payment_method="+method)
	intent = made.at("id")
	charge = d.post("/v1/payment_intents/"+intent+"/confirm", "return_url=https://example.com").at("latest_charge")
	d.post("/v1/payment_intents/"+intent+"/capture", "amount_to_capture=1500")
	d.post("/v1/refunds", "charge="+charge+"&amount=500")
	cancelled := d.post("/v1/payment_intents", "amount=100&currency=usd").at("id")
	d.post("/v1/payment_intents/"+cancelled+"/cancel", "")
	d.as(d.sk, "POST", "/v1/payment_intents", "amount=100&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined&return_url=https://example.com")
	d.post("/v1/payment_methods/"+method+"/detach", "")
	d.as(d.sk, "DELETE", "/v1/customers/"+customer, "").ok()
	return customer, method, intent, charge
}

// ofType is the newest event of a type.
func (d *desk) ofType(typ string) *deskReply {
	d.t.Helper()
	ids := d.get("/v1/events", "type="+typ).ids()
	if len(ids) == 0 {
		d.t.Fatalf("there is no event %s", typ)
	}
	return d.get("/v1/events/"+ids[0], "")
}

func TestEventsShowWhatWas(t *testing.T) {
	d := newDesk(t)
	customer, method, intent, charge := eventful(d)
	all := d.get("/v1/events", "limit=100")
	seen := map[string]bool{}
	for i, id := range all.ids() {
		e := d.get("/v1/events/"+id, "").shows("event")
		validate(t, e.at("data.object.object"), e.part("data.object"))
		if diff := cmp.Diff(all.tree()["data"].([]any)[i], any(e.tree())); diff != "" {
			t.Errorf("%s alone: %s", id, diff)
		}
		e.want(map[string]string{"object": "event", "api_version": Version, "pending_webhooks": "0", "livemode": "false"})
		if !strings.HasPrefix(e.at("request.id"), "req_") || !strings.HasPrefix(id, "evt_") {
			t.Errorf("%s: request %s", id, e.at("request.id"))
		}
		seen[e.at("type")] = true
	}
	for typ := range seen {
		if !slices.Contains(eventTypes, typ) {
			t.Errorf("%s has no place in the table", typ)
		}
	}
	for _, typ := range strings.Fields("charge.captured charge.failed charge.refunded charge.succeeded customer.created customer.deleted customer.updated" +
		" payment_intent.amount_capturable_updated payment_intent.canceled payment_intent.created payment_intent.payment_failed payment_intent.succeeded" +
		" payment_method.attached payment_method.detached refund.created") {
		if !seen[typ] {
			t.Errorf("%s was not seen", typ)
		}
	}
	d.ofType("customer.created").want(map[string]string{"data.object.name": "Ada", "data.object.metadata": `{"a":"1"}`, "data.previous_attributes": absent})
	d.ofType("customer.deleted").want(map[string]string{"data.object.id": customer, "data.object.name": "Bea", "data.object.deleted": absent, "data.previous_attributes": absent})
	first := d.get("/v1/events", "type=payment_intent.created").ids()
	d.get("/v1/events/"+first[len(first)-1], "").want(map[string]string{"data.object.id": intent, "data.object.status": "requires_confirmation", "data.object.latest_charge": "null", "data.previous_attributes": absent})
	d.ofType("payment_intent.succeeded").want(map[string]string{"data.object.status": "succeeded", "data.object.latest_charge": charge, "data.previous_attributes": absent})
	d.ofType("payment_method.attached").want(map[string]string{"data.object.id": method, "data.object.customer": customer})
}

func TestEventsTellWhatChanged(t *testing.T) {
	d := newDesk(t)
	_, method, _, _ := eventful(d)
	for typ, want := range map[string]string{
		"charge.captured":                          `{"amount_captured":0,"balance_transaction":null,"captured":false}`,
		"charge.refunded":                          `{"amount_refunded":0}`,
		"payment_intent.amount_capturable_updated": `{"amount_capturable":0,"latest_charge":null,"status":"processing"}`,
		"payment_intent.succeeded":                 absent,
		"payment_intent.payment_failed":            absent,
		"charge.succeeded":                         absent,
		"refund.created":                           absent,
		"payment_method.detached":                  absent,
	} {
		d.ofType(typ).want(map[string]string{"data.previous_attributes": want})
	}
	updates := d.get("/v1/events", "type=customer.updated").ids()
	if len(updates) != 2 { // by the request, and by the detaching of its default
		t.Fatal(updates)
	}
	d.get("/v1/events/"+updates[1], "").want(map[string]string{
		"data.previous_attributes": `{"invoice_settings":{"default_payment_method":null},"metadata":{"a":"1","b":null},"name":"Ada"}`,
		"request.idempotency_key":  "rename", "data.object.name": "Bea",
	})
	d.get("/v1/events/"+updates[0], "").want(map[string]string{
		"data.previous_attributes": `{"invoice_settings":{"default_payment_method":"` + method + `"}}`, "request.idempotency_key": "null",
	})
}

// An event is the same for ever, whatever becomes of its object.
func TestEventsStayTheSame(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "name=Ada").at("id")
	before := d.ofType("customer.created")
	d.post("/v1/customers/"+customer, "name=Bea")
	d.as(d.sk, "DELETE", "/v1/customers/"+customer, "").ok()
	if diff := cmp.Diff(string(before.body), string(d.ofType("customer.created").body)); diff != "" {
		t.Error(diff)
	}
}

func TestEventFilters(t *testing.T) {
	d := newDesk(t)
	for i := range 3 {
		id := d.post("/v1/customers", "").at("id")
		if i > 0 {
			d.post("/v1/customers/"+id, "name=x")
		}
	}
	d.pay(2000, "usd", "")
	now := d.server.DB.Clock().Now().Unix()
	for query, n := range map[string]int{
		"": 8, "type=customer.created": 3, "type=customer.updated": 2, "type=customer.*": 5, "type=*": 8, "type=charge.*": 1, "type=invoice.*": 0,
		"type=invoice.paid": 0, "types[]=customer.created&types[]=charge.succeeded&types[]=customer.created": 4, "types[0]=invoice.paid": 0,
		"delivery_success=true": 8, fmt.Sprintf("created[lt]=%d", now-60): 0, fmt.Sprintf("created[gte]=%d&type=customer.*", now-60): 5,
	} {
		if got := d.get("/v1/events", query).ids(); len(got) != n {
			t.Errorf("%q finds %d, want %d", query, len(got), n)
		}
	}
	all := d.get("/v1/events", "").ids()
	forth, pages := d.walk("/v1/events", "starting_after", 3)
	if diff := cmp.Diff(all, forth); diff != "" || pages != 3 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	if diff := cmp.Diff(all[4:7], d.get("/v1/events", "limit=3&ending_before="+all[7]).ids()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(all[:2], d.get("/v1/events", "limit=2&ending_before="+all[2]+"&types[]=charge.succeeded&types[]=payment_intent.succeeded").ids()); diff != "" {
		t.Error(diff)
	}
}

func TestEventRefusals(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	for path, c := range map[string]struct {
		status      int
		code, param string
	}{
		"/v1/events/evt_none":                            {404, "resource_missing", "id"},
		"/v1/events/" + customer:                         {404, "resource_missing", "id"},
		"/v1/events?type=a&types[]=b":                    {400, "", "types"},
		"/v1/events?starting_after=evt_none":             {400, "resource_missing", "starting_after"},
		"/v1/events?delivery_success=perhaps":            {400, "", "delivery_success"},
		"/v1/events?limit=1000":                          {400, "parameter_invalid_integer", "limit"},
		"/v1/events?" + strings.Repeat("types[]=x&", 21): {400, "", "types"},
		"/v1/events?expand[]=data.data.object":           {400, "", ""},
	} {
		d.as(d.sk, "GET", path, "").refused(c.status, "invalid_request_error", c.code, c.param, "")
	}
}

func TestDifference(t *testing.T) {
	for name, c := range map[string]struct{ was, is, want string }{
		"nothing":       {`{"a":1,"b":{"c":[1]}}`, `{"a":1,"b":{"c":[1]}}`, `{}`},
		"a value":       {`{"a":1,"b":2}`, `{"a":1,"b":3}`, `{"b":2}`},
		"from null":     {`{"a":null}`, `{"a":"x"}`, `{"a":null}`},
		"to null":       {`{"a":{"b":1}}`, `{"a":null}`, `{"a":{"b":1}}`},
		"within a hash": {`{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":3,"d":4}}`, `{"a":{"c":2,"d":null}}`},
		"whole arrays":  {`{"a":[1,2]}`, `{"a":[1,3]}`, `{"a":[1,2]}`},
		"gone":          {`{"a":1}`, `{}`, `{"a":1}`},
		"large numbers": {`{"a":9007199254740993}`, `{"a":9007199254740992}`, `{"a":9007199254740993}`},
	} {
		got, err := difference(json.RawMessage(c.was), json.RawMessage(c.is))
		if err != nil || spelled(t, got) != c.want {
			t.Errorf("%s: %s %v, want %s", name, spelled(t, got), err, c.want)
		}
	}
}

// The table of event types, which wildcards go by, has all that the core
// writes.
func TestEventTypesAreComplete(t *testing.T) {
	var files []string
	for _, folder := range []string{"core", "base"} {
		some, err := filepath.Glob("../../" + folder + "/*/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	stripes := spec.ByID("PostWebhookEndpoints").Params.Field("enabled_events").Param.Element.Enum
	names := map[string]bool{}
	literal := regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			if slices.Contains(stripes, m[1]) || slices.Contains(ownTypes, m[1]) {
				names[m[1]] = true
			}
		}
	}
	if diff := cmp.Diff(eventTypes, slices.Sorted(maps.Keys(names))); diff != "" {
		t.Error(diff)
	}
}

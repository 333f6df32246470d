package contract

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// counting counts complaints.
type counting struct {
	testing.TB
	errors int
}

func (c *counting) Errorf(string, ...any) { c.errors++ }

func TestWatched(t *testing.T) {
	d := Before(t, "2024-06-20")
	if d.Version != "2023-10-16" {
		t.Errorf("2024-06-20 is given the document of %s", d.Version)
	}
	const good = `{"error":{"type":"api_error","message":"m"}}`
	for _, c := range []struct {
		path, body string
		status     int
		errors     int
	}{
		{"/v1/charges/ch_1", good, 500, 0}, {"/v1/charges/ch_1", `{"error":{"type":"bad_error"}}`, 500, 1},
		{"/v1/charges/ch_1", `{"id":"ch_1"}`, 200, 1}, {"/v1/charges/ch_1", `nothing`, 200, 1},
		{"/v1/customers/cus_1", `{"id":"cus_1","object":"customer","deleted":true}`, 200, 0}, {"/v1/customers/cus_1", `{"id":"cus_1","object":"customer"}`, 200, 1},
		{"/v1/of/the/future", `{"id":"x"}`, 200, 0},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		tb := &counting{TB: t}
		client := http.Client{Transport: d.Watched(tb, http.DefaultTransport)}
		reply, err := client.Get(server.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(reply.Body); err != nil || string(body) != c.body {
			t.Errorf("%s is passed on as %s: %v", c.body, body, err)
		}
		_ = reply.Body.Close()
		server.Close()
		if tb.errors != c.errors {
			t.Errorf("%d complaints of %s %d %s, want %d", tb.errors, c.path, c.status, c.body, c.errors)
		}
	}
}

func TestTells(t *testing.T) {
	const event = `{"object":"event","type":"charge.failed","data":{"object":{"id":"ch_1","object":"charge"}}}`
	for text, want := range map[string]int{event: 1, `{"object":"list","data":[` + event + `,` + event + `]}`: 2, `{"object":"list","data":[]}`: 0} {
		told, err := Tells([]byte(text))
		if err != nil || len(told) != want {
			t.Fatalf("%s: %v %v", text, told, err)
		}
		for _, e := range told {
			if e.Type != "charge.failed" || e.Name != "charge" || string(e.JSON) != `{"id":"ch_1","object":"charge"}` {
				t.Errorf("%s: %v", text, e)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	refund := map[string]any{"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "balance_transaction": nil, "charge": nil, "metadata": nil,
		"customer": nil, "customer_account": nil, "payment_intent": nil, "payment_method": nil, "reason": nil, "receipt_number": nil, "source_transfer_reversal": nil, "status": nil, "transfer_reversal": nil}
	schema := Newest(t).Object("refund")
	if got := Missing(schema, normal(t, refund)); len(got) > 0 {
		t.Error(got)
	}
	delete(refund, "reason")
	if got := Missing(schema, normal(t, refund)); len(got) != 1 || got[0] != "reason is missing" {
		t.Error(got)
	}
}

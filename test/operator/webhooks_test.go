//go:build unix

package operator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Endpoints are looked after from the command line while a server sends to them.
func TestWebhooksBesideAServer(t *testing.T) {
	o := start(t)
	var mu sync.Mutex
	signed := map[string]int{} // how many secrets signed an event, by its body
	status := http.StatusTeapot
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		signed[string(body)] = strings.Count(r.Header.Get("Stripe-Signature"), "v1=")
		w.WriteHeader(status)
	}))
	defer shop.Close()
	arrives := func(what string, secrets int) {
		t.Helper()
		for range 200 {
			time.Sleep(50 * time.Millisecond) // another process sends
			mu.Lock()
			for body, n := range signed {
				if strings.Contains(body, "customer.created") && n == secrets {
					signed = map[string]int{}
					mu.Unlock()
					return
				}
			}
			mu.Unlock()
		}
		t.Fatalf("%s: nothing arrives", what)
	}
	made := ask(t, o.Server, o.SecretKey, "POST", "/v1/webhook_endpoints", "enabled_events[]=customer.created&url="+url.QueryEscape(shop.URL))
	ask(t, o.Server, o.SecretKey, "POST", "/v1/customers", "name=Ada")
	arrives("the first time", 1)

	read := func(into any, args ...string) {
		t.Helper()
		if err := json.Unmarshal([]byte(o.florin(args...).ok().out), into); err != nil {
			t.Fatal(err)
		}
	}
	var list struct {
		Endpoints []struct{ ID, URL, Status string } `json:"webhook_endpoints"`
	}
	read(&list, "webhook", "list", "--json")
	if len(list.Endpoints) != 1 || list.Endpoints[0].ID != made.body.ID || list.Endpoints[0].URL != shop.URL || list.Endpoints[0].Status != "enabled" {
		t.Fatalf("%+v", list)
	}
	id := list.Endpoints[0].ID
	var sent struct {
		Deliveries []struct {
			Event, Status string
			Attempts      []struct {
				Response int `json:"response_status"`
			}
		}
	}
	for range 100 { // until the answer is recorded
		read(&sent, "webhook", "deliveries", id, "--json")
		if len(sent.Deliveries) == 1 && len(sent.Deliveries[0].Attempts) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(sent.Deliveries) != 1 || sent.Deliveries[0].Status != "pending" || sent.Deliveries[0].Attempts[0].Response != http.StatusTeapot {
		t.Fatalf("%+v", sent)
	}
	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	var rolled struct{ Secret string }
	read(&rolled, "webhook", "roll", id, "--expire-in=1h", "--json")
	if !strings.HasPrefix(rolled.Secret, "whsec_") {
		t.Error("no new secret")
	}
	var replayed struct {
		Count int `json:"events_replayed"`
	}
	read(&replayed, "webhook", "replay", id, "--since=1h", "--only-failed", "--json")
	if replayed.Count != 1 {
		t.Errorf("%d events are replayed", replayed.Count)
	}
	arrives("replayed", 2)
	read(&replayed, "webhook", "replay", id, "--event="+sent.Deliveries[0].Event, "--json")
	arrives("the event replayed", 2)
	for _, do := range []string{"disable", "enable"} {
		var e struct{ Status string }
		if read(&e, "webhook", do, id, "--json"); e.Status != do+"d" {
			t.Errorf("%s: %+v", do, e)
		}
	}
	o.florin("webhook", "list").ok()
	o.florin("webhook", "deliveries", id, "--status=delivered").ok()
}

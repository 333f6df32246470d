package rest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/id"
)

// restricted makes a restricted key of the desk's merchant.
func (d *desk) restricted(p merchant.Permissions) string {
	d.t.Helper()
	made, err := d.server.Merchant.Issue(context.Background(), d.scope, merchant.KeyParams{Kind: merchant.Restricted, Permissions: p})
	if err != nil {
		d.t.Fatal(err)
	}
	return made.Plain
}

// everything but one resource, if one is given.
func everything(but merchant.Resource) merchant.Permissions {
	p := merchant.Permissions{}
	for _, r := range merchant.Resources() {
		if r != but {
			p[r] = merchant.Write
		}
	}
	return p
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// Every route asks for the one permission that its row of the table says, and
// for no other.
func TestEveryRouteAsksForItsPermission(t *testing.T) {
	d := newDesk(t)
	without, only, readOnly := map[merchant.Resource]string{}, map[merchant.Resource]string{}, map[merchant.Resource]string{}
	used := map[merchant.Resource]bool{}
	for _, r := range merchant.Resources() {
		without[r] = d.restricted(everything(r))
		only[r] = d.restricted(merchant.Permissions{r: merchant.Write})
		readOnly[r] = d.restricted(merchant.Permissions{r: merchant.Read})
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		to, op := routes[name], spec.ByID(name)
		used[to.resource] = true
		if want := map[bool]merchant.Access{true: merchant.Read, false: merchant.Write}[op.Method == http.MethodGet]; to.access != want {
			t.Errorf("%s: a %s asks for %s", name, op.Method, to.access)
		}
		if without[to.resource] == "" {
			t.Errorf("%s: there is no resource %q", name, to.resource)
			continue
		}
		path := placeholder.ReplaceAllString(op.Path, "x_nothing")
		permission := "'rak_" + to.slug() + "_" + to.access.String() + "'"
		d.as(without[to.resource], op.Method, path, "").refused(403, "invalid_request_error", "", "", "Having the "+permission+" permission would allow")
		d.as(without[to.resource], op.Method, path, "nonsense=1").refused(403, "invalid_request_error", "", "", permission) // before anything is read
		if got := d.as(only[to.resource], op.Method, path, ""); got.status == 403 || got.status == 401 {
			t.Errorf("%s: with %s alone: %d %s", name, permission, got.status, got.body)
		}
		got := d.as(readOnly[to.resource], op.Method, path, "")
		if to.access == merchant.Read && got.status == 403 || to.access == merchant.Write && got.status != 403 {
			t.Errorf("%s: with read alone: %d %s", name, got.status, got.body)
		}
	}
	for _, r := range merchant.Resources() {
		if !used[r] {
			t.Errorf("nothing asks for %s", r)
		}
	}
}

// slug spells the route's resource as it must stand in answers.
func (to route) slug() string {
	switch to.resource {
	case merchant.BalanceSources:
		return "balance_transaction_source"
	case merchant.WebhookEndpoints:
		return "webhook"
	}
	return strings.TrimSuffix(string(to.resource), "s")
}

// What a restricted key may not see, it does not see inside of what it may,
// and a write that asks for it is not done.
func TestRestrictedKeysExpandWhatTheyMaySee(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "email=ada@example.com&name=Ada").at("id")
	intent := d.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&customer="+customer).at("id")
	intents := d.restricted(merchant.Permissions{merchant.PaymentIntents: merchant.Write})
	d.as(intents, "GET", "/v1/payment_intents/"+intent, "").ok().want(map[string]string{"customer": customer})
	for expand, permission := range map[string]string{
		"customer": "rak_customer_read", "latest_charge": "rak_charge_read", "payment_method": "rak_payment_method_read", "review": "rak_charge_read",
		"latest_charge.customer": "rak_charge_read", "latest_charge.balance_transaction.source": "rak_charge_read",
	} {
		d.as(intents, "GET", "/v1/payment_intents/"+intent, "expand[]="+expand).refused(403, "invalid_request_error", "", "", permission)
		d.as(intents, "GET", "/v1/payment_intents", "expand[]=data."+expand).refused(403, "invalid_request_error", "", "", permission)
	}
	d.as(intents, "GET", "/v1/payment_intents/"+intent, "expand[]=application").refused(403, "invalid_request_error", "", "", "(application)")
	d.as(d.sk, "GET", "/v1/payment_intents/"+intent, "expand[]=application").ok()

	before := len(d.get("/v1/payment_intents", "").ids())
	d.as(intents, "POST", "/v1/payment_intents", "amount=500&currency=usd&expand[]=latest_charge").refused(403, "invalid_request_error", "", "", "rak_charge_read")
	if after := len(d.get("/v1/payment_intents", "").ids()); after != before {
		t.Errorf("%d intents, then %d: it was refused and done", before, after)
	}
	more := d.restricted(merchant.Permissions{merchant.PaymentIntents: merchant.Read, merchant.Charges: merchant.Read, merchant.BalanceSources: merchant.Read})
	d.as(more, "GET", "/v1/payment_intents/"+intent, "expand[]=latest_charge.balance_transaction.source").ok().want(map[string]string{
		"latest_charge.balance_transaction.object": "balance_transaction", "latest_charge.customer": customer})
	d.as(more, "GET", "/v1/payment_intents/"+intent, "expand[]=latest_charge.customer").refused(403, "invalid_request_error", "", "", "rak_customer_read")
}

// Whatever a renderer expands has a row in the table, and the table no other.
func TestEveryExpandedFieldHasAResource(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%v: %v", files, err)
	}
	found := map[string]bool{}
	pattern := regexp.MustCompile(`\bref\(\w+, "(\w+)"|expand\["(\w+)"\]|within\("(\w+)"\)|\bempty\("(\w+)"\)|c\.expand, "(\w+)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			field := strings.Join(m[1:], "")
			found[field] = true
			if _, ok := expanded[field]; !ok {
				t.Errorf("%s expands %q, which is not in the table of permit.go", name, field)
			}
		}
	}
	for name := range evidenceFiles {
		found[name] = true // by name, and not in so many words
	}
	for field := range expanded {
		if !found[field] {
			t.Errorf("nothing expands %q", field)
		}
	}
}

// A restricted key is a key like others: of its mode and its merchant, and
// ended by its end.
func TestRestrictedKeysEnd(t *testing.T) {
	d := newDesk(t)
	made, err := d.server.Merchant.Issue(t.Context(), id.Scope{Account: d.scope.Account, Livemode: true},
		merchant.KeyParams{Kind: merchant.Restricted, Permissions: merchant.Permissions{merchant.Customers: merchant.Write}})
	if err != nil {
		t.Fatal(err)
	}
	d.as(made.Plain, "POST", "/v1/customers", "name=Ada").ok().want(map[string]string{"livemode": "true", "name": "Ada"})
	if got := d.get("/v1/customers", "").ids(); len(got) > 0 {
		t.Errorf("test mode shows %v", got)
	}
	if _, err := d.server.Merchant.ExpireKey(t.Context(), made.ID, d.server.DB.Clock().Now()); err != nil {
		t.Fatal(err)
	}
	r := d.as(made.Plain, "GET", "/v1/customers", "")
	r.refused(401, "invalid_request_error", "api_key_expired", "", "Expired API Key provided: rk_live_********************"+made.Last4)
	if got := r.at("error.doc_url"); got != "https://stripe.com/docs/error-codes/api-key-expired" {
		t.Error(got)
	}
}

// The idempotency keys of a merchant are one set, whichever API key uses them,
// and a replay needs what the request needs.
func TestRestrictedReplays(t *testing.T) {
	d := newDesk(t)
	form := "amount=700&currency=usd&expand[]=payment_method"
	first := d.as(d.sk, "POST", "/v1/payment_intents", form, "Idempotency-Key", "k").ok()
	may := d.restricted(merchant.Permissions{merchant.PaymentIntents: merchant.Write, merchant.PaymentMethods: merchant.Read})
	if again := d.as(may, "POST", "/v1/payment_intents", form, "Idempotency-Key", "k").ok(); again.at("id") != first.at("id") {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	for permission, p := range map[string]merchant.Permissions{
		"rak_payment_method_read": {merchant.PaymentIntents: merchant.Write}, "rak_payment_intent_write": {merchant.PaymentMethods: merchant.Read},
	} {
		d.as(d.restricted(p), "POST", "/v1/payment_intents", form, "Idempotency-Key", "k").refused(403, "invalid_request_error", "", "", fmt.Sprintf("'%s'", permission))
	}
}

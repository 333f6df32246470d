package rest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/merchant"
)

// shapesDiffer lists, path by path, how a value differs from one of the newest
// shape: "+ path: value" is new, "- path" is gone, "~ path: value" is another.
func shapesDiffer(newest, older any, path string) (out []string) {
	was, wasHash := newest.(map[string]any)
	is, isHash := older.(map[string]any)
	if wasHash && isHash {
		names := maps.Clone(was)
		maps.Copy(names, is)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			switch old, there := was[name]; {
			case !there:
				out = append(out, fmt.Sprintf("+ %s: %s", at, brief(is[name])))
			case is[name] == nil && old != nil:
				out = append(out, "- "+at)
			default:
				out = append(out, shapesDiffer(old, is[name], at)...)
			}
		}
		return out
	}
	wasList, a := newest.([]any)
	isList, b := older.([]any)
	if a && b && len(wasList) == len(isList) {
		for i := range wasList {
			out = append(out, shapesDiffer(wasList[i], isList[i], fmt.Sprintf("%s.%d", path, i))...)
		}
		return out
	}
	if !reflect.DeepEqual(newest, older) {
		out = append(out, fmt.Sprintf("~ %s: %s", path, brief(older)))
	}
	return out
}

// brief is a value, or what kind of object it is.
func brief(value any) string {
	if fields, ok := value.(map[string]any); ok && fields["object"] != nil {
		return fmt.Sprint(fields["object"])
	}
	return fmt.Sprint(value)
}

// What each shape is to the objects there are, at whatever depth they stand.
func TestShapesOfAnswers(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Jo&metadata[object]=charge").ok().str("id")
	intent := h.intent("payment_method", "pm_card_visa", "confirm", "true", "customer", customer).ok()
	h.post("/v1/refunds", pairs("payment_intent", intent.str("id"), "amount", "100")).ok()
	declined := h.intent("payment_method", "pm_card_visa_chargeDeclined", "confirm", "true").is(402)
	for _, c := range []struct {
		path string
		want map[string][]string // by version
	}{
		{"/v1/payment_intents/" + intent.str("id") + "?expand[]=latest_charge.customer&expand[]=latest_charge.balance_transaction", map[string][]string{
			"2026-03-25.dahlia": nil, "2027-01-27.fuchsia": nil, "2026-02-25.clover": nil, "2025-03-31.basil": nil,
			"2024-06-20": {"+ invoice: <nil>", "+ latest_charge.destination: <nil>", "+ latest_charge.invoice: <nil>", "+ latest_charge.order: <nil>"},
			"2022-08-01": {"+ charges: list", "+ invoice: <nil>", "+ latest_charge.destination: <nil>", "+ latest_charge.invoice: <nil>", "+ latest_charge.order: <nil>", "+ latest_charge.refunds: list"},
			"2020-03-02": {"+ charges: list", "+ invoice: <nil>", "+ latest_charge.customer.sources: list", "+ latest_charge.customer.subscriptions: list", "+ latest_charge.customer.tax_ids: list",
				"+ latest_charge.destination: <nil>", "+ latest_charge.invoice: <nil>", "+ latest_charge.order: <nil>", "+ latest_charge.refunds: list"},
		}},
		{"/v1/payment_intents/" + declined.str("error.payment_intent.id"), map[string][]string{
			"2024-06-20": {"+ invoice: <nil>"},
			"2018-11-08": {"+ allowed_source_types: [card]", "+ charges: list", "+ invoice: <nil>", "+ next_source_action: <nil>", "~ status: requires_source"},
		}},
		{"/v1/charges?limit=1&payment_intent=" + intent.str("id"), map[string][]string{
			"2026-02-25.clover": nil, "2024-06-20": {"+ data.0.destination: <nil>", "+ data.0.invoice: <nil>", "+ data.0.order: <nil>"},
		}},
		{"/v1/refunds?limit=1&expand[]=data.charge", map[string][]string{
			"2026-02-25.clover": nil, "2024-06-20": {"+ data.0.charge.destination: <nil>", "+ data.0.charge.invoice: <nil>", "+ data.0.charge.order: <nil>"},
		}},
		{"/v1/customers/" + customer, map[string][]string{"2026-02-25.clover": nil, "2024-06-20": nil, "2019-12-03": {"+ sources: list", "+ subscriptions: list", "+ tax_ids: list"}}},
		{"/v1/balance", map[string][]string{"2024-06-20": nil, "2026-02-25.clover": nil}},
		{"/v1/events?limit=5", map[string][]string{"2018-11-08": nil, "2024-06-20": nil, "2026-02-25.clover": nil}},
	} {
		newest := h.get(c.path).ok()
		for version, want := range c.want {
			got := h.get(c.path, "Stripe-Version", version).ok()
			if v := got.header.Get("Stripe-Version"); v != version {
				t.Errorf("%s at %s is answered at %s", c.path, version, v)
			}
			if diff := cmp.Diff(want, shapesDiffer(newest.body, got.body, "")); diff != "" {
				t.Errorf("%s at %s: %s", c.path, version, diff)
			}
		}
	}
	h.get("/v1/payment_intents/"+intent.str("id"), "Stripe-Version", "2022-08-01").ok().has(map[string]any{
		"charges.object": "list", "charges.has_more": false, "charges.total_count": 1, "charges.url": "/v1/charges?payment_intent=" + intent.str("id"),
		"charges.data.0.id": intent.str("latest_charge"), "charges.data.0.refunds.total_count": 1, "charges.data.0.refunds.data.0.amount": 100,
		"latest_charge": intent.str("latest_charge"),
	})
	h.checkBooks()
}

// What an error embeds has the request's shape too.
func TestShapesOfErrors(t *testing.T) {
	h := newHarness(t)
	decline := pairs("amount", "1000", "currency", "usd", "payment_method", "pm_card_visa_chargeDeclined", "confirm", "true")
	old := h.post("/v1/payment_intents", decline, "Stripe-Version", "2020-08-27").is(402).has(map[string]any{
		"error.payment_intent.charges.total_count": 1, "error.payment_intent.charges.data.0.status": "failed", "error.payment_intent.invoice": nil,
	})
	if _, there := old.at("error.payment_intent").(map[string]any)["invoice"]; !there {
		t.Errorf("no invoice in %s", old.text)
	}
	if fields := h.post("/v1/payment_intents", decline).is(402).at("error.payment_intent").(map[string]any); fields["charges"] != nil {
		t.Errorf("charges in %v", fields)
	}
}

// What a version takes for granted in a request.
func TestDefaultsByVersion(t *testing.T) {
	h := harnessWith(t, approving())
	for version, want := range map[string]map[string]any{
		"2022-11-15": {"capture_method": "automatic", "automatic_payment_methods": nil},
		"2023-10-16": {"capture_method": "automatic", "automatic_payment_methods.enabled": true},
		"2024-06-20": {"capture_method": "automatic_async", "automatic_payment_methods.enabled": true},
	} {
		h.post("/v1/payment_intents", "amount=1000&currency=usd", "Stripe-Version", version).ok().has(want)
		for _, name := range []string{"payment_method_types[]", "allowed_payment_method_types[]"} {
			h.post("/v1/payment_intents", "amount=1000&currency=usd&"+name+"=card", "Stripe-Version", version).ok().has(map[string]any{"payment_method_types.0": "card"})
		}
	}
}

// A repeated request is answered at the version that it was first answered at.
func TestReplayKeepsTheVersion(t *testing.T) {
	h := newHarness(t)
	pay := pairs("amount", "1000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true")
	first := h.post("/v1/payment_intents", pay, "Idempotency-Key", "k", "Stripe-Version", "2020-08-27").ok()
	h.post("/v1/refunds", pairs("payment_intent", first.str("id"), "amount", "100")).ok()
	for _, headers := range [][]string{nil, {"Stripe-Version", "2026-10-28.endive"}, {"Stripe-Version", "2020-08-27"}} {
		again := h.post("/v1/payment_intents", pay, append(headers, "Idempotency-Key", "k")...).ok()
		if diff := cmp.Diff(string(first.text), string(again.text)); diff != "" {
			t.Error(diff)
		}
		if v := again.header.Get("Stripe-Version"); v != "2020-08-27" || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("headers %v", again.header)
		}
	}
}

// An account has a version of its own, which its events are shown at too.
func TestVersionOfAnAccount(t *testing.T) {
	h := newHarness(t)
	ctx := context.Background()
	account, err := h.server.Merchant.Create(ctx, merchant.Params{Name: "Pinned", APIVersion: "2022-08-01"})
	if err != nil {
		t.Fatal(err)
	}
	const key = "sk_test_pinnedpinnedpinned1"
	if err := h.server.Merchant.ImportKey(ctx, merchant.Home(account.Key), merchant.Secret, key); err != nil {
		t.Fatal(err)
	}
	auth := []string{"Authorization", "Bearer " + key}
	paid := h.post("/v1/payment_intents", pairs("amount", "1000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true", "payment_method_types[]", "card"), auth...).ok()
	if v := paid.header.Get("Stripe-Version"); v != "2022-08-01" {
		t.Errorf("the version is %q", v)
	}
	paid.has(map[string]any{"charges.total_count": 1})
	for _, headers := range [][]string{auth, append([]string{"Stripe-Version", Version}, auth...)} {
		h.get("/v1/events?type=payment_intent.succeeded", headers...).ok().has(map[string]any{
			"data.0.api_version": "2022-08-01", "data.0.data.object.charges.total_count": 1, "data.0.data.object.charges.data.0.id": paid.str("latest_charge"),
		})
	}
	h.get("/v1/charges", append([]string{"Stripe-Version", Version}, auth...)...).ok().has(map[string]any{"data.0.refunds": nil})
	if v := h.get("/v1/charges").ok().header.Get("Stripe-Version"); v != Version {
		t.Errorf("another account is served %q", v)
	}
}

func TestTotalCountIsForbidden(t *testing.T) {
	h := harnessWith(t, approving())
	for _, version := range []string{"2022-08-01", Version} {
		h.get("/v1/charges?expand[]=total_count", "Stripe-Version", version).is(400).has(map[string]any{"error.code": "property_forbidden", "error.type": "invalid_request_error"})
	}
}

// What an old version is shown unasked, a restricted key is not shown unless it
// may see it.
func TestIncludedListsNeedPermission(t *testing.T) {
	h := newHarness(t)
	paid := h.paid().str("id")
	for _, c := range []struct {
		may  merchant.Permissions
		want any
	}{
		{merchant.Permissions{merchant.PaymentIntents: merchant.Read}, nil},
		{merchant.Permissions{merchant.PaymentIntents: merchant.Read, merchant.Charges: merchant.Read, merchant.PaymentMethods: merchant.Read}, 1},
	} {
		made, err := h.server.Merchant.Issue(context.Background(), h.scope(), merchant.KeyParams{Kind: merchant.Restricted, Permissions: c.may})
		if err != nil {
			t.Fatal(err)
		}
		h.get("/v1/payment_intents/"+paid, "Authorization", "Bearer "+made.Plain, "Stripe-Version", "2020-08-27").ok().has(map[string]any{"charges.total_count": c.want})
	}
}

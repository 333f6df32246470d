package rest

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

// world is one object of each collection that has objects with a path, of one
// merchant.
func (d *desk) world(key string) map[string]string {
	d.t.Helper()
	as := func(method, path, form string) *deskReply { return d.as(key, method, path, form).ok() }
	at := map[string]string{}
	at["customers"] = as("POST", "/v1/customers", "email=a@example.com&payment_method=pm_card_visa").at("id")
	under := "/v1/customers/" + at["customers"]
	at["customers/balance_transactions"] = as("POST", under+"/balance_transactions", "amount=5&currency=usd").at("id")
	at["customers/tax_ids"] = as("POST", under+"/tax_ids", "type=us_ein&value=123456789").at("id")
	at["customers/cash_balance_transactions"] = as("POST", "/v1/test_helpers/customers/"+at["customers"]+"/fund_cash_balance", "amount=50&currency=usd").at("id")
	at["customers/sources"] = as("POST", under+"/sources", "source=tok_visa").at("id")
	at["customers/cards"] = at["customers/sources"]
	whose, err := d.server.Merchant.Authenticate(d.t.Context(), key)
	if err != nil {
		d.t.Fatal(err)
	}
	made, err := d.server.Vault.CreateEphemeralKey(d.t.Context(), whose.Scope, at["customers"], nil)
	if err != nil {
		d.t.Fatal(err)
	}
	at["ephemeral_keys"] = vault.EphemeralKeys.ID(whose.Scope, made.Main.(*object.Object[vault.EphemeralKey]).Key)
	at["customers/payment_methods"] = as("GET", under+"/payment_methods", "").ids()[0]
	at["payment_methods"] = as("POST", "/v1/payment_methods", rawCard).at("id")
	at["tokens"] = as("POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40").at("id")
	paid := as("POST", "/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&customer="+at["customers"])
	at["paid"], at["charges"] = paid.at("id"), paid.at("latest_charge")
	at["payment_intents"] = as("POST", "/v1/payment_intents", "amount=900&currency=usd&payment_method=pm_card_visa&confirm=true&capture_method=manual").at("id")
	at["attempts"] = as("GET", "/v1/florin/attempts", "payment_intent="+at["paid"]).ids()[0]
	at["test_helpers"] = as("POST", "/v1/test_helpers/test_clocks", "frozen_time=1800000000").at("id")
	set := as("POST", "/v1/setup_intents", "payment_method=pm_card_visa&confirm=true&"+online)
	at["setup_intents"], at["mandates"] = set.at("id"), set.at("mandate")
	at["confirmation_tokens"] = as("POST", "/v1/test_helpers/confirmation_tokens", "payment_method=pm_card_visa").at("id")
	at["refunds"] = as("POST", "/v1/refunds", "amount=100&charge="+at["charges"]).at("id")
	at["charges/refunds"] = at["refunds"]
	for collection, card := range map[string]string{"disputes": "createDispute", "radar": "createIssuerFraudRecord"} {
		as("POST", "/v1/payment_intents", "amount=700&currency=usd&confirm=true&payment_method=pm_card_"+card)
		at[collection] = as("GET", map[string]string{"disputes": "/v1/disputes", "radar": "/v1/radar/early_fraud_warnings"}[collection], "").ids()[0]
	}
	as("POST", "/v1/payment_intents", "amount=700&currency=usd&confirm=true&payment_method=pm_card_riskLevelElevated")
	at["reviews"] = as("GET", "/v1/reviews", "").ids()[0]
	at["disputed"] = as("GET", "/v1/disputes/"+at["disputes"], "").at("charge")
	at["apple_pay"] = as("POST", "/v1/apple_pay/domains", "domain_name=apple.example").at("id")
	at["balance_transactions"] = as("GET", "/v1/balance_transactions", "").ids()[0]
	at["balance"] = at["balance_transactions"] // whose history they are
	at["events"] = as("GET", "/v1/events", "").ids()[0]
	at["webhook_endpoints"] = as("POST", "/v1/webhook_endpoints", "url=https://example.com/hook&enabled_events[]=*").at("id")
	at["webhook_replays"] = as("POST", "/v1/florin/webhook_replays", "webhook_endpoint="+at["webhook_endpoints"]+"&event="+at["events"]).at("id")
	d.openBank()
	as("POST", "/v1/payment_intents", "amount=9000&currency=usd&confirm=true&payment_method=pm_card_bypassPending")
	at["bank"] = as("POST", "/v1/accounts/"+as("GET", "/v1/account", "").at("id")+"/external_accounts", "external_account[object]=bank_account&external_account[country]=US&external_account[routing_number]=110000000&external_account[account_number]=000123456789").at("id")
	at["external_accounts"] = at["bank"]
	form, typ := multi("a.png", png, "purpose", "dispute_evidence")
	at["files"] = d.send("POST", "/v1/files", form, "Content-Type", typ, "Authorization", "Bearer "+key).ok().str("id")
	at["file_links"] = as("POST", "/v1/file_links", "file="+at["files"]).at("id")
	at["payment_method_configurations"] = as("POST", "/v1/payment_method_configurations", "name=Mine").at("id")
	at["payment_method_domains"] = as("POST", "/v1/payment_method_domains", "domain_name=mine.example").at("id")
	at["breaks"] = d.aBreak(d.scope)
	at["payouts"] = as("POST", "/v1/payouts", "amount=100&currency=usd").at("id")
	return at
}

// everyRoute asks every route with a path for what is at each collection, and
// every list, or those of them alone that only read, and hands each answer over.
func (d *desk) everyRoute(key string, at map[string]string, readOnly bool, form func(op string) string, f func(op *spec.Operation, r *deskReply)) {
	d.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		op := spec.ByID(name)
		if op.Method != http.MethodGet && (readOnly || !strings.Contains(op.Path, "{")) {
			continue // it changes something, or makes something new
		}
		if name == "GetSetupAttempts" || name == "FlorinGetMessages" {
			continue // it lists nothing unless told of what
		}
		collection := strings.Split(strings.TrimPrefix(op.Path, "/v1/florin"), "/")[1]
		if collection == "v1" {
			collection = strings.Split(op.Path, "/")[2]
		}
		object := at[collection]
		if collection == "accounts" || collection == "country_specs" {
			continue // what is in a path with two names is tried with the parameters; countries are nobody's
		}
		if object == "" && strings.Contains(op.Path, "{") {
			d.t.Errorf("%s: the test makes nothing in %s: let world make it", name, collection)
			continue
		}
		f(op, d.as(key, op.Method, pathAmong(at, op.Path, collection), form(name)))
	}
}

// pathAmong fills in a path with what is at its collection and, where another
// object is named further on, at the collection within that.
func pathAmong(at map[string]string, path, collection string) string {
	parts := strings.Split(path, "/")
	filled := 0
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		parts[i] = at[collection]
		if collection == "charges" && i+1 < len(parts) && parts[i+1] == "dispute" {
			parts[i] = at["disputed"]
		}
		if filled++; filled > 1 {
			parts[i] = at[collection+"/"+parts[i-1]]
		}
	}
	return strings.Join(parts, "/")
}

// age is what of an answer changes by itself.
var age = regexp.MustCompile(`"age_seconds": \d+`)

// No route shows or changes what is another merchant's, or the other mode's of
// the same merchant, and no parameter reaches it.
func TestNoRouteLeadsIntoAnotherWorld(t *testing.T) {
	d := newDesk(t)
	mine := d.world(d.sk)
	account, err := d.server.Merchant.Create(context.Background(), merchant.Params{Name: "Neighbour"})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (shown []string) {
		d.everyRoute(d.sk, mine, true, searching, func(_ *spec.Operation, r *deskReply) {
			shown = append(shown, age.ReplaceAllString(string(r.ok().body), ""))
		})
		return shown
	}
	before := read()
	for name, key := range map[string]string{"another merchant": d.key(merchant.Home(account.Key), merchant.Secret), "live mode": d.live} {
		own := d.as(key, "POST", "/v1/customers", "name=own").ok().at("id")
		form := func(op string) string {
			switch op {
			case "PostPaymentMethodsPaymentMethodAttach":
				return "customer=" + own
			case "PostCustomersCustomerBalanceTransactions":
				return "amount=5&currency=usd"
			case "PostTestHelpersCustomersCustomerFundCashBalance":
				return "amount=5&currency=usd"
			case "PostCustomersCustomerFundingInstructions":
				return "currency=jpy&funding_type=bank_transfer&bank_transfer[type]=jp_bank_transfer"
			case "PostCustomersCustomerSources", "PostCustomersCustomerCards":
				return "source=tok_visa"
			case "FlorinPostBreaksId":
				return "owner=mine"
			case "FlorinPostBreaksIdResolve":
				return "by=me&why=mine"
			case "PostCustomersCustomerTaxIds":
				return "type=us_ein&value=123456789"
			case "PostPaymentIntentsIntentIncrementAuthorization":
				return "amount=100000"
			case "FlorinPostAttemptsAttemptResolve":
				return "outcome=failed&evidence=none"
			case "PostTestHelpersTestClocksTestClockAdvance":
				return "frozen_time=1900000000"
			}
			return searching(op)
		}
		d.everyRoute(key, mine, false, form, func(op *spec.Operation, r *deskReply) {
			if strings.Contains(op.Path, "{") {
				if r.status != 404 || r.at("error.code") != "resource_missing" {
					t.Errorf("%s: %s: %d %s", name, op.ID, r.status, r.body)
				}
				return
			}
			for collection, object := range mine {
				if collection == "account" && name == "live mode" {
					continue // one account has both modes
				}
				if strings.Contains(string(r.ok().body), object) {
					t.Errorf("%s: %s shows one of %s: %s", name, op.ID, collection, r.body)
				}
			}
		})
		d.foreignParameters(name, key, own, mine)
	}
	if diff := cmp.Diff(before, read()); diff != "" {
		t.Errorf("somebody else changed what is mine: −before +after\n%s", diff)
	}
}

// searching is the form of operations that need one to look at anything.
func searching(op string) string {
	if strings.HasSuffix(op, "Search") {
		return "query=created>0"
	}
	return ""
}

// foreignParameters names what is in another world in every parameter that
// takes the name of an object.
func (d *desk) foreignParameters(name, key, own string, mine map[string]string) {
	d.t.Helper()
	account := d.as(key, "GET", "/v1/account", "").ok().at("id")
	const pay = "amount=700&currency=usd&confirm=true&payment_method="
	for _, c := range []struct{ method, path, form string }{
		{"POST", "/v1/payment_intents", pay + mine["payment_methods"]},
		{"POST", "/v1/payment_intents", "amount=700&currency=usd&customer=" + mine["customers"]},
		{"POST", "/v1/payment_intents", "amount=700&currency=usd&payment_method_data[type]=card&payment_method_data[card][token]=" + mine["tokens"]},
		{"POST", "/v1/refunds", "charge=" + mine["charges"]},
		{"POST", "/v1/refunds", "payment_intent=" + mine["paid"]},
		{"POST", "/v1/customers", "payment_method=" + mine["payment_methods"]},
		{"POST", "/v1/customers", "source=" + mine["tokens"]},
		{"POST", "/v1/customers/" + own, "invoice_settings[default_payment_method]=" + mine["payment_methods"]},
		{"POST", "/v1/payment_methods", "type=card&card[token]=" + mine["tokens"]},
		{"POST", "/v1/payment_methods/" + mine["payment_methods"] + "/attach", "customer=" + own},
		{"POST", "/v1/setup_intents", "customer=" + mine["customers"]},
		{"POST", "/v1/setup_intents", "payment_method=" + mine["payment_methods"]},
		{"GET", "/v1/setup_intents", "customer=" + mine["customers"]},
		{"GET", "/v1/setup_intents", "payment_method=" + mine["payment_methods"]},
		{"GET", "/v1/setup_attempts", "setup_intent=" + mine["setup_intents"]},
		{"GET", "/v1/payment_intents", "customer=" + mine["customers"]},
		{"GET", "/v1/charges", "customer=" + mine["customers"]},
		{"GET", "/v1/charges", "payment_intent=" + mine["paid"]},
		{"GET", "/v1/refunds", "charge=" + mine["charges"]},
		{"GET", "/v1/refunds", "payment_intent=" + mine["paid"]},
		{"GET", "/v1/disputes", "charge=" + mine["charges"]},
		{"GET", "/v1/disputes", "starting_after=" + mine["disputes"]},
		{"GET", "/v1/radar/early_fraud_warnings", "payment_intent=" + mine["paid"]},
		{"POST", "/v1/file_links", "file=" + mine["files"]},
		{"GET", "/v1/file_links", "file=" + mine["files"]},
		{"GET", "/v1/files/" + mine["files"] + "/contents", ""},
		{"POST", "/v1/payouts", "amount=100&currency=usd&destination=" + mine["bank"]},
		{"GET", "/v1/payouts", "destination=" + mine["bank"]},
		{"GET", "/v1/balance_transactions", "payout=" + mine["payouts"]},
		{"GET", "/v1/accounts/" + account + "/external_accounts/" + mine["bank"], ""},
		{"POST", "/v1/accounts/" + account + "/external_accounts/" + mine["bank"], "account_holder_name=x"},
		{"DELETE", "/v1/accounts/" + account + "/external_accounts/" + mine["bank"], ""},
		{"GET", "/v1/accounts/" + account + "/bank_accounts/" + mine["bank"], ""},
		{"GET", "/v1/accounts/acct_other", ""},
		{"GET", "/v1/payment_intents", "starting_after=" + mine["payment_intents"]},
		{"GET", "/v1/events", "ending_before=" + mine["events"]},
		{"POST", "/v1/florin/webhook_replays", "event=" + mine["events"] + "&webhook_endpoint=" + mine["webhook_endpoints"]},
		{"GET", "/v1/florin/attempts", "payment_intent=" + mine["paid"]},
		{"GET", "/v1/florin/messages", "object=" + mine["paid"]},
		{"GET", "/v1/florin/messages", "object=" + mine["attempts"]},
		{"GET", "/v1/florin/messages", "object=" + mine["payouts"]},
		{"GET", "/v1/florin/webhook_replays", "webhook_endpoint=" + mine["webhook_endpoints"]},
	} {
		r := d.as(key, c.method, c.path, c.form)
		if r.status != 400 && r.status != 404 || r.at("error.code") != "resource_missing" {
			d.t.Errorf("%s: %s %s %s: %d %s", name, c.method, c.path, c.form, r.status, r.body)
		}
	}
}

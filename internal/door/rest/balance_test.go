package rest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/provider"
)

// pay takes a payment and gives the ids of its intent and charge.
func (d *desk) pay(amount int, currency, more string) (intent, charge string) {
	d.t.Helper()
	r := d.post("/v1/payment_intents", fmt.Sprintf("amount=%d&currency=%s&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true"+
		"&automatic_payment_methods[allow_redirects]=never%s", amount, currency, more))
	return r.at("id"), r.at("latest_charge")
}

func TestEmptyBalance(t *testing.T) {
	d := newDesk(t)
	const nothing = `[{"amount":0,"currency":"usd","source_types":{"card":0}}]`
	d.get("/v1/balance", "").shows("balance").want(map[string]string{"object": "balance", "livemode": "false", "available": nothing, "pending": nothing})
	d.as(d.live, "GET", "/v1/balance", "").ok().want(map[string]string{"livemode": "true", "available": nothing})
}

func TestBalanceAddsUp(t *testing.T) {
	d := newDesk(t)
	_, charge := d.pay(2000, "usd", "")
	d.pay(3000, "jpy", "")
	d.pay(1000, "eur", "")
	d.pay(5000, "usd", "&capture_method=manual") // nothing is taken
	refund := d.post("/v1/refunds", "amount=500&charge="+charge).at("id")

	// 2.9 % and 30 cents of 20 dollars are 88 cents; of 3000 yen 127; of 10 euro 54 cents.
	d.get("/v1/balance", "").shows("balance").want(map[string]string{
		"pending.0.currency": "usd", "pending.0.amount": "1912", "pending.0.source_types.card": "1912", "available.0.amount": "-500",
		"pending.1.currency": "eur", "pending.1.amount": "946", "available.1.currency": "eur", "available.1.amount": "0",
		"pending.2.currency": "jpy", "pending.2.amount": "2873", "pending.3": absent,
	})
	sum := map[string]int64{}
	all := d.get("/v1/balance_transactions", "")
	for i, id := range all.ids() {
		r := d.get("/v1/balance_transactions/"+id, "").shows("balance_transaction")
		if diff := cmp.Diff(all.tree()["data"].([]any)[i], any(r.tree())); diff != "" {
			t.Errorf("%s alone: %s", id, diff)
		}
		var amount, fee, net, detail int64
		for path, n := range map[string]*int64{"amount": &amount, "fee": &fee, "net": &net} {
			if _, err := fmt.Sscan(r.at(path), n); err != nil {
				t.Fatal(err)
			}
		}
		if r.at("fee_details.0") != absent {
			if _, err := fmt.Sscan(r.at("fee_details.0.amount"), &detail); err != nil {
				t.Fatal(err)
			}
		}
		if amount-fee != net || detail != fee {
			t.Errorf("%s: %d less %d (details %d) is not %d", id, amount, fee, detail, net)
		}
		sum[r.at("currency")] += net
	}
	if diff := cmp.Diff(map[string]int64{"usd": 1412, "eur": 946, "jpy": 2873}, sum); diff != "" {
		t.Error(diff)
	}
	d.get("/v1/balance_transactions", "source="+charge).want(map[string]string{
		"data.0.type": "charge", "data.0.amount": "2000", "data.0.fee": "88", "data.0.net": "1912", "data.0.source": charge, "data.0.status": "pending",
		"data.0.reporting_category": "charge", "data.0.balance_type": "payments", "data.0.exchange_rate": "null", "data.0.fee_details.0.type": "stripe_fee",
		"data.0.fee_details.0.application": "null", "data.0.fee_details.0.currency": "usd", "data.1": absent,
	})
	d.get("/v1/balance_transactions", "type=refund&expand[]=data.source").want(map[string]string{
		"data.0.amount": "-500", "data.0.fee": "0", "data.0.fee_details": "[]", "data.0.status": "available", "data.0.source.id": refund,
		"data.0.source.object": "refund", "data.0.source.charge": charge, "data.1": absent,
	})
	charged := d.get("/v1/balance_transactions/"+d.get("/v1/charges/"+charge, "").at("balance_transaction"), "expand[]=source.balance_transaction")
	charged.want(map[string]string{"source.id": charge, "source.object": "charge", "source.balance_transaction.id": charged.at("id"), "source.balance_transaction.source": charge})
	d.checkBooks()
}

func TestTransactionFilters(t *testing.T) {
	d := newDesk(t)
	_, dollars := d.pay(2000, "usd", "")
	d.pay(3000, "jpy", "")
	d.post("/v1/refunds", "charge="+dollars)
	now := d.server.DB.Clock().Now().Unix()
	for query, n := range map[string]int{
		"": 3, "type=charge": 2, "type=refund": 1, "type=payout": 0, "currency=usd": 2, "currency=JPY": 1, "currency=eur": 0, "source=" + dollars: 1,
		"type=charge&currency=usd&source=" + dollars: 1, "type=refund&source=" + dollars: 0,
		fmt.Sprintf("created[gte]=%d", now-60):                        3,
		fmt.Sprintf("created[gt]=%d", now+60):                         0,
		fmt.Sprintf("created[gte]=%d&created[lt]=%d", now-60, now-59): 0,
		fmt.Sprintf("created[lte]=%d&type=charge", now+1):             2,
	} {
		if got := d.get("/v1/balance_transactions", query).ids(); len(got) != n {
			t.Errorf("%q finds %d, want %d", query, len(got), n)
		}
	}
	first := d.get("/v1/balance_transactions", "limit=2")
	rest := d.get("/v1/balance_transactions", "limit=2&starting_after="+first.ids()[1])
	back := d.get("/v1/balance_transactions", "limit=2&ending_before="+rest.ids()[0])
	if diff := cmp.Diff(first.ids(), back.ids()); diff != "" || first.at("has_more") != "true" || rest.at("has_more") != "false" || back.at("has_more") != "false" {
		t.Errorf("pages: %s", diff)
	}
}

func TestTransactionRefusals(t *testing.T) {
	d := newDesk(t)
	for path, c := range map[string]struct {
		status      int
		code, param string
	}{
		"/v1/balance_transactions/txn_none":                {404, "resource_missing", "id"},
		"/v1/balance_transactions?source=nothing":          {400, "resource_missing", "source"},
		"/v1/balance_transactions?payout=po_1":             {400, "resource_missing", "payout"},
		"/v1/balance_transactions?starting_after=txn_none": {400, "resource_missing", "starting_after"},
		"/v1/balance_transactions?limit=0":                 {400, "parameter_invalid_integer", "limit"},
		"/v1/balance_transactions?created[gte]=soon":       {400, "parameter_invalid_integer", "created[gte]"},
		"/v1/balance?currency=usd":                         {400, "parameter_unknown", "currency"},
		"/v1/balance_transactions?expand[]=data.customer":  {400, "", ""},
	} {
		d.as(d.sk, "GET", path, "").refused(c.status, "invalid_request_error", c.code, c.param, "")
	}
}

// A charge's money is pending until its day begins. What an answer says of it
// goes by the time of the answer.
func TestPendingUntilItsDay(t *testing.T) {
	d := newDesk(t)
	d.pay(2000, "usd", "")
	key, _ := ledger.Transactions.Prefix.Parse(d.get("/v1/balance_transactions", "").ids()[0])
	o, ok, err := ledger.Transactions.Read(t.Context(), d.server.DB, d.scope, key)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	on := o.Body.AvailableOn
	if wait := on.Sub(d.server.DB.Clock().Now()); wait < 24*time.Hour || wait > 48*time.Hour {
		t.Errorf("available in %s", wait)
	}
	for at, want := range map[time.Time]string{on.Add(-time.Second): "pending", on: "available", on.Add(time.Hour): "available"} {
		shown, err := renderTransaction(&view{s: d.server, ctx: t.Context(), scope: d.scope, now: at}, o)
		if err != nil || shown.(*shownTransaction).Status != want {
			t.Errorf("%s: %v %v, want %s", at, shown, err, want)
		}
	}
}

// Money that may still not come is in no balance: not that of a debit under way, of
// an authorisation, of a payment whose outcome nobody knows, nor of a transfer that is
// awaited; nor can it be paid out. Once it has come it is pending, and not available.
func TestNothingIsCreditedBeforeItIsThere(t *testing.T) {
	d := newDesk(t)
	balance := func(want string) {
		t.Helper()
		if got := d.get("/v1/balance", "").at("pending"); got != want {
			t.Errorf("pending is %s, want %s", got, want)
		}
		for i := range 2 {
			if got := d.get("/v1/balance", "").at(fmt.Sprintf("available.%d.amount", i)); got != "0" && got != absent {
				t.Errorf("available is %s", got)
			}
		}
	}
	customer := d.post("/v1/customers", "").at("id")
	debit := d.post("/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_success_de"+byBrowser).want(map[string]string{"status": "processing"}).at("id")
	d.pay(5000, "usd", "&capture_method=manual")
	d.post("/v1/payment_intents", byTransfer+fromGermany+"&confirm=true&customer="+customer).want(map[string]string{"status": "requires_action"})
	d.say("authorize", provider.Outcome{})
	d.post("/v1/payment_intents", "amount=700&currency=usd&confirm=true&payment_method=pm_card_visa&return_url=https://shop.example").want(map[string]string{"status": "processing"})
	balance(`[{"amount":0,"currency":"usd","source_types":{"card":0}}]`)
	if list := d.get("/v1/balance_transactions", "").ids(); len(list) > 0 {
		t.Errorf("there are transactions: %v", list)
	}
	d.told(debit, "succeeded")
	if d.get("/v1/balance", "").at("pending.1.currency") != "eur" || d.get("/v1/balance", "").at("available.1.amount") != "0" {
		t.Errorf("the debit that has come is %s", d.get("/v1/balance", "").at("pending"))
	}
	d.holds()
}

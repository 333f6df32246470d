package rest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
)

const (
	byBrowser = "&mandate_data[customer_acceptance][type]=online&mandate_data[customer_acceptance][online][ip_address]=203.0.113.7&mandate_data[customer_acceptance][online][user_agent]=test"
	onPaper   = "&mandate_data[customer_acceptance][type]=offline&mandate_data[customer_acceptance][accepted_at]=1590590577"
	sepa      = "amount=1000&currency=eur&payment_method_types[]=sepa_debit"
)

// told hears what the provider tells until an intent has a status.
func (d *desk) told(intent, status string) *deskReply {
	d.t.Helper()
	for range 500 {
		d.listen()
		if r := d.get("/v1/payment_intents/"+intent, "expand[]=latest_charge"); r.at("status") == status {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Fatalf("%s never became %s", intent, status)
	return nil
}

// inOrder checks that the books hold, and that an intent's events were of these
// types, oldest first.
func (d *desk) inOrder(intent string, types ...string) {
	d.t.Helper()
	var have []string
	list := d.get("/v1/events", "limit=20")
	for i := range list.ids() {
		at := fmt.Sprintf("data.%d.", i)
		if list.at(at+"data.object.id") == intent || list.at(at+"data.object.payment_intent") == intent {
			validate(d.t, list.at(at+"data.object.object"), list.part(at+"data.object"))
			have = append([]string{list.at(at + "type")}, have...)
		}
	}
	if got, want := strings.Join(have, " "), strings.Join(types, " "); got != want {
		d.t.Errorf("events\n%s, want\n%s", got, want)
	}
	d.holds()
}

// holds checks the books.
func (d *desk) holds() {
	d.t.Helper()
	if err := d.server.Payment.Check(d.t.Context(), func(f ledger.Finding) { d.t.Errorf("the books: %+v", f) }); err != nil {
		d.t.Error(err)
	}
}

func TestDebitSucceeds(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	made := d.post("/v1/payment_methods", "type=sepa_debit&sepa_debit[iban]=DE89370400440532013000"+payer).at("id")
	paying := d.replayed("POST", "/v1/payment_intents", sepa+"&confirm=true&payment_method="+made+"&customer="+customer+"&setup_future_usage=off_session"+byBrowser+"&expand[]=latest_charge", nil).
		ok().shows("payment_intent")
	intent, charge := paying.at("id"), paying.at("latest_charge.id")
	paying.want(map[string]string{"status": "processing", "payment_method": made, "amount_received": "0", "next_action": "null", "latest_charge.status": "pending",
		"latest_charge.paid": "false", "latest_charge.balance_transaction": "null", "latest_charge.payment_method_details.type": "sepa_debit",
		"latest_charge.payment_method_details.sepa_debit.last4": "3000", "latest_charge.payment_method_details.sepa_debit.bank_code": "37040044"})
	mandate := paying.at("latest_charge.payment_method_details.sepa_debit.mandate")
	d.get("/v1/mandates/"+mandate, "").shows("mandate").want(map[string]string{"status": "active", "type": "multi_use", "payment_method": made, "payment_method_details.type": "sepa_debit"})
	d.get("/v1/payment_methods/"+made, "").want(map[string]string{"customer": customer})
	d.as(d.sk, "POST", "/v1/refunds", "charge="+charge).refused(400, "invalid_request_error", "", "charge", "")
	d.as(d.sk, "POST", "/v1/payment_intents/"+intent+"/cancel", "").refused(400, "invalid_request_error", "payment_intent_unexpected_state", "", "processing")
	d.as(d.sk, "POST", "/v1/payment_intents/"+intent+"/confirm", "").refused(400, "invalid_request_error", "payment_intent_unexpected_state", "", "processing")

	done := d.told(intent, "succeeded").shows("payment_intent")
	done.want(map[string]string{"amount_received": "1000", "latest_charge.id": charge, "latest_charge.status": "succeeded", "latest_charge.paid": "true", "latest_charge.captured": "true"})
	d.get("/v1/charges/"+charge, "").shows("charge", "refunds")
	d.get("/v1/balance_transactions/"+done.at("latest_charge.balance_transaction"), "").want(map[string]string{"amount": "1000", "type": "charge", "source": charge})
	d.inOrder(intent, "payment_intent.created", "payment_intent.processing", "charge.pending", "charge.succeeded", "payment_intent.succeeded")

	// The holder is away, and the mandate is there.
	again := d.post("/v1/payment_intents", sepa+"&confirm=true&off_session=true&customer="+customer+"&payment_method="+made).shows("payment_intent")
	again.want(map[string]string{"status": "processing"})
	d.get("/v1/charges/"+again.at("latest_charge"), "").want(map[string]string{"payment_method_details.sepa_debit.mandate": mandate})
	d.told(again.at("id"), "succeeded")

	refund := d.post("/v1/refunds", "charge="+charge+"&amount=400").shows("refund")
	refund.want(map[string]string{"status": "succeeded", "destination_details.type": "eu_bank_transfer", "destination_details.eu_bank_transfer.reference_status": "unavailable"})
	d.get("/v1/charges/"+charge, "").want(map[string]string{"amount_refunded": "400"})
	d.holds()
}

func TestDebitFails(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct{ method, code string }{
		"not funded":  {"pm_sepaDebit_insufficientFunds_fr", "insufficient_funds"},
		"bank":        {"pm_sepaDebit_failed_at", "payment_method_provider_decline"},
		"too much":    {"pm_sepaDebit_exceedsWeeklyVolumeLimit_be", "charge_exceeds_source_limit"},
		"too often":   {"pm_sepaDebit_exceedsWeeklyTransactionLimit_ie", "charge_exceeds_weekly_limit"},
		"no account":  {"pm_usBankAccount_noAccount", "no_account"},
		"closed":      {"pm_usBankAccount_accountClosed", "account_closed"},
		"not allowed": {"pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"},
	} {
		form := sepa
		if strings.HasPrefix(c.method, "pm_us") {
			form = "amount=1000&currency=usd&payment_method_types[]=us_bank_account"
		}
		intent := d.post("/v1/payment_intents", form+"&confirm=true&payment_method="+c.method+byBrowser).want(map[string]string{"status": "processing"}).at("id")
		failed := d.told(intent, "requires_payment_method").shows("payment_intent")
		failed.want(map[string]string{"last_payment_error.code": c.code, "payment_method": "null", "latest_charge.status": "failed", "latest_charge.failure_code": c.code,
			"last_payment_error.charge": failed.at("latest_charge.id"), "amount_received": "0"})
		if t.Failed() {
			t.Fatal(name)
		}
		d.inOrder(intent, "payment_intent.created", "payment_intent.processing", "charge.pending", "charge.failed", "payment_intent.payment_failed")
	}
}

// A debit that is disputed at once is paid and lost, since nobody answers banks.
func TestDebitIsDisputed(t *testing.T) {
	d := newDesk(t)
	intent := d.post("/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_disputed_de"+onPaper).at("id")
	d.told(intent, "succeeded").want(map[string]string{"latest_charge.disputed": "true"})
	dispute := d.get("/v1/disputes", "payment_intent="+intent).ids()
	d.get("/v1/disputes/"+dispute[0], "").shows("dispute", "payment_method_details").want(map[string]string{"status": "lost", "reason": "debit_not_authorized", "payment_method_details": absent})
	d.inOrder(intent, "payment_intent.created", "payment_intent.processing", "charge.pending", "charge.succeeded", "payment_intent.succeeded",
		"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed")
}

// Every type of debit is taken, in its currency and with its mandate.
func TestDebitsOfEveryType(t *testing.T) {
	d := newDesk(t)
	for typ, c := range map[string]struct{ currency, url string }{
		"sepa_debit": {"eur", ""}, "us_bank_account": {"usd", ""}, "bacs_debit": {"gbp", ""}, "acss_debit": {"cad", ""}, "au_becs_debit": {"aud", ""},
	} {
		form := "amount=1000&currency=" + c.currency + "&payment_method_types[]=" + typ + "&confirm=true" + onPaper
		for _, part := range strings.Split(typedMethods[typ], "&") {
			name, value, _ := strings.Cut(part, "=")
			first, rest, nested := strings.Cut(name, "[")
			if first = "payment_method_data[" + first + "]"; nested {
				first += "[" + rest
			}
			form += "&" + first + "=" + value
		}
		paying := d.post("/v1/payment_intents", form+"&expand[]=latest_charge").shows("payment_intent")
		paying.want(map[string]string{"status": "processing", "latest_charge.payment_method_details.type": typ})
		mandate := d.get("/v1/mandates/"+paying.at("latest_charge.payment_method_details."+typ+".mandate"), "").shows("mandate")
		mandate.want(map[string]string{"type": "single_use", "single_use.amount": "1000", "single_use.currency": c.currency, "multi_use": absent,
			"customer_acceptance.type": "offline", "customer_acceptance.accepted_at": "1590590577"})
		d.told(paying.at("id"), "succeeded")
		charge := d.get("/v1/charges/"+paying.at("latest_charge.id"), "").shows("charge", "refunds")
		d.post("/v1/refunds", "charge="+charge.at("id")).shows("refund")
	}
	d.holds()
}

func TestDebitRefusals(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct{ form, code, param, in string }{
		"no mandate":    {sepa + "&confirm=true&payment_method=pm_sepaDebit_success_de", "payment_intent_mandate_invalid", "mandate_data", "mandate"},
		"currency":      {"amount=1000&currency=usd&payment_method_types[]=sepa_debit", "payment_intent_invalid_parameter", "payment_method_types", "usd"},
		"manual":        {sepa + "&confirm=true&capture_method=manual&payment_method=pm_sepaDebit_success_de" + byBrowser, "payment_intent_invalid_parameter", "capture_method", "captured later"},
		"not listed":    {"amount=1000&currency=eur&payment_method_types[]=card&confirm=true&payment_method=pm_sepaDebit_success_de" + byBrowser, "payment_intent_invalid_parameter", "payment_method", "sepa_debit"},
		"nobody has it": {"amount=1000&currency=eur&payment_method_types[]=ideal", "payment_intent_invalid_parameter", "payment_method_types", "ideal"},
		"nobody else":   {"amount=1000&currency=eur&payment_method_types[]=card&payment_method_types[]=ideal", "payment_intent_invalid_parameter", "payment_method_types", "ideal"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.as(d.sk, "POST", "/v1/payment_intents", c.form)
			r.t = t
			r.refused(400, "invalid_request_error", c.code, c.param, c.in)
		})
	}
	// The intent that has no mandate is there, and can be confirmed with one.
	r := d.as(d.sk, "POST", "/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_success_de")
	intent := r.at("error.payment_intent.id")
	d.get("/v1/payment_intents/"+intent, "").want(map[string]string{"status": "requires_confirmation"})
	d.post("/v1/payment_intents/"+intent+"/confirm", strings.TrimPrefix(byBrowser, "&")).want(map[string]string{"status": "processing"})
	// What is found too risky is declined at once.
	d.as(d.sk, "POST", "/v1/payment_intents", "amount=1000&currency=usd&payment_method_types[]=us_bank_account&confirm=true&payment_method=pm_usBankAccount_riskLevelHighest"+byBrowser).
		want(map[string]string{"error.payment_intent.status": "requires_payment_method", "error.payment_intent.last_payment_error.code": "payment_intent_payment_attempt_failed"})
	d.holds()
}

// A method is set up without a payment, by a mandate, and pays while its holder is
// away.
func TestDebitIsSetUp(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "").at("id")
	form := "customer=" + customer + "&payment_method_types[]=sepa_debit&confirm=true&payment_method=pm_sepaDebit_success_de"
	d.as(d.sk, "POST", "/v1/setup_intents", form).refused(400, "invalid_request_error", "setup_intent_mandate_invalid", "mandate_data", "mandate")
	set := d.post("/v1/setup_intents", form+byBrowser+"&expand[]=latest_attempt&expand[]=mandate").shows("setup_intent")
	set.want(map[string]string{"status": "succeeded", "payment_method_types": `["sepa_debit"]`, "mandate.status": "active", "mandate.type": "multi_use",
		"latest_attempt.payment_method_details.type": "sepa_debit"})
	validate(t, "setup_attempt", set.part("latest_attempt"))
	paying := d.post("/v1/payment_intents", sepa+"&confirm=true&off_session=true&customer="+customer+"&payment_method="+set.at("payment_method"))
	paying.want(map[string]string{"status": "processing"})
	d.told(paying.at("id"), "succeeded").want(map[string]string{"latest_charge.payment_method_details.sepa_debit.mandate": set.at("mandate.id")})
}

// A payment of a customer on a test clock ends when that has come so far, however
// much time has passed otherwise.
func TestDebitFollowsTheTestClock(t *testing.T) {
	d := newDesk(t)
	jobs := job.New(d.server.DB, job.Options{})
	jobs.Register(job.Kind{Name: timeline.AdvanceJob, Handle: d.server.Clocks.Move}, job.Kind{Name: payment.SettleJob, Handle: d.server.Payment.SettleDue})
	jobs.Start()
	t.Cleanup(func() { _ = jobs.Stop(t.Context()) })
	clock := d.post("/v1/test_helpers/test_clocks", "frozen_time=1800000000").at("id")
	customer := d.post("/v1/customers", "test_clock="+clock).at("id")
	paid := d.post("/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_successDelayed_de&customer="+customer+byBrowser).at("id")
	failed := d.post("/v1/payment_intents", sepa+"&confirm=true&payment_method=pm_sepaDebit_failedDelayed_de&customer="+customer+byBrowser).at("id")
	never := d.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method_types[]=us_bank_account&confirm=true&payment_method=pm_usBankAccount_processing&customer="+customer+byBrowser).at("id")
	for range 3 {
		d.listen()
		if _, err := d.server.Payment.Sweep(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	d.get("/v1/payment_intents/"+paid, "").want(map[string]string{"status": "processing"})
	path := "/v1/test_helpers/test_clocks/" + clock
	d.post(path+"/advance", fmt.Sprintf("frozen_time=%d", 1800000000+3600))
	d.until(path, "status", "ready")
	d.get("/v1/payment_intents/"+paid, "").want(map[string]string{"status": "succeeded"})
	d.get("/v1/payment_intents/"+failed, "").want(map[string]string{"status": "requires_payment_method", "last_payment_error.code": "payment_method_provider_decline"})
	d.get("/v1/payment_intents/"+never, "").want(map[string]string{"status": "processing"})
	d.holds()
}

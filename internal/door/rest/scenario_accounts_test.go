package rest

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/test/leak"
)

// bank gives the harness a bank on a loopback socket, and the id of its account
// at it.
func (h *harness) bank() string {
	h.t.Helper()
	if *h.atBank == "" {
		h.openBank()
		*h.atBank = h.account("000123456789")
	}
	return *h.atBank
}

// openBank starts the bank.
func (h *harness) openBank() {
	h.t.Helper()
	t := h.root
	dir := t.TempDir()
	book, err := bank.OpenBook(context.Background(), "sqlite:"+filepath.Join(dir, "bank.db"), db.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bank.NewSimulator(book, nil).Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = book.Close()
		leak.CheckDir(t, dir)
	})
	p := bank.New(ln.Addr().String(), bank.ConnectorOptions{})
	h.server.Payout.Banks[p.Name], h.server.Payout.Default, h.server.Payout.Live = p, p.Name, p.Name
}

// self is the id of the harness's own account.
func (h *harness) self() string {
	h.t.Helper()
	return h.get("/v1/account").ok().str("id")
}

func (h *harness) account(number string) string {
	h.t.Helper()
	return h.post("/v1/accounts/"+h.self()+"/external_accounts", "external_account[object]=bank_account&external_account[country]=US&external_account[currency]=usd"+
		"&external_account[account_holder_name]=Jenny+Rosen&external_account[routing_number]=110000000&external_account[account_number]="+number).ok().str("id")
}

// rich makes money available.
func (h *harness) rich() {
	h.t.Helper()
	h.post("/v1/payment_intents", "amount=90000&currency=usd&confirm=true&payment_method=pm_card_bypassPending").ok()
}

// payout makes a payout and gives its id.
func (h *harness) payout(form string) string {
	h.t.Helper()
	h.bank()
	h.rich()
	return h.post("/v1/payouts", "currency=usd&"+form).ok().str("id")
}

var _ = shows("PostPayouts", scenario{
	prepare: func(h *harness) sent {
		h.bank()
		h.rich()
		return sent{form: "amount=500&currency=usd&statement_descriptor=TAKINGS"}
	},
	want:  map[string]any{"object": "payout", "status": "pending", "amount": 500, "automatic": false, "type": "bank_account", "trace_id.status": "pending", "statement_descriptor": "TAKINGS"},
	shows: map[string]any{"data.0.amount": 500},
	fails: []refusedRequest{
		{"more than there is", sending("amount=90000000&currency=usd"), 400, "balance_insufficient"},
		{"no such currency", sending("amount=500&currency=xxx"), 400, ""},
		{"no account in it", sending("amount=500&currency=eur"), 400, ""},
		{"nowhere", sending("amount=500&currency=usd&destination=ba_nothing"), 400, "resource_missing"},
		{"another balance", sending("amount=500&currency=usd&source_type=fpx"), 400, "balance_insufficient"},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"amount": "600", "currency": "eur", "destination": "ba_none", "method": "instant", "source_type": "fpx"}
	},
})

var _ = shows("GetPayouts", scenario{
	prepare: func(h *harness) sent { h.payout("amount=100"); h.payout("amount=200"); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "payout"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"destination": h.account("000123456780"), "status": "paid", "arrival_date": "5", "arrival_date[gt]": "4000000000", "arrival_date[gte]": "4000000000", "ending_before": h.payout("amount=100"), "starting_after": h.payout("amount=100")}
	},
})

var _ = shows("GetPayoutsPayout", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.payout("amount=100&method=instant")}} },
	want:    map[string]any{"object": "payout", "status": "paid", "method": "instant", "trace_id.status": "supported"},
})

var _ = shows("PostPayoutsPayout", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.payout("amount=100")}, form: "metadata[order]=7"}
	},
	shows: map[string]any{"metadata.order": "7"},
})

var _ = shows("PostPayoutsPayoutCancel", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.payout("amount=100")}} },
	want:    map[string]any{"status": "canceled"},
	shows:   map[string]any{"status": "canceled", "trace_id.status": "unsupported"},
	fails: []refusedRequest{{"paid", func(h *harness, _ sent) sent {
		return sent{in: []string{h.payout("amount=100&method=instant")}}
	}, 400, ""}},
})

var _ = shows("PostPayoutsPayoutReverse", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.payout("amount=100&method=instant")}, form: "metadata[why]=mistake"}
	},
	want: map[string]any{"amount": -100, "status": "pending", "metadata.why": "mistake"},
	fails: []refusedRequest{{"pending", func(h *harness, _ sent) sent {
		return sent{in: []string{h.payout("amount=100")}}
	}, 400, ""}},
})

const testAccount = "[object]=bank_account&X[country]=US&X[currency]=usd&X[routing_number]=110000000&X[account_number]=000123456789&X[account_holder_type]=company"

func bankForm(name string) string { return name + strings.ReplaceAll(testAccount, "X", name) }

func bankValues(h *harness, _ sent) map[string]string {
	all := map[string]string{"default_for_currency": "true"}
	for _, name := range []string{"external_account", "bank_account"} {
		for part, value := range map[string]string{"account_number": "000999999991", "routing_number": "021000021", "country": "US", "currency": "usd", "account_holder_name": "Jo",
			"account_holder_type": "individual", "account_type": "savings", "object": "bank_account"} {
			all[name+"["+part+"]"] = value
		}
	}
	return all
}

func bankScenarios(noun, list string) bool {
	prefix := map[string]string{"external_accounts": "ExternalAccounts", "bank_accounts": "BankAccounts"}[noun]
	made := func(form string) func(h *harness) sent {
		return func(h *harness) sent {
			h.bank()
			return sent{in: []string{h.self(), h.account("000123456700")}, form: form}
		}
	}
	return shows("PostAccountsAccount"+prefix, scenario{
		prepare: func(h *harness) sent { return sent{in: []string{h.self()}, form: bankForm("external_account")} },
		want:    map[string]any{"object": "bank_account", "last4": "6789", "status": "new", "account_holder_type": "company", "routing_number": "110000000"},
		look:    "/v1/accounts/*/external_accounts",
		shows:   map[string]any{"data.0.last4": "6789"},
		fails: []refusedRequest{
			{"nothing", sending(""), 400, "parameter_missing"},
			{"a bad bank", sending(strings.Replace(bankForm("external_account"), "110000000", "110000001", 1)), 400, "routing_number_invalid"},
			{"a bad number", sending(strings.Replace(bankForm("external_account"), "000123456789", "1", 1)), 400, "account_number_invalid"},
			{"no such country", sending(strings.Replace(bankForm("external_account"), "=US", "=ZZ", 1)), 400, "country_unsupported"},
			{"no such token", sending("external_account=btok_nothing"), 400, "resource_missing"},
		},
		values:  bankValues,
		instead: map[string]string{"bank_account": "external_account"},
		needs:   map[string]string{"bank_account": "bank_account[country]=US&bank_account[routing_number]=110000000&bank_account[account_number]=000123456700"},
	}) && shows("GetAccountsAccount"+prefix+"Id", scenario{
		prepare: made(""), want: map[string]any{"object": "bank_account", "account_holder_name": "Jenny Rosen", "bank_name": "FLORIN TEST BANK"},
	}) && shows("PostAccountsAccount"+prefix+"Id", scenario{
		prepare: made("account_holder_name=Jo&metadata[a]=b&account_type=savings"),
		shows:   map[string]any{"account_holder_name": "Jo", "metadata.a": "b", "account_type": "savings"},
		values:  func(*harness, sent) map[string]string { return map[string]string{"default_for_currency": "true"} },
	}) && shows("DeleteAccountsAccount"+prefix+"Id", scenario{
		prepare: made(""), want: map[string]any{"deleted": true}, look: "/v1/accounts/*/" + list,
		fails: []refusedRequest{{"the default", func(h *harness, s sent) sent {
			h.post("/v1/accounts/"+s.in[0]+"/external_accounts/"+s.in[1], "default_for_currency=true").ok()
			return s
		}, 400, ""}},
	})
}

var (
	_ = bankScenarios("external_accounts", "external_accounts")
	_ = bankScenarios("bank_accounts", "external_accounts")
)

var _ = shows("GetAccountsAccountExternalAccounts", scenario{
	prepare: func(h *harness) sent {
		h.account("000123456789")
		h.account("000123456789")
		return sent{in: []string{h.self()}, form: "limit=2"}
	},
	want: map[string]any{"object": "list", "data.0.object": "bank_account"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"object": "card", "ending_before": h.account("000123456789"), "starting_after": h.account("000123456789")}
	},
})

var _ = shows("GetAccount", scenario{want: map[string]any{"object": "account", "type": "standard", "payouts_enabled": true}})

var _ = shows("GetAccountsAccount", scenario{
	prepare: func(h *harness) sent { h.account("000123456789"); return sent{in: []string{h.self()}} },
	want:    map[string]any{"object": "account", "external_accounts.data.0.object": "bank_account"},
})

var _ = shows("PostAccountsAccount", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.self()}, form: "email=shop@example.com&business_profile[url]=https://shop.example&settings[payouts][schedule][interval]=weekly" +
			"&settings[payouts][schedule][weekly_payout_days][]=friday&metadata[a]=b&business_profile[support_address][city]=Paris"}
	},
	shows: map[string]any{"email": "shop@example.com", "business_profile.url": "https://shop.example", "settings.payouts.schedule.interval": "weekly",
		"settings.payouts.schedule.weekly_payout_days.0": "friday", "metadata.a": "b", "business_profile.support_address.city": "Paris"},
	fails: []refusedRequest{
		{"no address", sending("email=x"), 400, "email_invalid"},
		{"days of no week", sending("settings[payouts][schedule][interval]=monthly"), 400, "parameter_missing"},
		{"another's business", sending("company[name]=x"), 400, ""},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"email": "other@example.com", "default_currency": "eur", "business_profile[support_email]": "help@example.com",
			"settings[payments][statement_descriptor]": "CORNER SHOP", "settings[payouts][schedule][interval]": "manual", "settings[payouts][schedule][delay_days]": "5",
			"settings[payouts][schedule][monthly_anchor]": "3", "settings[payouts][statement_descriptor]": "TAKINGS"}
	},
})

var _ = shows("GetBalanceSettings", scenario{want: map[string]any{"object": "balance_settings", "payments.payouts.status": "enabled"}})

var _ = shows("PostBalanceSettings", scenario{
	prepare: func(*harness) sent {
		return sent{form: "payments[payouts][schedule][interval]=monthly&payments[payouts][schedule][monthly_payout_days][]=31&payments[settlement_timing][delay_days_override]=4" +
			"&payments[payouts][minimum_balance_by_currency][usd]=1500&payments[debit_negative_balances]=true&payments[payouts][statement_descriptor]=TAKINGS"}
	},
	shows: map[string]any{"payments.payouts.schedule.interval": "monthly", "payments.payouts.schedule.monthly_payout_days.0": 31, "payments.settlement_timing.delay_days": 4,
		"payments.settlement_timing.delay_days_override": 4, "payments.payouts.minimum_balance_by_currency.usd": 1500, "payments.debit_negative_balances": true},
	fails: []refusedRequest{
		{"too long", sending("payments[settlement_timing][delay_days_override]=1000"), 400, ""},
		{"less than nothing", sending("payments[payouts][minimum_balance_by_currency][usd]=-1"), 400, "parameter_invalid_integer"},
		{"no such currency", sending("payments[payouts][minimum_balance_by_currency][xxx]=1"), 400, "parameter_invalid_integer"},
		{"a day of no month", sending("payments[payouts][schedule][monthly_payout_days][]=32"), 400, "parameter_invalid_integer"},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"payments[payouts][statement_descriptor]": "OTHER", "payments[settlement_timing][delay_days_override]": "7", "payments[payouts][schedule][interval]": "manual"}
	},
})

var _ = shows("GetCountrySpecs", scenario{
	prepare: func(*harness) sent { return sent{form: "limit=2&starting_after=GB"} },
	want:    map[string]any{"object": "list", "data.0.object": "country_spec", "data.0.id": "GI", "has_more": true},
	fails:   []refusedRequest{{"too many", sending("limit=101"), 400, "parameter_invalid_integer"}},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"starting_after": "SE", "ending_before": "CA"}
	},
})

var _ = shows("GetCountrySpecsCountry", scenario{
	prepare: func(*harness) sent { return sent{in: []string{"US"}} },
	want:    map[string]any{"id": "US", "default_currency": "usd", "supported_bank_account_currencies.usd.0": "US"},
})

// A token of a bank account is used once, and the number is shown nowhere.
func TestBankTokens(t *testing.T) {
	h := newHarness(t)
	const number = "000111222333"
	token := h.post("/v1/tokens", "bank_account[country]=US&bank_account[routing_number]=110000000&bank_account[account_holder_name]=Jenny&bank_account[account_number]="+number).ok()
	validate(t, "token", token.text)
	token.has(map[string]any{"type": "bank_account", "used": false, "bank_account.last4": "2333", "bank_account.account_holder_name": "Jenny"})
	account := h.post("/v1/accounts/"+h.self()+"/external_accounts", "external_account="+token.str("id")).ok()
	validate(t, "bank_account", account.text)
	complete(t, "bank_account", account.text)
	account.has(map[string]any{"account_holder_name": "Jenny", "default_for_currency": true})
	h.post("/v1/accounts/"+h.self()+"/external_accounts", "external_account="+token.str("id")).is(400).has(map[string]any{"error.code": "token_already_used"})
	for _, text := range [][]byte{token.text, account.text, h.get("/v1/events").ok().text} {
		if strings.Contains(string(text), number) {
			t.Errorf("the number is shown: %s", text)
		}
	}
}

// What comes of payouts is told by events, books and the balance.
func TestPayoutsAreTold(t *testing.T) {
	h := newHarness(t)
	h.bank()
	h.rich()
	before := h.get("/v1/balance").ok()
	validate(t, "balance", before.text)
	bad := h.account("000111111116")
	failed := h.post("/v1/payouts", "amount=1000&currency=usd&method=instant&destination="+bad).ok()
	validate(t, "payout", failed.text)
	complete(t, "payout", failed.text)
	h.get("/v1/payouts/" + failed.str("id") + "?expand[]=destination&expand[]=balance_transaction&expand[]=failure_balance_transaction").ok().has(map[string]any{
		"status": "failed", "failure_code": "no_account", "destination.id": bad, "destination.status": "errored", "balance_transaction.type": "payout",
		"balance_transaction.net": -1000, "failure_balance_transaction.type": "payout_failure", "failure_balance_transaction.net": 1000})
	paid := h.post("/v1/payouts", "amount=1000&currency=usd&method=instant").ok().str("id")
	listed := h.get("/v1/balance_transactions?source=" + paid + "&expand[]=data.source").ok()
	listed.has(map[string]any{"data.0.type": "payout", "data.0.amount": -1000, "data.0.source.object": "payout", "data.0.reporting_category": "payout"})
	if was, is := before.at("available.0.amount").(float64), h.get("/v1/balance").ok().at("available.0.amount").(float64); was-is != 1000 {
		t.Errorf("available was %v and is %v", was, is)
	}
	h.get("/v1/balance_transactions?payout=" + paid).is(400)
	var types []string
	list := h.get("/v1/events?limit=100&type=payout.*").ok()
	for _, e := range list.at("data").([]any) {
		types = append([]string{follow(e, "type").(string)}, types...)
	}
	if got := strings.Join(types, " "); got != "payout.created payout.failed payout.created payout.paid" {
		t.Errorf("events: %s", got)
	}
	h.get("/v1/events?type=account.external_account.updated").ok().has(map[string]any{"data.0.data.previous_attributes.status": "new"})
	h.checkBooks()
}

// An automatic payout lists what it pays out.
func TestAutomaticPayoutsListWhatTheyPay(t *testing.T) {
	h := newHarness(t)
	h.bank()
	h.rich()
	if _, err := h.server.Payout.Automatic(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	list := h.get("/v1/payouts").ok()
	if len(list.at("data").([]any)) == 0 {
		t.Skip("banks rest today")
	}
	list.has(map[string]any{"data.0.automatic": true, "data.0.reconciliation_status": "completed"})
	h.post("/v1/payouts/"+list.str("data.0.id")+"/cancel", "").is(400)
	of := h.get("/v1/balance_transactions?payout=" + list.str("data.0.id")).ok()
	var types []string
	for _, x := range of.at("data").([]any) {
		types = append(types, follow(x, "type").(string))
	}
	if strings.Join(types, " ") != "payout charge" {
		t.Errorf("%v", types)
	}
	h.checkBooks()
}

// The merchant's own account tells what is changed of it.
func TestOwnAccountUpdated(t *testing.T) {
	h := newHarness(t)
	h.post("/v1/accounts/"+h.self(), "metadata[a]=b&email=shop@example.com").ok()
	told := h.event("account.updated").has(map[string]any{"data.object.id": h.self(), "data.object.object": "account", "data.object.metadata.a": "b",
		"data.object.email": "shop@example.com", "data.previous_attributes.email": nil})
	validate(t, "account", told.part("data.object"))
}

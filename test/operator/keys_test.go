//go:build unix

package operator

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/test/florin"
)

// operated is a server, and commands on its database while it runs.
type operated struct {
	*florintest.Server
	t testing.TB
}

func start(t testing.TB) operated {
	return operated{florintest.Start(t, florintest.Options{}), t}
}

func (o operated) florin(args ...string) *ran {
	o.t.Helper()
	return florin(o.t, o.Dir, []string{"FLORIN_DB=" + o.DB}, args...)
}

func (o operated) key(args ...string) (k key) {
	o.t.Helper()
	o.florin(append(args, "--json")...).into(&k)
	return k
}

func (o operated) keys(args ...string) []key {
	o.t.Helper()
	var list struct{ Keys []key }
	o.florin(append([]string{"key", "list", "--json"}, args...)...).into(&list)
	return list.Keys
}

func (o operated) account(args ...string) (a account) {
	o.t.Helper()
	o.florin(append([]string{"account", "create", "--json"}, args...)...).into(&a)
	return a
}

func TestAccountsBesideAServer(t *testing.T) {
	o := start(t)
	shop := o.account("--name=Corner Shop", "--country=de", "--currency=EUR", "--statement-descriptor=CORNER SHOP", "--no-raw-card-test",
		"--settlement-days=7", "--fee-basis-points=150", "--fee-fixed=eur=25;usd=30", "--live")
	if shop.Name != "Corner Shop" || shop.Country != "DE" || shop.Currency != "eur" || shop.Descriptor != "CORNER SHOP" || shop.Fees.BasisPoints != 150 {
		t.Errorf("%+v", shop)
	}
	if diff := cmp.Diff(map[string]int64{"eur": 25, "usd": 30}, shop.Fees.Fixed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"raw_card_test": false, "raw_card_live": false, "negative_balance": true, "settlement_days": 7.0}, shop.Settings); diff != "" {
		t.Error(diff)
	}
	cafe := o.account("--name=Café")
	sk, other := shop.plain(t, "secret", false), cafe.plain(t, "secret", false)
	customer := ask(t, o.Server, sk, "POST", "/v1/customers", "name=Ada")
	if customer.status != http.StatusOK {
		t.Fatal(customer.text)
	}
	for name, key := range map[string]string{"another account": other, "the first account": o.SecretKey} {
		if a := ask(t, o.Server, key, "GET", "/v1/customers/"+customer.body.ID, ""); a.status != http.StatusNotFound {
			t.Errorf("%s sees it: %s", name, a.text)
		}
		if a := ask(t, o.Server, key, "GET", "/v1/customers", ""); a.status != http.StatusOK || len(a.body.Data) > 0 {
			t.Errorf("%s lists it: %s", name, a.text)
		}
	}
	if a := ask(t, o.Server, sk, "POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=40"); a.status == http.StatusOK {
		t.Errorf("the setting has no effect: %s", a.text)
	}

	var list struct{ Accounts []account }
	o.florin("account", "list", "--json").into(&list)
	if len(list.Accounts) != 3 || list.Accounts[0].Name != "Florin" || list.Accounts[1].ID != shop.ID || list.Accounts[2].ID != cafe.ID {
		t.Errorf("%+v", list)
	}
	var shown account
	o.florin("account", "show", shop.ID, "--json").into(&shown)
	shop.Keys = nil
	if diff := cmp.Diff(shop, shown); diff != "" {
		t.Error(diff)
	}
	for command, words := range map[string][]string{
		"account list": {"ACCOUNT", shop.ID, "Corner Shop", "Café", "eur"}, "account show " + shop.ID: {"statement descriptor", "CORNER SHOP", "1.50 %", "eur 25, usd 30", "7 days"},
	} {
		for _, word := range words {
			if got := o.florin(strings.Fields(command)...).ok().out; !strings.Contains(got, word) {
				t.Errorf("%s does not show %s:\n%s", command, word, got)
			}
		}
	}

	// Live keys are answered once a master key is configured.
	liveKey := o.key("key", "create", "--account", shop.ID, "--live").Plain
	if a := ask(t, o.Server, liveKey, "GET", "/v1/customers", ""); a.status != http.StatusForbidden || !strings.Contains(a.text, "FLORIN_MASTER_KEY") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if err := o.Restart(t.Context(), "FLORIN_MASTER_KEY_FILE="+o.KeyFile()); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, o.Server, liveKey, "GET", "/v1/customers", ""); a.status != http.StatusOK || len(a.body.Data) > 0 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestKeysBesideAServer(t *testing.T) {
	o := start(t)
	const path = "/v1/charges"
	first := o.keys()
	if len(first) != 2 || first[0].Kind != "secret" || first[0].Last4 != o.SecretKey[len(o.SecretKey)-4:] || first[1].Kind != "publishable" {
		t.Fatalf("%+v", first)
	}
	made := o.key("key", "create", "--name=web shop")
	if !strings.HasPrefix(made.Plain, "sk_test_") || made.Account != first[0].Account || made.Name != "web shop" {
		t.Errorf("%+v", made)
	}
	if k := o.key("key", "create", "--publishable", "--live"); !strings.HasPrefix(k.Plain, "pk_live_") {
		t.Errorf("%+v", k)
	}
	may := o.key("key", "restrict", "--allow=payment_intents=write", "--allow", "charges=read,balance=none")
	if diff := cmp.Diff(map[string]string{"payment_intents": "write", "charges": "read"}, may.Permissions); diff != "" || !strings.HasPrefix(may.Plain, "rk_test_") {
		t.Errorf("%+v %s", may, diff)
	}
	for method, form := range map[string]string{"GET": "", "POST": "amount=700&currency=usd"} {
		if a := ask(t, o.Server, may.Plain, method, "/v1/payment_intents", form); a.status != http.StatusOK {
			t.Errorf("%s: %s", method, a.text)
		}
	}
	a := ask(t, o.Server, may.Plain, "POST", "/v1/refunds", "charge=ch_x")
	if a.status != http.StatusForbidden || a.body.Error.Type != "invalid_request_error" || !strings.Contains(a.body.Error.Message, "on account '"+may.Account+"'. Having the 'rak_charge_write' permission") {
		t.Errorf("%d %s", a.status, a.text)
	}

	// Rolled with time left, both work; rolled at once, the old one does not.
	later := o.key("key", "roll", made.ID, "--expire-in=24h")
	if left := time.Until(*later.Rolled.Expires); later.Rolled.ID != made.ID || left < 23*time.Hour || left > 25*time.Hour || later.Name != "web shop" {
		t.Errorf("%+v", later)
	}
	for _, k := range []key{made, later} {
		if a := ask(t, o.Server, k.Plain, "GET", path, ""); a.status != http.StatusOK {
			t.Errorf("%s: %s", k.ID, a.text)
		}
	}
	now := o.key("key", "roll", may.Plain) // by the key itself
	if now.Plain[:8] != "rk_test_" || !cmp.Equal(now.Permissions, may.Permissions) {
		t.Errorf("%+v", now)
	}
	expired := eventually(t, o.Server, may.Plain, path, http.StatusUnauthorized)
	if expired.body.Error.Code != "api_key_expired" || expired.body.Error.Type != "invalid_request_error" {
		t.Error(expired.text)
	}
	if a := ask(t, o.Server, now.Plain, "GET", path, ""); a.status != http.StatusOK {
		t.Error(a.text)
	}
	o.florin("key", "expire", made.ID).ok()
	eventually(t, o.Server, made.Plain, path, http.StatusUnauthorized)
	if a := ask(t, o.Server, later.Plain, "GET", path, ""); a.status != http.StatusOK {
		t.Error(a.text)
	}
	if r := o.florin("key", "roll", made.ID); r.status == 0 || !strings.Contains(r.err, "has expired") {
		t.Errorf("an ended key is rolled: %s%s", r.out, r.err)
	}
	o.listed(t, made, may, now, later)
}

// listed compares the lists with what was made, and ended.
func (o operated) listed(t *testing.T, ended1, ended2 key, alive ...key) {
	t.Helper()
	ids := func(list []key) (ids []string) {
		for _, k := range list {
			ids = append(ids, k.ID)
			if k.Plain != "" {
				t.Errorf("a list shows a key: %+v", k)
			}
		}
		return ids
	}
	short, all := ids(o.keys()), ids(o.keys("--all", "--account", ended1.Account))
	for _, k := range alive {
		if !slices.Contains(short, k.ID) || !slices.Contains(all, k.ID) {
			t.Errorf("%s is missing", k.ID)
		}
	}
	for _, k := range []key{ended1, ended2} {
		if slices.Contains(short, k.ID) || !slices.Contains(all, k.ID) {
			t.Errorf("%s has ended", k.ID)
		}
	}
	table := o.florin("key", "list", "--all").ok().out
	for _, want := range []string{"PERMISSIONS", "charges=read payment_intents=write", "restricted", "web shop", "live", ended1.Last4} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not show %s:\n%s", want, table)
		}
	}
	for _, k := range append(alive, ended1, ended2) {
		if strings.Contains(table, k.Plain) {
			t.Errorf("the table shows a key:\n%s", table)
		}
	}
}

// Commands of several processes and a server that is busy do not disturb each
// other, and the books stay in order.
func TestCommandsBesideABusyServer(t *testing.T) {
	o := start(t)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if a := ask(t, o.Server, o.SecretKey, "POST", "/v1/payment_intents", "amount=700&currency=usd&payment_method=pm_card_visa&confirm=true"); a.status != http.StatusOK {
					t.Errorf("a payment: %d %s", a.status, a.text)
					return
				}
			}
		})
	}
	var operators sync.WaitGroup
	for i := range 3 {
		operators.Go(func() {
			for j := range 3 {
				a := o.account(fmt.Sprintf("--name=%d %d", i, j))
				k := o.key("key", "roll", a.Keys[0].ID, "--expire-in=1h")
				if got := ask(t, o.Server, k.Plain, "POST", "/v1/customers", "name=x"); got.status != http.StatusOK {
					t.Errorf("a key that was just made: %d %s", got.status, got.text)
				}
			}
		})
	}
	operators.Wait()
	close(stop)
	clients.Wait()
	seen := map[string]bool{}
	for _, k := range o.keys("--all") {
		if seen[k.ID] {
			t.Errorf("two keys are %s", k.ID)
		}
		seen[k.ID] = true
	}
	if want := 2 + 9*3; len(seen) != want {
		t.Errorf("%d keys, want %d", len(seen), want)
	}
	if r, err := o.Verify(t.Context()); err != nil || !r.OK {
		t.Errorf("%v %+v", err, r)
	}
}

// An error says what to do.
func TestErrorsSayWhatToDo(t *testing.T) {
	o := start(t)
	second := o.account()
	for command, want := range map[string]string{
		"account list --db=sqlite:missing.db":        "there is no database at missing.db",
		"account show acct_nothing":                  "florin account list shows those there are",
		"account show":                               "there are several accounts: name one with --account",
		"account create --country=Germany":           "two-letter ISO code",
		"account create --currency=xxx":              "Invalid currency: xxx.",
		"account create --settlement-days=-1":        "0 to 365 days",
		"account create --fee-basis-points=10001":    "between 0 and 10000 basis points",
		"account create --fee-fixed=xxx=5":           "5 xxx is not possible",
		"account create --statement-descriptor=FOUR": "5 to 22 characters",
		"key create":                                          "there are several accounts: name one with --account",
		"key create --account=acct_nothing":                   "florin account list shows those there are",
		"key list --account=acct_nothing":                     "florin account list shows those there are",
		"key restrict --allow=refunds=write":                  "There are: account, balance, balance_transaction_sources, charges,",
		"key restrict --allow=charges":                        "must be none, read or write",
		"key restrict":                                        "missing flags: --allow",
		"key expire key_nothing":                              "No such api key: 'key_nothing'",
		"key roll sk_test_nobodysnobodys01":                   "No such api key: 'sk_test_************ys01'",
		"key roll key_nothing --expire-in=tomorrow":           "want now, or such as 90m, 24h, 7d",
		"key expire " + second.Keys[0].ID + " --in=-1h":       "the time is past",
		"key create --db=mysql://x":                           "neither sqlite:PATH nor postgres://",
		"key create --account=" + second.ID + " --name=\x01x": "no control characters",
	} {
		r := o.florin(strings.Split(command, " ")...)
		if r.status == 0 || !strings.Contains(r.err, want) || strings.Contains(r.err, "sk_test_nobody") {
			t.Errorf("%s: exit %d\n%s\nwant %s", command, r.status, r.err, want)
		}
	}
	empty := florintest.Database(t)
	if path, ok := strings.CutPrefix(empty, "sqlite:"); ok { // a file without a schema
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := florin(t, o.Dir, nil, "account", "create", "--db="+empty); r.status == 0 || !strings.Contains(r.err, "the database has schema 0, and this Florin needs") || !strings.Contains(r.err, "run florin migrate") {
		t.Errorf("an empty database: %s%s", r.out, r.err)
	}
}

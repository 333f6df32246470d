package app

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/schema"
	"github.com/florinpay/florin/test/keyed"
)

// simulators have books of their own, on databases or in schemas of their own.
var simulators = []string{"sandbox_entry", "sandbox_feed", "bank_operation", "bank_notice", "bank_deposit"}

// tenant reports whether a table belongs to tenants, as every one does that is not
// listed and none of PostgreSQL's own.
func tenant(table string) bool {
	_, apart := schema.Directory[table]
	return table != "" && !apart && !strings.HasPrefix(table, "pg_") && !slices.Contains(simulators, table)
}

// TestEveryStatementIsKeyed: whatever Florin may say to its database names the scope
// of the tenants' tables that it touches, or stands in the list of what does not.
func TestEveryStatementIsKeyed(t *testing.T) {
	_ = db.NewQuery("test: not keyed", "SELECT status FROM charge WHERE key = ?", func(s *string, f *db.Fields) { db.Text(f, s) })
	crossed, planted := map[string]bool{}, false
	for _, s := range db.Statements() {
		problems := keyed.Check(s.SQL, tenant)
		entry, listed := schema.Crosses(s.Name)
		switch {
		case len(problems) == 0:
		case s.Name == "test: not keyed":
			planted = true
		case strings.HasPrefix(s.Name, "test: "):
		case listed:
			crossed[entry] = true
		default:
			t.Errorf("%q: %v: %s", s.Name, problems, s.SQL)
		}
	}
	if !planted {
		t.Error("a statement without a scope is not noticed")
	}
	for entry, c := range schema.Across {
		if !crossed[entry] {
			t.Errorf("%q is listed as crossing scopes, and does not", entry)
		}
		if c.Who == "" || c.Why == "" {
			t.Errorf("%q is listed without a reason", entry)
		}
	}
}

// recorder keeps what a database was asked.
type recorder struct {
	mu    sync.Mutex
	asked []asked
}

// asked is a statement: as it was prepared, and with its values on SQLite.
type asked struct{ sql, bound string }

func (r *recorder) trace(sql, bound string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, asked{sql, bound})
}

// take gives what was recorded since it was last called.
func (r *recorder) take() []asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.asked
	r.asked = nil
	return list
}

// shop is a merchant of a server whose database is listened to.
type shop struct {
	*App
	t       *testing.T
	handler http.Handler
	heard   *recorder
	secret  string
}

func newShop(t *testing.T, address string) *shop {
	s := &shop{t: t, heard: &recorder{}}
	c := config(t, address)
	c.Database = dbtest.OpenAt(t, address, db.Options{Trace: s.heard.trace})
	s.App = start(t, c)
	s.handler, s.secret = s.Handler(), s.Created.SecretKey
	return s
}

// call sends a request and gives the id in the answer.
func (s *shop) call(method, path string, form url.Values) string {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.SetBasicAuth(s.secret, "")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", path+form.Encode()+fmt.Sprint(len(s.heard.asked)))
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	var body struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return body.ID
}

func (s *shop) pay(more url.Values) string {
	s.t.Helper()
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_visa"},
		"automatic_payment_methods[enabled]": {"true"}, "automatic_payment_methods[allow_redirects]": {"never"}}
	maps.Copy(form, more)
	return s.call(http.MethodPost, "/v1/payment_intents", form)
}

// touched are tables that an errand cannot have done without.
var touched = map[string][]string{
	"payment":               {"idempotency", "payment_intent", "attempt", "charge", "posting", "balance", "balance_transaction", "event", "event_lane", "guard"},
	"stored card":           {"idempotency", "payment_intent", "attempt", "charge", "posting", "balance", "customer", "payment_method"},
	"authorise and capture": {"idempotency", "payment_intent", "attempt", "charge", "posting", "guard"},
	"refund":                {"idempotency", "refund", "attempt", "charge", "posting", "balance", "hold", "guard"},
	"retrieve":              {"payment_intent"},
	"list":                  {"payment_intent"},
	"delivery":              {"event", "event_lane", "webhook_endpoint", "webhook_queue", "webhook_delivery", "webhook_attempt"},
}

// TestHotPathIsKeyed: what payments, refunds, looking at them and telling of them
// asks of the database is answered in one place, and no request of the API crosses
// scopes.
func TestHotPathIsKeyed(t *testing.T) {
	for engine, address := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": postgres} {
		t.Run(engine, func(t *testing.T) { hotPath(t, address(t)) })
	}
}

// receiver is a merchant's server that is glad of every webhook.
func receiver(t *testing.T) string {
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(site.Close)
	return site.URL
}

// prepare makes what the errands need, and gives them.
func (s *shop) prepare(hook string) map[string]func() {
	s.t.Helper()
	customer := s.call(http.MethodPost, "/v1/customers", url.Values{"name": {"Regular"}})
	card := s.call(http.MethodPost, "/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {customer}})
	s.call(http.MethodPost, "/v1/webhook_endpoints", url.Values{"url": {hook}, "enabled_events[]": {"payment_intent.succeeded"}})
	paid := s.pay(nil)
	return map[string]func(){
		"payment":     func() { s.pay(nil) },
		"stored card": func() { s.pay(url.Values{"customer": {customer}, "payment_method": {card}}) },
		"authorise and capture": func() {
			s.call(http.MethodPost, "/v1/payment_intents/"+s.pay(url.Values{"capture_method": {"manual"}})+"/capture", nil)
		},
		"refund":   func() { s.call(http.MethodPost, "/v1/refunds", url.Values{"payment_intent": {paid}}) },
		"retrieve": func() { s.call(http.MethodGet, "/v1/payment_intents/"+paid, nil) },
		"list":     func() { s.call(http.MethodGet, "/v1/payment_intents?limit=10", nil) },
	}
}

func hotPath(t *testing.T, address string) {
	s := newShop(t, address)
	errands := s.prepare(receiver(t))
	for _, what := range slices.Sorted(maps.Keys(errands)) {
		s.heard.take()
		errands[what]()
		s.check(what, s.heard.take(), false)
	}
	aside := dbtest.OpenAt(t, address, db.Options{})
	s.Start()
	waitFor(t, aside, 4)
	closeApp(t, s.App) // once all that is under way is done
	s.check("delivery", s.heard.take(), true)
	checkRows(t, aside)
}

var delivered = count("acknowledged", "SELECT count(*) FROM webhook_attempt WHERE status = 200")

// waitFor waits until so many webhooks were acknowledged.
func waitFor(t *testing.T, d *db.DB, want int64) {
	t.Helper()
	for n := 0; ; n++ {
		got, err := delivered.All(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if got[0] >= want {
			return
		}
		if time.Sleep(10 * time.Millisecond); n == 3000 {
			t.Fatalf("%d webhooks of %d were acknowledged", got[0], want)
		}
	}
}

// checkRows holds that the rows of tenants' tables have scopes, and those of the
// others none.
func checkRows(t *testing.T, d *db.DB) {
	t.Helper()
	filled := 0
	for _, q := range db.Statements() {
		table, ok := strings.CutPrefix(q.Name, "table ")
		if !ok || slices.Contains(simulators, table) || !strings.HasPrefix(q.SQL, "DELETE") || strings.Contains(q.SQL, "$") {
			continue
		}
		in, err := db.NewQuery("test: scopes in "+table, "SELECT scope FROM "+table+" GROUP BY scope", func(n *int64, f *db.Fields) { db.Int(f, n) }).All(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range in {
			_, ownerless := schema.Ownerless[table]
			if filled++; (scope != 0) != tenant(table) && !(scope == 0 && ownerless) {
				t.Errorf("%s has rows of scope %d, and %v is said of it", table, scope, schema.Directory[table])
			}
		}
	}
	if filled < 20 {
		t.Errorf("only %d tables have rows", filled)
	}
}

var placeholder = regexp.MustCompile(`\$\d+`)

// check looks at what an errand asked. One behind which background work stands may
// cross scopes as the list allows.
func (s *shop) check(errand string, list []asked, background bool) {
	s.t.Helper()
	names := map[string]string{}
	for _, q := range db.Statements() {
		names[q.SQL] = q.Name
	}
	var all strings.Builder
	for _, one := range list {
		all.WriteString(one.sql + "\n")
		problems := keyed.Check(one.sql, tenant)
		if len(problems) == 0 {
			continue
		}
		if _, listed := schema.Crosses(names[placeholder.ReplaceAllString(one.sql, "?")]); !background || !listed {
			s.t.Errorf("%s: %v: %s", errand, problems, one.sql)
		}
	}
	for _, table := range touched[errand] {
		if !strings.Contains(all.String(), " "+table+" ") {
			s.t.Errorf("%s is not seen to touch %s in %d statements", errand, table, len(list))
		}
	}
	if background || one(list).bound == "" {
		return
	}
	found := transactions(list)
	if slices.Contains(touched[errand], "idempotency") && len(found) == 0 {
		s.t.Errorf("%s: no transaction is seen", errand)
	}
	for _, scopes := range found {
		if len(scopes) != 1 || scopes[0] == "0" {
			s.t.Errorf("%s: a transaction in the scopes %v", errand, scopes)
		}
	}
}

// one gives the first of a list.
func one(list []asked) asked {
	return append(slices.Clone(list), asked{})[0]
}

var boundScope = regexp.MustCompile(`(?:scope = |VALUES \()(-?\d+)`)

// transactions gives the scopes that each transaction has rows of. SQLite alone tells
// values.
func transactions(list []asked) (all [][]string) {
	var within map[string]bool
	for _, one := range list {
		switch {
		case strings.HasPrefix(one.sql, "BEGIN"):
			within = map[string]bool{}
		case one.sql == "COMMIT":
			all = append(all, slices.Sorted(maps.Keys(within)))
			within = nil
		case within != nil:
			m := boundScope.FindStringSubmatch(one.bound)
			within[append(m, "none", "none")[1]] = true
		}
	}
	return all
}

func TestTransactionsOfTwoScopesAreSeen(t *testing.T) {
	list := []asked{{"BEGIN IMMEDIATE", "BEGIN IMMEDIATE"}, {"", "SELECT 1 FROM charge WHERE scope = 14 AND key = 1"},
		{"", "INSERT INTO event (scope, key) VALUES (16, 2)"}, {"COMMIT", "COMMIT"}, {"", "SELECT 1 FROM charge WHERE scope = 18"}}
	if got := fmt.Sprint(transactions(list)); got != "[[14 16]]" {
		t.Errorf("transactions of the scopes %s", got)
	}
}

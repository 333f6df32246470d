package app

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/schema"
)

var wholeTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)( WITH \([^)]*\))?;`)

// spread gives the tables of PostgreSQL with each tenant's table in two parts, by the
// hash of its scope.
func spread(t *testing.T) (files fstest.MapFS, tables []string) {
	t.Helper()
	files = fstest.MapFS{}
	names, err := fs.Glob(schema.Files, "postgres/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		parted := wholeTable.ReplaceAllFunc(text, func(one []byte) []byte {
			m := wholeTable.FindSubmatch(one)
			table := string(m[1])
			if !tenant(table) {
				return one
			}
			tables = append(tables, table)
			return fmt.Appendf(nil, "CREATE TABLE %[1]s (%[2]s\n) PARTITION BY HASH (scope);\n"+
				"CREATE TABLE %[1]s_0 PARTITION OF %[1]s FOR VALUES WITH (MODULUS 2, REMAINDER 0)%[3]s;\n"+
				"CREATE TABLE %[1]s_1 PARTITION OF %[1]s FOR VALUES WITH (MODULUS 2, REMAINDER 1)%[3]s;\n", table, m[2], m[3])
		})
		files[name] = &fstest.MapFile{Data: parted}
	}
	return files, tables
}

// rowsIn counts the rows of a table.
func rowsIn(t *testing.T, d *db.DB, table string) int64 {
	t.Helper()
	n, err := count("rows of "+table, "SELECT count(*) FROM "+table).All(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return n[0]
}

// TestTablesSpreadByScope: with every tenant's table in two parts by scope, accounts of
// both parts are served, money goes between them, webhooks are delivered, and the
// books agree. PostgreSQL holds such tables to the rules that a database on many
// machines would: what is unique is so within a part.
func TestTablesSpreadByScope(t *testing.T) {
	address := postgres(t)
	files, tables := spread(t)
	if len(tables) < 40 {
		t.Fatalf("only %d tables are spread: %v", len(tables), tables)
	}
	apart := dbtest.OpenAt(t, address, db.Options{})
	within, err := db.Open(t.Context(), address, db.Options{Schema: "spread"})
	if err == nil {
		err = within.Migrate(t.Context(), files)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := within.Close(); err != nil {
		t.Error(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "spread")
	u.RawQuery = q.Encode()
	s := newShop(t, u.String())
	hook, who := receiver(t), []id.Scope{{Account: s.Created.Account.Key}}
	for len(who) < 2 || rowsIn(t, s.DB, "account_0") == 0 || rowsIn(t, s.DB, "account_1") == 0 {
		opened, keys, err := s.Merchant.Open(t.Context(), merchant.Params{Name: "Another"}, false)
		if err != nil || len(who) == 30 {
			t.Fatal(len(who), err)
		}
		who = append(who, id.Scope{Account: opened.Key})
		s.secret = keys[0].Plain
	}
	// The first account and the last one: those between, if any, are where the first is.
	for _, secret := range []string{s.Created.SecretKey, s.secret} {
		s.secret = secret
		errands := s.prepare(hook)
		for _, what := range slices.Sorted(maps.Keys(errands)) {
			errands[what]()
		}
	}
	s.remit(who[0], who[len(who)-1])
	aside := dbtest.OpenAt(t, u.String(), db.Options{})
	s.Start()
	waitFor(t, aside, 8)
	for n := 0; len(listed(t, s.handler, s.secret)) == 0 || s.found("amount:2000") == 0 || rowsIn(t, aside, "search_term_0") == 0 || rowsIn(t, aside, "search_term_1") == 0; n++ {
		if time.Sleep(10 * time.Millisecond); n == 3000 {
			t.Fatal("the remittance has not arrived, or the payments are not to be found")
		}
	}
	closeApp(t, s.App)
	for _, table := range []string{"payment_intent", "charge", "posting", "balance", "event", "webhook_delivery", "remittance"} {
		for _, part := range []string{"_0", "_1"} {
			if rowsIn(t, aside, table+part) == 0 {
				t.Errorf("%s has no rows", table+part)
			}
		}
		if n := rowsIn(t, apart, table); n != 0 {
			t.Errorf("%d rows of %s went elsewhere", n, table)
		}
	}
	findings, err := Verify(t.Context(), u.String(), slog.New(slog.DiscardHandler))
	if err != nil || len(findings) > 0 {
		t.Errorf("verify finds %v, %v", findings, err)
	}
}

// found searches payment intents, and gives how many it finds.
func (s *shop) found(query string) int {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/v1/payment_intents/search?query="+url.QueryEscape(query), nil)
	r.SetBasicAuth(s.secret, "")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	var page struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("search: %d %s", w.Code, w.Body)
	}
	return len(page.Data)
}

// remit makes money available to an account, and sends some of it to another.
func (s *shop) remit(from, to id.Scope) {
	s.t.Helper()
	usd := func(n int64) money.Amount { return money.New(n, "usd") }
	err := s.DB.Run(s.t.Context(), db.Step{Name: "test", Scope: from.Key(), Do: func(tx *db.Tx) error {
		t := ledger.Transaction{Type: "adjustment", Currency: "usd", Amount: 9000, Net: 9000}
		if _, err := s.Payment.Book.Post(tx, from, t, ledger.Posting{Debit: ledger.Bank, Credit: ledger.Available, Amount: usd(9000)}); err != nil {
			return err
		}
		_, err := s.Payment.Book.Remit(tx, from, ledger.Remittance{To: to, Amount: usd(250), Type: "transfer"})
		return err
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

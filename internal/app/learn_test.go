package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/schema"
)

// restored makes a copy of a database as a restore would leave it.
func restored(t *testing.T, address string) string {
	t.Helper()
	d, err := db.Open(t.Context(), address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var parts []string
	var bodies [][]byte
	quiet := func(int64, int64) {}
	info, err := d.Dump(t.Context(), t.TempDir(), func(part string, chunk []byte) error {
		parts, bodies = append(parts, part), append(bodies, bytes.Clone(chunk))
		return nil
	}, quiet)
	to, n := dbtest.Address(t), -1
	if !dbtest.Postgres() {
		to = "sqlite:" + t.TempDir() + "/restored.db"
	}
	if err == nil {
		err = db.Load(t.Context(), to, db.Options{}, schema.Files, info, false, func() (string, io.Reader, error) {
			if n++; n == len(parts) {
				return "", nil, nil
			}
			return parts[n], bytes.NewReader(bodies[n]), nil
		}, quiet)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestChangesWaitForTheProviders: after a restore nothing is changed, and no job
// runs, before the provider has told what happened since; what can't be fitted in
// is a break.
func TestChangesWaitForTheProviders(t *testing.T) {
	c := config(t, dbtest.Address(t))
	c.Provider, c.SecretKey = generous(), "sk_test_0123456789abcdef"
	first := start(t, c)
	scope := id.Scope{Account: first.Created.Account.Key}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var up atomic.Bool
	mark := payment.Mark{Scope: scope, Object: "pi_unreadable"}.String()
	c.Provider.Activity = func(_ context.Context, _ time.Time, each func(provider.Operation) error) error {
		if !up.Load() {
			return errors.New("the provider is down")
		}
		return each(provider.Operation{Kind: provider.KindSale, Reference: payment.Reference(scope, 12345), Amount: money.New(700, "usd"), Status: provider.Approved, Mark: mark})
	}
	c.DB = restored(t, c.DB)
	a := start(t, c)
	a.Start()
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.SetBasicAuth(c.SecretKey, "")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodPost, "/v1/customers", "name=A")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "restored from a backup") {
		t.Errorf("a change is answered %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask(http.MethodGet, "/v1/customers", ""); w.Code != http.StatusOK {
		t.Errorf("a read is answered %d %s", w.Code, w.Body)
	}
	if w := ask(http.MethodGet, "/return/x", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a payer who comes back is answered %d", w.Code)
	}
	for _, s := range a.Jobs.Schedules() {
		if s.Runs > 0 {
			t.Errorf("%s has run", s.Name)
		}
	}
	up.Store(true)
	for range 1000 {
		if !a.Learning() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if w := ask(http.MethodPost, "/v1/customers", "name=A"); w.Code != http.StatusOK {
		t.Errorf("when all is known, a change is answered %d %s", w.Code, w.Body)
	}
	list, _, err := settle.Breaks.List(t.Context(), a.DB, scope, object.Range{Limit: 10})
	if err != nil || len(list) != 1 || list[0].Body.Type != settle.MissingHere || list[0].Body.Theirs.Amount+list[0].Body.Ours.Amount != -700 {
		t.Errorf("breaks: %+v %v", list, err)
	}
	if a.unexplainedCount() != 1 {
		t.Errorf("%d operations are unexplained", a.unexplainedCount())
	}
}

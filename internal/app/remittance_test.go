package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
)

// listed gives what an account's history says of transfers, by the API.
func listed(t *testing.T, h http.Handler, secret string) (net []int64) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/balance_transactions?type=transfer", nil)
	r.SetBasicAuth(secret, "")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var page struct {
		Data []struct {
			Net    int64
			Status string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, one := range page.Data {
		if net = append(net, one.Net); one.Status != "available" {
			t.Errorf("a transfer is %s", one.Status)
		}
	}
	return net
}

// TestRemittanceArrives: an app that runs brings money from account to account, both
// see it in their histories, and the books agree.
func TestRemittanceArrives(t *testing.T) {
	address := dbtest.Address(t)
	a := newShop(t, address)
	opened, keys, err := a.Merchant.Open(t.Context(), merchant.Params{Name: "Maker"}, false)
	if err != nil {
		t.Fatal(err)
	}
	a.remit(id.Scope{Account: a.Created.Account.Key}, id.Scope{Account: opened.Key})
	a.Start()
	for n := 0; len(listed(t, a.handler, keys[0].Plain)) == 0; n++ {
		if time.Sleep(10 * time.Millisecond); n == 3000 {
			t.Fatal("nothing arrived")
		}
	}
	if out, in := listed(t, a.handler, a.Created.SecretKey), listed(t, a.handler, keys[0].Plain); len(out) != 1 || out[0] != -250 || len(in) != 1 || in[0] != 250 {
		t.Errorf("the payer sees %v, the receiver %v", out, in)
	}
	closeApp(t, a.App)
	findings, err := Verify(t.Context(), address, slog.New(slog.DiscardHandler))
	if err != nil || len(findings) > 0 {
		t.Errorf("verify finds %v, %v", findings, err)
	}
}

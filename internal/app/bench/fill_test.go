//go:build unix

package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/secret"
	florintest "github.com/florinpay/florin/test/florin"
)

// TestFill stores payments, twice, and serves what is there then: a list shows
// each once, they can be given back, further ones made, and the books agree.
func TestFill(t *testing.T) {
	s := florintest.New(t, florintest.Options{})
	var said bytes.Buffer
	f := Filling{DB: s.DB, SecretKey: s.SecretKey, PublishableKey: s.PublishableKey, MasterKeyFile: keyFile(t, s), Progress: &said}
	for _, step := range []struct{ upTo, before int64 }{{120, 0}, {300, 120}, {300, 300}} {
		f.Payments = step.upTo
		done, err := Fill(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if done.Before != step.before || done.Stored != step.upTo-step.before {
			t.Errorf("up to %d: %+v", step.upTo, done)
		}
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed, seen := books{url: s.URL}, map[string]bool{}
	last := ""
	for more := true; more; {
		page, err := listed.page(t.Context(), &account{key: s.SecretKey}, intentsPath, 100, last)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Data {
			if seen[o.ID] || o.Status != "succeeded" || o.Received == nil || *o.Received != o.Amount {
				t.Errorf("%+v", o)
			}
			seen[o.ID], last = true, o.ID
		}
		more = page.HasMore
	}
	if len(seen) != 300 {
		t.Errorf("%d payments are listed", len(seen))
	}
	if back := post(t, s, refundsPath, url.Values{"payment_intent": {last}}); back["status"] != "succeeded" {
		t.Errorf("the first payment given back: %v", back)
	}
	paid := post(t, s, intentsPath, url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "payment_method_types[]": {"card"}})
	if paid["status"] != "succeeded" {
		t.Errorf("a further payment: %v", paid)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	report, err := s.Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("%v, %+v", err, report.Findings)
	}
	if report.Seals.Unsealed != 0 {
		t.Errorf("%+v", report.Seals)
	}
}

// keyFile makes the master key where the server looks for it.
func keyFile(t *testing.T, s *florintest.Server) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.KeyFile()), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.CreateFile(s.KeyFile()); err != nil {
		t.Fatal(err)
	}
	return s.KeyFile()
}

func post(t *testing.T, s *florintest.Server, path string, form url.Values) (object map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+s.SecretKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &object) != nil {
		t.Fatalf("%d %s %v", resp.StatusCode, text, err)
	}
	return object
}

// TestFilledRun measures over what was stored before, which is nobody's mistake
// in the check.
func TestFilledRun(t *testing.T) {
	r, shown, err := command(t, append(database(t), "--fill=150", "--clients=4", "--requests=60", "--warmup=0s", "--mix=refund")...)
	if err != nil || !r.OK() {
		t.Fatalf("%v %v\n%s", err, r.Check.Problems, shown)
	}
	if r.Filled == nil || r.Filled.Stored != 150 || r.Filled.Seconds <= 0 || *r.Check.Sandbox != r.Check.Acknowledged {
		t.Errorf("%+v, sandbox %+v of %+v", r.Filled, r.Check.Sandbox, r.Check.Acknowledged)
	}
}

// A filling that can't be is refused, and touches nothing.
func TestFillRefusals(t *testing.T) {
	s := florintest.New(t, florintest.Options{})
	good := Filling{DB: s.DB, SecretKey: s.SecretKey, PublishableKey: s.PublishableKey, MasterKeyFile: keyFile(t, s), Payments: 1}
	if _, err := Fill(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil func(*Filling)
		want  string
	}{
		"no payments":     {func(f *Filling) { f.Payments = 0 }, "above zero"},
		"a live key":      {func(f *Filling) { f.SecretKey = "sk_live_" + f.SecretKey[8:] }, "sk_test_"},
		"another's key":   {func(f *Filling) { f.SecretKey = "sk_test_nobodyknowsthiskey0001" }, "opens no account"},
		"another machine": {func(f *Filling) { f.DB = "mysql://host/db" }, "neither sqlite"},
		"many clients":    {func(f *Filling) { f.Clients = maxClients + 1 }, "clients"},
	} {
		f := good
		test.spoil(&f)
		if _, err := Fill(t.Context(), f); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if done, err := Fill(t.Context(), good); err != nil || done.Before != 1 || done.Stored != 0 {
		t.Errorf("%+v %v", done, err)
	}
}

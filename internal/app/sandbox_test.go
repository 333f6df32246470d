package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// start puts an app together that is closed when the test is over.
func start(t *testing.T, c Config) *App {
	t.Helper()
	a, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeApp(t, a) })
	return a
}

func closeApp(t *testing.T, a *App) {
	t.Helper()
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// config is of an app on a database of the test's own.
func config(t *testing.T, address string) Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "florin.key")
	if _, err := secret.CreateFile(key); err != nil {
		t.Fatal(err)
	}
	return Config{DB: address, MasterKeyFile: key}
}

func sale(reference string) provider.AuthorizeRequest {
	return provider.AuthorizeRequest{
		Reference: reference, Amount: money.New(100, "eur"), Capture: true,
		Card: provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")},
	}
}

func refund(reference string, amount int64) provider.RefundRequest {
	return provider.RefundRequest{Reference: reference, Original: "sale", Amount: money.New(amount, "eur")}
}

// A node that starts again finds the embedded sandbox's book as it was.
func TestEmbeddedSandboxRemembers(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			c := config(t, address(t))
			before := start(t, c)
			if out := before.Payment.Providers["sandbox"].Authorize(t.Context(), sale("sale")); out.Status != provider.Approved {
				t.Fatalf("sale: %v %s", out.Status, out.Message)
			}
			closeApp(t, before)
			after := start(t, c)
			if out := after.Payment.Providers["sandbox"].Inquire(t.Context(), "sale").Outcome; out.Status != provider.Approved {
				t.Errorf("inquiry after the restart: %v %s", out.Status, out.Message)
			}
			if err := after.forgetTrains(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Two nodes on one PostgreSQL have two sandboxes and one book: what was sold
// through one can be refunded through the other, and only once.
func TestTwoNodesHaveOneBook(t *testing.T) {
	c := config(t, postgres(t))
	one, two := start(t, c).Payment.Providers["sandbox"], start(t, c).Payment.Providers["sandbox"]
	if out := one.Authorize(t.Context(), sale("sale")); out.Status != provider.Approved {
		t.Fatalf("sale: %v %s", out.Status, out.Message)
	}
	if out := two.Refund(t.Context(), refund("refund-1", 60)); out.Status != provider.Approved {
		t.Errorf("refund through the other: %v %s", out.Status, out.Message)
	}
	if out := one.Refund(t.Context(), refund("refund-2", 60)); out.Status != provider.Declined {
		t.Errorf("second refund: %v %s, want it declined", out.Status, out.Message)
	}
	if out := two.Authorize(t.Context(), sale("sale")); out.Status != provider.Approved {
		t.Errorf("the sale again, through the other: %v %s", out.Status, out.Message)
	}
}

func postgres(t testing.TB) string {
	t.Helper()
	if !dbtest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server")
	}
	return dbtest.Address(t)
}

// A payer ends an authentication on the sandbox's page by Florin's own address,
// and whoever asks the provider then knows.
func TestPayersReachTheSandboxsPage(t *testing.T) {
	a := start(t, config(t, dbtest.SQLite(t)))
	site := httptest.NewServer(a.Handler())
	t.Cleanup(site.Close)
	acquirer := a.Payment.Providers["sandbox"]
	out := acquirer.Authenticate(t.Context(), provider.AuthenticateRequest{
		Reference: "auth", Amount: money.New(100, "eur"), ReturnURL: site.URL + "/back",
		Card: provider.Card{Number: hidden.NewText("4000002760003184"), ExpMonth: 12, ExpYear: 2034},
	})
	if out.Status != provider.Pending {
		t.Fatalf("%v %s", out.Status, out.Message)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Get(site.URL + out.Action)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(got.Body)
	if got.Body.Close(); err != nil || got.StatusCode != http.StatusOK || !strings.Contains(string(page), "1.00 EUR") {
		t.Errorf("%d %v\n%s", got.StatusCode, err, page)
	}
	pressed, err := client.PostForm(site.URL+out.Action, url.Values{"result": {"authorize"}})
	if err != nil {
		t.Fatal(err)
	}
	if pressed.Body.Close(); pressed.StatusCode != http.StatusSeeOther || pressed.Header.Get("Location") != site.URL+"/back" {
		t.Errorf("%d to %q", pressed.StatusCode, pressed.Header.Get("Location"))
	}
	if f := acquirer.Inquire(t.Context(), "auth"); f.Outcome.Status != provider.Approved || f.Outcome.ThreeDS == nil {
		t.Errorf("%+v", f)
	}
	for _, path := range []string{"/sandbox/book", "/sandbox/faults", "/sandbox/pages/../book"} {
		got, err := client.Get(site.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if got.Body.Close(); got.StatusCode == http.StatusOK {
			t.Errorf("%s can be reached from outside", path)
		}
	}
}

package app

import (
	"path/filepath"
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

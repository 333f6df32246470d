//go:build unix && probe

package crash

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// reconciler is what a process needs that reconciles; it gets it as JSON in
// reconcilerEnv.
type reconciler struct {
	DB, Key, Sandbox, Bank string
	Now                    time.Time
}

const reconcilerEnv = "FLORIN_TEST_RECONCILER"

// open makes Florin as of the reconciler's time, which stands still.
func (r reconciler) open(ctx context.Context) (*app.App, error) {
	now := clock.At(r.Now)
	return app.New(ctx, app.Config{DB: r.DB, MasterKeyFile: r.Key, Clock: now, Logger: slog.New(slog.DiscardHandler), Sandbox: r.Sandbox,
		Bank: bank.New(r.Bank, bank.ConnectorOptions{Clock: now})})
}

// do opens Florin, and closes it when f is done.
func (r reconciler) do(t *testing.T, f func(*app.App) error) {
	t.Helper()
	a, err := r.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f(a), a.Close(context.WithoutCancel(t.Context()))); err != nil {
		t.Fatal(err)
	}
}

// TestReconciler is the process that TestKilledWhileReconciling kills.
func TestReconciler(t *testing.T) {
	var r reconciler
	text := os.Getenv(reconcilerEnv)
	if text == "" {
		t.Skip("it is a process of TestKilledWhileReconciling")
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	r.do(t, func(a *app.App) error { return a.Settle.Run(t.Context()) })
}

// dies runs a reconciler that ends at a kill point.
func (r reconciler) dies(t *testing.T, kill string) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestReconciler$", "-test.count=1")
	cmd.Env = append(os.Environ(), reconcilerEnv+"="+string(text), "FLORIN_KILL="+kill)
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("%s was not reached: %v\n%s", kill, err, out)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: it ended otherwise: %v\n%s", kill, err, out)
	}
}

// TestKilledWhileReconciling: processes die while they load the provider's reports
// and the bank's statements, and while they book what the bank has received. Each
// goes on where the one before it was. In the end everything is booked once.
func TestKilledWhileReconciling(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	now, quiet := clock.At(start), slog.New(slog.DiscardHandler)
	serve := func(f func(context.Context, net.Listener) error) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- f(ctx, ln) }()
		t.Cleanup(func() {
			stop()
			<-ended
		})
		return ln.Addr().String()
	}
	vault, err := bank.OpenBook(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bank.db"), db.Options{Clock: now, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vault.Close() })
	book, err := sandbox.OpenFileBook(filepath.Join(t.TempDir(), "sandbox.book"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	acquirer := sandbox.NewSimulator(book, sandbox.Options{Clock: now, Deposit: func(ctx context.Context, d sandbox.Deposit) error {
		return vault.Receive(ctx, bank.Deposit{Reference: d.Reference, Amount: d.Amount, Currency: d.Currency, At: d.At, Note: "SETTLEMENT"})
	}})
	r := reconciler{DB: florintest.Database(t), Key: filepath.Join(t.TempDir(), "florin.key"), Sandbox: "http://" + serve(acquirer.Serve),
		Bank: serve(bank.NewSimulator(vault, now).Serve), Now: start}
	if _, err := secret.CreateFile(r.Key); err != nil {
		t.Fatal(err)
	}
	var s id.Scope
	r.do(t, func(a *app.App) (err error) {
		s = id.Scope{Account: a.Created.Account.Key}
		for i := range int64(3) {
			_, bad := a.Payment.Create(t.Context(), s, payment.CreateParams{Amount: money.New(10_000+i, "usd"), CaptureMethod: "automatic", Method: "pm_card_visa", Confirm: true}, nil)
			err = errors.Join(err, bad)
		}
		return err
	})
	day := func() {
		now.Advance(24 * time.Hour)
		r.Now = now.Now()
	}
	day() // on which the report comes
	for _, kill := range []string{"settle.fetched", "settle.begun", "settle.kept"} {
		r.dies(t, kill)
	}
	day() // on which the bank tells of the deposit
	for _, kill := range []string{"settle.kept:2", "settle.before-post", "settle.posted"} {
		r.dies(t, kill)
	}
	var want map[string]int64
	for range 3 {
		r.do(t, func(a *app.App) error {
			err := a.Settle.Run(t.Context())
			report := func(f ledger.Finding) { t.Errorf("verify: %+v", f) }
			err = errors.Join(err, settle.Check(t.Context(), a.DB, report), ledger.Check(t.Context(), a.DB, report))
			list, bad := ledger.ReadBalances(t.Context(), a.DB, s)
			have := map[string]int64{}
			for _, b := range list {
				switch b.Account.Kind() {
				case ledger.ProviderClearing, ledger.Bank, ledger.ProviderCost:
					have[b.Account.String()] = -b.Net()
				}
			}
			if want == nil {
				want = have
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("run once more: %s", diff)
			}
			return errors.Join(err, bad)
		})
	}
	clearing, received := want["provider_clearing:usd"], want["bank:usd"]+want["provider_cost:usd"]
	if clearing != 0 || received != 30_003 {
		t.Errorf("everything was settled: %+v", want)
	}
}

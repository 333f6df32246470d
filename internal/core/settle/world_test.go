package settle_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// house is Florin with a sandbox and a bank of its own, which a test may tamper
// with, and a clock that it moves.
type house struct {
	*app.App
	t       *testing.T
	clock   *clock.Fixed
	scope   id.Scope
	sandbox *sandbox.Simulator
	bank    *bank.Simulator
	book    *bank.Book
	atBank  provider.Provider
	made    []string // references of what the provider has, in order
}

// noon is when a house is opened.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const firstDay = "2026-11-20"

func serve(t *testing.T, f func(context.Context, net.Listener) error) string {
	t.Helper()
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

func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, clock: clock.At(noon)}
	quiet := slog.New(slog.DiscardHandler)
	vaultBook, err := bank.OpenBook(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bank.db"), db.Options{Clock: h.clock, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vaultBook.Close() })
	h.bank, h.book = bank.NewSimulator(vaultBook, h.clock), vaultBook
	book, err := sandbox.OpenFileBook(filepath.Join(t.TempDir(), "sandbox.book"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	h.sandbox = sandbox.NewSimulator(book, sandbox.Options{Clock: h.clock, Deposit: func(ctx context.Context, d sandbox.Deposit) error {
		return vaultBook.Receive(ctx, bank.Deposit{Reference: d.Reference, Amount: d.Amount, Currency: d.Currency, At: d.At, Note: "SETTLEMENT"})
	}})
	h.atBank = bank.New(serve(t, h.bank.Serve), bank.ConnectorOptions{Clock: h.clock})
	key := filepath.Join(t.TempDir(), "florin.key")
	if _, err := secret.CreateFile(key); err != nil {
		t.Fatal(err)
	}
	h.App, err = app.New(t.Context(), app.Config{DB: dbtest.Address(t), MasterKeyFile: key, Clock: h.clock, Logger: quiet,
		Sandbox: "http://" + serve(t, h.sandbox.Serve), Bank: h.atBank})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.App.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.scope = id.Scope{Account: h.App.Created.Account.Key}
	return h
}

// onSQLite leaves out on PostgreSQL what is a matter of files and not of the
// engine; the flows themselves are tried on both.
func onSQLite(t *testing.T) {
	t.Helper()
	if dbtest.Postgres() {
		t.Skip("the engine has no part in it")
	}
}

// pay takes a payment and gives its charge.
func (h *house) pay(amount int64, c money.Currency, method string) *object.Object[payment.Charge] {
	h.t.Helper()
	reply, err := h.Payment.Create(h.t.Context(), h.scope, payment.CreateParams{Amount: money.New(amount, c), CaptureMethod: "automatic", Method: method, Confirm: true}, nil)
	if err != nil || reply.Error != nil {
		h.t.Fatal(reply, err)
	}
	i, _, err := payment.Intents.Read(h.t.Context(), h.DB, h.scope, reply.Shown[0].Key)
	if err != nil || i.Body.LatestCharge == 0 {
		h.t.Fatal("no charge", err)
	}
	ch, _, err := payment.Charges.Read(h.t.Context(), h.DB, h.scope, int64(i.Body.LatestCharge))
	if err != nil {
		h.t.Fatal(err)
	}
	h.made = append(h.made, payment.Reference(h.scope, ch.Body.Attempt))
	return ch
}

func (h *house) refund(ch *object.Object[payment.Charge], amount int64) {
	h.t.Helper()
	reply, err := h.Payment.Refund(h.t.Context(), h.scope, payment.RefundParams{Charge: payment.ChargeID(ch.Key), Amount: amount}, nil)
	if err != nil || reply.Error != nil {
		h.t.Fatal(reply, err)
	}
}

// run reconciles after so many days have gone by, one after another.
func (h *house) run(days int) {
	h.t.Helper()
	for range days {
		h.clock.Advance(24 * time.Hour)
		if err := h.Settle.Run(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
	h.verify()
}

func (h *house) verify() {
	h.t.Helper()
	report := func(f ledger.Finding) { h.t.Errorf("verify: %+v", f) }
	if err := settle.Check(h.t.Context(), h.DB, report); err != nil {
		h.t.Fatal(err)
	}
	if err := ledger.Check(h.t.Context(), h.DB, report); err != nil {
		h.t.Fatal(err)
	}
}

// balances are those that reconciliation moves, as debits less credits.
func (h *house) balances() map[string]int64 {
	h.t.Helper()
	list, err := ledger.ReadBalances(h.t.Context(), h.DB, h.scope)
	if err != nil {
		h.t.Fatal(err)
	}
	by := map[string]int64{}
	for _, b := range list {
		switch b.Account.Kind() {
		case ledger.ProviderClearing, ledger.Bank, ledger.ProviderCost:
			if b.Net() != 0 {
				by[b.Account.String()] = -b.Net()
			}
		}
	}
	return by
}

// broken are the breaks that are open, as "type ours/theirs currency".
func (h *house) broken() (list []string) {
	h.t.Helper()
	all, _, err := settle.Breaks.List(h.t.Context(), h.DB, h.scope, object.Range{Limit: 100, Where: map[string]any{"state": "open"}})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range all {
		b := &o.Body
		if b.Note != "" {
			h.t.Log(b.Note)
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %d/%d %s", b.Provider, b.Type, b.Ours.Amount, b.Theirs.Amount, b.Ours.Currency)))
	}
	slices.Sort(list)
	return list
}

func (h *house) want(balances map[string]int64, breaks ...string) {
	h.t.Helper()
	if diff := cmp.Diff(balances, h.balances()); diff != "" {
		h.t.Errorf("balances (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(breaks, h.broken()); diff != "" {
		h.t.Errorf("open breaks (-want +got):\n%s", diff)
	}
}

// resolve ends all open breaks as costs.
func (h *house) resolve() {
	h.t.Helper()
	all, _, err := settle.Breaks.List(h.t.Context(), h.DB, h.scope, object.Range{Limit: 100, Where: map[string]any{"state": "open"}})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range all {
		as := settle.AsCost
		if !o.Body.Clearing {
			as = settle.NoPosting
		}
		reply, err := h.Settle.Resolve(h.t.Context(), h.scope, o.Key, settle.Ruling{By: "Ada", Why: "agreed", Treatment: as}, nil)
		if err != nil || reply.Error != nil {
			h.t.Fatal(reply, err)
		}
	}
}

// fee is what the sandbox keeps of amounts taken.
func fee(amounts ...int64) (sum int64) {
	for _, a := range amounts {
		n, _ := sandbox.Fee(provider.LineCapture, money.New(a, "usd"))
		sum += n
	}
	return sum
}

// What was taken, given back and disputed is settled: the bank has the net and
// the provider its fees, and nothing is left that the provider owes.
func TestSettlement(t *testing.T) {
	h := openHouse(t)
	ch := h.pay(10_000, "usd", "pm_card_visa")
	h.pay(2_500, "usd", "pm_card_mastercard")
	h.pay(900, "eur", "pm_card_visa")
	h.refund(ch, 4_000)
	h.run(1) // the report is there, and the statement is not
	h.want(map[string]int64{"provider_clearing:usd": 8_500, "provider_clearing:eur": 900})
	h.run(1) // and now it is
	cost, eur := fee(10_000, 2_500), fee(900)
	h.want(map[string]int64{"bank:usd": 8_500 - cost, "provider_cost:usd": cost, "bank:eur": 900 - eur, "provider_cost:eur": eur})
	h.run(10)
	h.want(map[string]int64{"bank:usd": 8_500 - cost, "provider_cost:usd": cost, "bank:eur": 900 - eur, "provider_cost:eur": eur})
	list, err := settle.Summaries(t.Context(), h.DB, h.scope)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Matched != s.Total || s.Awaiting != 0 || s.Broken != 0 || s.Total == 0 {
			t.Errorf("%+v", s)
		}
	}
	if len(list) != 2 {
		t.Errorf("%d summaries", len(list))
	}
}

// A second run over the same files changes nothing, and a run that is broken off
// anywhere is finished by the next.
func TestRunningAgainChangesNothing(t *testing.T) {
	h := openHouse(t)
	for n := range 5 {
		h.pay(1_000+int64(n), "usd", "pm_card_visa")
	}
	if err := h.sandbox.InjectReport(sandbox.ReportFault{Mode: sandbox.WrongAmount, Day: firstDay}); err != nil {
		t.Fatal(err)
	}
	h.run(3)
	type whole struct {
		Balances map[string]int64
		Breaks   []string
		Steps    int
	}
	state := func() whole {
		n, _, err := settle.Breaks.List(t.Context(), h.DB, h.scope, object.Range{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return whole{h.balances(), h.broken(), len(n)}
	}
	before := state()
	for range 3 {
		if err := h.Settle.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Errorf("another run: %s", diff)
	}
	h.verify()
}

// Each way in which a report can be wrong opens the breaks that it should, and
// the books say where the money is; once a person has decided, nothing is left.
func TestWrongReports(t *testing.T) {
	onSQLite(t)
	paid := []int64{10_000, 2_000, 3_000}
	gross, cost := int64(15_000), fee(paid...)
	for mode, c := range map[sandbox.Mode]struct {
		after    int // days until it is found
		balances map[string]int64
		breaks   []string
	}{
		sandbox.WrongAmount: {2, map[string]int64{"bank:usd": gross - cost - 1, "provider_cost:usd": cost, "provider_clearing:usd": 1},
			[]string{"sandbox amount 10000/9999 usd"}},
		sandbox.WrongFee: {2, map[string]int64{"bank:usd": gross - cost - 7, "provider_cost:usd": cost + 7}, []string{"sandbox fee 25/32 usd"}},
		sandbox.WrongCurrency: {2, map[string]int64{"bank:usd": 5_000 - fee(2_000, 3_000), "provider_cost:usd": fee(2_000, 3_000), "provider_clearing:usd": 10_000,
			"bank:eur": 10_000 - fee(10_000), "provider_cost:eur": fee(10_000), "provider_clearing:eur": -10_000}, []string{"sandbox currency 10000/10000 usd"}},
		sandbox.MissingRow: {5, map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": fee(2_000, 3_000), "provider_clearing:usd": fee(10_000)},
			[]string{"sandbox amount 4980/14955 usd", "sandbox missing_there 10000/0 usd"}},
		sandbox.DuplicateRow: {2, map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": cost + fee(10_000), "provider_clearing:usd": -fee(10_000)},
			[]string{"sandbox amount 24930/14955 usd", "sandbox duplicate 0/10000 usd"}},
		sandbox.LateFile:      {4, map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": cost}, nil},
		sandbox.FileTwice:     {2, map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": cost}, nil},
		sandbox.CorrectedFile: {2, map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": cost}, nil},
		sandbox.TruncatedFile: {5, map[string]int64{"provider_clearing:usd": gross},
			[]string{"bank missing_here 0/14955 usd", "sandbox missing_there 10000/0 usd", "sandbox missing_there 2000/0 usd", "sandbox missing_there 3000/0 usd", "sandbox timing 0/0"}},
	} {
		t.Run(string(mode), func(t *testing.T) {
			h := openHouse(t)
			for _, amount := range paid {
				h.pay(amount, "usd", "pm_card_visa")
			}
			if err := h.sandbox.InjectReport(sandbox.ReportFault{Mode: mode, Day: firstDay}); err != nil {
				t.Fatal(err)
			}
			h.run(c.after)
			h.want(c.balances, c.breaks...)
			if mode == sandbox.TruncatedFile { // it is whole in the end
				h.sandbox.HealReports()
				h.run(1)
				h.want(map[string]int64{"bank:usd": gross - cost, "provider_cost:usd": cost})
				return
			}
			h.resolve()
			h.run(9)
			for account, n := range h.balances() {
				if strings.HasPrefix(account, "provider_clearing") {
					t.Errorf("%d are left in %s", n, account)
				}
			}
			h.want(h.balances())
		})
	}
}

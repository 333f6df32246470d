package settle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// payOut has the merchant's money paid to an account at once.
func (h *house) payOut(number string, amount int64) {
	h.t.Helper()
	r, err := h.Vault.CreateBankAccount(h.t.Context(), h.scope, &vault.BankAccountParams{Default: true, Input: &vault.BankInput{
		Country: "US", Currency: "usd", Routing: "110000000", Number: secret.NewText(number), Holder: "Jenny Rosen"}}, nil)
	if err != nil || r.Error != nil {
		h.t.Fatal(r, err)
	}
	r, err = h.Payout.Create(h.t.Context(), h.scope, payout.Params{Amount: amount, Currency: "usd", Method: "instant"}, nil)
	if err != nil || r.Error != nil {
		h.t.Fatal(r, err)
	}
}

// What is paid out goes through the bank account, and the statement tells of it.
// Each way in which a statement can be wrong is found.
func TestStatements(t *testing.T) {
	onSQLite(t)
	const paid, out = 10_000, 1_500
	cost := fee(paid)
	for fault, c := range map[bank.StatementFault]struct {
		day    string // whose statement it befalls
		bank   int64  // what the books then have at the bank
		left   int64  // and what the provider still owes
		breaks []string
	}{
		"":                   {firstDay, paid - cost - out, 0, nil},
		bank.MissingEntry:    {firstDay, paid - cost - out, 0, []string{"bank missing_there -1500/0 usd"}},
		bank.DoubleEntry:     {firstDay, paid - cost - out, 0, []string{"bank duplicate 0/-1500 usd"}},
		bank.WrongEntry:      {firstDay, paid - cost - out, 0, []string{"bank amount -1500/-1501 usd"}},
		bank.StrangeEntry:    {firstDay, paid - cost - out, 0, []string{"bank missing_here 0/4711 usd"}},
		bank.BareEntry:       {firstDay, paid - cost - out, 0, nil},
		bank.LateStatement:   {firstDay, paid - cost - out, 0, nil},
		bank.CutStatement:    {firstDay, paid - cost - out, 0, []string{"bank missing_there -1500/0 usd", "bank timing 0/0"}},
		"deposit missing":    {"2026-11-21", -out, paid, []string{"sandbox timing 9975/0 usd"}},
		"deposit wrong":      {"2026-11-21", paid - cost - out - 1, 1, []string{"sandbox amount 9975/9974 usd"}},
		"deposit told twice": {"2026-11-21", paid - cost - out, 0, []string{"bank duplicate 0/9975 usd"}},
		"deposit unnamed":    {"2026-11-21", paid - cost - out, 0, nil},
	} {
		t.Run(strings.ReplaceAll("fault "+string(fault), " ", "_"), func(t *testing.T) {
			h := openHouse(t)
			h.pay(paid, "usd", "pm_card_bypassPending")
			h.payOut("000123456789", out)
			if f, ok := map[bank.StatementFault]bank.StatementFault{"deposit missing": bank.MissingEntry, "deposit wrong": bank.WrongEntry,
				"deposit told twice": bank.DoubleEntry, "deposit unnamed": bank.BareEntry}[fault]; ok {
				fault = f
			}
			if fault != "" {
				if err := h.bank.InjectStatement(c.day, fault); err != nil {
					t.Fatal(err)
				}
			}
			h.run(6)
			want := map[string]int64{"bank:usd": c.bank, "provider_cost:usd": cost}
			if c.left != 0 {
				want["provider_clearing:usd"] = c.left
			}
			if c.left == paid {
				delete(want, "provider_cost:usd")
			}
			h.want(want, c.breaks...)
		})
	}
}

// Money that nobody knows of, twice of one name, has two breaks.
func TestStrangersOfOneName(t *testing.T) {
	onSQLite(t)
	h := openHouse(t)
	h.pay(10_000, "usd", "pm_card_visa")
	h.pay(10_000, "eur", "pm_card_visa")
	if err := h.bank.InjectStatement("2026-11-21", bank.StrangeEntry); err != nil { // in both currencies
		t.Fatal(err)
	}
	h.run(4)
	at := fee(10_000)
	h.want(map[string]int64{"bank:usd": 10_000 - at, "bank:eur": 10_000 - at, "provider_cost:usd": at, "provider_cost:eur": at},
		"bank missing_here 0/4711 eur", "bank missing_here 0/4711 usd")
}

// A payout that comes back is in the statement twice, once each way.
func TestPayoutsThatComeBack(t *testing.T) {
	h := openHouse(t)
	h.pay(5_000, "usd", "pm_card_bypassPending")
	h.payOut("000555555559", 2_000) // arrives, and comes back a day later
	h.clock.Advance(25 * time.Hour)
	if err := h.Payout.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run(6)
	h.want(map[string]int64{"bank:usd": 5_000 - fee(5_000), "provider_cost:usd": fee(5_000)})
}

// A statement may tell of a payout that came back before the bank does so itself: a
// line of the payout's name that says otherwise is no repetition, and is explained
// when the books have it.
func TestAReturnThatIsHeardLate(t *testing.T) {
	h := openHouse(t)
	h.pay(5_000, "usd", "pm_card_bypassPending")
	h.payOut("000555555559", 2_000)
	h.run(3)
	h.want(map[string]int64{"bank:usd": 3_000 - fee(5_000), "provider_cost:usd": fee(5_000)}, "bank missing_here 0/2000 usd")
	if err := h.Payout.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run(5)
	h.want(map[string]int64{"bank:usd": 5_000 - fee(5_000), "provider_cost:usd": fee(5_000)})
}

// A payout and its return have one reference; where the bank has shown neither, there is
// a break about each.
func TestAPayoutAndItsReturnAreBothMissed(t *testing.T) {
	h := openHouse(t)
	h.pay(5_000, "usd", "pm_card_bypassPending")
	h.payOut("000555555559", 2_000)
	for _, day := range []string{"2026-11-20", "2026-11-21", "2026-11-22"} {
		if err := h.bank.InjectStatement(day, bank.CutStatement); err != nil {
			t.Fatal(err)
		}
	}
	h.run(1)
	if err := h.Payout.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.run(7)
	h.want(map[string]int64{"provider_clearing:usd": 5_000}, "bank missing_there -2000/0 usd", "bank missing_there 2000/0 usd",
		"bank timing 0/0", "bank timing 0/0", "sandbox timing 4985/0 usd")
}

// A dispute that is lost, and a refund that fails, are settled as the provider
// tells of them.
func TestDisputesAndFailedRefunds(t *testing.T) {
	h := openHouse(t)
	h.pay(10_000, "usd", "pm_card_createDispute")
	ch := h.pay(3_000, "usd", "pm_card_refundFail")
	h.refund(ch, 1_000)
	for range 5 {
		h.clock.Advance(time.Minute)
		if err := h.Payment.ReadNotices(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.run(6)
	disputed, _ := sandbox.Fee(provider.LineDispute, money.New(-10_000, "usd"))
	cost := fee(10_000, 3_000) + disputed
	h.want(map[string]int64{"bank:usd": 3_000 - cost, "provider_cost:usd": cost})
}

// A day on which as much was given back as was earned is paid by nothing, and no
// statement tells of that.
func TestADepositOfNothing(t *testing.T) {
	h := openHouse(t)
	before := h.pay(5_000, "usd", "pm_card_visa")
	h.run(1)
	h.pay(1_000, "usd", "pm_card_visa")
	h.refund(before, 1_000-fee(1_000))
	h.run(8)
	cost := fee(5_000, 1_000)
	h.want(map[string]int64{"bank:usd": 5_000 - fee(5_000), "provider_cost:usd": cost})
}

// What the provider has done and nobody here knows of is found, in whose name it
// was done; what undoes it on another day explains it.
func TestWhatNobodyAskedFor(t *testing.T) {
	h := openHouse(t)
	h.pay(1_000, "usd", "pm_card_visa")
	at := h.Payment.Providers["sandbox"]
	card := provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")}
	if out := at.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "stranger", Amount: money.New(700, "usd"), Card: card, Capture: true}); out.Status != provider.Approved {
		t.Fatal(out)
	}
	h.run(1)
	h.want(map[string]int64{"provider_clearing:usd": 1_000}, "sandbox missing_here 0/700 usd")
	if f := at.Reverse(t.Context(), provider.ReverseRequest{Reference: "undo", Original: "stranger", Amount: money.New(700, "usd")}); f.Outcome.Status != provider.Approved {
		t.Fatal(f)
	}
	h.run(1)
	all := fee(1_000) + fee(700)
	h.want(map[string]int64{"bank:usd": 1_700 - all, "provider_cost:usd": all, "provider_clearing:usd": -700}, []string(nil)...)
	h.run(3)
	h.want(map[string]int64{"bank:usd": 1_000 - fee(1_000), "provider_cost:usd": fee(1_000)})
}

// A payment that the books hear of only after it was settled takes the place of
// what was settled in its name.
func TestLateSuccess(t *testing.T) {
	h := openHouse(t)
	ch := h.pay(4_000, "usd", "pm_card_visa")
	a, _, err := payment.Attempts.Read(t.Context(), h.DB, h.scope, int64(ch.Body.Attempt))
	if err != nil {
		t.Fatal(err)
	}
	// Another operation of the same account, of which the books know the attempt and
	// not the money: one that was declined here.
	card := provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")}
	declined := h.declined()
	reference := payment.Reference(h.scope, payment.AttemptID(declined))
	if out := h.Payment.Providers["sandbox"].Authorize(t.Context(), provider.AuthorizeRequest{Reference: reference + "-x", Amount: money.New(10, "usd"), Card: card, Capture: true}); out.Status != provider.Approved {
		t.Fatal(out)
	}
	h.run(2)
	h.want(map[string]int64{"bank:usd": 4_010 - fee(4_000, 10), "provider_cost:usd": fee(4_000, 10), "provider_clearing:usd": -10}, "sandbox missing_here 0/10 usd")
	// The books hear of it: the same reference, in the same scope.
	if err := h.DB.Run(t.Context(), db.Step{Name: "test.late", Scope: h.scope.Key(), Do: func(tx *db.Tx) error {
		_, err := (&ledger.Book{}).Post(tx, h.scope, ledger.Transaction{Type: "charge", ReportingCategory: "charge", Currency: "usd", Amount: 10, Net: 10,
			Provider: a.Body.Provider, Reference: reference + "-x"}, ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Pending, Amount: money.New(10, "usd")})
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	h.run(1)
	h.want(map[string]int64{"bank:usd": 4_010 - fee(4_000, 10), "provider_cost:usd": fee(4_000, 10)})
}

// declined makes a payment that is declined, and gives its attempt.
func (h *house) declined() int64 {
	h.t.Helper()
	reply, err := h.Payment.Create(h.t.Context(), h.scope, payment.CreateParams{Amount: money.New(100, "usd"), CaptureMethod: "automatic", Method: "pm_card_chargeDeclined", Confirm: true}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	i, _, err := payment.Intents.Read(h.t.Context(), h.DB, h.scope, reply.Shown[0].Key)
	if err != nil {
		h.t.Fatal(err)
	}
	ch, _, err := payment.Charges.Read(h.t.Context(), h.DB, h.scope, int64(i.Body.LatestCharge))
	if err != nil {
		h.t.Fatal(err)
	}
	return int64(ch.Body.Attempt)
}

// A report that is corrected after its deposit was booked puts right what the
// wrong one left, and nothing is booked twice.
func TestCorrectedAfterItWasSettled(t *testing.T) {
	h := openHouse(t)
	for _, amount := range []int64{10_000, 2_000} {
		h.pay(amount, "usd", "pm_card_visa")
	}
	// The first version misses a row, and the deposit does not.
	fault := sandbox.ReportFault{Mode: sandbox.MissingRow, Day: firstDay}
	if err := h.sandbox.InjectReport(fault); err != nil {
		t.Fatal(err)
	}
	h.run(2)
	h.want(map[string]int64{"bank:usd": 12_000 - fee(10_000, 2_000), "provider_cost:usd": fee(2_000), "provider_clearing:usd": fee(10_000)}, "sandbox amount 1991/11966 usd")
	h.sandbox.HealReports()
	if err := h.sandbox.InjectReport(sandbox.ReportFault{Mode: sandbox.CorrectedFile, Day: firstDay, Reference: "nobody"}); err != nil {
		t.Fatal(err)
	}
	h.run(2)
	h.want(map[string]int64{"bank:usd": 12_000 - fee(10_000, 2_000), "provider_cost:usd": fee(10_000, 2_000)})
}

// A day is that of the account's time zone: what is taken in its evening is told
// with it, and not with the next.
func TestDaysOfTheAccount(t *testing.T) {
	h := openHouse(t)
	reply, err := h.Merchant.Change(t.Context(), h.scope, &idem.Keys{}, merchant.Accounts.Name, nil, func(a *merchant.Account) error {
		a.Profile.Timezone = "Pacific/Kiritimati" // 14 hours ahead: its day is over at 10:00 UTC
		return nil
	})
	if err != nil || reply.Error != nil {
		t.Fatal(reply, err)
	}
	h.clock.Advance(14 * time.Hour)
	h.pay(1_000, "usd", "pm_card_visa") // at 2:00 UTC
	h.clock.Advance(9 * time.Hour)      // 11:00 UTC of the same day
	if err := h.Settle.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, err := settle.Breaks.List(t.Context(), h.DB, h.scope, object.Range{Limit: 1})
	if err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	sums, err := settle.Summaries(t.Context(), h.DB, h.scope)
	if err != nil || len(sums) != 1 || sums[0].Matched != 1_000 {
		t.Errorf("the report of the account's day is not there before the day is over in UTC: %+v %v", sums, err)
	}
}

// What does not agree is found by verify: money that the provider owes and no item
// has, and what is left too long without a break.
func TestVerifyFindsWhatIsNotExplained(t *testing.T) {
	h := openHouse(t)
	h.pay(1_000, "usd", "pm_card_visa")
	h.run(3)
	found := func() (problems []string) {
		if err := settle.Check(t.Context(), h.DB, func(f ledger.Finding) { problems = append(problems, f.Check+" "+f.Table) }); err != nil {
			t.Fatal(err)
		}
		return problems
	}
	if diff := cmp.Diff([]string(nil), found()); diff != "" {
		t.Fatal(diff)
	}
	if err := h.DB.Run(t.Context(), db.Step{Name: "test.steal", Scope: h.scope.Key(), Do: func(tx *db.Tx) error {
		_, err := (&ledger.Book{}).Move(tx, h.scope, ledger.Movement{Type: "settlement", SourceKind: "nobody", Currency: "usd"},
			ledger.Posting{Debit: ledger.Bank, Credit: ledger.ProviderClearing, Amount: money.New(5, "usd")})
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"settlement balance"}, found()); diff != "" {
		t.Error(diff)
	}
}

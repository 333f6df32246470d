package payout_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
)

// broken lists the breaks that are open.
func (s *till) broken() (list []string) {
	s.t.Helper()
	err := settle.Breaks.Scan(context.Background(), s.DB, func(o *object.Object[settle.Break]) error {
		if o.Body.State == settle.Open {
			list = append(list, string(o.Body.Type)+" "+o.Body.Subject)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// told has the bank tell, unasked, how a payout stands, twice.
func (s *till) told(p *object.Object[payout.Payout], st provider.Status, more int64) {
	s.t.Helper()
	n := provider.Notice{ID: "n", Kind: provider.NoticeOutcome, Reference: payout.Reference(s.scope, p.Body.Attempt), At: s.clock.Now(),
		Standing: &provider.Standing{Status: st, Amount: p.Body.Amount + more, Currency: "usd", Reason: "no_account"}}
	for range 2 {
		if err := s.Pushed(s.t.Context(), bank.Name, n); err != nil {
			s.t.Error(err)
		}
	}
}

// TestTold goes through what a bank may tell of a payout that stands somewhere.
// What it says when it is asked is what counts.
func TestTold(t *testing.T) {
	const arrives, comesBack, comesBackLate = "000123456789", "000111111116", "000555555559"
	for what, c := range map[string]struct {
		number string
		days   int // that pass first
		alter  func(*provider.Provider)
		told   provider.Status
		more   int64
		ends   payout.Status
		broken bool
	}{
		"on its way, told so":               {arrives, 0, nil, provider.Pending, 0, payout.InTransit, false},
		"on its way, told to be there":      {arrives, 0, nil, provider.Approved, 0, payout.InTransit, true},
		"paid, told again":                  {arrives, 2, nil, provider.Approved, 0, payout.Paid, false},
		"paid, told to be on its way":       {arrives, 2, nil, provider.Pending, 0, payout.Paid, false},
		"paid, told to be back":             {arrives, 2, nil, provider.Declined, 0, payout.Paid, true},
		"paid, another amount":              {arrives, 2, nil, provider.Approved, 1, payout.Paid, true},
		"paid, can't be asked, told back":   {arrives, 2, mute, provider.Declined, 0, payout.Paid, true},
		"back, told again":                  {comesBack, 2, nil, provider.Declined, 0, payout.Failed, false},
		"back, told to be paid":             {comesBack, 2, nil, provider.Approved, 0, payout.Failed, false},
		"back late, told to be paid":        {comesBackLate, 4, nil, provider.Approved, 0, payout.Failed, false},
		"back late, told to be back":        {comesBackLate, 4, nil, provider.Declined, 0, payout.Failed, false},
		"back, can't be asked, told paid":   {comesBack, 2, mute, provider.Approved, 0, payout.Failed, true},
		"back, can't be asked, other money": {comesBack, 2, mute, provider.Declined, 1, payout.Failed, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.Breaks = &settle.Service{DB: s.DB, Keys: s.Keys, Book: s.Book}
			s.account(c.number)
			p := s.pay(4000, "standard", nil)
			for range 48 {
				if s.sweep(); s.payout(p.Key).Body.Status != payout.Pending {
					break
				}
				s.clock.Advance(time.Hour)
			}
			if c.days > 0 {
				s.wait(time.Duration(c.days) * 24 * time.Hour)
			}
			if c.alter != nil {
				at := s.Banks[bank.Name]
				c.alter(&at)
				s.Banks[bank.Name] = at
			}
			before := s.balances()
			s.told(p, c.told, c.more)
			if got := s.payout(p.Key).Body.Status; got != c.ends {
				t.Errorf("it is %s", got)
			}
			if diff := cmp.Diff(before, s.balances()); diff != "" {
				t.Error(diff)
			}
			var want []string
			if c.broken {
				want = []string{payment.BreakContradiction + " " + payout.Reference(s.scope, p.Body.Attempt)}
			}
			if diff := cmp.Diff(want, s.broken()); diff != "" {
				t.Errorf("breaks: %s", diff)
			}
		})
	}
}

func mute(p *provider.Provider) { p.Inquire, p.Notices = nil, nil }

// TestPaidAfterAll: a bank that gave money back, and says that it has arrived
// when it is asked, has it; and the other way round.
func TestPaidAfterAll(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.account("000111111116")
	p := s.pay(4000, "standard", nil)
	s.sweep()
	s.wait(48 * time.Hour)
	if got := s.payout(p.Key).Body.Status; got != payout.Failed || s.balances()["available"] != 10_000 {
		t.Fatalf("it is %s, %v", got, s.balances())
	}
	says := provider.Approved
	at := s.Banks[bank.Name]
	at.Inquire = func(context.Context, string) provider.Finding {
		return provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: says, Reason: "account_closed"}}
	}
	s.Banks[bank.Name] = at
	s.told(p, provider.Approved, 0)
	if got := s.payout(p.Key).Body.Status; got != payout.Paid || s.balances()["available"] != 6000 {
		t.Errorf("it is %s, %v", got, s.balances())
	}
	says = provider.Declined
	s.told(p, provider.Declined, 0)
	if got := s.payout(p.Key).Body; got.Status != payout.Failed || got.FailureCode != "account_closed" || s.balances()["available"] != 10_000 {
		t.Errorf("it is %s, %v", got.Status, s.balances())
	}
	if broken := s.broken(); len(broken) != 0 {
		t.Errorf("breaks: %v", broken)
	}
}

// TestByHand: a payout of which nobody can find out what became is settled by a
// person.
func TestByHand(t *testing.T) {
	for happened, fault := range map[bool]bank.Mode{true: bank.Lost, false: bank.Cut} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s := open(t, func(p *provider.Provider) { p.Inquire, p.Traits.ReplayWindow = nil, 0 })
			s.Breaks = &settle.Service{DB: s.DB, Keys: s.Keys, Book: s.Book}
			s.account("000123456789")
			if err := s.sim.Inject(bank.Fault{Mode: fault}); err != nil {
				t.Fatal(err)
			}
			p := s.pay(4000, "standard", nil)
			s.sweep()
			say := payment.Resolution{Succeeded: happened, Evidence: "a statement", By: "jo"}
			if err := s.ResolveByHand(t.Context(), s.scope, p.Body.Attempt, say); err == nil {
				t.Error("before a day is over")
			}
			s.wait(96 * time.Hour)
			if diff := cmp.Diff([]string{"unknown_outcome " + payout.Reference(s.scope, p.Body.Attempt)}, s.broken()); diff != "" {
				t.Fatal(diff)
			}
			if err := s.ResolveByHand(t.Context(), s.scope, p.Body.Attempt, say); err != nil {
				t.Fatal(err)
			}
			want := map[bool]payout.Status{true: payout.Paid, false: payout.Failed}[happened]
			if got := s.payout(p.Key).Body.Status; got != want || len(s.broken()) != 0 {
				t.Errorf("it is %s, breaks %v", got, s.broken())
			}
		})
	}
}

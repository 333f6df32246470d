package payment

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// TestJudge goes through every state, everything that can be told, and everything
// that the provider can answer when it is asked. The rules below are written from
// what is promised, not from the code.
func TestJudge(t *testing.T) {
	states := []State{Sending, Unknown, Pending, Approved, Declined, Failed, Reversed}
	statuses := []provider.Status{provider.Unknown, provider.Approved, provider.Declined, provider.Pending, provider.Failed}
	var answers []*provider.Finding
	answers = append(answers, nil, &provider.Finding{}, &provider.Finding{Answer: provider.NotFound})
	for _, st := range statuses {
		answers = append(answers, &provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: st}})
	}
	seen := map[consequence]int{}
	for _, state := range states {
		for _, told := range statuses {
			for _, asked := range answers {
				c, why := judge(state, told, asked)
				seen[c]++
				fail := func(rule string) {
					t.Errorf("%s: %s is told to be %s, asked %+v: %s, %q", rule, state, told, asked, c, why)
				}
				open := (&Attempt{State: state}).Open()
				answered := asked != nil && asked.Answer == provider.Found
				truth := told
				if answered {
					truth = asked.Outcome.Status
				}
				switch {
				case state == Reversed && (c != nothing || why != ""):
					fail("what was undone stays so")
				case state == Reversed:
				case asked != nil && !answered && (c != tooEarly || why != ""):
					fail("no answer decides nothing")
				case asked != nil && !answered:
				case c == tooEarly:
					fail("what was answered is not too early")
				case c == counts && !open:
					fail("an outcome counts for what is open alone")
				case open && (truth == provider.Approved || truth == provider.Declined) && c != counts:
					fail("a definite outcome counts")
				case open && truth == provider.Failed && (c == counts) != answered:
					fail("that it failed counts only by the provider's answer")
				case open && !truth.Definite() && c != nothing:
					fail("what is not definite moves nothing")
				case state == Approved && c != nothing:
					fail("an older state never takes the place of a success")
				case state == Approved && (truth == provider.Declined || truth == provider.Failed) && why == "":
					fail("a success that is denied is a contradiction")
				case c == comesLate && (truth != provider.Approved || state != Failed && state != Declined):
					fail("only a success comes late, and only to what failed")
				case state == Failed && truth == provider.Approved && c != comesLate:
					fail("a late success counts")
				case state == Declined && truth == provider.Approved && (c == comesLate) != answered:
					fail("a decline is taken back only by the provider's answer")
				case state == Declined && truth == provider.Approved && !answered && why == "":
					fail("a decline that is denied is a contradiction")
				case answered && told.Definite() && truth.Definite() && told != truth && why == "":
					fail("two definite words that differ are a contradiction")
				case told == truth && why != "" && c != nothing:
					fail("what fits is none")
				}
			}
		}
	}
	for _, c := range []consequence{nothing, tooEarly, counts, comesLate} {
		if seen[c] == 0 {
			t.Errorf("nothing comes to %s", c)
		}
	}
}

func TestFits(t *testing.T) {
	partial := Attempt{Operation: OpSale, Amount: 500, Currency: "usd"}
	partial.Features.Partial = true
	for _, c := range []struct {
		a    Attempt
		n    provider.Standing
		fits bool
	}{
		{Attempt{Operation: OpSale, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Approved, Amount: 500, Currency: "usd"}, true},
		{Attempt{Operation: OpSale, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Approved}, true},
		{Attempt{Operation: OpSale, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Approved, Amount: 499, Currency: "usd"}, false},
		{Attempt{Operation: OpSale, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Declined, Amount: 501, Currency: "usd"}, false},
		{Attempt{Operation: OpRefund, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Approved, Amount: 500, Currency: "eur"}, false},
		{partial, provider.Standing{Status: provider.Approved, Amount: 400, Currency: "usd"}, true},
		{partial, provider.Standing{Status: provider.Approved, Amount: 501, Currency: "usd"}, false},
		{partial, provider.Standing{Status: provider.Declined, Amount: 400, Currency: "usd"}, false},
		{Attempt{Operation: OpContest, Amount: 500, Currency: "usd"}, provider.Standing{Status: provider.Approved, Amount: 1, Currency: "usd"}, true},
	} {
		if got := c.a.fits(&c.n); got != c.fits {
			t.Errorf("%+v and %+v: %t", c.a, c.n, got)
		}
	}
}

package payout

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// TestJudge goes through every state of an attempt, everything that can be told,
// and everything that the bank can answer.
func TestJudge(t *testing.T) {
	states := []State{Queued, Sending, Unknown, Waiting, Approved, Declined, AttemptFailed, AttemptCanceled}
	statuses := []provider.Status{provider.Unknown, provider.Approved, provider.Declined, provider.Pending, provider.Failed}
	answers := []*provider.Finding{nil, {}, {Answer: provider.NotFound}}
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
				sent := (&Attempt{State: state}).open()
				answered := asked != nil && asked.Answer == provider.Found
				truth := told
				if answered {
					truth = asked.Outcome.Status
				}
				arrived, back := truth == provider.Approved, truth == provider.Declined
				switch {
				case asked != nil && !answered && (c != tooEarly || why != ""):
					fail("no answer decides nothing")
				case asked != nil && !answered:
				case c == tooEarly:
					fail("what was answered is not too early")
				case (c == counts) != (sent && (arrived || back)):
					fail("a definite outcome counts for what was sent, and for nothing else")
				case (c == comesBack) != (state == Approved && back && answered):
					fail("money comes back by the bank's answer")
				case (c == comesLate) != (arrived && (state == AttemptFailed || state == Declined && answered)):
					fail("money that was back has arrived by the bank's answer alone")
				case (state == Queued || state == AttemptCanceled) && (arrived || back) && (c != nothing || why == ""):
					fail("what was never sent can't have ended")
				case !answered && (state == Approved && back || state == Declined && arrived) && why == "":
					fail("what the bank takes back without being asked is a contradiction")
				case answered && told == provider.Declined && arrived && why == "":
					fail("the bank says two things")
				}
			}
		}
	}
	for _, c := range []consequence{nothing, tooEarly, counts, comesBack, comesLate} {
		if seen[c] == 0 {
			t.Errorf("nothing comes to %s", c)
		}
	}
}

package vault

import (
	"strings"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// TestCard is one of the cards that stand for a behaviour in test mode.
type TestCard struct {
	// Name, after "pm_card_" or "tok_", is how requests name it: "visa".
	Name    string
	Aliases []string // further names
	Number  string   // public, and worth nothing
	Funding string   // "credit", "debit" or "prepaid"
	Country string   // of the issuer, ISO 3166-1 alpha-2
	// Decline is the reason, a decline code, that it can't be attached to a
	// customer for; empty when it can.
	Decline string

	alsoOn []string // networks besides its brand's
	checks Checks   // results that differ from "pass"
}

// TestCards are all test cards. Where several have one number, the first is
// what the number stands for when it is typed.
var TestCards = readTestCards()

var testByName, testByNumber = indexTestCards()

func readTestCards() []TestCard {
	var cards []TestCard
	for line := range strings.Lines(testCardTable) {
		f := strings.Fields(line)
		if len(f) < 4 || !digits(f[0]) { // a heading
			continue
		}
		cards = append(cards, TestCard{Number: f[0], Funding: f[1], Country: f[2], Name: f[3], Aliases: f[4:],
			Decline: testDeclines[f[3]], alsoOn: testNetworks[f[3]], checks: testChecks[f[3]]})
	}
	return cards
}

func indexTestCards() (byName, byNumber map[string]*TestCard) {
	byName, byNumber = map[string]*TestCard{}, map[string]*TestCard{}
	for i := range TestCards {
		c := &TestCards[i]
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			byName[name] = c
		}
		if byNumber[c.Number] == nil {
			byNumber[c.Number] = c
		}
	}
	return byName, byNumber
}

// testCardNamed finds what a reference such as "pm_card_visa" or "tok_visa"
// names in scope s. In live mode that is nothing.
func testCardNamed(s id.Scope, ref string) *TestCard {
	name, ok := strings.CutPrefix(ref, "pm_card_")
	if !ok {
		name, ok = strings.CutPrefix(ref, "tok_")
	}
	if !ok || s.Livemode {
		return nil
	}
	return testByName[name]
}

// testCardNumbered finds the test card behind a number typed in scope s.
func testCardNumbered(s id.Scope, number string) *TestCard {
	if s.Livemode {
		return nil
	}
	return testByNumber[number]
}

// testDeclines are the cards that can't be attached to a customer, and why.
var testDeclines = map[string]string{
	"visa_chargeDeclined":                      "generic_decline",
	"visa_chargeDeclinedInsufficientFunds":     "insufficient_funds",
	"visa_chargeDeclinedLostCard":              "lost_card",
	"visa_chargeDeclinedStolenCard":            "stolen_card",
	"chargeDeclinedExpiredCard":                "expired_card",
	"chargeDeclinedIncorrectCvc":               "incorrect_cvc",
	"chargeDeclinedProcessingError":            "processing_error",
	"visa_chargeDeclinedVelocityLimitExceeded": "card_velocity_exceeded",
	"chargeDeclinedFraudulent":                 "fraudulent",
}

var testNetworks = map[string][]string{
	"visa_cartesBancaires":               {"cartes_bancaires"},
	"mastercard_cartesBancaires":         {"cartes_bancaires"},
	"visa_debit_eftposAuCoBranded":       {"eftpos_au"},
	"mastercard_debit_eftposAuCoBranded": {"eftpos_au"},
}

var testChecks = map[string]Checks{
	"cvcCheckFail":             {CVC: "fail"},
	"cvcCheckFailElevatedRisk": {CVC: "fail"},
	"avsZipFail":               {PostalCode: "fail"},
	"avsZipFailElevatedRisk":   {PostalCode: "fail"},
	"avsLine1Fail":             {Line1: "fail"},
	"avsFail":                  {Line1: "fail", PostalCode: "fail"},
	"avsUnchecked":             {Line1: "unavailable", PostalCode: "unavailable"},
}

// verified is what the checks come to when the test card's issuer is asked.
func (c *TestCard) verified(k Checks) Checks {
	result := func(now, special string) string {
		switch {
		case now != unchecked:
			return now
		case special != "":
			return special
		}
		return "pass"
	}
	return Checks{CVC: result(k.CVC, c.checks.CVC), Line1: result(k.Line1, c.checks.Line1), PostalCode: result(k.PostalCode, c.checks.PostalCode)}
}

// refusals are what the refusal of a card says, by decline code. What is not
// here is "Your card was declined." Sources: https://docs.stripe.com/testing
// and https://docs.stripe.com/declines/codes.
var refusals = map[string]fault.Error{
	"generic_decline":        {Code: "card_declined", AdviceCode: "try_again_later", Message: "Your card was declined."},
	"insufficient_funds":     {Code: "card_declined", AdviceCode: "try_again_later", Message: "Your card has insufficient funds."},
	"lost_card":              {Code: "card_declined", AdviceCode: "do_not_try_again", Message: "Your card was declined."},
	"stolen_card":            {Code: "card_declined", AdviceCode: "do_not_try_again", Message: "Your card was declined."},
	"expired_card":           {Code: "expired_card", AdviceCode: "confirm_card_data", Param: "exp_month", Message: "Your card has expired."},
	"incorrect_cvc":          {Code: "incorrect_cvc", AdviceCode: "confirm_card_data", Param: "cvc", Message: "Your card's security code is incorrect."},
	"processing_error":       {Code: "processing_error", AdviceCode: "try_again_later", Message: "An error occurred while processing your card. Try again in a little bit."},
	"card_velocity_exceeded": {Code: "card_declined", Message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."},
	"fraudulent":             {Code: "card_declined", Message: "Your card was declined."},
}

// refusal is how a card that is declined for reason is refused.
func refusal(reason string) error {
	e, ok := refusals[reason]
	if !ok {
		e = refusals["generic_decline"]
	}
	e.Kind, e.DeclineCode = fault.Declined, reason
	return &e
}

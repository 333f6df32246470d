package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// approving are the test cards that a charge succeeds on. Those whose
// peculiarity lies elsewhere (authentication, risk, disputes, refunds that fail
// later, balance) simply succeed at the acquirer.
// Source: https://docs.stripe.com/testing.
var approving = fields(
	// By brand.
	"4242424242424242 4000056655665556 5555555555554444 2223003122003222 5200828282828210 5105105105105100",
	"378282246310005 371449635398431 6011111111111117 6011000990139424 6011981111111113 3056930009020004",
	"36227206271667 6555900000604105 3566002020360505 6200000000000005 6200000000000047 6205500000000000004",
	// Co-branded, and health accounts.
	"4000002500001001 5555552500001001 4000050360000001 5555050360000080 4000051230000072 5200828282828897",
	// By country: the Americas.
	"4000000320000021 4000000760000002 4000001240000000 4000001520000001 4000001700000003 4000001880000005",
	"4000002180000000 4000004840008001 5062210000000009 4000005910000000 4000006000000066 4000006040000068",
	"4000008580000003",
	// Europe, the Middle East and Africa.
	"4000007840000001 5200007840000022 4000000400000008 4000000560000004 4000001000000000 4000001120000005",
	"4000001910000009 4000001960000008 4000002030000002 4000002080000001 4000002330000009 4000002460000001",
	"4000002500000003 4000002760000016 4000002920000005 4000003000000030 4000003480000005 4000003720000005",
	"4000003800000008 4000004280000005 4000004380000004 4000004400000000 4000004420000006 4000004700000007",
	"4000005280000002 4000005780000007 4000006160000005 4000006200000007 4000006420000001 4000006820000007",
	"4000007050000006 4000007030000001 4000007240000007 4000007520000008 4000007560000009 4000008260000000",
	"4000058260000005 5555558265554449",
	// Asia and the Pacific.
	"4000000360000006 4000001560000002 4000003440000004 4000003560000008 4000003920000003 3530111333300000",
	"4000004580000002 4000005540000008 4000007020000003 4000001580000008 4000007640000003 4000057640000008",
	// Risk and address checks.
	"4000000000004954 4000000000009235 4000008400000407 4000008400000159 4000008400001017 4001858821843804",
	"4000008405600003 4000000000000101 4000000000000036 4000000000000028 4000000000000010 4000000000000044",
	"4000058400307872 4000058400306072 4000000000001208 4000000000003725",
	// Authentication.
	"4000002500003155 4000002760003184 4000003800000446 4000000000003220 4000008400000027 4000000000003055",
	"4000000000003097 4000000032200000 4000582600000094 4000582600000045 4000582600000102 4000582600000110",
	// Disputes, refunds and balance.
	"4000000000000259 4000000000002685 4000000000001976 4000000000005423 4000000404000079 4000000404000038",
	"4000008400000779 5105008400000002 4000000001000043 4000000000007726 4000000000005126 4000000000000077",
	"4000003720000278",
	// Terminal.
	"4001007020000002 4000008260000075 4001000360000005 4000002760000008",
)

// declining are the test cards that a charge is declined on, and the code.
var declining = map[string]string{
	"4000000000000002": codeDoNotHonour,
	"4000000000000341": codeDoNotHonour, // can be attached to a customer; its charges fail
	"4000000000009995": codeNoFunds,
	"4000000000009987": codeLostCard,
	"4000000000009979": codeStolenCard,
	"4000000000000069": codeExpired,
	"4000000000000127": codeWrongCVC,
	"4000000000000119": codeProcessing,
	"4000000000006975": codeVelocity,
	"4100000000000019": codeFraud,       // what risk rules would have blocked
	"4000008260003178": codeNoFunds,     // after authentication
	"4000008400001629": codeDoNotHonour, // after authentication
	"4000008400001280": codeDoNotHonour, // its authentication can't be looked up
}

// Cards are the numbers of all test cards that the simulator knows, in order.
func Cards() []string {
	numbers := slices.AppendSeq(slices.Collect(maps.Keys(approving)), maps.Keys(declining))
	slices.Sort(numbers)
	return numbers
}

// wrongCVC are the cards whose security code, if sent, does not match.
var wrongCVC = fields("4000000000000101 4000058400307872 4000000000000127")

// wrongLine1 and wrongPostal are the cards whose address, where it is sent, does
// not match; uncheckedAddress are those whose issuer can't tell.
var (
	wrongLine1       = fields("4000000000000010 4000000000000028")
	wrongPostal      = fields("4000000000000010 4000000000000036 4000058400306072")
	uncheckedAddress = fields("4000000000000044")
)

// addressCheck is what an issuer says to a part of an address: nothing where it
// was not asked.
func addressCheck(number string, given hidden.Text, wrong map[string]bool) string {
	switch {
	case given.IsZero():
		return ""
	case uncheckedAddress[number]:
		return "unavailable"
	case wrong[number]:
		return "fail"
	}
	return "pass"
}

func fields(lists ...string) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for _, number := range strings.Fields(list) {
			set[number] = true
		}
	}
	return set
}

// verdict is the response code for a charge on c at now, and what became of
// its security code.
func (c card) verdict(now time.Time) (code, cvcCheck string) {
	number := c.Number.Reveal()
	cvcCheck = "pass"
	switch {
	case c.CVC.IsZero():
		cvcCheck = "unchecked"
	case wrongCVC[number]:
		cvcCheck = "fail"
	}
	refused, known := declining[number]
	switch {
	case !known && !approving[number]:
		return codeInvalidNumber, "unchecked"
	case c.expired(now):
		return codeExpired, cvcCheck
	case known:
		return refused, cvcCheck
	}
	return codeApproved, cvcCheck
}

// expired reports whether c's month is over: a card is good to its last day.
func (c card) expired(now time.Time) bool {
	return !now.Before(time.Date(c.ExpYear, time.Month(c.ExpMonth)+1, 1, 0, 0, 0, 0, time.UTC))
}

// brand is the scheme of a card number, by the ranges that the schemes
// publish; empty where none fits.
func brand(number string) string {
	in := func(digits int, low, high string) bool {
		return len(number) >= digits && number[:digits] >= low && number[:digits] <= high
	}
	switch {
	case in(1, "4", "4"):
		return "visa"
	case in(2, "51", "55"), in(4, "2221", "2720"):
		return "mastercard"
	case in(4, "5062", "5062"):
		return "carnet"
	case in(2, "34", "34"), in(2, "37", "37"):
		return "amex"
	case in(4, "3528", "3589"):
		return "jcb"
	case in(2, "30", "30"), in(2, "36", "36"), in(2, "38", "39"):
		return "diners"
	case in(2, "62", "62"):
		return "unionpay"
	case in(4, "6011", "6011"), in(2, "64", "65"):
		return "discover"
	}
	return ""
}

// names derives the acquirer's id of an operation, and the issuer's approval
// code, from its reference: equal runs give equal answers, on every node.
func names(reference string) (id, authorizationCode string) {
	sum := sha256.Sum256([]byte(reference))
	text := base32.StdEncoding.EncodeToString(sum[:])
	return "sbx_" + strings.ToLower(text[:16]), text[16:22]
}

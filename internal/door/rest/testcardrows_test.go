package rest

// testCardRows are Stripe's test cards: the number, the brand (and a further
// network), the funding, the country of the issuer, and the names, each of which
// makes a pm_card_NAME and a tok_NAME. Numbers that Stripe gives no name have one of
// Florin's. Source: https://docs.stripe.com/testing as of 2026-08-07.
const testCardRows = `
By brand.
4242424242424242 visa credit US visa us
4000056655665556 visa debit US visa_debit
5555555555554444 mastercard credit US mastercard
2223003122003222 mastercard credit US mastercard_series2
5200828282828210 mastercard debit US mastercard_debit
5105105105105100 mastercard prepaid US mastercard_prepaid
378282246310005 amex credit US amex amex_threeDSecureNotSupported
371449635398431 amex credit US amex_second
6011111111111117 discover credit US discover
6011000990139424 discover credit US discover_second
6011981111111113 discover debit US discover_debit
3056930009020004 diners credit US diners
36227206271667 diners credit US diners_14digits
6555900000604105 discover credit KR bccard
3566002020360505 jcb credit JP jcb
6200000000000005 unionpay credit CN unionpay
6200000000000047 unionpay debit CN unionpay_debit
6205500000000000004 unionpay credit CN unionpay_19digits

Co-branded, and health accounts.
4000002500001001 visa+cartes_bancaires debit FR visa_cartesBancaires
5555552500001001 mastercard+cartes_bancaires debit FR mastercard_cartesBancaires
4000050360000001 visa+eftpos_au debit AU visa_debit_eftposAuCoBranded
5555050360000080 mastercard+eftpos_au debit AU mastercard_debit_eftposAuCoBranded
4000051230000072 visa debit US debit_visaFsaProductCode debit_visaHsaProductCode
5200828282828897 mastercard debit US mastercard_debit_mastercardFsaProductCode

By country: the Americas.
4000000320000021 visa credit AR ar
4000000760000002 visa credit BR br
4000001240000000 visa credit CA ca
4000001520000001 visa credit CL cl
4000001700000003 visa credit CO co
4000001880000005 visa credit CR cr
4000002180000000 visa credit EC ec
4000004840008001 visa credit MX mx
5062210000000009 unknown credit MX mx_carnet
4000005910000000 visa credit PA pa
4000006000000066 visa credit PY py
4000006040000068 visa credit PE pe
4000008580000003 visa credit UY uy

Europe, the Middle East and Africa.
4000007840000001 visa credit AE ae
5200007840000022 mastercard credit AE ae_mastercard
4000000400000008 visa credit AT at
4000000560000004 visa credit BE be
4000001000000000 visa credit BG bg
4000001120000005 visa credit BY by
4000001910000009 visa credit HR hr
4000001960000008 visa credit CY cy
4000002030000002 visa credit CZ cz
4000002080000001 visa credit DK dk
4000002330000009 visa credit EE ee
4000002460000001 visa credit FI fi
4000002500000003 visa credit FR fr
4000002760000016 visa credit DE de
4000002920000005 visa credit GI gi
4000003000000030 visa credit GR gr
4000003480000005 visa credit HU hu
4000003720000005 visa credit IE ie
4000003800000008 visa credit IT it
4000004280000005 visa credit LV lv
4000004380000004 visa credit LI li
4000004400000000 visa credit LT lt
4000004420000006 visa credit LU lu
4000004700000007 visa credit MT mt
4000005280000002 visa credit NL nl
4000005780000007 visa credit NO no
4000006160000005 visa credit PL pl
4000006200000007 visa credit PT pt
4000006420000001 visa credit RO ro
4000006820000007 visa credit SA sa
4000007050000006 visa credit SI si
4000007030000001 visa credit SK sk
4000007240000007 visa credit ES es
4000007520000008 visa credit SE se
4000007560000009 visa credit CH ch
4000008260000000 visa credit GB gb
4000058260000005 visa debit GB gb_debit
5555558265554449 mastercard credit GB gb_mastercard

Asia and the Pacific.
4000000360000006 visa credit AU au
4000001560000002 visa credit CN cn
4000003440000004 visa credit HK hk
4000003560000008 visa credit IN in
4000003920000003 visa credit JP jp
3530111333300000 jcb credit JP jp_jcb
4000004580000002 visa credit MY my
4000005540000008 visa credit NZ nz
4000007020000003 visa credit SG sg
4000001580000008 visa credit TW tw
4000007640000003 visa credit TH th_credit
4000057640000008 visa debit TH th_debit

Declines.
4000000000000002 visa credit US visa_chargeDeclined chargeDeclined
4000000000009995 visa credit US visa_chargeDeclinedInsufficientFunds chargeDeclinedInsufficientFunds
4000000000009987 visa credit US visa_chargeDeclinedLostCard chargeDeclinedLostCard
4000000000009979 visa credit US visa_chargeDeclinedStolenCard chargeDeclinedStolenCard
4000000000000069 visa credit US chargeDeclinedExpiredCard visa_chargeDeclinedExpiredCard
4000000000000127 visa credit US chargeDeclinedIncorrectCvc visa_chargeDeclinedIncorrectCvc
4000000000000119 visa credit US chargeDeclinedProcessingError visa_chargeDeclinedProcessingError
4000000000006975 visa credit US visa_chargeDeclinedVelocityLimitExceeded chargeDeclinedVelocityLimitExceeded
4000000000000341 visa credit US chargeCustomerFail visa_chargeCustomerFail
4000000000009987 visa credit US visa_chargeCustomerFailLostCard
4000000000009979 visa credit US visa_chargeCustomerFailStolenCard

Risk and address checks.
4100000000000019 visa credit US radarBlock
4100000000000019 visa credit US chargeDeclinedFraudulent visa_chargeDeclinedFraudulent
4000000000004954 visa credit US riskLevelHighest
4000000000009235 visa credit US riskLevelElevated
4000008400000407 visa credit US highFraudDisputeScore
4000008400000159 visa credit US highEfwScore
4000008400001017 visa credit US radarDynamicRiskThreshold
4001858821843804 visa credit US freeTrialAbuseBlock
4000008405600003 visa credit US adaptive3dsChallenge
4000000000000101 visa credit US cvcCheckFail
4000000000000036 visa credit US avsZipFail
4000000000000028 visa credit US avsLine1Fail
4000000000000010 visa credit US avsFail
4000000000000044 visa credit US avsUnchecked
4000058400307872 visa debit US cvcCheckFailElevatedRisk
4000058400306072 visa debit US avsZipFailElevatedRisk
4000000000001208 visa credit US captcha
4000000000003725 visa credit US captcha_second

Authentication.
4000002500003155 visa credit FR authenticationRequiredOnSetup
4000002760003184 visa credit DE authenticationRequired
4000003800000446 visa credit IT authenticationRequiredSetupForOffSession
4000008260003178 visa credit GB authenticationRequiredChargeDeclinedInsufficientFunds
4000000000003220 visa credit US threeDSecure2Required threeDSecureRequired
4000008400000027 visa credit US threeDSecure2Required_second
4000008400001629 visa credit US threeDSecureRequiredChargeDeclined
4000008400001280 visa credit US threeDSecureRequiredProcessingError
4000000000003055 visa credit US threeDSecureOptional
4000000000003097 visa credit US threeDSecureOptionalProcessingError
4000000032200000 visa credit US threeDSecureFrictionless
4000582600000094 visa credit GB threeDSecureOutOfBand
4000582600000045 visa credit GB threeDSecureOneTimePasscode
4000582600000102 visa credit GB threeDSecureSingleSelect
4000582600000110 visa credit GB threeDSecureMultiSelect

Disputes, refunds and balance.
4000000000000259 visa credit US createDispute
4000000000002685 visa credit US createDisputeProductNotReceived
4000000000001976 visa credit US createDisputeInquiry
4000000000005423 visa credit US createIssuerFraudRecord
4000000404000079 visa credit US createMultipleDisputes
4000000404000038 visa credit US createCe3EligibleDispute
4000008400000779 visa credit US createComplianceDispute
5105008400000002 mastercard credit US createMastercardComplianceDispute
4000000001000043 visa credit US createAutoRepresentmentEligibleDispute
4000000000007726 visa credit US pendingRefund
4000000000005126 visa credit US refundFail
4000000000000077 visa credit US bypassPending
4000003720000278 visa credit IE bypassPendingInternational

In person.
4001007020000002 visa credit SG offline_pin_cvm
4000008260000075 visa credit GB offline_pin_sca_retry
4001000360000005 visa credit AU online_pin_cvm
4000002760000008 visa credit DE online_pin_sca_retry
`

// does is what one of them does besides being paid with. The zero value: it is paid
// with, and that is all.
type does struct {
	declines string // the decline code of each charge; the rest is in declineRows
	holds    bool   // it can be attached to a customer although it declines
	blocked  bool   // and no network hears of it

	level, outcome string // of risk; empty: normal and authorized
	score          int    // 0: none

	cvc, line1, postal string // the checks that do not pass

	auth auth

	disputes []string // "STATUS REASON AMOUNT CASE PROGRAMME"
	warned   bool     // of fraud
	refund   string   // what a refund is first, and then: "pending succeeded"
	bypasses bool     // its money is available at once
}

// auth is what a card does about 3D Secure.
type auth struct {
	asks   bool   // the payer is sent to the issuer's page
	result string // of an authentication while the payer is there; empty: there is none
	// wished is the result where the merchant wishes for one; empty: as result.
	// insists: the payer is asked if it is to be a challenge.
	wished  string
	insists bool
	// away: it pays while the payer is away, without having been set up; setUp: it
	// does once it was.
	away, setUp bool
	// proves: its issuer wants an authentication, and none can be had.
	proves bool
}

// Most cards' issuers take part only by name.
var notEnrolled = auth{wished: "attempt_acknowledged", away: true, setUp: true}

// alwaysAsks is the usual card that needs authentication.
var alwaysAsks = auth{asks: true, result: "authenticated"}

// testCardsDo are the cards that do something, by their first name. Source: as
// above, its sections "Declined payments", "Fraud prevention", "Disputes",
// "Refunds", "Available balance", "3D Secure authentication".
var testCardsDo = map[string]does{
	"visa_chargeDeclined":                      {declines: "generic_decline"},
	"visa_chargeDeclinedInsufficientFunds":     {declines: "insufficient_funds"},
	"visa_chargeDeclinedLostCard":              {declines: "lost_card"},
	"visa_chargeDeclinedStolenCard":            {declines: "stolen_card"},
	"chargeDeclinedExpiredCard":                {declines: "expired_card"},
	"chargeDeclinedIncorrectCvc":               {declines: "incorrect_cvc"},
	"chargeDeclinedProcessingError":            {declines: "processing_error"},
	"visa_chargeDeclinedVelocityLimitExceeded": {declines: "card_velocity_exceeded"},
	"chargeCustomerFail":                       {declines: "generic_decline", holds: true},
	"visa_chargeCustomerFailLostCard":          {declines: "lost_card", holds: true},
	"visa_chargeCustomerFailStolenCard":        {declines: "stolen_card", holds: true},
	"chargeDeclinedFraudulent":                 {declines: "fraudulent"},

	"radarBlock":               {declines: "fraudulent", holds: true, blocked: true, level: "highest", outcome: "blocked", score: 99},
	"riskLevelHighest":         {level: "highest", score: 85},
	"riskLevelElevated":        {level: "elevated", outcome: "manual_review", score: 70},
	"cvcCheckFail":             {cvc: "fail"},
	"avsZipFail":               {postal: "fail"},
	"avsLine1Fail":             {line1: "fail"},
	"avsFail":                  {line1: "fail", postal: "fail"},
	"avsUnchecked":             {line1: "unavailable", postal: "unavailable"},
	"cvcCheckFailElevatedRisk": {cvc: "fail", level: "elevated", score: 67},
	"avsZipFailElevatedRisk":   {postal: "fail", level: "elevated", score: 67},

	"authenticationRequiredOnSetup":                         {auth: auth{asks: true, result: "authenticated", setUp: true}},
	"authenticationRequired":                                {auth: alwaysAsks},
	"authenticationRequiredSetupForOffSession":              {auth: auth{asks: true, result: "authenticated", away: true, setUp: true}},
	"authenticationRequiredChargeDeclinedInsufficientFunds": {declines: "insufficient_funds", holds: true, auth: auth{asks: true, result: "authenticated", setUp: true}},
	"threeDSecure2Required":                                 {auth: alwaysAsks},
	"threeDSecure2Required_second":                          {auth: alwaysAsks},
	"threeDSecureRequiredChargeDeclined":                    {declines: "generic_decline", holds: true, auth: alwaysAsks},
	"threeDSecureRequiredProcessingError":                   {declines: "generic_decline", holds: true, auth: auth{proves: true}},
	"threeDSecureOptional":                                  {auth: auth{wished: "authenticated", insists: true, away: true, setUp: true}},
	"threeDSecureOptionalProcessingError":                   {auth: auth{wished: "processing_error", away: true, setUp: true}},
	"adaptive3dsChallenge":                                  {auth: auth{wished: "authenticated", insists: true, away: true, setUp: true}},
	"amex":                                                  {auth: auth{wished: "not_supported", away: true, setUp: true}},
	"threeDSecureFrictionless":                              {auth: auth{result: "authenticated"}},
	"threeDSecureOutOfBand":                                 {auth: alwaysAsks},
	"threeDSecureOneTimePasscode":                           {auth: alwaysAsks},
	"threeDSecureSingleSelect":                              {auth: alwaysAsks},
	"threeDSecureMultiSelect":                               {auth: alwaysAsks},

	"createDispute":                          {disputes: []string{"needs_response fraudulent 1000 chargeback"}},
	"createDisputeProductNotReceived":        {disputes: []string{"needs_response product_not_received 1000 chargeback"}},
	"createDisputeInquiry":                   {disputes: []string{"warning_needs_response fraudulent 1000 inquiry"}},
	"createMultipleDisputes":                 {disputes: []string{"needs_response fraudulent 500 chargeback", "needs_response fraudulent 500 chargeback"}},
	"createCe3EligibleDispute":               {disputes: []string{"needs_response fraudulent 1000 chargeback visa_compelling_evidence_3"}},
	"createComplianceDispute":                {disputes: []string{"needs_response noncompliant 1000 compliance visa_compliance"}},
	"createMastercardComplianceDispute":      {disputes: []string{"needs_response noncompliant 1000 compliance mastercard_compliance"}},
	"createAutoRepresentmentEligibleDispute": {disputes: []string{"needs_response fraudulent 1000 chargeback"}},
	"createIssuerFraudRecord":                {warned: true},

	"pendingRefund":              {refund: "pending succeeded"},
	"refundFail":                 {refund: "succeeded failed"},
	"bypassPending":              {bypasses: true},
	"bypassPendingInternational": {bypasses: true},
}

// declineRows say what is told of a decline besides its code. Source:
// https://docs.stripe.com/declines/codes, and the messages of the live service.
var declineRows = map[string]struct{ code, advice, param, message, network string }{
	"generic_decline":        {"card_declined", "try_again_later", "", "Your card was declined.", "05"},
	"insufficient_funds":     {"card_declined", "try_again_later", "", "Your card has insufficient funds.", "51"},
	"lost_card":              {"card_declined", "do_not_try_again", "", "Your card was declined.", "41"},
	"stolen_card":            {"card_declined", "do_not_try_again", "", "Your card was declined.", "43"},
	"expired_card":           {"expired_card", "confirm_card_data", "exp_month", "Your card has expired.", "54"},
	"incorrect_cvc":          {"incorrect_cvc", "confirm_card_data", "cvc", "Your card's security code is incorrect.", "N7"},
	"processing_error":       {"processing_error", "try_again_later", "", "An error occurred while processing your card. Try again in a little bit.", "96"},
	"card_velocity_exceeded": {"card_declined", "", "", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.", "65"},
	"fraudulent":             {"card_declined", "", "", "Your card was declined.", "59"},
}

// mistypedRows are cards that are refused as they are typed: number, month, year,
// security code, and the error's code and parameter.
var mistypedRows = []struct{ number, month, year, cvc, code, param string }{
	{"4242424242424241", "12", "2034", "123", "incorrect_number", "number"},
	{"4242424242424242", "13", "2034", "123", "invalid_expiry_month", "exp_month"},
	{"4242424242424242", "12", "95", "123", "invalid_expiry_year", "exp_year"},
	{"4242424242424242", "12", "2034", "99", "invalid_cvc", "cvc"},
}

// evidenceRows are texts of evidence that decide a dispute, by card; with no text it
// is given in. Source: https://docs.stripe.com/testing#evidence.
var evidenceRows = []struct{ card, text, status string }{
	{"createDispute", "winning_evidence", "won"},
	{"createDispute", "losing_evidence", "lost"},
	{"createDispute", "something else", "under_review"},
	{"createDispute", "", "lost"},
	{"createDisputeInquiry", "winning_evidence", "warning_closed"},
	{"createDisputeInquiry", "escalate_inquiry_evidence", "needs_response"},
	{"createDisputeInquiry", "", "warning_closed"},
}

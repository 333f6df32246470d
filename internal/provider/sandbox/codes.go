package sandbox

// The response codes, after ISO 8583's, that the simulator itself decides on.
const (
	codeApproved        = "00"
	codePending         = "09" // no decline: the result comes later
	codeDoNotHonour     = "05"
	codeNotPermitted    = "12" // the original is in no state for this
	codeInvalidAmount   = "13" // more than is there, or more than twelve digits
	codeInvalidNumber   = "14"
	codeUnknownOriginal = "25"
	codeLostCard        = "41"
	codeStolenCard      = "43"
	codeNoFunds         = "51"
	codeExpired         = "54"
	codeFraud           = "59"
	codeVelocity        = "65"
	codeNeedsProof      = "1A" // the issuer wants the card's holder authenticated
	codeNotProven       = "1F" // the authentication failed
	codeDuplicate       = "94"
	codeProcessing      = "96"
	codeWrongCVC        = "N7"
	// Of bank accounts, after the return codes of Nacha.
	codeClosed        = "R02"
	codeNoAccount     = "R03"
	codeSourceLimit   = "R08"
	codeWeeklyLimit   = "R09"
	codeNotAuthorized = "R10"
	codeCouldNot      = "R17"
	codeWrongCurrency = "R18"
)

// reasons maps response codes to Stripe's decline codes
// (https://docs.stripe.com/declines/codes).
var reasons = map[string]string{
	codeDoNotHonour:     "generic_decline",
	codeNotPermitted:    "transaction_not_allowed",
	codeInvalidAmount:   "invalid_amount",
	codeInvalidNumber:   "incorrect_number",
	codeUnknownOriginal: "no_action_taken",
	codeLostCard:        "lost_card",
	codeStolenCard:      "stolen_card",
	codeNoFunds:         "insufficient_funds",
	codeExpired:         "expired_card",
	codeFraud:           "fraudulent",
	codeVelocity:        "card_velocity_exceeded",
	codeNeedsProof:      "authentication_required",
	codeNotProven:       "authentication_not_handled",
	codeDuplicate:       "duplicate_transaction",
	codeProcessing:      "processing_error",
	codeWrongCVC:        "incorrect_cvc",
	codeClosed:          "account_closed",
	codeNoAccount:       "no_account",
	codeSourceLimit:     "charge_exceeds_source_limit",
	codeWeeklyLimit:     "charge_exceeds_weekly_limit",
	codeNotAuthorized:   "debit_not_authorized",
	codeCouldNot:        "payment_method_provider_decline",
	codeWrongCurrency:   "payment_method_currency_mismatch",
}

// reason is Stripe's decline code for a response code. One that the table
// lacks is still a decline.
func reason(code string) string {
	if r, ok := reasons[code]; ok {
		return r
	}
	return "generic_decline"
}

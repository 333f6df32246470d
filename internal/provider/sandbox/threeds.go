package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// What the test cards do about authentication. Source:
// https://docs.stripe.com/testing#three-ds-cards.
var (
	// proving are the cards whose issuer wants the payer authenticated.
	proving = fields(
		"4000002500003155 4000002760003184 4000003800000446 4000008260003178 4000000000003220 4000008400000027",
		"4000008400001629 4000008400001280 4000000032200000 4000582600000094 4000582600000045 4000582600000102",
		"4000582600000110",
	)
	// agreed are those that are content, while the payer is away, with what was
	// agreed when the card was set up; preset is so without having been set up.
	agreed = fields("4000002500003155 4000003800000446 4000008260003178")
	preset = fields("4000003800000446")
	// asking are the cards that show the payer a page when they are
	// authenticated, and asked those that do where the merchant insists.
	asked  = fields("4000000000003055 4000008405600003")
	silent = fields("4000000032200000")
	// unknowable are those whose authentication can't be looked up, and
	// unsupported those whose network has none.
	unknowable  = fields("4000008400001280 4000000000003097")
	unsupported = fields("378282246310005")
)

// The results of an authentication that the simulator gives.
const (
	authenticated   = "authenticated"
	acknowledged    = "attempt_acknowledged"
	failed          = "failed"
	notSupported    = "not_supported"
	processingError = "processing_error"

	byChallenge  = "challenge"
	frictionless = "frictionless"

	threeDSVersion = "2.2.0"
)

// needsProof reports whether the issuer of the card wants the payer
// authenticated for a charge.
func (r request) needsProof() bool {
	number := r.Card.Number.Reveal()
	away := r.OffSession && (preset[number] || r.SetUp && agreed[number])
	return proving[number] && !away
}

// challengeReference names what the payer chose on the page of an
// authentication.
func challengeReference(authentication string) string {
	id, _ := names(authentication)
	return ownPrefix + "3ds:" + strings.TrimPrefix(id, "sbx_")
}

// judgeAuthentication decides what comes of an authentication. The card has
// passed all other checks that an issuer makes before it.
func (r request) judgeAuthentication(op *Operation) {
	number := r.Card.Number.Reveal()
	s := &ThreeDS{Version: threeDSVersion, ID: transactionID(r.Reference)}
	op.ThreeDS = s
	switch {
	case unknowable[number]:
		s.Result, s.Reason = processingError, "protocol_error"
		if proving[number] {
			op.Code = codeDoNotHonour
		}
	case unsupported[number]:
		s.Result, s.Reason, s.Version, s.ID = notSupported, "network_not_supported", "", ""
	case proving[number] && !silent[number], r.Challenge && asked[number]:
		op.Code, op.Action, op.ThreeDS = codePending, pagesPath+r.Reference, nil
	case silent[number], asked[number]:
		s.Result, s.Flow, s.ECI = authenticated, frictionless, indicator(op.Brand, authenticated)
	default:
		s.Result, s.Reason, s.ECI = acknowledged, "card_not_enrolled", indicator(op.Brand, acknowledged)
	}
}

// settleChallenge is a pending authentication as it stands once the payer has
// chosen.
func settleChallenge(op, choice Operation) Operation {
	s := &ThreeDS{Flow: byChallenge, Version: threeDSVersion, ID: transactionID(op.Reference)}
	op.Action, op.ThreeDS = "", s
	if choice.State == Approved {
		op.State, op.Code = Approved, codeApproved
		s.Result, s.ECI = authenticated, indicator(op.Brand, authenticated)
		return op
	}
	op.State, op.Code = Declined, codeNotProven
	s.Result, s.Reason = failed, "rejected"
	return op
}

// proven reports whether the authentication that req names is good for it: of
// its card, for as much at least, with the payer's proof.
func proven(v View, req request) (bool, error) {
	if req.Authentication == "" {
		return false, nil
	}
	// Both are asked for together: each time that a row is missing costs a round.
	op, found, err := v.Find(req.Authentication)
	choice, chosen, choiceErr := v.Find(challengeReference(req.Authentication))
	if err == nil {
		err = choiceErr
	}
	if err != nil || !found || op.Kind != Authenticate {
		return false, err
	}
	if op.State == Pending && chosen {
		op = settleChallenge(op, choice)
	}
	good := op.State == Approved && op.ThreeDS != nil && op.ThreeDS.Result == authenticated
	same := op.Brand == brand(req.Card.Number.Reveal()) && op.Last4 == req.Card.last4()
	return good && same && op.Currency == req.Currency && op.Amount >= req.Amount, nil
}

// indicator is the electronic commerce indicator of a result, which schemes
// number differently.
func indicator(brand, result string) string {
	switch mastercard := brand == "mastercard"; {
	case result == authenticated && mastercard:
		return "02"
	case result == authenticated:
		return "05"
	case mastercard:
		return "01"
	}
	return "06"
}

// transactionID is what a directory server would call the authentication: a
// UUID's form, derived from the reference.
func transactionID(reference string) string {
	sum := sha256.Sum256([]byte("3ds " + reference))
	text := hex.EncodeToString(sum[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

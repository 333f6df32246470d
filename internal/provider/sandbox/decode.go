package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/provider"
)

// ownPrefix begins the references of what the simulator does by itself.
const ownPrefix = "sbx:"

// decodeRequest reads and checks the body of a request. Its error is a
// *refusal.
func decodeRequest(body []byte) (request, *refusal) {
	var req request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		// Not err's own words, which may quote a card number.
		return request{}, refuse(invalidJSON, "", "the body is not the JSON of a request")
	}
	if _, err := d.Token(); err != io.EOF {
		return request{}, refuse(invalidJSON, "", "something follows the request's JSON")
	}
	return req, req.check()
}

func (r request) check() *refusal {
	switch {
	case !validReference(r.Reference):
		return refuse(invalidField, "reference", "a reference has 1 to %d of A-Z a-z 0-9 _ : -", maxReference)
	case strings.HasPrefix(r.Reference, ownPrefix):
		return refuse(invalidField, "reference", "what begins with %s is the simulator's own", ownPrefix)
	case !r.Kind.takesCard() && !r.Kind.takesOriginal():
		return refuse(invalidField, "kind", "no such kind of operation")
	case r.Kind.takesOriginal() && !validReference(r.Original), !r.Kind.takesOriginal() && r.Original != "":
		return refuse(invalidField, "original", "what builds on another operation, and nothing else, names it as its original")
	case r.Reference == r.Original:
		return refuse(invalidField, "original", "an operation is not its own original")
	case !r.Kind.takesAmount():
		if r.Amount != 0 || r.Currency != "" {
			return refuse(invalidField, "amount", "this kind of operation is not about an amount")
		}
	case r.Amount < r.Kind.least():
		return refuse(invalidField, "amount", "an amount is at least %d", r.Kind.least())
	case len(r.Currency) != 3 || !all(r.Currency, isLower):
		return refuse(invalidField, "currency", "a currency is three lower-case letters")
	case r.Kind.takesCard() != (r.Card != nil) && (r.Kind != Sale || r.Account == nil):
		return refuse(invalidField, "card", "an authentication, authorisation or sale, and nothing else, carries a card")
	case r.Account != nil && (r.Kind != Sale || r.Card != nil || debitTypes[r.Method] == nil), r.Account == nil && r.Method != "":
		return refuse(invalidField, "account", "a sale may carry an account and the type of its payment method rather than a card")
	}
	if refused := r.checkRest(); refused != nil {
		return refused
	}
	switch {
	case r.Account != nil:
		return r.Account.check()
	case r.Card != nil:
		return r.Card.check()
	}
	return nil
}

// checkRest is about the fields that only some kinds take.
func (r request) checkRest() *refusal {
	charge, authenticate := r.Kind.charges(), r.Kind == Authenticate
	for _, f := range []struct {
		name         string
		there, taken bool
	}{
		{"mandate", r.Mandate != "", r.Account != nil},
		{"hold", r.Hold, r.Account != nil},
		{"descriptor", r.Descriptor != "", charge},
		{"billing", r.Billing != nil, charge},
		{"features", r.Features != nil, charge},
		{"authentication", r.Authentication != "", charge},
		{"off_session", r.OffSession, charge},
		{"set_up", r.SetUp, charge || authenticate},
		{"challenge", r.Challenge, authenticate},
		{"return_url", r.ReturnURL != "", authenticate},
		{"more", r.More, r.Kind == Capture},
		{"dispute", r.Dispute != "", r.Kind == Contest},
		{"evidence", r.Evidence != nil, r.Kind == Contest},
	} {
		if f.there && !f.taken {
			return refuse(invalidField, f.name, "this kind of operation does not take the field")
		}
	}
	switch {
	case len(r.Descriptor) > maxDescriptor:
		return refuse(invalidField, "descriptor", "a descriptor has at most %d bytes", maxDescriptor)
	case len(r.Mark) > provider.MaxMark:
		return refuse(invalidField, "mark", "a mark has at most %d bytes", provider.MaxMark)
	case r.Billing != nil && (len(r.Billing.Line1.Reveal()) > maxBilling || len(r.Billing.PostalCode.Reveal()) > maxBilling):
		return refuse(invalidField, "billing", "a part of an address has at most %d bytes", maxBilling)
	case r.Kind == Contest && !validReference(r.Dispute):
		return refuse(invalidField, "dispute", "a dispute is named as a notice names it")
	case len(r.Evidence) > maxEvidence:
		return refuse(invalidField, "evidence", "evidence has at most %d pieces", maxEvidence)
	case r.Mandate != "" && !validReference(r.Mandate):
		return refuse(invalidField, "mandate", "a mandate is named by its reference")
	case r.Authentication != "" && !validReference(r.Authentication):
		return refuse(invalidField, "authentication", "an authentication is named by its reference")
	case !validReturn(r.ReturnURL):
		return refuse(invalidField, "return_url", "a return URL is http, https or a path, and has at most %d bytes", maxURL)
	}
	for i, f := range r.Features {
		if !slices.Contains(features, f) || slices.Contains(r.Features[:i], f) {
			return refuse(invalidField, "features", "features are, each once: %s", strings.Join(features, ", "))
		}
	}
	return nil
}

// validReturn reports whether a payer may be sent there.
func validReturn(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.User != nil {
		return false
	}
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(text, "/") && !strings.ContainsAny(text, "\\\r\n")
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c card) check() *refusal {
	number, cvc := c.Number.Reveal(), c.CVC.Reveal()
	switch {
	case len(number) < 12 || len(number) > 19 || !all(number, isDigit):
		return refuse(invalidField, "card.number", "a card number has 12 to 19 digits")
	case c.ExpMonth < 1 || c.ExpMonth > 12:
		return refuse(invalidField, "card.exp_month", "a month is 1 to 12")
	case c.ExpYear < 2000 || c.ExpYear > 2099:
		return refuse(invalidField, "card.exp_year", "a year is 2000 to 2099")
	case cvc != "" && (len(cvc) < 3 || len(cvc) > 4 || !all(cvc, isDigit)):
		return refuse(invalidField, "card.cvc", "a security code has 3 or 4 digits")
	}
	return nil
}

func validReference(s string) bool {
	return s != "" && len(s) <= maxReference && all(s, func(b byte) bool {
		return isDigit(b) || isLower(b) || b >= 'A' && b <= 'Z' || b == '_' || b == ':' || b == '-'
	})
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isLower(b byte) bool { return b >= 'a' && b <= 'z' }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

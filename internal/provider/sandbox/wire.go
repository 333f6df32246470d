package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/provider"
)

const (
	operationsPath = "/v1/operations"
	maxRequest     = 16 << 10 // bytes of a request's body
	maxReply       = 64 << 10 // bytes of a reply that the connector reads
	maxReference   = 64
	maxDescriptor  = 64
	maxText        = 64              // bytes of a text in an answer
	maxAmount      = 999_999_999_999 // ISO 8583 gives an amount twelve digits; more is declined with 13
)

// Kind is what an operation does.
type Kind string

// The kinds of operation. An inquiry records nothing; its kind only names it
// for faults.
const (
	Authorize Kind = "authorize" // reserve an amount on a card
	Sale      Kind = "sale"      // take an amount from a card at once
	Capture   Kind = "capture"   // take what an authorisation reserved, or part of it
	Refund    Kind = "refund"    // give back what was taken, or part of it
	Reversal  Kind = "reversal"  // undo an operation whole
	Inquiry   Kind = "inquiry"   // ask how an operation stands
)

func (k Kind) takesCard() bool { return k == Authorize || k == Sale }

func (k Kind) takesOriginal() bool { return k == Capture || k == Refund || k == Reversal }

// State is how an operation was judged. It never changes: what is undone is
// undone by a reversal, which is an operation of its own.
type State string

// The states of an operation.
const (
	Approved State = "approved" // it happened
	Declined State = "declined" // it was refused, and nothing happened
)

// Operation is one operation as the simulator judged it: the answer to its
// request, and its line in the book. Of the card it keeps the brand and the
// last four digits alone.
type Operation struct {
	Reference         string    `json:"reference"`
	Kind              Kind      `json:"kind"`
	Amount            int64     `json:"amount"` // minor units
	Currency          string    `json:"currency"`
	State             State     `json:"state"`
	Code              string    `json:"code"` // a response code of the table in codes.go
	Original          string    `json:"original,omitempty"`
	Time              time.Time `json:"time"` // when it was judged, UTC
	ID                string    `json:"id,omitempty"`
	AuthorizationCode string    `json:"authorization_code,omitempty"`
	CVCCheck          string    `json:"cvc_check,omitempty"` // pass, fail, unchecked
	Brand             string    `json:"brand,omitempty"`
	Last4             string    `json:"last4,omitempty"`
}

// request is the body of POST /v1/operations.
type request struct {
	Reference  string `json:"reference"`
	Kind       Kind   `json:"kind"`
	Original   string `json:"original,omitempty"`
	Amount     int64  `json:"amount"`
	Currency   string `json:"currency"`
	Card       *card  `json:"card,omitempty"`
	Descriptor string `json:"descriptor,omitempty"`
}

// card is a card as it came or is about to go over the wire. Neither number nor
// code is printed; encode alone writes them out.
type card struct {
	Number   hidden.Text `json:"number"`
	ExpMonth int         `json:"exp_month"`
	ExpYear  int         `json:"exp_year"`
	CVC      hidden.Text `json:"cvc,omitzero"`
}

// last4 is all of a number that may be kept in the clear.
func (c card) last4() string {
	number := c.Number.Reveal()
	return number[max(0, len(number)-4):]
}

// asks reports whether r has the content of the recorded operation, so that it
// is a repetition and not another request under a used reference. The security
// code is no part of it: who repeats later may not have it any more.
func (r request) asks(op Operation) bool {
	same := r.Kind == op.Kind && r.Original == op.Original && r.Amount == op.Amount && r.Currency == op.Currency
	if r.Card != nil {
		same = same && r.Card.last4() == op.Last4 && brand(r.Card.Number.Reveal()) == op.Brand
	}
	return same
}

// The codes of an answer that is no operation.
const (
	invalidJSON       = "invalid_json"
	invalidField      = "invalid_field"
	tooLarge          = "too_large"
	noSuchPath        = "no_such_path"
	notFound          = "not_found"
	referenceConflict = "reference_conflict"
	internal          = "internal"
)

var refusalStatus = map[string]int{
	invalidJSON: 400, invalidField: 400, noSuchPath: 404, notFound: 404, referenceConflict: 409, tooLarge: 413, internal: 500,
}

// unprocessed are the codes that are documented to mean that nothing was done
// under the reference. A conflict is not among them: the reference names an
// operation, only not this one.
var unprocessed = map[string]bool{invalidJSON: true, invalidField: true, tooLarge: true, noSuchPath: true}

// refusal is the error of an answer that is no operation.
type refusal struct {
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	// Processed is false where the request did nothing, and absent where that
	// is not known.
	Processed *bool `json:"processed,omitempty"`
}

type refusalBody struct {
	Error refusal `json:"error"`
}

// Error implements error.
func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(code, field, format string, args ...any) *refusal {
	r := &refusal{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
	if code != internal {
		r.Processed = new(bool)
	}
	return r
}

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
	case !r.Kind.takesCard() && !r.Kind.takesOriginal():
		return refuse(invalidField, "kind", "no such kind of operation")
	case r.Kind.takesOriginal() && !validReference(r.Original), !r.Kind.takesOriginal() && r.Original != "":
		return refuse(invalidField, "original", "a capture, refund or reversal, and nothing else, names an original")
	case r.Reference == r.Original:
		return refuse(invalidField, "original", "an operation is not its own original")
	case r.Amount < 1:
		return refuse(invalidField, "amount", "an amount is at least 1")
	case len(r.Currency) != 3 || !all(r.Currency, isLower):
		return refuse(invalidField, "currency", "a currency is three lower-case letters")
	case r.Kind.takesCard() != (r.Card != nil):
		return refuse(invalidField, "card", "an authorisation or sale, and nothing else, carries a card")
	case len(r.Descriptor) > maxDescriptor, r.Descriptor != "" && !r.Kind.takesCard():
		return refuse(invalidField, "descriptor", "an authorisation or sale may carry at most %d bytes", maxDescriptor)
	}
	if r.Card != nil {
		return r.Card.check()
	}
	return nil
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

var errNotOperation = errors.New("the answer is not an operation as the protocol has it")

// decodeOperation reads an operation out of an answer, and refuses one that
// contradicts itself.
func decodeOperation(body []byte) (Operation, error) {
	var op Operation
	if err := json.Unmarshal(body, &op); err != nil {
		return Operation{}, errNotOperation
	}
	if len(op.ID) > maxText || len(op.Code) > maxText || len(op.AuthorizationCode) > maxText || len(op.CVCCheck) > maxText {
		return Operation{}, errNotOperation
	}
	approved := op.State == Approved
	if !validReference(op.Reference) || !approved && op.State != Declined || approved != (op.Code == codeApproved) {
		return Operation{}, errNotOperation
	}
	return op, nil
}

// decodeRefusal reads the error of an answer with that HTTP status. It is nil
// when the answer is none that the protocol has.
func decodeRefusal(status int, body []byte) *refusal {
	var r refusalBody
	if json.Unmarshal(body, &r) != nil || r.Error.Code == "" || refusalStatus[r.Error.Code] != status {
		return nil
	}
	return &r.Error
}

// outcome is what an operation means to Florin.
func (op Operation) outcome() provider.Outcome {
	out := provider.Outcome{
		ID: op.ID, Code: op.Code, AuthorizationCode: op.AuthorizationCode, CVCCheck: op.CVCCheck, Status: provider.Approved,
	}
	if op.State != Approved {
		out.Status, out.Reason = provider.Declined, reason(op.Code)
	}
	return out
}

package bank

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/provider"
)

const (
	transfersPath = "/v1/transfers"
	noticesPath   = "/v1/notices"
	bookPath      = "/book"
	maxRequest    = 8 << 10  // bytes of a request's body
	maxReply      = 1 << 20  // bytes of a reply that the connector reads
	maxText       = 64       // of a reference, a descriptor, a holder's name, …
	maxNotices    = 500      // in one answer
	maxAmount     = 1 << 53  // more is refused
	maxNumber     = 34       // of an IBAN
	timeLayout    = "150405" // of a trace number
)

// Transit is how long a transfer that is not instant is on its way.
const Transit = 24 * time.Hour

// State is how a transfer stands.
type State string

// The states of a transfer.
const (
	Accepted State = "accepted"
	Arrived  State = "arrived"
	Returned State = "returned"
	Refused  State = "refused"
)

// Transfer is one transfer as the bank has it: the answer to its request, and
// its row in the book.
type Transfer struct {
	Reference string    `json:"reference"`
	Original  string    `json:"original,omitempty"`
	Amount    int64     `json:"amount"` // minor units
	Currency  string    `json:"currency"`
	State     State     `json:"state"`
	Code      string    `json:"code,omitempty"` // why it came back: Stripe's failure_code
	Country   string    `json:"country,omitempty"`
	Routing   string    `json:"routing,omitempty"`
	Last4     string    `json:"last4,omitempty"`
	Instant   bool      `json:"instant,omitempty"`
	ID        string    `json:"id"`
	Trace     string    `json:"trace"`
	Time      time.Time `json:"time"`              // when it was accepted
	Arrives   time.Time `json:"arrives"`           // when it is to arrive
	Ended     time.Time `json:"ended,omitzero"`    // when it came to its state
	TakenBack string    `json:"taken_by,omitzero"` // the transfer that took it back
	Mark      string    `json:"mark,omitempty"`    // the sender's own note
}

// request is the body of POST /v1/transfers.
type request struct {
	Reference  string   `json:"reference"`
	Original   string   `json:"original,omitempty"`
	Amount     int64    `json:"amount"`
	Currency   string   `json:"currency"`
	Account    *account `json:"account,omitempty"`
	Instant    bool     `json:"instant,omitempty"`
	Descriptor string   `json:"descriptor,omitempty"`
	Mark       string   `json:"mark,omitempty"`
}

// account is where money goes. The number is printed by encode alone.
type account struct {
	Country string      `json:"country"`
	Routing string      `json:"routing,omitempty"`
	Number  hidden.Text `json:"number"`
	Holder  hidden.Text `json:"holder,omitzero"`
}

func (a *account) last4() string {
	number := a.Number.Reveal()
	return number[max(0, len(number)-4):]
}

// encode is the request as it goes over the wire; masked, as it may be kept.
func (r request) encode(masked bool) ([]byte, error) {
	type clear struct {
		Country string `json:"country"`
		Routing string `json:"routing,omitempty"`
		Number  string `json:"number"`
		Holder  string `json:"holder,omitempty"`
	}
	var to *clear
	if r.Account != nil {
		to = &clear{r.Account.Country, r.Account.Routing, r.Account.Number.Reveal(), ""}
		if !r.Account.Holder.IsZero() {
			to.Holder = r.Account.Holder.Reveal()
		}
		if masked {
			to.Number, to.Holder = "****"+r.Account.last4(), ""
		}
	}
	return json.Marshal(struct {
		Reference  string `json:"reference"`
		Original   string `json:"original,omitempty"`
		Amount     int64  `json:"amount"`
		Currency   string `json:"currency"`
		Account    *clear `json:"account,omitempty"`
		Instant    bool   `json:"instant,omitempty"`
		Descriptor string `json:"descriptor,omitempty"`
		Mark       string `json:"mark,omitempty"`
	}{r.Reference, r.Original, r.Amount, r.Currency, to, r.Instant, r.Descriptor, r.Mark})
}

// asks reports whether r has the content of a recorded transfer, so that it is a
// repetition and not another request under a used reference.
func (r request) asks(t Transfer) bool {
	same := r.Reference == t.Reference && r.Original == t.Original && r.Amount == t.Amount && r.Currency == t.Currency
	if r.Account != nil {
		same = same && r.Account.Country == t.Country && r.Account.Routing == t.Routing && r.Account.last4() == t.Last4 && r.Instant == t.Instant
	}
	return same
}

// The codes of an answer that is no transfer.
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

// unprocessed are the codes that are documented to mean that nothing was done.
var unprocessed = map[string]bool{invalidJSON: true, invalidField: true, tooLarge: true, noSuchPath: true}

// refusal is the error of an answer that is no transfer.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (r *refusal) Error() string { return r.Code + ": " + r.Message }

type refusalBody struct {
	Error refusal `json:"error"`
}

func refuse(code, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// decodeRequest reads and checks the body of a request.
func decodeRequest(body []byte) (request, *refusal) {
	var r request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return request{}, refuse(invalidJSON, "the body is not the JSON of a request") // not err's words, which may quote a number
	}
	if _, err := d.Token(); err != io.EOF {
		return request{}, refuse(invalidJSON, "something follows the request's JSON")
	}
	return r, r.check()
}

func (r request) check() *refusal {
	switch {
	case !validReference(r.Reference):
		return refuse(invalidField, "a reference has 1 to %d of A-Z a-z 0-9 _ : -", maxText)
	case r.Original != "" && (!validReference(r.Original) || r.Original == r.Reference):
		return refuse(invalidField, "the original is no reference of another transfer")
	case r.Amount < 1 || r.Amount > maxAmount:
		return refuse(invalidField, "an amount is at least 1")
	case len(r.Currency) != 3 || !all(r.Currency, isLower):
		return refuse(invalidField, "a currency is three lower-case letters")
	case (r.Account == nil) != (r.Original != ""):
		return refuse(invalidField, "money goes to an account, or is taken back from an original")
	case len(r.Mark) > provider.MaxMark:
		return refuse(invalidField, "a mark has at most %d bytes", provider.MaxMark)
	case len(r.Descriptor) > maxText:
		return refuse(invalidField, "a descriptor has at most %d bytes", maxText)
	}
	if r.Account == nil {
		return nil
	}
	number := r.Account.Number.Reveal()
	switch {
	case len(r.Account.Country) != 2 || !all(r.Account.Country, isUpper):
		return refuse(invalidField, "a country is two capital letters")
	case len(r.Account.Routing) > maxText:
		return refuse(invalidField, "a routing number has at most %d bytes", maxText)
	case len(number) < 4 || len(number) > maxNumber || !all(number, func(b byte) bool { return isDigit(b) || isUpper(b) }):
		return refuse(invalidField, "an account number has 4 to %d digits and capital letters", maxNumber)
	}
	return nil
}

func validReference(s string) bool {
	return s != "" && len(s) <= maxText && all(s, func(b byte) bool {
		return isDigit(b) || isLower(b) || isUpper(b) || b == '_' || b == ':' || b == '-'
	})
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
func isLower(b byte) bool { return b >= 'a' && b <= 'z' }
func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// decodeTransfer reads a transfer, and refuses one that contradicts itself.
func decodeTransfer(body []byte) (Transfer, error) {
	var t Transfer
	if err := json.Unmarshal(body, &t); err != nil {
		return t, errNotTransfer
	}
	if !t.valid() {
		return t, errNotTransfer
	}
	return t, nil
}

// valid reports whether t is one that the protocol could have.
func (t Transfer) valid() bool {
	came := t.State == Returned || t.State == Refused
	known := came || t.State == Accepted || t.State == Arrived
	return validReference(t.Reference) && known && came == (t.Code != "") && max(len(t.Code), len(t.ID), len(t.Trace)) <= maxText && len(t.Mark) <= provider.MaxMark
}

var errNotTransfer = fmt.Errorf("the answer is not a transfer as the protocol has it")

// decodeRefusal reads the error of an answer with that HTTP status. It is nil
// when the answer is none that the protocol has.
func decodeRefusal(status int, body []byte) *refusal {
	var r refusalBody
	if json.Unmarshal(body, &r) != nil || r.Error.Code == "" || refusalStatus[r.Error.Code] != status {
		return nil
	}
	return &r.Error
}

// statuses are what the states of a transfer mean to Florin.
var statuses = map[State]provider.Status{
	Accepted: provider.Pending, Arrived: provider.Approved, Returned: provider.Declined, Refused: provider.Declined,
}

func (t Transfer) outcome() provider.Outcome {
	return provider.Outcome{Status: statuses[t.State], ID: t.ID, Reason: t.Code, Code: string(t.State), Arrives: t.Arrives, Trace: t.Trace}
}

// noticeList is the answer to GET /v1/notices.
type noticeList struct {
	Notices []notice `json:"notices"`
}

// notice is a transfer that came back after it had arrived.
type notice struct {
	Number    int64     `json:"number"`
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
	Code      string    `json:"code"`
}

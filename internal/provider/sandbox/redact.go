package sandbox

import (
	"encoding/json"
	"strings"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// encode is the body of the request as it goes over the wire, with the card in
// clear.
func (r request) encode() ([]byte, error) {
	type wireCard struct {
		Number   string `json:"number"`
		ExpMonth int    `json:"exp_month"`
		ExpYear  int    `json:"exp_year"`
		CVC      string `json:"cvc,omitempty"`
	}
	type wireBilling struct {
		Line1      string `json:"line1,omitempty"`
		PostalCode string `json:"postal_code,omitempty"`
	}
	var c *wireCard
	if r.Card != nil {
		c = &wireCard{r.Card.Number.Reveal(), r.Card.ExpMonth, r.Card.ExpYear, r.Card.CVC.Reveal()}
	}
	type wireAccount struct {
		Country string `json:"country"`
		Routing string `json:"routing,omitempty"`
		Number  string `json:"number"`
	}
	var debited *wireAccount
	if r.Account != nil {
		debited = &wireAccount{r.Account.Country, r.Account.Routing, r.Account.Number.Reveal()}
	}
	var address *wireBilling
	if r.Billing != nil {
		address = &wireBilling{r.Billing.Line1.Reveal(), r.Billing.PostalCode.Reveal()}
	}
	var amount *int64
	if r.Kind.takesAmount() {
		amount = &r.Amount
	}
	return json.Marshal(struct {
		Reference      string       `json:"reference"`
		Kind           Kind         `json:"kind"`
		Original       string       `json:"original,omitempty"`
		Amount         *int64       `json:"amount,omitempty"`
		Currency       string       `json:"currency,omitempty"`
		Card           *wireCard    `json:"card,omitempty"`
		Method         string       `json:"method,omitempty"`
		Account        *wireAccount `json:"account,omitempty"`
		Mandate        string       `json:"mandate,omitempty"`
		Hold           bool         `json:"hold,omitempty"`
		Descriptor     string       `json:"descriptor,omitempty"`
		Billing        *wireBilling `json:"billing,omitempty"`
		Features       []string     `json:"features,omitempty"`
		Authentication string       `json:"authentication,omitempty"`
		OffSession     bool         `json:"off_session,omitempty"`
		SetUp          bool         `json:"set_up,omitempty"`
		Challenge      bool         `json:"challenge,omitempty"`
		ReturnURL      string       `json:"return_url,omitempty"`
		More           bool         `json:"more,omitempty"`
		Dispute        string       `json:"dispute,omitempty"`
		Mark           string       `json:"mark,omitempty"`

		Evidence map[string]string `json:"evidence,omitzero"`
	}{
		r.Reference, r.Kind, r.Original, amount, r.Currency, c, r.Method, debited, r.Mandate, r.Hold, r.Descriptor, address, r.Features, r.Authentication,
		r.OffSession, r.SetUp, r.Challenge, r.ReturnURL, r.More, r.Dispute, r.Mark, r.Evidence,
	})
}

// veil tells only that there was a text.
func veil(text hidden.Text) hidden.Text {
	if text.IsZero() {
		return text
	}
	return hidden.NewText("***")
}

// redacted is r's body as it may be kept: the number masked, the security code
// gone, address and
// evidence covered.
func (r request) redacted() string {
	if r.Card != nil {
		c := *r.Card
		c.Number, c.CVC = hidden.NewText(hidden.MaskNumber(c.Number.Reveal())), hidden.Text{}
		r.Card = &c
	}
	if r.Account != nil {
		a := *r.Account
		a.Number = hidden.NewText("***" + a.last4())
		r.Account = &a
	}
	if r.Billing != nil {
		r.Billing = &billing{veil(r.Billing.Line1), veil(r.Billing.PostalCode)}
	}
	if r.Evidence != nil {
		covered := make(map[string]string, len(r.Evidence))
		for name := range r.Evidence {
			covered[name] = "***"
		}
		r.Evidence = covered
	}
	// A descriptor may hold anything, so the search goes over it too.
	body, err := r.encode()
	if err != nil {
		return ""
	}
	return redact(body)
}

// redact makes received bytes fit to be kept: whatever may be a card number or
// a security code is masked, whether the bytes are JSON or not.
func redact(body []byte) string {
	const keep = 4 << 10 // enough of what is not understood
	text := hidden.MaskCards(string(body))
	if len(text) > keep {
		text = text[:keep]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

// origin is Florin's own address as whoever sent r reaches it.
func (s *Server) origin(r *http.Request) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/")
	}
	scheme := "http"
	if listen.PeerOf(r).HTTPS {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: r.Host}).String()
}

// withConfirm are parameters of creating an intent that say how it is confirmed.
var withConfirm = []string{"return_url", "off_session", "error_on_requires_action", "mandate", "mandate_data", "confirmation_token"}

// needConfirm refuses parameters that only mean something to a confirmation, in
// a request that does not confirm.
func needConfirm(c *call, params ...string) error {
	if now, _ := c.form.Bool("confirm"); now {
		return nil
	}
	for _, name := range params {
		if c.form.Has(name) && !c.form.Cleared(name) {
			return fault.Param(name, "", "The parameter `%s` can only be used with confirm=true.", name)
		}
	}
	return nil
}

// agreementAt reads what a confirmation rests on: a mandate that is given or
// was, and a confirmation token, which it gives; nil: there is none.
func (s *Server) agreementAt(c *call, g *payment.Agreement) (*confirmation, error) {
	var err error
	if g.Given, err = mandateAt(c); err != nil {
		return nil, err
	}
	if c.form.Has("mandate") {
		if g.Given != nil {
			return nil, fault.Param("mandate", "", "You may only specify one of these parameters: mandate, mandate_data.")
		}
		if g.Mandate, err = keyOf(c, vault.Mandates, "mandate"); err != nil {
			return nil, err
		}
	}
	g.CVCToken, _ = c.form.String("payment_method_options", "card", "cvc_token")
	token, err := s.confirmationAt(c)
	if token != nil {
		g.Use = token.forPayment(s, c)
	}
	return token, err
}

// payerAt reads where the payer is and how to get back from authenticating.
func (s *Server) payerAt(c *call) (payment.Payer, error) {
	p := payment.Payer{Origin: s.origin(c.http)}
	p.SDK, _ = c.form.Bool("use_stripe_sdk")
	p.Refuse, _ = c.form.Bool("error_on_requires_action")
	if away, ok := c.form.Bool("off_session"); ok {
		p.Away = away
	} else if how, ok := c.form.String("off_session"); ok {
		p.Away = how == "one_off" || how == "recurring"
	}
	p.ReturnURL, _ = c.form.String("return_url")
	return p, checkReturn(p.ReturnURL)
}

// checkReturn refuses an address that no browser could be sent to. Schemes of
// applications are fine; those that a browser executes are not.
func checkReturn(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Opaque != "" || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" ||
		u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript" {
		return fault.Param("return_url", "url_invalid", "Not a valid URL")
	}
	return nil
}

// nextAction shows what the payer has to do; nil: nothing.
func nextAction(a *payment.Action) any {
	switch {
	case a == nil:
		return nil
	case a.SDK:
		return map[string]any{"type": "use_stripe_sdk", "use_stripe_sdk": map[string]any{"type": "three_d_secure_redirect", "stripe_js": a.URL}}
	}
	return map[string]any{"type": "redirect_to_url", "redirect_to_url": map[string]any{"url": a.URL, "return_url": text(a.ReturnURL)}}
}

// wish is request_three_d_secure as answers have it.
func wish(threeDSecure string) string {
	if threeDSecure == "" {
		return "automatic"
	}
	return threeDSecure
}

// shownThreeDS is three_d_secure of a setup attempt.
type shownThreeDS struct {
	AuthenticationFlow any `json:"authentication_flow"`
	ECI                any `json:"electronic_commerce_indicator"`
	Result             any `json:"result"`
	ResultReason       any `json:"result_reason"`
	TransactionID      any `json:"transaction_id"`
	Version            any `json:"version"`
}

// chargedThreeDS is three_d_secure of a charge.
type chargedThreeDS struct {
	shownThreeDS
	ExemptionIndicator any `json:"exemption_indicator"`
}

// threeDSOf shows an authentication; what there was none of is for the caller to
// leave out.
func threeDSOf(t *payment.ThreeDS) shownThreeDS {
	return shownThreeDS{AuthenticationFlow: text(t.Flow), ECI: text(t.ECI), Result: text(t.Result), ResultReason: text(t.Reason),
		TransactionID: text(t.ID), Version: text(t.Version)}
}

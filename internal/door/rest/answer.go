package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// rendering is what a reply must remember to be rendered again.
type rendering struct {
	Version string   `json:"v"`
	Expand  []string `json:"e,omitempty"`
}

func (r rendering) text() string {
	text, err := json.Marshal(r)
	if err != nil {
		return "" // strings and a list of strings always encode
	}
	return string(text)
}

// renderingOf reads what a reply remembers, if it does.
func renderingOf(reply *idem.Reply) (how rendering, ok bool) {
	return how, json.Unmarshal([]byte(reply.Rendering), &how) == nil
}

// requestHash tells two requests apart under one idempotency key: by route and
// parameters, however they are spelled. It is keyed, since a request may hold a
// card's number, which a bare hash would let one guess.
func (s *Server) requestHash(r *http.Request, tree *form.Value) [32]byte {
	return [32]byte(s.Master.MAC("request", append([]byte(r.Method+" "+r.URL.Path+"\n"), form.Canonical(tree)...)))
}

// write sends what a handler gave.
func (s *Server) write(w http.ResponseWriter, c *call, out any) {
	reply, ok := out.(*idem.Reply)
	if !ok {
		s.encode(w, c, http.StatusOK, out)
		return
	}
	h := w.Header()
	if how, ok := renderingOf(reply); ok {
		// What was answered at one version is answered so again.
		if v, ok := apiversion.Parse(how.Version); ok {
			c.version = v
			h.Set("Stripe-Version", v.String())
		}
	}
	if reply.Replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	if c.idem != nil && c.idem.Key != "" {
		origin := reply.Origin
		if origin == "" {
			origin = c.id
		}
		h.Set("Original-Request", origin)
	}
	if reply.Error != nil {
		s.writeError(w, c, reply, reply.Error)
		return
	}
	body, err := s.renderReply(c, reply)
	if err != nil {
		s.writeError(w, c, nil, err)
		return
	}
	s.encode(w, c, http.StatusOK, body)
}

// renderReply shows a reply's main object at the versions that it names.
func (s *Server) renderReply(c *call, reply *idem.Reply) (any, error) {
	v, n, main, err := s.mainOf(c, reply)
	if err != nil {
		return nil, err
	}
	return n.render(v, main)
}

func (s *Server) mainOf(c *call, reply *idem.Reply) (*view, noun, any, error) {
	expand := c.expand
	if how, ok := renderingOf(reply); ok {
		expand = how.Expand
	}
	v := &view{s: s, ctx: c.ctx, scope: c.scope, now: reply.At, expand: expansion(expand), pins: map[int64]int64{}, secret: c.key.Secret, reply: true, version: c.included()}
	for _, ref := range reply.Shown {
		v.pins[ref.Key] = ref.Version
	}
	n, main := nouns()[reply.Kind], reply.Main
	var err error
	if main == nil {
		main, err = n.load(v, reply.Shown[0])
	}
	return v, n, main, err
}

// Pin names the versions of what a reply shows besides its main object: it is
// rendered once within the step, only to see what it touches.
func (s *Server) Pin(tx *db.Tx, scope id.Scope, reply *idem.Reply) ([]object.Ref, error) {
	how, ok := renderingOf(reply)
	if !ok || len(how.Expand) == 0 {
		return nil, nil
	}
	v := &view{s: s, scope: scope, now: tx.Now(), expand: expansion(how.Expand), tx: tx, secret: true}
	if _, err := nouns()[reply.Kind].render(v, reply.Main); err != nil {
		return nil, err
	}
	return v.shown, nil
}

// encode sends one JSON value.
func (s *Server) encode(w http.ResponseWriter, c *call, status int, body any) {
	body, err := c.version.Render(body)
	var text []byte
	if err == nil {
		text, err = pretty(body)
	}
	if err != nil {
		s.Log.Error("encode", "request", c.id, "error", err)
		status, text = http.StatusInternalServerError, []byte(`{"error":{"type":"api_error","message":"An error occurred."}}`)
	}
	c.status = status
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// apiError is Stripe's error object; what does not apply is left out.
type apiError struct {
	Type          string `json:"type"`
	Code          string `json:"code,omitempty"`
	DeclineCode   string `json:"decline_code,omitempty"`
	AdviceCode    string `json:"advice_code,omitempty"`
	Param         string `json:"param,omitempty"`
	Message       string `json:"message"`
	DocURL        string `json:"doc_url,omitempty"`
	Charge        string `json:"charge,omitempty"`
	PaymentMethod any    `json:"payment_method,omitempty"`
	PaymentIntent any    `json:"payment_intent,omitempty"`
	SetupIntent   any    `json:"setup_intent,omitempty"`
}

// kinds says what each kind of refusal is on the wire. SDKs choose their error
// class by the status or by the type, so both have to be right.
var kinds = map[fault.Kind]struct {
	status int
	typ    string
}{
	fault.Internal:        {http.StatusInternalServerError, "api_error"},
	fault.Invalid:         {http.StatusBadRequest, "invalid_request_error"},
	fault.Unauthenticated: {http.StatusUnauthorized, "invalid_request_error"},
	fault.Declined:        {http.StatusPaymentRequired, "card_error"},
	fault.Forbidden:       {http.StatusForbidden, "invalid_request_error"},
	fault.NotFound:        {http.StatusNotFound, "invalid_request_error"},
	fault.KeyMismatch:     {http.StatusBadRequest, "idempotency_error"},
	fault.KeyInUse:        {http.StatusConflict, "idempotency_error"},
	fault.Locked:          {http.StatusTooManyRequests, "invalid_request_error"},
	fault.Overloaded:      {http.StatusTooManyRequests, "invalid_request_error"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "api_error"},
}

// writeError sends a refusal, with the objects that it leaves behind.
func (s *Server) writeError(w http.ResponseWriter, c *call, reply *idem.Reply, err error) {
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.Internal {
		s.Log.Error("request failed", "request", c.id, "client", listen.PeerOf(c.http).Client, "error", err)
		e = &fault.Error{Kind: fault.Internal, Message: "An error occurred on our side. It has been logged under the request id " + c.id + "."}
	}
	wire := kinds[e.Kind]
	body := errorBody(e)
	if reply != nil && reply.Kind == payment.Charges.Name && len(reply.Shown) > 0 {
		body.Charge = payment.Charges.ID(c.scope, reply.Shown[0].Key)
	}
	if reply != nil && (reply.Kind == payment.Intents.Name || reply.Kind == setup.Intents.Name) {
		if err := s.embed(c, reply, body); err != nil {
			// Half an answer would differ from the one that a repetition gets.
			s.writeError(w, c, nil, err)
			return
		}
	}
	h := w.Header()
	switch {
	case e.NoRetry:
		h.Set("Stripe-Should-Retry", "false")
	case e.Kind == fault.Overloaded || e.Kind == fault.Unavailable:
		h.Set("Stripe-Should-Retry", "true")
		h.Set("Retry-After", "1")
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		r.tell(h)
	}
	if e.Kind == fault.Unauthenticated {
		h.Set("WWW-Authenticate", `Bearer realm="Florin"`)
	}
	c.failed = body
	s.encode(w, c, wire.status, map[string]any{"error": body})
}

func errorBody(e *fault.Error) *apiError {
	body := &apiError{Type: kinds[e.Kind].typ, Code: e.Code, DeclineCode: e.DeclineCode, AdviceCode: e.AdviceCode, Param: e.Param, Message: e.Message}
	if e.Kind == fault.Declined && e.Code == "" {
		// Refused by a rule of ours and not by an issuer: the status tells it apart.
		body.Type = kinds[fault.Invalid].typ
	}
	if e.Code != "" {
		body.DocURL = "https://stripe.com/docs/error-codes/" + dashed(e.Code)
	}
	return body
}

func dashed(code string) string {
	out := []byte(code)
	for i := range out {
		if out[i] == '_' {
			out[i] = '-'
		}
	}
	return string(out)
}

// embed adds the intent that a decline leaves behind, with its charge and
// payment method.
func (s *Server) embed(c *call, reply *idem.Reply, body *apiError) error {
	v, n, main, err := s.mainOf(c, reply)
	if err != nil {
		return err
	}
	shown, err := n.render(v, main)
	if err != nil {
		return err
	}
	if o, ok := main.(*object.Object[setup.Intent]); ok {
		if body.SetupIntent = shown; o.Body.LastError != nil {
			body.PaymentMethod, err = v.methodAt(o.Body.LastError.Method)
		}
		return err
	}
	body.PaymentIntent = shown
	last := main.(*object.Object[payment.Intent]).Body.LastError
	if last == nil {
		return nil
	}
	body.Charge = payment.Charges.ID(v.scope, int64(last.Charge))
	body.PaymentMethod, err = v.methodAt(last.Method)
	return err
}

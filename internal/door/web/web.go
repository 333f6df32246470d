// Package web serves the pages that payers see on Florin's own address: so far
// the one that they come back to from authenticating a card, from where they go
// on to the merchant's.
package web

import (
	"bytes"
	"context"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

//go:embed page.html messages
var files embed.FS

// languages that pages are translated into; the first is for everybody else.
var languages = []language.Tag{language.English, language.SimplifiedChinese}

// Server serves the pages. Make it with [New], and set all fields before the
// first request.
type Server struct {
	Payment *payment.Service
	Setup   *setup.Service
	// Secret gives the client secret of a payment intent, SetupSecret of a setup
	// intent.
	Secret, SetupSecret func(id.Scope, int64) string
	Master              *secret.Master
	Log                 *slog.Logger

	page     *template.Template
	matcher  language.Matcher
	messages []map[string]string
}

// Ending is how far an intent has come when its payer is back.
type Ending struct {
	object string // "payment_intent", "setup_intent"
	id     string
	secret string
	back   string // the merchant's page; empty: there is none
	status string // redirect_status: succeeded, failed, pending
	amount string // to show; empty: nothing is paid
}

// New reads the pages and their messages.
func New() (*Server, error) {
	s := &Server{matcher: language.NewMatcher(languages)}
	for _, tag := range languages {
		text, err := files.ReadFile("messages/" + tag.String() + ".json")
		if err != nil {
			return nil, err
		}
		var m map[string]string
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, err
		}
		s.messages = append(s.messages, m)
	}
	var err error
	s.page, err = template.ParseFS(files, "page.html")
	return s, err
}

// Mount adds the pages to mux.
func (s *Server) Mount(mux *http.ServeMux) { mux.HandleFunc("GET "+Landings+"{token}", s.landed) }

// Landings is where payers come back to.
const Landings = "/return/"

// The kinds of landing places: of an attempt at a payment, and at a setup.
const (
	ofPayment = "p"
	ofSetup   = "s"
)

// Landing is the path that the payer of an authentication comes back to. Nobody
// can guess it who was not given it.
func (s *Server) Landing(scope id.Scope, attempt payment.AttemptID) string {
	return Landings + s.token(ofPayment, scope, int64(attempt))
}

// SetupLanding is [Server.Landing] where a card is set up.
func (s *Server) SetupLanding(scope id.Scope, attempt setup.AttemptID) string {
	return Landings + s.token(ofSetup, scope, int64(attempt))
}

// token names an attempt: kind, scope and key in base 36, and proof that we made
// it.
func (s *Server) token(kind string, scope id.Scope, key int64) string {
	const base, length = 36, 18 // bytes of the proof
	name := kind + strconv.FormatInt(scope.Key(), base) + "-" + strconv.FormatInt(key, base)
	sum := s.Master.MAC("landing", []byte(name))
	return name + "-" + base64.RawURLEncoding.EncodeToString(sum[:length])
}

// parse reads a token; what is none, or not one of ours, is refused alike.
func (s *Server) parse(token string) (kind string, scope id.Scope, key int64, err error) {
	const base = 36
	parts := strings.SplitN(token, "-", 3)
	if len(parts) != 3 || len(parts[0]) < 2 {
		return "", scope, 0, errNowhere
	}
	world, bad := strconv.ParseInt(parts[0][1:], base, 64)
	key, worse := strconv.ParseInt(parts[1], base, 64)
	if kind, scope = parts[0][:1], id.ScopeOf(world); errors.Join(bad, worse) != nil ||
		subtle.ConstantTimeCompare([]byte(s.token(kind, scope, key)), []byte(token)) != 1 {
		return "", scope, 0, errNowhere
	}
	return kind, scope, key, nil
}

var errNowhere = fault.New(fault.NotFound, "", "There is no such page.")

// landed is GET /return/{token}: it finds out what came of the authentication,
// goes on with the payment, and sends the payer on.
func (s *Server) landed(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	kind, scope, key, err := s.parse(r.PathValue("token"))
	var end Ending
	if err == nil {
		end, err = s.ending(r.Context(), kind, scope, key)
	}
	switch {
	case fault.KindOf(err) == fault.NotFound:
		s.show(w, r, http.StatusNotFound, Ending{status: "unknown"})
	case err != nil:
		s.Log.Error("a payer's return", "error", err)
		s.show(w, r, http.StatusInternalServerError, Ending{status: "trouble"})
	case end.back == "":
		s.show(w, r, http.StatusOK, end)
	default:
		h.Set("Location", end.location())
		w.WriteHeader(http.StatusSeeOther)
	}
}

func (s *Server) ending(ctx context.Context, kind string, scope id.Scope, key int64) (Ending, error) {
	if kind == ofSetup {
		o, payer, err := s.Setup.Returned(ctx, scope, setup.AttemptID(key))
		if err != nil {
			return Ending{}, err
		}
		return Ending{object: setup.Intents.Name, id: setup.Intents.ID(scope, o.Key), secret: s.SetupSecret(scope, o.Key),
			back: payer.ReturnURL, status: statusOf(payment.Status(o.Body.Status))}, nil
	}
	o, payer, err := s.Payment.Returned(ctx, scope, payment.AttemptID(key))
	if err != nil {
		return Ending{}, err
	}
	i := &o.Body
	end := Ending{object: payment.Intents.Name, id: payment.Intents.ID(scope, o.Key), secret: s.Secret(scope, o.Key), back: payer.ReturnURL,
		status: statusOf(i.Status), amount: strings.ToUpper(money.New(i.Amount, i.Currency).String())}
	return end, nil
}

// statusOf is redirect_status, as Stripe appends it.
func statusOf(st payment.Status) string {
	switch st {
	case payment.Succeeded, payment.RequiresCapture, payment.RequiresConfirmation:
		return "succeeded"
	case payment.Processing, payment.RequiresAction:
		return "pending"
	}
	return "failed"
}

// location is the merchant's page, told of which intent it is.
func (e *Ending) location() string {
	u, err := url.Parse(e.back)
	if err != nil {
		return e.back // it was read once when it was given
	}
	told := url.Values{e.object: {e.id}, e.object + "_client_secret": {e.secret}, "redirect_status": {e.status}}.Encode()
	if u.RawQuery != "" {
		told = u.RawQuery + "&" + told
	}
	u.RawQuery = told
	return u.String()
}

// show writes the page that says what happened.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, e Ending) {
	_, at := language.MatchStrings(s.matcher, r.Header.Get("Accept-Language"))
	m := s.messages[at]
	var body bytes.Buffer
	if err := s.page.Execute(&body, map[string]any{
		"Language": languages[at].String(), "Status": e.status, "Title": m[e.status], "Text": m[e.status+" text"], "Sum": e.amount, "Amount": m["amount"],
	}); err != nil {
		s.Log.Error("a payer's page", "error", err)
		status = http.StatusInternalServerError
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a payer who has gone does not mind
}

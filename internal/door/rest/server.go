package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/search"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

// Version is the API version that is implemented. New accounts are served it
// when they do not ask for another.
const Version = apiversion.Implemented

// maxBody is the most bytes that a request may have.
const maxBody = 1 << 20

// maxKey is the longest idempotency key, as in Stripe's documentation.
const maxKey = 255

// Server answers the API. All fields are set before the first request.
type Server struct {
	DB       *db.DB
	Keys     *idem.Keys
	Merchant *merchant.Service
	Vault    *vault.Service
	Payment  *payment.Service
	Setup    *setup.Service
	Dispute  *dispute.Service
	Payout   *payout.Service
	File     *file.Service
	Offering *offering.Service
	Settle   *settle.Service
	Search   *search.Service
	Clocks   *timeline.Service
	Cash     *cash.Service
	// PublicURL is the address at which browsers reach Florin, such as
	// https://pay.example; empty: the one that a request was sent to.
	PublicURL string
	Webhooks  *webhook.Service
	// Live tells that live keys are served.
	Live bool
	// Master makes client secrets.
	Master *secret.Master
	Log    *slog.Logger
	// MaySettle, if set, tells whether a merchant's key may say what became of an operation
	// that nobody could find out about, or what explains a difference; nil: it may.
	MaySettle func(context.Context) (bool, error)
	// Closed, if set, tells why nothing may be changed now; nil: it may.
	Closed func() error
	Limits Limits

	commandLines commandLines
	admission    admission
}

// call is one request on its way.
type call struct {
	ctx     context.Context
	http    *http.Request
	id      string
	key     merchant.Principal
	scope   id.Scope
	op      *spec.Operation
	path    map[string]string
	form    *form.Value
	version apiversion.Version
	expand  []string
	bucket  uint64  // the key's, for limits of rate
	upload  *upload // the file that came along
	// idem is nil for reads.
	idem *idem.Request

	// What was answered, for those who look on.
	status int
	failed *apiError
}

// handler executes one operation. It gives what the answer shows: a value to
// encode as it is (reads), or an *idem.Reply (writes).
type handler func(*Server, *call) (any, error)

// ServeHTTP implements [http.Handler]. It leaves the operation's path, as the
// API document writes it, in r.Pattern.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{ctx: r.Context(), http: r, id: requestPrefix.Format(id.Scope{}, s.DB.IDs().Next()), version: apiversion.Default()}
	s.admission.inFlight.Add(1)
	defer s.admission.inFlight.Add(-1)
	h := w.Header()
	h.Set("Request-Id", c.id)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store")
	defer func() { s.commandLines.tell(c, s.DB.Clock().Now()) }()
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("panic", "request", c.id, "client", listen.PeerOf(r).Client, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.writeError(w, c, nil, fault.New(fault.Internal, "", "panic"))
		}
	}()
	h.Set("Stripe-Version", c.version.String())
	out, err := s.serve(w, r, c)
	switch {
	case err != nil:
		s.writeError(w, c, nil, err)
	case out != nil: // otherwise the answer was no JSON, and is sent
		s.write(w, c, out)
	}
}

const requestPrefix = id.Prefix("req")

func (s *Server) serve(w http.ResponseWriter, r *http.Request, c *call) (any, error) {
	if err := s.authenticate(r, c); err != nil {
		return nil, err
	}
	if err := s.admit(r, c); err != nil {
		return nil, err
	}
	if s.Closed != nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := s.Closed(); err != nil {
			return nil, err
		}
	}
	if name, ok := contentsOf(r); ok {
		return nil, s.serveContents(w, r, c, name)
	}
	c.version = versionOf(&c.key.Account.Body)
	w.Header().Set("Stripe-Version", c.version.String())
	op, path, ok := spec.Lookup(r.Method, r.URL.EscapedPath())
	if !ok {
		return nil, noRetry(fault.New(fault.NotFound, "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or the documentation of Florin's API for the operations there are.", r.Method, clip(r.URL.Path)))
	}
	to, ok := routes[op.ID]
	if !ok {
		return nil, noRetry(fault.New(fault.NotFound, "", "Florin does not implement this operation yet (%s %s).", op.Method, op.Path))
	}
	c.op, c.path, r.Pattern = op, path, op.Path
	if err := c.key.Allow(to.resource, to.access); err != nil {
		return nil, err
	}
	if err := s.read(w, r, c); err != nil {
		return nil, err
	}
	if err := c.permitted(s); err != nil {
		return nil, err
	}
	return to.handle(s, c)
}

func noRetry(e *fault.Error) *fault.Error {
	e.NoRetry = true
	return e
}

// clip is a text of the caller's as answers repeat it: not without end, and not
// when it looks like a card's number that was sent in the wrong place.
func clip(text string) string {
	if cardLike(text) {
		return hidden.Redacted
	}
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}

// cardLike reports whether a text has nothing but digits, as many as a card's
// number, and what people put between them.
func cardLike(text string) bool {
	const fewest = 12
	digits := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !strings.ContainsRune(" -+._", r):
			return false
		}
	}
	return digits >= fewest
}

// authenticate takes the API key as a bearer token or as the user name of
// basic authentication.
func (s *Server) authenticate(r *http.Request, c *call) (err error) {
	key, _, basic := r.BasicAuth()
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && !basic {
		key = strings.TrimSpace(bearer)
	}
	if strings.HasPrefix(key, ephemeralPrefix(false)) || strings.HasPrefix(key, ephemeralPrefix(true)) {
		c.key, err = s.authenticateEphemeral(r, key)
	} else {
		c.key, err = s.Merchant.Authenticate(r.Context(), key)
	}
	c.scope, c.bucket = c.key.Scope, bucketOf(key)
	if err == nil && c.scope.Livemode && !s.Live {
		return fault.New(fault.Forbidden, "", "This server serves test mode only, since its master key is the file that it made for itself. Set FLORIN_MASTER_KEY or FLORIN_MASTER_KEY_FILE to serve live mode.")
	}
	return err
}

// versionOf is the version that an account is served when it does not ask for
// another: the one that was new when it was made.
func versionOf(account *merchant.Account) apiversion.Version {
	if v, ok := apiversion.Parse(account.APIVersion); ok {
		return v
	}
	return apiversion.Default()
}

// read takes in what the request asks for, and refuses what the operation does
// not know.
func (s *Server) read(w http.ResponseWriter, r *http.Request, c *call) error {
	if text := strings.Join(r.Header.Values("Stripe-Version"), ", "); text != "" {
		v, ok := apiversion.Parse(text)
		if !ok {
			return fault.New(fault.Invalid, "", "Invalid Stripe API version: %s", clip(text))
		}
		c.version = v
		w.Header().Set("Stripe-Version", text)
	}
	var body string
	var err error
	if boundary, parts := boundaryOf(r); parts && c.op.Multipart {
		body, c.upload, err = readParts(w, r, boundary)
	} else {
		body, err = readBody(w, r)
	}
	if err != nil {
		return err
	}
	tree, bad := form.Decode(form.DefaultLimits(), r.URL.RawQuery, body)
	if bad != nil {
		return bad
	}
	if err := refuseExposed(r, tree); err != nil {
		return err
	}
	if bad := c.op.Validate(tree); bad != nil {
		return bad
	}
	c.form = tree
	c.expand, _ = tree.Strings("expand")
	if bad := c.op.ValidateExpand(c.expand); bad != nil {
		return bad
	}
	if r.Method == http.MethodGet {
		return nil
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		return fault.New(fault.Invalid, "", "Idempotency keys can be at most %d characters long.", maxKey)
	}
	if key != "" {
		w.Header().Set("Idempotency-Key", key)
	}
	c.idem = &idem.Request{ID: c.id, Key: key, Hash: s.requestHash(r, tree), Rendering: rendering{c.version.String(), c.expand}.text()}
	return nil
}

// readBody gives the form of a request. A GET may carry one too.
func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	bytes, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return "", fault.New(fault.Invalid, "", "The request is larger than %d bytes.", maxBody)
		}
		return "", fault.New(fault.Invalid, "", "The request's body could not be read.")
	}
	if len(bytes) == 0 {
		return "", nil
	}
	if typ := r.Header.Get("Content-Type"); typ != "" {
		if media, _, err := mime.ParseMediaType(typ); err != nil || media != "application/x-www-form-urlencoded" {
			return "", fault.New(fault.Invalid, "", "Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
		}
	}
	return string(bytes), nil
}

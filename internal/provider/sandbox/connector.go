package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
)

// Name is what the provider is called.
const Name = "sandbox"

// Horizon is how long after a request was sent the simulator may still come to
// process it.
const Horizon = 30 * time.Second

// ConnectorOptions are what [New] may be told. The zero value is fit for use.
type ConnectorOptions struct {
	// Clock stamps raw messages; [clock.System] if nil.
	Clock clock.Clock
	// DialContext makes connections; a [net.Dialer] if nil.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxIdleConns is how many connections are kept for the next call; 512 if
	// zero.
	MaxIdleConns int
	// The provider's traits: 10 s, [Horizon] and 24 h if zero. A negative
	// ReplayWindow declares none.
	Timeout, Horizon, ReplayWindow time.Duration
	// Within, if set, is called within the process rather than over connections.
	Within http.Handler
	// Secret signs what the simulator sends unasked; empty: none is believed, and
	// the provider has no Parse.
	Secret string
}

func (o ConnectorOptions) traits() provider.Traits {
	return provider.Traits{
		Timeout:      cmp.Or(o.Timeout, 10*time.Second),
		Horizon:      cmp.Or(o.Horizon, Horizon),
		ReplayWindow: max(0, cmp.Or(o.ReplayWindow, 24*time.Hour)),
	}
}

// New makes the connector to the acquirer at baseURL ("http://127.0.0.1:8421").
// A base URL that is none shows as Failed at each call.
func New(baseURL string, o ConnectorOptions) provider.Provider {
	traits := o.traits()
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	c := &connector{
		timeout: traits.Timeout, clock: o.Clock,
		wire: line.New(baseURL, line.Options{Dial: o.DialContext, MaxIdle: o.MaxIdleConns}),
	}
	if o.Within != nil {
		c.wire = within{o.Within}
	}
	p := provider.Provider{
		Name: Name, Traits: traits,
		Authorize: c.authorize, Capture: c.capture, Refund: c.refund, Inquire: c.inquire, Reverse: c.reverse,
		Authenticate: c.authenticate, Increment: c.increment, Contest: c.contest, Notices: c.notices, Activity: c.activity, Reports: c.reports(),
		Settle: c.settle, Methods: slices.Sorted(maps.Keys(debitTypes)),
	}
	if o.Secret != "" {
		p.Parse = parse(o.Secret)
	}
	return p
}

type connector struct {
	timeout time.Duration
	clock   clock.Clock
	wire    wire
}

func (c *connector) authenticate(ctx context.Context, r provider.AuthenticateRequest) provider.Outcome {
	return c.operate(ctx, request{
		Reference: r.Reference, Kind: Authenticate, Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
		Card: cardOf(r.Card), Challenge: r.Challenge, SetUp: r.SetUp, ReturnURL: r.ReturnURL,
	})
}

func cardOf(c provider.Card) *card {
	return &card{Number: c.Number, ExpMonth: c.ExpMonth, ExpYear: c.ExpYear, CVC: c.CVC}
}

func (c *connector) authorize(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
	req := request{
		Reference: r.Reference, Kind: Authorize, Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
		Descriptor: r.Descriptor, Features: featuresOf(r.Features),
		Authentication: r.Authentication, OffSession: r.OffSession, SetUp: r.SetUp, Mark: r.Mark,
	}
	if r.Account != nil {
		req.Method, req.Mandate, req.Hold = r.Method, r.Mandate, r.Hold
		req.Account = &account{Country: r.Account.Country, Routing: r.Account.Routing, Number: r.Account.Number}
	} else {
		req.Card = cardOf(r.Card)
	}
	if r.Capture {
		req.Kind = Sale
	}
	if b := r.Billing; !b.Line1.IsZero() || !b.PostalCode.IsZero() {
		req.Billing = &billing{b.Line1, b.PostalCode}
	}
	return c.operate(ctx, req)
}

func (c *connector) increment(ctx context.Context, r provider.IncrementRequest) provider.Outcome {
	return c.operate(ctx, request{
		Reference: r.Reference, Kind: Increment, Original: r.Original, Mark: r.Mark,
		Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
	})
}

func (c *connector) capture(ctx context.Context, r provider.CaptureRequest) provider.Outcome {
	return c.operate(ctx, request{
		Reference: r.Reference, Kind: Capture, Original: r.Original, Mark: r.Mark,
		Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()), More: r.More,
	})
}

func (c *connector) refund(ctx context.Context, r provider.RefundRequest) provider.Outcome {
	return c.operate(ctx, request{
		Reference: r.Reference, Kind: Refund, Original: r.Original, Mark: r.Mark,
		Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
	})
}

func (c *connector) contest(ctx context.Context, r provider.ContestRequest) provider.Outcome {
	return c.operate(ctx, request{
		Reference: r.Reference, Kind: Contest, Original: r.Original, Dispute: r.Dispute, Evidence: r.Evidence,
	})
}

func (c *connector) notices(ctx context.Context, after int64, limit int) ([]provider.Notice, error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(min(limit, maxNotices))}}
	ex := c.exchange(ctx, http.MethodGet, noticesPath+"?"+query.Encode(), nil, "")
	if ex.err != nil {
		return nil, errors.New("sandbox: notices: " + ex.failure().Message)
	}
	if ex.status != http.StatusOK {
		return nil, fmt.Errorf("sandbox: notices: answered with status %d", ex.status)
	}
	list, err := decodeNotices(after, ex.body)
	if err != nil {
		return nil, fmt.Errorf("sandbox: notices: %w", err)
	}
	return toldOf(list), nil
}

func (c *connector) reverse(ctx context.Context, r provider.ReverseRequest) provider.Finding {
	out := c.operate(ctx, request{
		Reference: r.Reference, Kind: Reversal, Original: r.Original, Mark: r.Mark,
		Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
	})
	switch {
	case out.Status == provider.Declined && out.Code == codeUnknownOriginal:
		return provider.Finding{Answer: provider.NotFound, Outcome: out}
	case out.Status == provider.Approved || out.Status == provider.Declined:
		return provider.Finding{Answer: provider.Found, Outcome: out}
	}
	return provider.Finding{Outcome: out}
}

func (c *connector) inquire(ctx context.Context, reference string) provider.Finding {
	return c.find(ctx, http.MethodGet, operationsPath+"/"+url.PathEscape(reference), reference)
}

// settle has a pending sale end as it would in time.
func (c *connector) settle(ctx context.Context, reference string) provider.Finding {
	return c.find(ctx, http.MethodPost, operationsPath+"/"+url.PathEscape(reference)+"/settle", reference)
}

func (c *connector) find(ctx context.Context, method, path, reference string) provider.Finding {
	ex := c.exchange(ctx, method, path, nil, "")
	var f provider.Finding
	if ex.err != nil {
		f.Outcome = ex.failure()
	} else {
		f = findingOf(reference, ex.status, ex.body)
	}
	f.Outcome.Raw = ex.raw
	return f
}

// operate sends one operation and reads what became of it.
func (c *connector) operate(ctx context.Context, req request) provider.Outcome {
	body, err := req.encode()
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: "the request can't be written as JSON"}
	}
	ex := c.exchange(ctx, http.MethodPost, operationsPath, body, req.redacted())
	out := ex.failure()
	if ex.err == nil {
		out = outcomeOf(req, ex.status, ex.body)
	}
	out.Raw = ex.raw
	return out
}

// outcomeOf reads the answer to req. Only an operation that is req's is
// believed, and only a documented refusal means that nothing happened.
func outcomeOf(req request, status int, body []byte) provider.Outcome {
	if status == http.StatusOK {
		op, err := decodeOperation(body)
		if err != nil {
			return unknown("%v", err)
		}
		if op.Reference != req.Reference || !req.asks(op) {
			return unknown("the answer tells of another operation than was asked for")
		}
		return op.outcome()
	}
	r := decodeRefusal(status, body)
	if r == nil {
		return unknown("answered with status %d and a body that the protocol does not have", status)
	}
	if unprocessed[r.Code] && r.Processed != nil && !*r.Processed {
		return provider.Outcome{Status: provider.Failed, Code: r.Code, Message: redact([]byte("refused unprocessed: " + r.Error()))}
	}
	out := unknown("%s", redact([]byte(r.Error())))
	out.Code = r.Code
	return out
}

// findingOf reads the answer to an inquiry.
func findingOf(reference string, status int, body []byte) provider.Finding {
	if status == http.StatusOK {
		op, err := decodeOperation(body)
		switch {
		case err != nil:
			return provider.Finding{Outcome: unknown("%v", err)}
		case op.Reference != reference:
			return provider.Finding{Outcome: unknown("the answer tells of another operation than was asked for")}
		}
		return provider.Finding{Answer: provider.Found, Outcome: op.outcome()}
	}
	if r := decodeRefusal(status, body); r != nil && r.Code == notFound {
		return provider.Finding{Answer: provider.NotFound, Outcome: provider.Outcome{Code: r.Code}}
	}
	return provider.Finding{Outcome: unknown("answered with status %d, which tells nothing", status)}
}

func unknown(format string, args ...any) provider.Outcome {
	return provider.Outcome{Message: fmt.Sprintf(format, args...)}
}

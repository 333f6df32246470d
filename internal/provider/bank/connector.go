package bank

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Name is what the provider is called.
const Name = "bank"

// Horizon is how long after a request was sent the simulator may still come to
// process it.
const Horizon = 30 * time.Second

// ConnectorOptions are what [New] may be told. The zero value is fit for use.
type ConnectorOptions struct {
	// Clock stamps raw messages; [clock.System] if nil.
	Clock clock.Clock
	// DialContext makes connections; a [net.Dialer] if nil.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// The provider's traits: 10 s, [Horizon] and 24 h if zero.
	Timeout, Horizon, ReplayWindow time.Duration
	// Secret signs what the simulator sends unasked; empty: none is believed, and
	// the provider has no Parse.
	Secret string
}

// New makes the connector to the bank at an address ("127.0.0.1:8422").
func New(address string, o ConnectorOptions) provider.Provider {
	traits := provider.Traits{
		Timeout: cmp.Or(o.Timeout, 10*time.Second), Horizon: cmp.Or(o.Horizon, Horizon), ReplayWindow: cmp.Or(o.ReplayWindow, 24*time.Hour),
	}
	c := &connector{timeout: traits.Timeout, clock: o.Clock, line: line.New("http://"+address, line.Options{Dial: o.DialContext})}
	if c.clock == nil {
		c.clock = clock.System{}
	}
	p := provider.Provider{Name: Name, Traits: traits, PayOut: c.payOut, Inquire: c.inquire, Notices: c.notices, Activity: c.activity, Reports: c.statements()}
	if o.Secret != "" {
		p.Parse = parse(o.Secret)
	}
	return p
}

type connector struct {
	timeout time.Duration
	clock   clock.Clock
	line    *line.Line
}

func (c *connector) payOut(ctx context.Context, r provider.PayoutRequest) provider.Outcome {
	req := request{Reference: r.Reference, Original: r.Original, Amount: r.Amount.Minor(), Currency: string(r.Amount.Currency()),
		Instant: r.Instant, Descriptor: r.Descriptor, Mark: r.Mark}
	if r.Original == "" {
		req.Account = &account{Country: r.Account.Country, Routing: r.Account.Routing, Number: r.Account.Number, Holder: r.Account.Holder}
	}
	body, err := req.encode(false)
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: "the request can't be written as JSON"}
	}
	masked, err := req.encode(true)
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: "the request can't be written as JSON"}
	}
	ex := c.exchange(ctx, http.MethodPost, transfersPath, body, string(masked))
	out := ex.failure()
	if ex.err == nil {
		out = outcomeOf(req, ex.status, ex.body)
	}
	out.Raw = ex.raw
	return out
}

// outcomeOf reads the answer to req. Only a transfer that is req's is believed,
// and only a documented refusal means that nothing happened.
func outcomeOf(req request, status int, body []byte) provider.Outcome {
	if status == http.StatusOK {
		t, err := decodeTransfer(body)
		switch {
		case err != nil:
			return unknown("%v", err)
		case !req.asks(t):
			return unknown("the answer tells of another transfer than was asked for")
		}
		return t.outcome()
	}
	r := decodeRefusal(status, body)
	if r == nil {
		return unknown("answered with status %d and a body that the protocol does not have", status)
	}
	if unprocessed[r.Code] {
		return provider.Outcome{Status: provider.Failed, Code: r.Code, Message: "refused unprocessed: " + redact(r.Error())}
	}
	out := unknown("%s", redact(r.Error()))
	out.Code = r.Code
	return out
}

func (c *connector) inquire(ctx context.Context, reference string) provider.Finding {
	ex := c.exchange(ctx, http.MethodGet, transfersPath+"/"+url.PathEscape(reference), nil, "")
	var f provider.Finding
	switch {
	case ex.err != nil:
		f.Outcome = ex.failure()
	case ex.status == http.StatusOK:
		t, err := decodeTransfer(ex.body)
		if err != nil || t.Reference != reference {
			f.Outcome = unknown("the answer is not the transfer that was asked for")
		} else {
			f = provider.Finding{Answer: provider.Found, Outcome: t.outcome()}
		}
	default:
		f.Outcome = unknown("answered with status %d, which tells nothing", ex.status)
		if r := decodeRefusal(ex.status, ex.body); r != nil && r.Code == notFound {
			f = provider.Finding{Answer: provider.NotFound, Outcome: provider.Outcome{Code: r.Code}}
		}
	}
	f.Outcome.Raw = ex.raw
	return f
}

func (c *connector) notices(ctx context.Context, after int64, limit int) ([]provider.Notice, error) {
	ex := c.exchange(ctx, http.MethodGet, fmt.Sprintf("%s?after=%d&limit=%d", noticesPath, after, limit), nil, "")
	if ex.err != nil {
		return nil, ex.err
	}
	var answer noticeList
	if ex.status != http.StatusOK || json.Unmarshal(ex.body, &answer) != nil {
		return nil, fmt.Errorf("bank: notices: answered with status %d", ex.status)
	}
	list := make([]provider.Notice, 0, len(answer.Notices))
	for _, n := range answer.Notices {
		if n.Number <= after || !validReference(n.Reference) {
			return nil, errors.New("bank: notices: the answer is not as the protocol has it")
		}
		after = n.Number
		list = append(list, provider.Notice{Number: n.Number, Kind: provider.NoticePayoutReturned, Reference: n.Reference, At: n.At, Reason: n.Code})
	}
	return list, nil
}

// exchange is one request and what came back.
type exchange struct {
	wrote  bool // a byte of the request may have left
	err    error
	status int
	body   []byte
	raw    []provider.Message
}

// failure is the outcome of an exchange that got no whole answer.
func (e *exchange) failure() provider.Outcome {
	if e.err == nil {
		return provider.Outcome{}
	}
	if e.wrote && !probe.Mutant("bank.sent-is-failed") {
		return unknown("no whole answer: %s", redact(e.err.Error()))
	}
	return provider.Outcome{Status: provider.Failed, Retryable: true, Message: "not sent: " + redact(e.err.Error())}
}

// exchange sends one request, once.
func (c *connector) exchange(ctx context.Context, method, path string, body []byte, masked string) (ex exchange) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	sent := provider.Message{Sent: true, At: c.clock.Now(), Body: strings.TrimSpace(method + " " + path + "\n" + masked)}
	a, err := c.line.Call(ctx, line.Request{Method: method, Path: path, ContentType: "application/json", Body: body}, maxReply)
	ex = exchange{wrote: a.Sent, err: err, status: a.Status, body: a.Body}
	if ex.wrote {
		ex.raw = append(ex.raw, sent)
	}
	if ex.status != 0 {
		ex.raw = append(ex.raw, provider.Message{At: c.clock.Now(), Body: fmt.Sprintf("%d %s\n%s", ex.status, http.StatusText(ex.status), redact(string(ex.body)))})
	}
	return ex
}

// numberLike finds what may be the number of an account.
var numberLike = regexp.MustCompile(`"[A-Z]{0,2}[0-9A-Z]{5,30}[0-9]{4}"`)

// redact makes received bytes fit to be kept: what may be an account's number,
// quoted as in JSON, keeps its last four characters.
func redact(text string) string {
	const keep = 4 << 10
	text = numberLike.ReplaceAllStringFunc(text, func(s string) string { return `"****` + s[len(s)-5:] })
	if len(text) > keep {
		text = text[:keep]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func unknown(format string, args ...any) provider.Outcome {
	return provider.Outcome{Message: fmt.Sprintf(format, args...)}
}

// amount is a transfer's amount as money.
func (t Transfer) amount() money.Amount { return money.New(t.Amount, money.Currency(t.Currency)) }

package hook

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/clock"
)

const (
	dialTimeout = 5 * time.Second
	// bodyTime is how long the body of an answer may take once its status is here:
	// the status is what counts.
	bodyTime = time.Second
	// maxBody is how many bytes of an answer are read. A connection whose answer
	// is longer is closed.
	maxBody = 4096
	// maxIdle and idleTime bound the connections that are kept to a server.
	maxIdle  = 32 // as many as an endpoint gets requests at once
	idleTime = 30 * time.Second
)

// Client sends webhooks.
type Client struct {
	clock         clock.Clock
	public, local *http.Client
}

// Options are what [New] may be told.
type Options struct {
	Clock clock.Clock // default: the system's
	// Dial, if set, makes the connections of test mode: a simulated run has no
	// network. Those of live mode are always dialled and judged here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// New makes a client.
func New(o Options) *Client {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	local := o.Dial
	if local == nil {
		local = dialer(false)
	}
	return &Client{clock: o.Clock, public: client(dialer(true)), local: client(local)}
}

func dialer(public bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTimeout, KeepAlive: idleTime, Control: control(public)}
	return d.DialContext
}

func client(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dial, ForceAttemptHTTP2: true, DisableCompression: true, TLSHandshakeTimeout: dialTimeout,
			MaxIdleConns: 1024, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTime, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close closes the connections that are idle.
func (c *Client) Close() {
	c.public.CloseIdleConnections()
	c.local.CloseIdleConnections()
}

// Send implements [webhook.Sender].
func (c *Client) Send(ctx context.Context, r webhook.Request) (webhook.Answer, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return webhook.Answer{}, err
	}
	q.GetBody = nil // a request is never sent twice under the hand
	for _, h := range r.Header {
		q.Header.Set(h[0], h[1])
	}
	to := c.local
	if r.Public {
		to = c.public
	}
	answer, err := to.Do(q)
	if err != nil {
		return webhook.Answer{}, err
	}
	return webhook.Answer{Status: answer.StatusCode, Body: c.body(ctx, answer.Body)}, nil
}

// body reads the beginning of an answer's body, as far as it comes soon.
func (c *Client) body(ctx context.Context, from io.ReadCloser) []byte {
	ctx, cancel := context.WithCancel(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		_ = c.clock.Sleep(ctx, bodyTime)
		_ = from.Close()
	}()
	text, _ := io.ReadAll(io.LimitReader(from, maxBody)) // what came is what there is
	_, _ = from.Read(make([]byte, 1))                    // its end, so that the connection can be used again
	cancel()
	<-watching
	return text
}

package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// newTransport makes the connector's own way to the wire: HTTP/1.1 over
// connections that are kept, no proxy, no redirect, and connections that know
// whether anything was written to them.
func newTransport(o ConnectorOptions) *http.Transport {
	dial := o.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext // bounded by the call's own deadline
	}
	idle := o.MaxIdleConns
	if idle == 0 {
		idle = 512
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &meteredConn{Conn: conn}, nil
		},
		Protocols:           protocols,
		MaxIdleConns:        idle,
		MaxIdleConnsPerHost: idle,
		// Well before the simulator's own limit: a request that is written to a
		// connection just closed has an unknown outcome.
		IdleConnTimeout:    30 * time.Second,
		DisableCompression: true,
	}
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
	cause := redact([]byte(e.err.Error())) // net/http quotes what it does not understand
	if e.wrote && !probe.Mutant("sandbox.sent-is-failed") {
		return unknown("no whole answer: %s", cause)
	}
	return provider.Outcome{Status: provider.Failed, Retryable: true, Message: "not sent: " + cause}
}

// exchange sends one request, once. masked is the body as it may be kept.
//
// [http.Transport] resends what it thinks may be resent: a request whose body
// it can get anew (GetBody), or that has none, or that carries an
// Idempotency-Key header. A POST of ours is none of these, so it is written to
// one connection at most. An inquiry changes nothing and may be resent.
func (c *connector) exchange(ctx context.Context, method, path string, body []byte, masked string) *exchange {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ex := &exchange{}
	var sending sending
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, sending.trace()), method, c.base+path, nil)
	if err != nil {
		ex.err = errors.New("the base URL is no URL")
		return ex
	}
	if body != nil {
		req.Body, req.GetBody, req.ContentLength = io.NopCloser(bytes.NewReader(body)), nil, int64(len(body))
		req.Header.Set("Content-Type", "application/json")
	}
	sent := provider.Message{Sent: true, At: c.clock.Now(), Body: method + " " + path + "\n" + masked}
	ex.receive(c.transport.RoundTrip(req))
	ex.wrote = true
	if ex.err != nil {
		ex.wrote = sending.stop()
		if cause := context.Cause(ctx); cause != nil {
			ex.err = cause
		}
	}
	if ex.wrote {
		ex.raw = append(ex.raw, sent)
	}
	if ex.status != 0 {
		text := fmt.Sprintf("%d %s\n%s", ex.status, http.StatusText(ex.status), redact(ex.body))
		ex.raw = append(ex.raw, provider.Message{At: c.clock.Now(), Body: text})
	}
	return ex
}

// receive reads the answer whole, so that its connection can be used again.
func (e *exchange) receive(resp *http.Response, err error) {
	if err != nil {
		e.err = err
		return
	}
	defer resp.Body.Close()
	e.status = resp.StatusCode
	e.body, e.err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if len(e.body) > maxReply {
		e.err = errors.New("the answer is longer than any that the protocol has")
	}
}

// sending watches one request on its way into a connection.
type sending struct {
	mu     sync.Mutex
	got    bool
	conn   *meteredConn // nil if the transport gave one that is not ours
	before int64        // bytes that earlier requests wrote to conn
}

func (s *sending) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		s.mu.Lock()
		defer s.mu.Unlock()
		conn := info.Conn
		if t, ok := conn.(*tls.Conn); ok {
			conn = t.NetConn()
		}
		s.got = true
		if s.conn, _ = conn.(*meteredConn); s.conn != nil {
			s.before = s.conn.count()
		}
	}}
}

// stop makes sure that no further byte of the request is written, and reports
// whether one may have been. Without the first, a request that was given up
// before it was written could still leave behind our back.
func (s *sending) stop() (wrote bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.got {
		return false // the transport writes nothing before it has a connection
	}
	return s.conn == nil || s.conn.seal() > s.before
}

// meteredConn counts the bytes that it was asked to write, whether or not they
// left, and can be sealed against more.
type meteredConn struct {
	net.Conn

	mu     sync.Mutex
	asked  int64
	sealed bool
}

var errSealed = errors.New("sandbox: the call was given up before it was sent")

// Write implements [net.Conn].
func (c *meteredConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	c.asked += int64(len(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *meteredConn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// seal refuses all further writes and gives how many bytes were asked for.
func (c *meteredConn) seal() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.asked
}

package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/florinpay/florin/internal/kit/clock"
)

// conn is one client's connection, kept over its requests. One goroutine writes
// a request and reads the answer, which costs about half of what a transport
// that many goroutines share does, and has no retries of its own.
type conn struct {
	target *target
	clock  clock.Clock
	net    net.Conn // nil: not connected
	in     *bufio.Reader
	out    bytes.Buffer
	body   bytes.Buffer
}

// target is the server that all connections go to.
type target struct {
	address string // HOST:PORT
	host    string // as the Host header has it
	base    string // path before /v1, without a slash at its end
	tls     *tls.Config
}

func newTarget(address string) (*target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no address of a server", address)
	}
	t := &target{address: u.Host, host: u.Host}
	if u.Path != "/" {
		t.base = u.EscapedPath()
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
		t.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
	}
	if u.Port() == "" {
		t.address = net.JoinHostPort(u.Hostname(), port)
	}
	return t, nil
}

func (c *conn) dial(ctx context.Context) error {
	if c.net != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.target.address)
	if err != nil {
		return err
	}
	c.net = raw
	if c.target.tls != nil {
		secured := tls.Client(raw, c.target.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return errors.Join(err, raw.Close())
		}
		c.net = secured
	}
	c.in = bufio.NewReaderSize(c.net, 8<<10)
	return nil
}

func (c *conn) close() {
	if c.net != nil {
		_ = c.net.Close() // nothing is under way
	}
	c.net = nil
}

// request is one request of a client. GETs have neither form nor key.
type request struct {
	method, path string
	secret       string // key of the account
	key          string // idempotency key
	form         string
}

// do sends a request, once, and gives the status and the body of the answer,
// which holds until the next call. sent is false only if nothing was written.
func (c *conn) do(ctx context.Context, r request) (status int, body []byte, sent bool, err error) {
	if err := c.dial(ctx); err != nil {
		return 0, nil, false, err
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if err := c.net.SetDeadline(c.clock.Now().Add(requestTimeout)); err != nil {
		return 0, nil, false, err
	}
	c.write(r)
	if _, err := c.net.Write(c.out.Bytes()); err != nil {
		return 0, nil, true, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, nil, true, err
	}
	c.body.Reset()
	if _, err := io.Copy(&c.body, resp.Body); err != nil {
		return 0, nil, true, err
	}
	if resp.Close {
		c.close()
	}
	return resp.StatusCode, c.body.Bytes(), true, nil
}

// write puts the bytes of a request together.
func (c *conn) write(r request) {
	o := &c.out
	o.Reset()
	for _, s := range []string{r.method, " ", c.target.base, r.path, " HTTP/1.1\r\nHost: ", c.target.host,
		"\r\nUser-Agent: florin-bench\r\nAuthorization: Bearer ", r.secret} {
		o.WriteString(s)
	}
	if r.method == http.MethodPost {
		o.WriteString("\r\nContent-Type: application/x-www-form-urlencoded\r\nIdempotency-Key: ")
		o.WriteString(r.key)
		o.WriteString("\r\nContent-Length: ")
		o.Write(strconv.AppendInt(o.AvailableBuffer(), int64(len(r.form)), 10))
	}
	o.WriteString("\r\n\r\n")
	o.WriteString(r.form)
}

// cause is what went wrong, without the addresses that make each error of a
// connection another text.
func cause(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "time-out"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

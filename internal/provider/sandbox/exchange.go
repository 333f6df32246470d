package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// wire is how requests get to the simulator.
type wire interface {
	Call(ctx context.Context, r line.Request, maxBody int) (line.Answer, error)
	Open(ctx context.Context, r line.Request) (status int, body io.ReadCloser, err error)
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
	cause := redact([]byte(e.err.Error())) // which may quote what was not understood
	if e.wrote && !probe.Mutant("sandbox.sent-is-failed") {
		return unknown("no whole answer: %s", cause)
	}
	return provider.Outcome{Status: provider.Failed, Retryable: true, Message: "not sent: " + cause}
}

// exchange sends one request, once. masked is the body as it may be kept.
func (c *connector) exchange(ctx context.Context, method, path string, body []byte, masked string) *exchange {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	sent := provider.Message{Sent: true, At: c.clock.Now(), Body: method + " " + path + "\n" + masked}
	a, err := c.wire.Call(ctx, line.Request{Method: method, Path: path, ContentType: "application/json", Body: body}, maxReply)
	ex := &exchange{wrote: a.Sent, err: err, status: a.Status, body: a.Body}
	if ex.wrote {
		ex.raw = append(ex.raw, sent)
	}
	if ex.status != 0 {
		text := fmt.Sprintf("%d %s\n%s", ex.status, http.StatusText(ex.status), redact(ex.body))
		ex.raw = append(ex.raw, provider.Message{At: c.clock.Now(), Body: text})
	}
	return ex
}

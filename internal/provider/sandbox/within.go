package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/florinpay/florin/internal/base/line"
)

// within is a way to a simulator in the same process, without the cost of a
// socket: the protocol's bytes are the same, but nothing gets lost on the way
// that the simulator does not lose.
type within struct{ to http.Handler }

// errBrokenOff is what a caller sees of a connection that was broken off.
var errBrokenOff = errors.New("sandbox: the connection was broken off")

// Call is [line.Line.Call].
func (w within) Call(ctx context.Context, r line.Request, maxBody int) (line.Answer, error) {
	if err := context.Cause(ctx); err != nil {
		return line.Answer{}, err
	}
	status, body, err := w.ask(ctx, r)
	if err != nil {
		return line.Answer{Sent: true}, err
	}
	a := line.Answer{Sent: true, Status: status, Body: body.Bytes()}
	if len(a.Body) > maxBody {
		a.Body, err = nil, line.ErrTooLong
	}
	return a, err
}

// Open is [line.Line.Open].
func (w within) Open(ctx context.Context, r line.Request) (status int, body io.ReadCloser, err error) {
	status, text, err := w.ask(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	return status, io.NopCloser(text), nil
}

func (w within) ask(ctx context.Context, r line.Request) (status int, body *bytes.Buffer, err error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://within.invalid"+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, err
	}
	a := &withinAnswer{header: http.Header{}}
	defer func() {
		if broken := recover(); broken == http.ErrAbortHandler {
			status, body, err = 0, nil, errBrokenOff
		} else if broken != nil {
			panic(broken)
		}
	}()
	w.to.ServeHTTP(a, req)
	return cmp.Or(a.status, http.StatusOK), &a.body, nil
}

// withinAnswer keeps what a handler answers.
type withinAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *withinAnswer) Header() http.Header { return a.header }

func (a *withinAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *withinAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

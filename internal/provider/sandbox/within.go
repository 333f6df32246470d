package sandbox

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
)

// within is a way to a simulator in the same process, without the cost of a
// socket: the protocol's bytes are the same, but nothing gets lost on the way
// that the simulator does not lose.
type within struct{ to http.Handler }

// errBrokenOff is what a caller sees of a connection that was broken off.
var errBrokenOff = errors.New("sandbox: the connection was broken off")

// RoundTrip implements [http.RoundTripper].
func (w within) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{}) // from here on it may have been sent
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	a := &withinAnswer{header: http.Header{}}
	defer func() {
		if broken := recover(); broken == http.ErrAbortHandler {
			resp, err = nil, errBrokenOff
		} else if broken != nil {
			panic(broken)
		}
	}()
	w.to.ServeHTTP(a, r)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(&a.body), Request: r}, nil
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

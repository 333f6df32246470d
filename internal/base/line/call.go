package line

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Request is what is asked of the server.
type Request struct {
	Method string // GET or POST
	// Path is what follows the base URL, escaped, with its query.
	Path string
	// ContentType is that of Body. Without a body it is not sent.
	ContentType string
	Body        []byte // of a POST
}

// Answer is what came back.
type Answer struct {
	// Sent tells that a byte of the request may have left. It counts with an
	// error, too.
	Sent bool
	// Status is that of the answer, 200 to 599; 0 if none came.
	Status int
	Body   []byte
}

// ErrTooLong is an answer with more bytes than the caller takes.
var ErrTooLong = errors.New("line: the answer is longer than it may be")

// Call sends a request and reads the answer whole, of which it takes at most
// maxBody bytes. It ends when ctx does, with its cause. Errors may quote what
// the server sent.
func (l *Line) Call(ctx context.Context, r Request, maxBody int) (Answer, error) {
	c, sent, err := l.start(ctx, r)
	if err != nil {
		return Answer{Sent: sent}, err
	}
	a := Answer{Sent: true, Status: c.answer.StatusCode}
	a.Body, err = whole(c.answer, maxBody)
	return a, c.end(err)
}

// whole reads an answer's body.
func whole(answer *http.Response, maxBody int) ([]byte, error) {
	if answer.ContentLength > int64(maxBody) {
		return nil, ErrTooLong
	}
	if n := answer.ContentLength; n >= 0 {
		body := make([]byte, n)
		read, err := io.ReadFull(answer.Body, body)
		if errors.Is(err, io.EOF) { // not a byte of those that were announced
			err = io.ErrUnexpectedEOF
		}
		return body[:read], err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(maxBody)+1))
	if len(body) > maxBody {
		return body[:maxBody], ErrTooLong
	}
	return body, err
}

// Open sends a request and gives the body of the answer to be read while it
// arrives, until ctx ends. It must be closed.
func (l *Line) Open(ctx context.Context, r Request) (status int, body io.ReadCloser, err error) {
	c, _, err := l.start(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	return c.answer.StatusCode, &stream{call: c}, nil
}

// stream is the body of an answer under way. It is of one goroutine.
type stream struct {
	call  *call
	ended error // what Read tells from now on
}

var errClosed = errors.New("line: the answer was closed")

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if s.ended != nil {
		return 0, s.ended
	}
	n, err := s.call.answer.Body.Read(p)
	if errors.Is(err, io.EOF) {
		s.ended = io.EOF
		_ = s.call.end(nil) // gives nil
	} else if err != nil {
		s.ended = s.call.end(err)
	}
	return n, s.ended
}

// Close implements [io.Closer]. What is not read yet is not wanted any more, so
// the connection can't be kept.
func (s *stream) Close() error {
	if s.ended == nil {
		s.ended = s.call.end(errClosed)
	}
	return nil
}

// call is a request that was sent, and its answer's head.
type call struct {
	line   *Line
	ctx    context.Context
	conn   *conn
	stop   func() bool // lets go of ctx; false if it has ended
	answer *http.Response
}

// start sends a request and reads the head of its answer. sent tells, where
// there is an error, whether a byte of it may have left.
func (l *Line) start(ctx context.Context, r Request) (c *call, sent bool, err error) {
	switch {
	case l.fault != nil:
		return nil, false, l.fault
	case r.Method != http.MethodGet && r.Method != http.MethodPost, r.Path == "", r.Path[0] != '/', !plain(r.Path), strings.ContainsAny(r.ContentType, "\r\n"):
		return nil, false, errors.New("line: the request has what its head can't hold")
	}
	if kept := l.take(); kept != nil {
		c, sent, err = l.try(ctx, kept, r)
		if err == nil || r.Method != http.MethodGet || kept.from.got || ctx.Err() != nil {
			return c, sent, err
		}
	}
	made, err := l.connect(ctx)
	if err != nil {
		return nil, sent, cmp.Or(context.Cause(ctx), err)
	}
	c, again, err := l.try(ctx, made, r)
	return c, sent || again, err
}

// try is one sending, over one connection, which is closed if it comes to
// nothing.
func (l *Line) try(ctx context.Context, over *conn, r Request) (c *call, sent bool, err error) {
	c = &call{line: l, ctx: ctx, conn: over, stop: context.AfterFunc(ctx, over.close)}
	if ctx.Err() != nil {
		return nil, false, c.end(context.Cause(ctx))
	}
	over.from.head()
	over.out = l.append(over.out[:0], r)
	_, err = over.net.Write(over.out)
	if clear(over.out); cap(over.out) > keptOut { // it may hold what is not to stay in memory
		over.out = nil
	}
	if err == nil {
		c.answer, err = readHead(over)
	}
	if err != nil {
		return nil, true, c.end(err)
	}
	over.from.body()
	return c, true, nil
}

// keptOut is the largest space for requests that a connection keeps, in bytes.
const keptOut = 16 << 10

// append puts the bytes of a request together.
func (l *Line) append(b []byte, r Request) []byte {
	for _, s := range [...]string{r.Method, " ", l.base, r.Path, " HTTP/1.1\r\nHost: ", l.host, "\r\nUser-Agent: florin\r\n"} {
		b = append(b, s...)
	}
	if r.Method == http.MethodGet {
		return append(b, "\r\n"...)
	}
	if len(r.Body) > 0 {
		b = append(append(append(b, "Content-Type: "...), r.ContentType...), "\r\n"...)
	}
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(r.Body)), 10)
	return append(append(b, "\r\n\r\n"...), r.Body...)
}

// readHead reads the head of the answer, past interim ones.
func readHead(c *conn) (*http.Response, error) {
	for {
		answer, err := http.ReadResponse(c.in, nil)
		if err != nil {
			return nil, err
		}
		switch {
		case answer.ProtoMajor != 1:
			return nil, errors.New("line: the answer is not one of HTTP/1")
		case answer.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("line: the server wants to speak something else")
		case answer.StatusCode >= 200 && answer.StatusCode <= 599:
			return answer, nil
		case answer.StatusCode < 100 || answer.StatusCode > 199:
			return nil, fmt.Errorf("line: status %d is none", answer.StatusCode)
		}
	}
}

// end is after an answer was read, or err came instead. The connection is kept
// if nothing is left on it.
func (c *call) end(err error) error {
	if ended := !c.stop(); err == nil && !ended && !c.answer.Close {
		c.line.keep(c.conn)
		return nil
	}
	c.conn.close()
	if err == nil {
		return nil
	}
	return cmp.Or(context.Cause(c.ctx), err)
}

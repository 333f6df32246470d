package line

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const maxBody = 1 << 10

var post = Request{Method: http.MethodPost, Path: "/p", ContentType: "application/json", Body: []byte("{}")}
var get = Request{Method: http.MethodGet, Path: "/g"}

// peer is a server of bytes: serve gets each request that arrived whole, with
// the number of its connection and its own on it, and tells whether the
// connection goes on.
type peer struct {
	url             string
	conns, requests atomic.Int64
	ended           sync.WaitGroup
}

func newPeer(t *testing.T, serve func(c net.Conn, conn, request int) bool) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{url: "http://" + ln.Addr().String()}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			n := int(p.conns.Add(1))
			p.ended.Go(func() { p.serve(c, n, serve) })
		}
	}()
	return p
}

func (p *peer) serve(c net.Conn, n int, serve func(c net.Conn, conn, request int) bool) {
	defer c.Close()
	in := bufio.NewReader(c)
	for i := 1; ; i++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		p.requests.Add(1)
		if !serve(c, n, i) {
			return
		}
	}
}

func say(c net.Conn, text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestAnswers: what is taken for an answer, and whether the connection is used
// again after it.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name, bytes string
		status      int
		body        string
		kept        bool // by us; an error keeps nothing
	}{
		{"length", plainAnswer, 200, "ok", true},
		{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		{"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", true},
		{"an error", "HTTP/1.1 503 Gone Fishing\r\nContent-Length: 2\r\n\r\nno", 503, "no", true},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n", 200, "abcd", true},
		{"chunked with a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n1\r\na\r\n0\r\nX-A: b\r\n\r\n", 200, "a", true},
		{"interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plainAnswer, 200, "ok", true},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
		{"to the end", "HTTP/1.1 200 OK\r\n\r\nuntil it is closed", 200, "until it is closed", false},
		{"as long as may be", "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", maxBody), 200, strings.Repeat("x", maxBody), true},
		{"something after it", plainAnswer + "HTTP/1.1 200 OK\r\n\r\n", 200, "ok", false},

		{"nothing", "", 0, "", false},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", 0, "", false},
		{"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, "", false},
		{"a head cut short", "HTTP/1.1 200 OK\r\nContent-Le", 0, "", false},
		{"a head without end", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 2*maxHead) + "\r\n\r\n", 0, "", false},
		{"a header without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: x\r\n", maxHead/4), 0, "", false},
		{"interim answers without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHead/8), 0, "", false},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0, "", false},
		{"status 600", "HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok", 0, "", false},
		{"status 099", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", 0, "", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0, "", false},
		{"a length below nothing", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", 0, "", false},
		{"a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 200, "ok", false},
		{"a body cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, "", false},
		{"chunks cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, "abc", false},
		{"too long", "HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + strings.Repeat("x", maxBody+1), 200, "", false},
		{"too long, in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n" + strings.Repeat("x", maxBody+1) + "\r\n0\r\n\r\n", 200, strings.Repeat("x", maxBody), false},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, func(c net.Conn, conn, _ int) bool {
				if conn > 1 {
					return say(c, plainAnswer)
				}
				return say(c, test.bytes) && test.kept
			})
			l := New(p.url, Options{})
			a, err := l.Call(t.Context(), post, maxBody)
			bad := i >= 13
			if (err != nil) != bad || !a.Sent {
				t.Errorf("error %v, sent %t", err, a.Sent)
			}
			if diff := cmp.Diff(fmt.Sprint(test.status, " ", test.body), fmt.Sprint(a.Status, " ", string(a.Body))); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(test.name, "too long") && !errors.Is(err, ErrTooLong) {
				t.Errorf("%v, want ErrTooLong", err)
			}
			if _, err := l.Call(t.Context(), post, maxBody); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if kept := p.conns.Load() == 1; kept != test.kept {
				t.Errorf("the connection was kept: %t", kept)
			}
		})
	}
}

// TestRequests: what arrives is what was asked.
func TestRequests(t *testing.T) {
	tests := []struct {
		base    string
		r       Request
		want    string
		unsound bool
	}{
		{"http://h", get, "GET /g HTTP/1.1\r\nHost: h\r\nUser-Agent: florin\r\n\r\n", false},
		{"http://h:81/base/", get, "GET /base/g HTTP/1.1\r\nHost: h:81\r\nUser-Agent: florin\r\n\r\n", false},
		{"http://[fe80::1%25eth0]:81", get, "GET /g HTTP/1.1\r\nHost: [fe80::1]:81\r\nUser-Agent: florin\r\n\r\n", false},
		{"http://h", post, "POST /p HTTP/1.1\r\nHost: h\r\nUser-Agent: florin\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", false},
		{"http://h", Request{Method: "POST", Path: "/p"}, "POST /p HTTP/1.1\r\nHost: h\r\nUser-Agent: florin\r\nContent-Length: 0\r\n\r\n", false},

		{"http://h", Request{Method: "HEAD", Path: "/"}, "", true}, // its answer has no body, whatever it says
		{"http://h", Request{Method: "GET", Path: "/a b"}, "", true},
		{"http://h", Request{Method: "GET", Path: "/ HTTP/1.1\r\nX: y"}, "", true},
		{"http://h", Request{Method: "GET", Path: "g"}, "", true},
		{"http://h", Request{Method: "GET"}, "", true},
		{"http://h", Request{Method: "POST", Path: "/", ContentType: "a\r\nX: y", Body: []byte("b")}, "", true},
		{"", get, "", true},
		{"h:80", get, "", true},
		{"gopher://h", get, "", true},
		{"http://[::1", get, "", true},
		{"http://", get, "", true},
		{"http://h?q=1", get, "", true},
		{"http://h\u00e9", get, "", true},
	}
	for _, test := range tests {
		l := New(test.base, Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				b := make([]byte, 4<<10)
				n, _ := far.Read(b) // one Write is one Read
				_ = say(far, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, b[:n]))
			}()
			return near, nil
		}})
		a, err := l.Call(t.Context(), test.r, maxBody)
		if string(a.Body) != test.want || a.Sent == test.unsound || (err != nil) != test.unsound {
			t.Errorf("%s %+v: %q, %v, sent %t", test.base, test.r, a.Body, err, a.Sent)
		}
	}
}

// TestStale: a server that closes a kept connection, or talks unasked on it,
// costs no call its answer.
func TestStale(t *testing.T) {
	ends := map[string]func(net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"half":   func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() },
		"chatty": func(c net.Conn) { say(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n") },
	}
	for name, end := range ends {
		var last net.Conn
		p := newPeer(t, func(c net.Conn, _, _ int) bool {
			last = c
			return say(c, plainAnswer)
		})
		l := New(p.url, Options{})
		for i := range 20 {
			if a, err := l.Call(t.Context(), post, maxBody); err != nil || a.Status != 200 {
				t.Fatalf("%s: call %d: %v, %+v", name, i, err, a)
			}
			end(last)
		}
		if n := p.conns.Load(); n != 20 {
			t.Errorf("%s: %d connections", name, n)
		}
	}
}

// TestBroken: a kept connection breaks with the request on it. A POST is not
// sent again, a GET once, over a new connection.
func TestBroken(t *testing.T) {
	for _, test := range []struct {
		r        Request
		breaks   int    // so many connections break at their second request
		with     string // an answer's beginning
		requests int64
		fails    bool
	}{
		{post, 1, "", 2, true},
		{get, 1, "", 3, false},
		{get, 1, "HTTP", 2, true}, // was heard, so it is not a matter of the connection
	} {
		p := newPeer(t, func(c net.Conn, conn, request int) bool {
			if conn <= test.breaks && request == 2 {
				say(c, test.with)
				return false
			}
			return say(c, plainAnswer)
		})
		l := New(p.url, Options{})
		if _, err := l.Call(t.Context(), test.r, maxBody); err != nil {
			t.Fatal(err)
		}
		a, err := l.Call(t.Context(), test.r, maxBody)
		if (err != nil) != test.fails || !a.Sent {
			t.Errorf("%s: %v, %+v", test.r.Method, err, a)
		}
		if n := p.requests.Load(); n != test.requests {
			t.Errorf("%s: %d requests, want %d", test.r.Method, n, test.requests)
		}
	}
	// A new one that breaks ends the call.
	p := newPeer(t, func(net.Conn, int, int) bool { return false })
	if a, err := New(p.url, Options{}).Call(t.Context(), get, maxBody); err == nil || !a.Sent || p.requests.Load() != 1 {
		t.Errorf("%v, %+v, %d requests", err, a, p.requests.Load())
	}
}

// listening counts what a far end gets.
func listening(c net.Conn) *atomic.Int64 {
	n := new(atomic.Int64)
	go func() {
		b := make([]byte, 512)
		for {
			m, err := c.Read(b)
			n.Add(int64(m))
			if err != nil {
				return
			}
		}
	}()
	return n
}

// TestGivenUp: where a call is given up decides whether it was sent.
func TestGivenUp(t *testing.T) {
	cause := errors.New("given up")
	synctest.Test(t, func(t *testing.T) {
		for name, at := range map[string]time.Duration{"dialling": time.Second, "dialled": 2 * time.Second, "answering": 3 * time.Second} {
			near, far := net.Pipe()
			ctx, cancel := context.WithCancelCause(t.Context())
			arrived := listening(far)
			l := New("http://pipe.invalid", Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				time.Sleep(2 * time.Second)
				if name == "dialling" {
					return nil, ctx.Err()
				}
				return near, nil // though nobody waits for it any more
			}})
			time.AfterFunc(at-time.Millisecond, func() { cancel(cause) })
			a, err := l.Call(ctx, post, maxBody)
			far.Close()
			synctest.Wait()
			if !errors.Is(err, cause) || a.Sent != (name == "answering") || a.Sent != (arrived.Load() > 0) {
				t.Errorf("%s: %v, sent %t, %d bytes arrived", name, err, a.Sent, arrived.Load())
			}
			if _, err := near.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) && name != "dialling" {
				t.Errorf("%s: the connection is not closed: %v", name, err)
			}
			cancel(nil)
		}
	})
}

// TestTimeOut: the time of a call is over in the midst of an answer, and the next
// one has nothing of it.
func TestTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New("http://pipe.invalid", Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go (&peer{}).serve(far, 1, func(c net.Conn, _, _ int) bool {
				time.Sleep(600 * time.Millisecond)
				say(c, plainAnswer[:20])
				time.Sleep(600 * time.Millisecond)
				return say(c, plainAnswer[20:])
			})
			return near, nil
		}})
		for _, patience := range []time.Duration{time.Second, 1100 * time.Millisecond, 2 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			begun := time.Now()
			a, err := l.Call(ctx, get, maxBody)
			cancel()
			if patience < 1200*time.Millisecond {
				if !errors.Is(err, context.DeadlineExceeded) || !a.Sent || time.Since(begun) != patience {
					t.Errorf("%v: %v, %+v after %v", patience, err, a, time.Since(begun))
				}
			} else if err != nil || string(a.Body) != "ok" {
				t.Errorf("%v: %v, %+v", patience, err, a)
			}
		}
		closeAll(l)
	})
}

// closeAll ends what a line keeps.
func closeAll(l *Line) {
	for c := l.take(); c != nil; c = l.take() {
		c.close()
	}
}

// TestPipes: in virtual time and over pipes connections are kept, for as long as
// they may be, and a closed one is noticed.
func TestPipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dialled int
		var far net.Conn
		l := New("http://pipe.invalid", Options{IdleTime: time.Minute, Dial: func(context.Context, string, string) (near net.Conn, err error) {
			dialled++
			near, far = net.Pipe()
			go (&peer{}).serve(far, dialled, func(c net.Conn, _, _ int) bool { return say(c, plainAnswer) })
			return near, nil
		}})
		for _, step := range []struct {
			wait    time.Duration
			close   bool
			dialled int
		}{{0, false, 1}, {time.Minute - 1, false, 1}, {time.Minute, false, 2}, {0, false, 2}, {0, true, 3}, {time.Second, false, 3}} {
			time.Sleep(step.wait)
			if step.close {
				far.Close()
			}
			if a, err := l.Call(t.Context(), post, maxBody); err != nil || string(a.Body) != "ok" {
				t.Fatal(err, a)
			}
			if dialled != step.dialled {
				t.Errorf("%+v: %d connections", step, dialled)
			}
		}
		closeAll(l)
	})
}

// TestBounds: no more connections are kept than may be, and none that nobody
// used for long, even where others are.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := new(atomic.Int64)
		l := New("http://pipe.invalid", Options{MaxIdle: 3, IdleTime: time.Minute, Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			open.Add(1)
			go func() {
				(&peer{}).serve(far, 1, func(c net.Conn, _, _ int) bool {
					time.Sleep(time.Second)
					return say(c, plainAnswer)
				})
				open.Add(-1)
			}()
			return near, nil
		}})
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() {
				if _, err := l.Call(t.Context(), post, maxBody); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		synctest.Wait()
		if n := open.Load(); n != 3 {
			t.Errorf("%d connections are kept, want 3", n)
		}
		for range 7 { // one is used, the others grow old
			time.Sleep(20 * time.Second)
			if _, err := l.Call(t.Context(), post, maxBody); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := open.Load(); n != 1 {
			t.Errorf("%d connections are kept, want 1", n)
		}
		closeAll(l)
	})
}

// TestOpen: an answer is read while it arrives, and its connection used again
// only if it was read to its end.
func TestOpen(t *testing.T) {
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
	answers := []string{chunks + "0\r\n\r\n", chunks, chunks + "0\r\n\r\n", plainAnswer}
	var asked atomic.Int64
	p := newPeer(t, func(c net.Conn, _, _ int) bool { return say(c, answers[asked.Add(1)-1]) && asked.Load() != 2 })
	l := New(p.url, Options{})
	read := func(all bool) (string, error) {
		status, body, err := l.Open(t.Context(), get)
		if err != nil || status != 200 {
			t.Fatal(status, err)
		}
		defer body.Close()
		if all {
			text, err := io.ReadAll(body)
			return string(text), err
		}
		var b [1]byte
		_, err = io.ReadFull(body, b[:])
		return string(b[:]), err
	}
	for i, want := range []struct {
		all   bool
		text  string
		whole bool
		conns int64
	}{{true, "abc", true, 1}, {true, "abc", false, 1}, {false, "a", true, 2}, {true, "ok", true, 3}} {
		text, err := read(want.all)
		if text != want.text || (err == nil) != want.whole || p.conns.Load() != want.conns {
			t.Errorf("%d: %q, %v over connection %d", i, text, err, p.conns.Load())
		}
	}
	if status, _, err := New("http://127.0.0.1:1", Options{}).Open(t.Context(), get); err == nil {
		t.Errorf("nobody there answers %d", status)
	}
}

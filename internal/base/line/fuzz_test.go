package line

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// FuzzAnswer: whatever a server says, a call ends, takes no more than it may, and
// gives what [http.ReadResponse] and the rules make of it; and the next call has
// nothing of it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		plainAnswer, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nx", "HTTP/1.1 100 Continue\r\n\r\n" + plainAnswer,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n", plainAnswer + plainAnswer,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 999 x\nContent-Length:0\n\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		if len(said) > 4<<10 {
			return // so that one read has it all; bounds are tested elsewhere
		}
		synctest.Test(t, func(t *testing.T) { answered(t, said) })
	})
}

func answered(t *testing.T, said []byte) {
	dialled := 0
	l := New("http://pipe.invalid", Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		dialled++
		near, far := net.Pipe()
		answer := said
		if dialled > 1 {
			answer = []byte(plainAnswer)
		}
		go (&peer{}).serve(far, dialled, func(c net.Conn, _, _ int) bool {
			_, _ = c.Write(answer)
			return false
		})
		return near, nil
	}})
	defer closeAll(l)
	a, err := l.Call(t.Context(), post, maxBody)
	status, body, sound := oracle(said)
	if sound != (err == nil) || !a.Sent || len(a.Body) > maxBody {
		t.Fatalf("%v, status %d, %d bytes; the oracle says %d, sound %t", err, a.Status, len(a.Body), status, sound)
	}
	if sound && (a.Status != status || !bytes.Equal(a.Body, body)) {
		t.Errorf("%d %q, want %d %q", a.Status, a.Body, status, body)
	}
	synctest.Wait() // the server closes its end
	if a, err = l.Call(t.Context(), post, maxBody); err != nil || string(a.Body) != "ok" || dialled != 2 {
		t.Errorf("the next call: %v, %q, over connection %d", err, a.Body, dialled)
	}
}

// oracle is how the library reads an answer, and whether a line believes it.
func oracle(said []byte) (status int, body []byte, sound bool) {
	in := bufio.NewReader(bytes.NewReader(said))
	for {
		answer, err := http.ReadResponse(in, nil)
		if err != nil || answer.ProtoMajor != 1 {
			return 0, nil, false
		}
		if s := answer.StatusCode; s >= 100 && s < 200 && s != http.StatusSwitchingProtocols {
			continue
		}
		body, err := io.ReadAll(answer.Body)
		status = answer.StatusCode
		return status, body, err == nil && status >= 200 && status < 600 && len(body) <= maxBody
	}
}

//go:build unix

package line

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCall is a payment's worth of HTTP over loopback, by net/http's client
// and by ours, beside the same server in the same process: a request of 400
// bytes and an answer of 300, one at a time and 64 at once. cpu-µs/op is the
// processor time of everything, the server's part included, which is the same
// for both.
func BenchmarkCall(b *testing.B) {
	body := []byte(strings.Repeat("x", 400))
	url := cannedServer(b)
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512, IdleConnTimeout: 30 * time.Second, DisableCompression: true}
	defer transport.CloseIdleConnections()
	ours := New(url, Options{})
	defer closeAll(ours)
	for _, parallel := range []int{1, 64} {
		for _, client := range []struct {
			name string
			call func(context.Context) error
		}{
			{"net-http", func(ctx context.Context) error { return byTransport(ctx, transport, url, body) }},
			{"line", func(ctx context.Context) error {
				_, err := ours.Call(ctx, Request{Method: "POST", Path: "/v1/operations", ContentType: "application/json", Body: body}, 16<<10)
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s/at-once=%d", client.name, parallel), func(b *testing.B) { measure(b, parallel, client.call) })
		}
	}
}

func measure(b *testing.B, parallel int, call func(context.Context) error) {
	b.ReportAllocs()
	begun, todo := used(b), make(chan struct{}, parallel)
	ended := make(chan error, parallel)
	b.ResetTimer()
	for range parallel {
		go func() {
			var err error
			for range todo {
				ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
				if e := call(ctx); e != nil {
					err = e
				}
				cancel()
			}
			ended <- err
		}()
	}
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	for range parallel {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64((used(b)-begun).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

// used is the processor time of this process until now.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// byTransport is a call as one would write it with net/http.
func byTransport(ctx context.Context, t *http.Transport, url string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/operations", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := t.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	return err
}

// cannedServer answers every request with the same bytes, at little cost.
func cannedServer(b *testing.B) (url string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 21 Nov 2026 10:30:00 GMT\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("y", 300))
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serveCanned(c, answer)
		}
	}()
	return "http://" + ln.Addr().String()
}

func serveCanned(c net.Conn, answer []byte) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		for { // the head, to its empty line
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := in.Discard(400); err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

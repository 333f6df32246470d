//go:build unix

package bench

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// quiet is a receiver of webhooks that allocates next to nothing.
type quiet struct {
	told    *atomic.Int64 // counts what comes
	ended   context.Context
	serving sync.WaitGroup
}

// newQuiet gives its address.
func newQuiet(t testing.TB, told *atomic.Int64) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := &quiet{told: told}
	var end context.CancelFunc
	q.ended, end = context.WithCancel(context.Background())
	q.serving.Go(func() { q.accept(ln) })
	t.Cleanup(func() {
		end()
		_ = ln.Close()
		q.serving.Wait()
	})
	return "http://" + ln.Addr().String() + hookPath
}

func (q *quiet) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		q.serving.Go(func() { q.serve(conn) })
	}
}

func (q *quiet) serve(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(q.ended, func() { _ = conn.Close() })()
	in := bufio.NewReader(conn)
	for passOver(in) == nil {
		q.told.Add(1)
		if _, err := conn.Write(acknowledgement); err != nil {
			return
		}
	}
}

var (
	acknowledgement = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	lengthOfBody    = []byte("Content-Length: ")
)

// passOver reads a request.
func passOver(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			_, err := in.Discard(length)
			return err
		}
		if digits, ok := bytes.CutPrefix(line, lengthOfBody); ok {
			if length, err = strconv.Atoi(string(digits)); err != nil {
				return err
			}
		}
	}
}

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
)

// wire is one kept-alive HTTP/1.1 connection of a client that does no more
// than this program needs, so that the generator costs little.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
	body []byte
}

func dialWire(addr string) (*wire, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{conn: c, in: bufio.NewReaderSize(c, 4096)}, nil
}

// post sends a form and returns the status and the body, which is valid until
// the next call.
func (w *wire) post(path string, form []byte) (int, []byte, error) {
	w.out.Reset()
	fmt.Fprintf(&w.out, "POST %s HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", path, len(form))
	w.out.Write(form)
	if _, err := w.conn.Write(w.out.Bytes()); err != nil {
		return 0, nil, err
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("status line %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, nil, err
	}
	size, err := w.headers()
	if err != nil {
		return 0, nil, err
	}
	if cap(w.body) < size {
		w.body = make([]byte, size)
	}
	w.body = w.body[:size]
	_, err = io.ReadFull(w.in, w.body)
	return status, w.body, err
}

// headers reads to the empty line and gives the body's length. Both servers
// here send a length.
func (w *wire) headers() (size int, err error) {
	name := []byte("content-length:")
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return size, nil
		}
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], name) {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
}

package db_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// cut is what a proxy does to a connection.
type cut int

const (
	pass         cut = iota
	beforeCommit     // COMMIT does not reach the server
	afterCommit      // COMMIT is carried out, its answer is lost
	withCommit       // COMMIT is sent and the connection ends at once
	before           // the message does not reach the server
)

// proxy stands between a client and a PostgreSQL server and understands as
// much of the protocol as it needs to cut connections at a chosen message
// (https://www.postgresql.org/docs/15/protocol-message-formats.html).
type proxy struct {
	listener net.Listener
	server   string
	// decide is asked for every message of clients to the server.
	decide func(kind byte, isCommit bool) cut
	down   atomic.Bool // new connections are refused
	cuts   [before + 1]atomic.Int64
	open   sync.WaitGroup
}

// newProxy gives a proxy before the server of a PostgreSQL address, and the
// address by which it is reached.
func newProxy(t *testing.T, address string, decide func(kind byte, isCommit bool) cut) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: ln, server: u.Host, decide: decide}
	p.open.Go(p.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		p.open.Wait()
	})
	u.Host = ln.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.down.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.open.Go(func() { p.forward(client, server) })
	}
}

// forward copies messages until one side ends or the proxy cuts.
func (p *proxy) forward(client, server net.Conn) {
	var mute atomic.Bool // the client gets no more answers
	answered := make(chan struct{})
	p.open.Go(func() {
		defer close(answered)
		p.answers(client, server, &mute)
		_ = client.Close()
		_ = server.Close()
	})
	defer func() {
		_ = client.Close()
		_ = server.Close()
		<-answered
	}()
	startup := true
	for {
		message, err := read(client, startup)
		if err != nil {
			return
		}
		what := pass
		if !startup {
			what = p.decide(message[0], message[0] == 'Q' && strings.HasPrefix(string(message[5:]), "COMMIT"))
		}
		startup = false
		p.cuts[what].Add(1)
		switch what {
		case beforeCommit, before:
			return
		case afterCommit:
			mute.Store(true) // the other direction ends at the server's answer
			_, _ = server.Write(message)
			<-answered
			return
		case withCommit:
			_, _ = server.Write(message)
			return
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// answers copies what the server says; once mute, it ends at the next
// ReadyForQuery, unsaid.
func (p *proxy) answers(client, server net.Conn, mute *atomic.Bool) {
	for {
		message, err := read(server, false)
		if err != nil {
			return
		}
		if mute.Load() {
			if message[0] == 'Z' {
				return
			}
			continue
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// read takes one message off a connection; the first of a client has no type.
func read(c net.Conn, startup bool) ([]byte, error) {
	head := make([]byte, 5)
	if startup {
		head = head[:4]
	}
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
	if size < 0 || size > 1<<28 {
		return nil, errors.New("not a message")
	}
	message := append(head, make([]byte, size)...)
	_, err := io.ReadFull(c, message[len(head):])
	return message, err
}

// Package listen runs an HTTP server until it is told to end, and ends it so
// that nothing that was begun is broken off and nobody waits for nothing. It
// knows who is at the other end of a request: see [PeerOf].
package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on ln until ctx is done, and then ends: no new connection,
// ending is called, and what is being answered may finish within grace. It
// closes ln, and returns nil after such an end, or what went wrong. It sets the
// server's ConnState. A server with a TLSConfig speaks TLS.
func Serve(ctx context.Context, server *http.Server, ln net.Listener, grace time.Duration, ending func()) error {
	var silent silentConns
	server.ConnState = silent.watch
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(ln, "", "")
		} else {
			failed <- server.Serve(ln)
		}
	}()
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	ending()
	silent.close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-failed // Serve has returned, with ErrServerClosed
	return err
}

// silentConns are the connections that never brought a request, which clients
// open in reserve. [http.Server.Shutdown] would wait five seconds for each.
type silentConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// watch is an [http.Server.ConnState].
func (c *silentConns) watch(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateNew {
		delete(c.conns, conn)
		return
	}
	if c.closed {
		_ = conn.Close() // nothing was said on it
		return
	}
	if c.conns == nil {
		c.conns = map[net.Conn]bool{}
	}
	c.conns[conn] = true
}

// close closes the silent connections there are and will be. A request that
// is just coming in on one is lost unprocessed.
func (c *silentConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.conns {
		_ = conn.Close() // nothing was said on it
	}
}

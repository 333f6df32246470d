package line

import (
	"bufio"
	"errors"
	"math"
	"net"
	"os"
	"syscall"
	"time"
)

// conn is one connection, used by one call at a time.
type conn struct {
	net   net.Conn
	in    *bufio.Reader // of from
	from  bounded
	out   []byte    // for the next request
	since time.Time // since when it is idle

	socket syscall.RawConn       // nil if it is none that can be looked into
	peek   func(fd uintptr) bool // sets silent
	silent bool
	// ahead: what is read from the socket is not all that a caller has yet.
	ahead bool
}

// newConn makes a conn of a connection and what is below its TLS.
func newConn(c, raw net.Conn) *conn {
	made := &conn{net: c, from: bounded{from: c}, ahead: c != raw}
	made.in = bufio.NewReaderSize(&made.from, 4<<10)
	if s, ok := raw.(syscall.Conn); ok && canPeek {
		if socket, err := s.SyscallConn(); err == nil {
			made.socket = socket
			made.peek = func(fd uintptr) bool {
				made.silent = nothingToRead(fd)
				return true // never wait
			}
		}
	}
	return made
}

// close ends the connection; whoever is writing or reading gets an error.
func (c *conn) close() { _ = c.net.Close() } // nothing is under way, or nothing that counts any more

// past is before every deadline.
var past = time.Unix(1, 0)

// quiet tells whether an idle connection is still open with nothing to read. Of
// one that is neither a socket nor in memory it may not know, and says yes.
func (c *conn) quiet() bool {
	if c.in.Buffered() > 0 {
		return false
	}
	if c.socket != nil {
		if err := c.socket.Read(c.peek); err != nil || !c.silent {
			return false
		}
		if !c.ahead {
			return true
		}
	}
	// What TLS has read ahead, and what a pipe knows, shows without waiting.
	if c.net.SetReadDeadline(past) != nil {
		return false
	}
	_, err := c.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded) && c.net.SetReadDeadline(time.Time{}) == nil
}

// bounded reads from a connection, and not more than what is left.
type bounded struct {
	from net.Conn
	left int64
	got  bool // something was read since this was last cleared
}

var errLongHeader = errors.New("line: the head of the answer is too long")

// maxHead is how many bytes an answer's status line and header may have, those
// of interim answers before it included.
const maxHead = 64 << 10

func (b *bounded) head() { b.left, b.got = maxHead, false }
func (b *bounded) body() { b.left = math.MaxInt64 }

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongHeader
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.got = b.got || n > 0
	return n, err
}

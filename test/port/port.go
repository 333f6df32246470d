// Package port gives tests the ports on which the programs they start will
// listen.
package port

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// first and count are below the range from which systems take the ports of
// outgoing connections: above it, a client that knocks while a program is down
// could be given the program's own port and keep it from coming back.
const first, count, tries = 10_000, 22_000, 100

// given holds what says that a port is taken, until the process ends.
var given struct {
	sync.Mutex
	held []net.PacketConn
}

// Free is a port of 127.0.0.1 on which nobody listens and which no other test of
// any process is given while this process lives: a program that is down keeps
// its address, though nobody listens there, or another one's clients would
// knock at it. That a port is given is said by a UDP socket of its number, which
// programs here have no use for.
func Free() (int, error) {
	var last error
	for range tries {
		port := first + rand.IntN(count)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		sign, err := net.ListenPacket("udp", address)
		if err != nil {
			last = err
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			last = err
			_ = sign.Close()
			continue
		}
		given.Lock()
		given.held = append(given.held, sign)
		given.Unlock()
		return port, l.Close()
	}
	return 0, fmt.Errorf("no free port in %d tries: %w", tries, last)
}

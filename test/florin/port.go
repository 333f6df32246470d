//go:build unix

package florintest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// freePort finds a port below the range from which systems take the ports of
// outgoing connections: above it, a client that knocks while the program is
// down could be given the program's own port and keep it from coming back.
func freePort() (int, error) {
	const first, count, tries = 10000, 9000, 100
	var last error
	for range tries {
		port := first + rand.IntN(count)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no free port in %d tries: %w", tries, last)
}

//go:build unix

package crash

import (
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// severalNodes skips a test where the database has one process.
func severalNodes(t *testing.T) {
	t.Helper()
	if !florintest.Postgres() {
		t.Skip("SQLite has one process")
	}
	t.Parallel()
}

func urlsOf(nodes []*florintest.Server) (urls []string) {
	for _, n := range nodes {
		urls = append(urls, n.URL)
	}
	return urls
}

// heirLimit is within which time others take over what a process leaves behind.
const heirLimit = 10 * time.Second

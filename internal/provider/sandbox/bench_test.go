package sandbox

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// BenchmarkAuthorize is one round trip over loopback, with its sync, one after
// the other and with 64 under way.
func BenchmarkAuthorize(b *testing.B) {
	for _, parallel := range []int{0, 32} { // per processor
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			server := httptest.NewServer(NewSimulator(openBook(b, filepath.Join(b.TempDir(), "b.book")), Options{}))
			defer server.Close()
			p := New(server.URL, ConnectorOptions{})
			var n atomic.Int64
			one := func() {
				req := testSale
				req.Reference = fmt.Sprint("r", n.Add(1))
				if out := p.Authorize(b.Context(), req); out.Status != provider.Approved {
					b.Errorf("%v: %s", out.Status, out.Message)
				}
			}
			b.ReportAllocs()
			if parallel == 0 {
				for b.Loop() {
					one()
				}
				return
			}
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					one()
				}
			})
		})
	}
}

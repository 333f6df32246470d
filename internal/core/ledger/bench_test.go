package ledger

import (
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// One charge (two postings, its transaction, three balances and a maturity) in
// a step of its own, by many callers at once: all on one merchant, and on many.
func BenchmarkPost(b *testing.B) {
	for name, merchants := range map[string]int64{"one merchant": 1, "a thousand merchants": 1000} {
		b.Run(name, func(b *testing.B) {
			x := newBench(b)
			tickets := make(chan int64, 64)
			b.SetParallelism(32)
			b.ResetTimer()
			go func() {
				defer close(tickets)
				for i := range int64(b.N) {
					tickets <- i
				}
			}()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s := id.Scope{Account: 1 + <-tickets%merchants}
					t, list := charge(10_000, 320, "usd", noon)
					err := x.db.Run(b.Context(), db.Step{Name: "bench", Scope: s.Key(), Do: func(tx *db.Tx) error {
						_, err := x.book.Post(tx, s, t, list...)
						return err
					}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// The sealing of a posting, and the check of a sealed one.
func BenchmarkSeal(b *testing.B) {
	for name, merchants := range map[string]int64{"one merchant": 1, "a thousand merchants": 1000} {
		x := newBench(b)
		n := int64(0)
		fill := func(count int) {
			for n < int64(count/2) {
				var trains sync.WaitGroup
				for range 200 {
					s := id.Scope{Account: 1 + n%merchants*id.Shards}
					n++
					trains.Go(func() {
						if err := x.chargeOf(x.db, s, 100); err != nil {
							b.Error(err)
						}
					})
				}
				trains.Wait()
			}
			n = 0
		}
		b.Run(name, func(b *testing.B) {
			s := newSealer(b, x.db)
			fill(b.N)
			b.ResetTimer()
			if _, err := s.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
		b.Run("check, "+name, func(b *testing.B) {
			fill(b.N)
			if _, err := newSealer(b, x.db).Run(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			found, err := CheckSeals(b.Context(), x.db, func(f Finding) { b.Error(f) })
			b.StopTimer()
			if err != nil || found.Unsealed != 0 {
				b.Error(found, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(found.Sealed), "ns/posting")
		})
	}
}

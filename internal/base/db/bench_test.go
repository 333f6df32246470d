package db_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// BenchmarkStepShapes times steps as the money path has them: one new row; one
// hot row changed by everybody; ten new rows and two changed ones. The engine
// is that of FLORIN_TEST_DB. callers is how many steps are under way at once.
func BenchmarkStepShapes(b *testing.B) {
	for name, shape := range map[string]func(n int64) db.Step{
		"insert": func(n int64) db.Step { return increment(db.Key{Scope: n % 64, ID: n}, 1, 9) },
		"hot":    func(int64) db.Step { return increment(db.Key{Scope: 2, ID: 1}, 1, 1<<60) },
		"wide":   wideStep,
	} {
		for _, callers := range []int{1, 256} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				d := dbtest.Open(b)
				var n atomic.Int64
				b.SetParallelism(max(1, callers/2))
				if callers == 1 {
					for b.Loop() {
						if err := d.Run(b.Context(), shape(n.Add(1))); err != nil {
							b.Fatal(err)
						}
					}
				} else {
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if err := d.Run(b.Context(), shape(n.Add(1))); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				trains, steps := d.Stats()
				b.ReportMetric(float64(steps)/float64(max(trains, 1)), "steps/train")
			})
		}
	}
}

func wideStep(n int64) db.Step {
	scope := n % 64
	return db.Step{Name: "bench.wide", Scope: scope, Do: func(tx *db.Tx) error {
		for i := range int64(2) {
			k := db.Key{Scope: scope, ID: i}
			c, ok, err := counters.Get(tx, k)
			if err != nil {
				return err
			}
			c.State++
			if ok {
				counters.Update(tx, k, c)
			} else {
				counters.Insert(tx, k, c)
			}
		}
		for i := range int64(10) {
			counters.Insert(tx, db.Key{Scope: scope, ID: 100 + n*10 + i}, counter{Kind: "bench", Payload: payload})
		}
		return nil
	}}
}

var payload = strings.Repeat("a body of some length ", 18)

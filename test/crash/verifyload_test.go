//go:build unix && !probe

package crash

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// TestVerifyUnderLoad: florin verify finds nothing while payments are made and
// sealed, nor when that has ended.
func TestVerifyUnderLoad(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := florintest.Start(t, florintest.Options{})
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "verified"}
	var sealed atomic.Bool
	verified := make(chan int)
	go func() {
		n := 0
		for ; !sealed.Load() && ctx.Err() == nil; n++ {
			report, err := server.Verify(ctx)
			if err != nil {
				t.Error(err)
			}
			for _, f := range report.Findings {
				t.Errorf("in the midst of load: %+v", f)
			}
			sealed.Store(report.Seals.Sealed > 0 && report.Seals.Heads > 0)
		}
		verified <- n
	}()
	l.round(4, func() bool { return !sealed.Load() })
	t.Logf("verified %d times while %d payments were made", <-verified, l.journeys)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	report, err := server.Verify(ctx)
	if err != nil || !report.OK || report.Seals.Sealed == 0 || report.Seals.Unsealed != 0 {
		t.Errorf("afterwards: %+v, %v", report, err)
	}
}

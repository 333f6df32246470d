package setup

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/provider"
)

// What a process leaves behind that is gone is taken over before its lease ends,
// whether it had begun a setup or was looking after one. What waits for its holder
// is nobody's.
func TestADeadProcessIsTakenOver(t *testing.T) {
	d := newDesk(t)
	forfeit := func(want int, gone bool) {
		t.Helper()
		if n, err := d.Forfeit(t.Context(), func(int64) bool { return gone }); n != want || err != nil {
			t.Errorf("%d leases have ended, want %d: %v", n, want, err)
		}
	}
	read := func(o *object.Object[Intent]) *object.Object[Attempt] {
		t.Helper()
		a, ok, err := Attempts.Read(t.Context(), d.DB, d.scope, int64(o.Body.LatestAttempt))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return a
	}
	issuer := d.Payment.Providers["issuer"]
	deadly := issuer
	deadly.Authenticate = func(ctx context.Context, r provider.AuthenticateRequest) provider.Outcome {
		defer runtime.Goexit()
		return d.authenticate(ctx, r)
	}
	d.Payment.Providers["issuer"] = deadly
	customer, ended := d.customer(), make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = d.Create(t.Context(), d.scope, Params{Customer: &customer}, &ConfirmParams{Method: "pm_card_visa", Mandate: agreed}, nil)
		t.Error("it came to an end")
	}()
	<-ended
	d.Payment.Providers["issuer"] = issuer
	var o *object.Object[Intent]
	if err := Intents.Scan(t.Context(), d.DB, func(found *object.Object[Intent]) error { o = found; return nil }); err != nil || o == nil {
		t.Fatal(err)
	}
	forfeit(0, false)
	d.sweep(0)
	if a := read(o); a.Body.State != Trying {
		t.Fatalf("within the sender's lease it is %s", a.Body.State)
	}
	forfeit(1, true)
	d.sweep(0)
	if o = d.now(o); o.Body.Status != RequiresAction {
		t.Fatalf("after it was taken over: %+v", o.Body)
	}
	forfeit(0, true) // its holder is waited for
	d.answer(o, true)
	d.clock.mu.Lock()
	d.clock.offset += time.Hour
	d.clock.mu.Unlock()
	if a, err := d.claim(t.Context(), d.scope, o.Body.LatestAttempt); a == nil || err != nil {
		t.Fatal(a, err)
	}
	d.sweep(0)
	forfeit(0, false)
	d.sweep(0)
	if a := read(o); a.Body.State != Asking {
		t.Errorf("within the lease it is %s", a.Body.State)
	}
	forfeit(1, true)
	d.sweep(0)
	if a := read(o); a.Body.State != Done {
		t.Errorf("after it was taken over it is %s", a.Body.State)
	}
	forfeit(0, true)
}

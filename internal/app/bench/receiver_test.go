package bench

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// The receiver counts deliveries and, each once, payments that succeeded; what is
// no event it refuses, so that it comes again.
func TestReceiver(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ended := make(chan error, 1)
	go func() { ended <- Receive(ctx, ln, clock.At(at)) }()
	h := hook{url: "http://" + ln.Addr().String()}
	first := event.Prefix.Format(id.Scope{Account: 1}, id.Floor(at.Add(-40*time.Millisecond)))
	second := event.Prefix.Format(id.Scope{Account: 1}, id.Floor(at.Add(-20*time.Millisecond)))
	for _, post := range []struct {
		body string
		want int
	}{
		{`{"id": "` + first + `", "data": {"object": {"id": "pi_1"}}, "type": "payment_intent.succeeded"}`, 200},
		{`{"id": "` + first + `", "type": "payment_intent.succeeded"}`, 200},
		{`{"id": "` + second + `", "type": "charge.succeeded"}`, 200},
		{`{"id": "pi_1", "type": "payment_intent.succeeded"}`, 400},
		{`nothing`, 400},
	} {
		resp, err := http.Post(h.url+hookPath, "application/json", strings.NewReader(post.body))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != post.want {
			t.Errorf("%s: %d, want %d", post.body, resp.StatusCode, post.want)
		}
	}
	for _, fresh := range []bool{false, true} {
		got, err := h.ask(t.Context(), fresh)
		if err != nil || got.Deliveries != 3 || got.Payments != 1 || got.Lag.Count != 3 || got.Lag.Max != 40_000 || got.Lag.P50 < 40_000 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	h.first = counts{Deliveries: 2, Payments: 1}
	if got, err := h.ask(t.Context(), false); err != nil || got.Deliveries != 1 || got.Payments != 0 || got.Lag.Count != 0 {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

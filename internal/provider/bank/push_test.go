package bank

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

func TestPushes(t *testing.T) {
	providertest.RunPushes(t, providertest.PushHarness{Start: func(t *testing.T, o push.Options) providertest.PushInstance {
		sim, _, at, c, _ := start(t)
		o.Clock = clock.System{}
		sim.pushes = push.New(push.Options{URL: o.URL, Secret: o.Secret, Header: SignatureHeader, Contradict: contradict})
		p := New(at, ConnectorOptions{Secret: o.Secret})
		n := 0
		return providertest.PushInstance{Provider: p, Pushes: sim.Pushes(), Happen: func() string {
			n++
			reference := fmt.Sprint("payout-", n)
			o := p.PayOut(t.Context(), provider.PayoutRequest{Reference: reference, Amount: money.New(1000, "usd"), Account: usAccount("000555555559")})
			if o.Status != provider.Pending {
				t.Fatalf("%+v", o)
			}
			for range 2 { // it arrives, and comes back
				c.Advance(Transit + time.Second)
				if err := sim.Tell(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			return reference
		}}
	}})
}

// FuzzMessage gives outside bytes to the decoder of messages.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"id":"ntc_1","number":1,"time":"2026-01-01T00:00:00Z","transfer":{"reference":"r","state":"returned","code":"no_account","amount":1,"currency":"usd"}}`))
	f.Add([]byte(`{"id":"bt_r_arrived","transfer":{"reference":"r","state":"arrived","amount":1,"currency":"usd"}}`))
	f.Add([]byte("<html>\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		now := time.Unix(1_800_000_000, 0)
		header := push.Sign("secret", now, body)
		told, err := parse("secret")(provider.Push{Header: func(string) string { return header }, Body: body, At: now})
		if err != nil {
			t.Fatal(err)
		}
		if told.Problem == "" && (told.ID == "" || len(told.Notices) != 1 || told.Notices[0].Reference == "") || told.Problem != "" && len(told.Notices) > 0 {
			t.Errorf("%s: %+v", body, told)
		}
	})
}

package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

func TestPushes(t *testing.T) {
	providertest.RunPushes(t, providertest.PushHarness{Start: func(t *testing.T, o push.Options) providertest.PushInstance {
		sim := NewSimulator(openBook(t, filepath.Join(t.TempDir(), "sandbox.book")), Options{Push: o, PushAll: true, Delay: 10 * time.Millisecond})
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- sim.Serve(ctx, ln) }()
		t.Cleanup(func() { cancel(); <-ended })
		p := New("http://"+ln.Addr().String(), ConnectorOptions{Secret: o.Secret})
		n := 0
		return providertest.PushInstance{Provider: p, Pushes: sim.Pushes(), Happen: func() string {
			n++
			reference := fmt.Sprint("sale-", n)
			card := provider.Card{Number: hidden.NewText("4000000000000259"), ExpMonth: 12, ExpYear: 2034}
			out := p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: reference, Amount: money.New(1000, "usd"), Card: card, Capture: true})
			if out.Status != provider.Approved {
				t.Fatalf("%+v", out)
			}
			return reference
		}}
	}})
}

// FuzzMessage gives outside bytes to the decoder of messages: whatever it takes
// is something that the protocol has, and what it keeps of them shows no number.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"id":"ntc_1","type":"notice","notice":{"number":1,"kind":"dispute","reference":"r","at":"2026-01-01T00:00:00Z","dispute":{"id":"d","status":"lost","amount":1,"currency":"usd"}}}`))
	f.Add([]byte(`{"id":"op_r_approved","type":"operation","operation":{"reference":"r","kind":"sale","amount":1,"currency":"usd","state":"approved","code":"00"}}`))
	f.Add([]byte(`{"id":"4242424242424242","type":"operation","operation":null}`))
	f.Add([]byte("<html>\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		now := time.Unix(1_800_000_000, 0)
		header := push.Sign("secret", now, body)
		told, err := parse("secret")(provider.Push{Header: func(string) string { return header }, Body: body, At: now})
		if err != nil {
			t.Fatal(err)
		}
		if told.Problem == "" && (told.ID == "" || len(told.Notices) != 1 || told.Notices[0].Reference == "" || told.Notices[0].Kind == "") || told.Problem != "" && len(told.Notices) > 0 {
			t.Errorf("%s: %+v", body, told)
		}
		if bytes.Contains(body, []byte("4242424242424242")) && strings.Contains(told.Raw, "4242424242424242") {
			t.Errorf("%s is kept as %s", body, told.Raw)
		}
		if _, err := parse("another")(provider.Push{Header: func(string) string { return header }, Body: body, At: now}); err != provider.ErrUnsigned {
			t.Errorf("signed with another secret: %v", err)
		}
	})
}

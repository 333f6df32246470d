package bank

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/test/leak"
)

func usAccount(number string) provider.BankAccount {
	return provider.BankAccount{Country: "US", Routing: "110000000", Number: hidden.NewText(number), Holder: hidden.NewText("Jenny Rosen"), Currency: "usd"}
}

// address is a database for a book: a file, or a schema of a PostgreSQL server.
func address(t *testing.T) string {
	t.Helper()
	if dbtest.Postgres() {
		return dbtest.Address(t)
	}
	dir := t.TempDir()
	t.Cleanup(func() { leak.CheckDir(t, dir) })
	return "sqlite:" + filepath.Join(dir, "bank.db")
}

func start(t *testing.T) (*Simulator, *Book, string, *clock.Fixed, func()) {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	book, err := OpenBook(t.Context(), address(t), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sim := NewSimulator(book, c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		_ = book.Close()
	})
	return sim, book, ln.Addr().String(), c, stop
}

func TestConformance(t *testing.T) {
	providertest.RunPayouts(t, providertest.PayoutHarness{
		Good: usAccount("000123456789"), Bad: usAccount("000111111116"), Late: usAccount("000555555559"), Reason: "no_account",
		Start: func(t *testing.T) providertest.PayoutInstance {
			sim, book, at, c, stop := start(t)
			return providertest.PayoutInstance{
				Provider: New(at, ConnectorOptions{Timeout: 300 * time.Millisecond}),
				Booked: func(reference string) (n int) {
					list, err := book.Transfers(context.Background())
					if err != nil {
						t.Error(err)
					}
					for _, tr := range list {
						if tr.Reference == reference {
							n++
						}
					}
					return n
				},
				Inject: func(effect string) {
					if err := sim.Inject(Fault{Mode: Mode(effect)}); err != nil {
						t.Error(err)
					}
				},
				Pass: func() { c.Advance(2*Transit + time.Second) },
				Stop: stop,
			}
		},
	})
}

// The book knows no number, and a book that is opened anew knows the rest.
func TestBookIsKept(t *testing.T) {
	at := address(t)
	number := "000123456789"
	for range 2 {
		book, err := OpenBook(t.Context(), at, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		to := usAccount(number)
		r := request{Reference: "r", Amount: 5, Currency: "usd", Account: &account{Country: to.Country, Routing: to.Routing, Number: to.Number}}
		if _, err := book.apply(t.Context(), r, time.Unix(1_800_000_000, 0)); err != nil {
			t.Fatal(err)
		}
		rows, err := qAll.All(t.Context(), book.db, int64(0))
		if err != nil || len(rows) != 1 || strings.Contains(rows[0].Body, number) {
			t.Fatalf("%+v %v", rows, err)
		}
		if err := book.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzWire gives outside bytes to the decoders of both ends.
func FuzzWire(f *testing.F) {
	f.Add([]byte(`{"reference":"r","amount":1,"currency":"usd","account":{"country":"US","routing":"110000000","number":"000123456789"}}`))
	f.Add([]byte(`{"reference":"r","state":"returned","code":"no_account","amount":1,"currency":"usd"}`))
	f.Add([]byte(`{"error":{"code":"not_found","message":"m"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, refused := decodeRequest(body); refused == nil {
			text, err := r.encode(false)
			if err != nil {
				t.Fatal(err)
			}
			if again, refused := decodeRequest(text); refused != nil || again.Reference != r.Reference || again.Amount != r.Amount {
				t.Errorf("%s is %+v, %v", text, again, refused)
			}
			masked, err := r.encode(true)
			if err != nil || r.Account != nil && len(r.Account.Number.Reveal()) > 8 && strings.Contains(string(masked), r.Account.Number.Reveal()) {
				t.Errorf("%s %v", masked, err)
			}
		}
		for _, status := range []int{200, 400, 404, 409, 500} {
			o := outcomeOf(request{Reference: "r", Amount: 1, Currency: "usd"}, status, body)
			if o.Status == provider.Declined && o.Reason == "" || o.Status == provider.Failed && o.Message == "" {
				t.Errorf("%d %s: %+v", status, body, o)
			}
		}
	})
}

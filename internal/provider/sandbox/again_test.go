package sandbox

import (
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// TestContradict: a sale that was approved and never answered is declined to
// whoever sends it again, and told truly to whoever asks; a reversal is not.
func TestContradict(t *testing.T) {
	p, sim := faulty(t)
	card := provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034}
	sale := provider.AuthorizeRequest{Reference: "s", Amount: money.New(500, "usd"), Card: card, Capture: true}
	inject(t, sim, Fault{Mode: Contradict, Kind: Sale})
	if o := p.Authorize(t.Context(), sale); o.Status != provider.Unknown {
		t.Errorf("first: %+v", o)
	}
	if o := p.Authorize(t.Context(), sale); o.Status != provider.Declined || o.Reason != "duplicate_transaction" {
		t.Errorf("again: %+v", o)
	}
	if f := p.Inquire(t.Context(), "s"); f.Answer != provider.Found || f.Outcome.Status != provider.Approved {
		t.Errorf("asked: %+v", f)
	}
	inject(t, sim, Fault{Mode: Contradict, Kind: Reversal})
	undo := provider.ReverseRequest{Reference: "r", Original: "s", Amount: money.New(500, "usd")}
	if f := p.Reverse(t.Context(), undo); f.Answer != provider.NoAnswer {
		t.Errorf("reversed: %+v", f)
	}
	if f := p.Reverse(t.Context(), undo); f.Outcome.Status != provider.Approved {
		t.Errorf("reversed again: %+v", f)
	}
}

// TestDuplicate: what is delivered twice happens once, and is answered.
func TestDuplicate(t *testing.T) {
	p, sim := faulty(t)
	card := provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034}
	inject(t, sim, Fault{Mode: Duplicate, Delay: time.Millisecond})
	if o := p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "d", Amount: money.New(500, "usd"), Card: card}); o.Status != provider.Approved {
		t.Errorf("%+v", o)
	}
	sim.background.Wait()
	if n := len(operations(t, sim.book)); n != 1 {
		t.Errorf("%d operations", n)
	}
}

// TestCalm: nothing goes wrong any more.
func TestCalm(t *testing.T) {
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	sim := NewSimulator(book, Options{FaultRate: 1000})
	inject(t, sim, Fault{Mode: Lost})
	sim.Calm()
	if f := sim.faults.next(Sale, "x"); f != (Fault{}) {
		t.Errorf("%+v", f)
	}
}

// faulty is a simulator and a connector that gives up soon.
func faulty(t *testing.T) (provider.Provider, *Simulator) {
	t.Helper()
	sim := NewSimulator(openBook(t, filepath.Join(t.TempDir(), "b.book")), Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return New(server.URL, ConnectorOptions{Timeout: 300 * time.Millisecond}), sim
}

func inject(t *testing.T, sim *Simulator, f Fault) {
	t.Helper()
	if err := sim.Inject(f); err != nil {
		t.Fatal(err)
	}
}

func operations(t *testing.T, b Book) (ops []Operation) {
	t.Helper()
	for op, err := range b.Operations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

package providertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// bench is one case's instance, with a notary that keeps every outcome.
type bench struct {
	Instance
	h     Harness
	world World

	mu    sync.Mutex
	refs  int
	first map[string]provider.Outcome // reference: what its first sending told
}

// newBench starts an instance, and checks it against its book when the case is
// over.
func newBench(t *testing.T, h Harness, w World) *bench {
	t.Helper()
	b := &bench{h: h, world: w, first: map[string]provider.Outcome{}}
	b.Instance = h.Start(t, w)
	t.Cleanup(func() {
		b.audit(t)
		b.Stop()
	})
	return b
}

// ref makes a reference that was not used in this case.
func (b *bench) ref(hint string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refs++
	return fmt.Sprintf("%s-%d", hint, b.refs)
}

func (b *bench) amount(minor int64) money.Amount { return money.New(minor, b.h.Currency) }

// note keeps what the first sending of a reference told, and refuses card data
// in what may be stored.
func (b *bench) note(t *testing.T, reference string, out provider.Outcome) provider.Outcome {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, again := b.first[reference]; !again {
		b.first[reference] = out
	}
	told := out.Message
	for _, m := range out.Raw {
		told += "\n" + m.Body
		if m.At.IsZero() {
			t.Errorf("%s: a raw message without a time", reference)
		}
	}
	for _, c := range []provider.Card{b.h.Approve, b.h.Decline, b.h.Dispute} {
		if !c.Number.IsZero() && strings.Contains(told, c.Number.Reveal()) {
			t.Errorf("%s: a card number is shown:\n%s", reference, told)
		}
		if !c.CVC.IsZero() && strings.Contains(told, `"`+c.CVC.Reveal()+`"`) {
			t.Errorf("%s: a security code is shown:\n%s", reference, told)
		}
	}
	if out.Status == provider.Declined && out.Reason == "" {
		t.Errorf("%s: declined without a reason", reference)
	}
	if (out.Status == provider.Failed || out.Status == provider.Unknown && out.Code == "") && out.Message == "" {
		t.Errorf("%s: %v without a message", reference, out.Status)
	}
	return out
}

// audit compares what was told with what the simulator recorded.
func (b *bench) audit(t *testing.T) {
	entries, err := b.Book()
	if err != nil {
		t.Errorf("list the book: %v", err)
		return
	}
	booked := map[string]Entry{}
	for _, e := range entries {
		if _, twice := booked[e.Reference]; twice {
			t.Errorf("the book has %s twice", e.Reference)
		}
		booked[e.Reference] = e
	}
	for reference, out := range b.first {
		e, there := booked[reference]
		switch {
		case out.Status == provider.Failed && there:
			t.Errorf("%s was Failed (%s), but is in the book: %+v", reference, out.Message, e)
		case out.Status == provider.Approved && !(there && e.Approved):
			t.Errorf("%s was Approved, but the book has %+v (there: %t)", reference, e, there)
		case out.Status == provider.Declined && there && e.Approved:
			t.Errorf("%s was Declined, but the book has it approved: %+v", reference, e)
		}
	}
}

// count is how many approved entries the book has that keep passes.
func (b *bench) count(t *testing.T, keep func(Entry) bool) int {
	t.Helper()
	entries, err := b.Book()
	if err != nil {
		t.Fatalf("list the book: %v", err)
	}
	n := 0
	for _, e := range entries {
		if e.Approved && keep(e) {
			n++
		}
	}
	return n
}

func (b *bench) inject(t *testing.T, f Fault) {
	t.Helper()
	if err := b.Inject(f); err != nil {
		t.Fatalf("inject %+v: %v", f, err)
	}
}

func (b *bench) authorize(ctx context.Context, t *testing.T, reference string, minor int64, capture bool) provider.Outcome {
	t.Helper()
	return b.charge(ctx, t, reference, minor, capture, b.h.Approve)
}

func (b *bench) charge(ctx context.Context, t *testing.T, reference string, minor int64, capture bool, c provider.Card) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Authorize(ctx, provider.AuthorizeRequest{
		Reference: reference, Amount: b.amount(minor), Card: c, Capture: capture, Descriptor: "FLORIN TEST",
	}))
}

// raisable makes an authorisation that can be raised and captured in parts.
func (b *bench) raisable(t *testing.T, reference string) {
	t.Helper()
	out := b.note(t, reference, b.Provider.Authorize(t.Context(), provider.AuthorizeRequest{
		Reference: reference, Amount: b.amount(1000), Card: b.h.Approve, Descriptor: "FLORIN TEST",
		Features: provider.Features{Increment: true, Multicapture: true},
	}))
	must(t, "authorise what can be raised", out, provider.Approved)
	if g := out.Granted; g == nil || g.Amount != 1000 || g.MaxCapture < 1000 || b.Provider.Increment != nil && !g.Increment {
		t.Fatalf("granted: %+v", g)
	}
}

// disputed makes a sale that is disputed, and gives the dispute.
func (b *bench) disputed(t *testing.T, reference string) *provider.Dispute {
	t.Helper()
	out := must(t, "sale", b.charge(t.Context(), t, reference, 1000, true, b.h.Dispute), provider.Approved)
	for _, n := range out.Notices {
		if n.Kind == provider.NoticeDispute && n.Reference == reference && n.Dispute != nil {
			return n.Dispute
		}
	}
	t.Fatalf("the dispute is not among %+v", out.Notices)
	return nil
}

func (b *bench) authenticate(ctx context.Context, t *testing.T, reference string) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Authenticate(ctx, provider.AuthenticateRequest{
		Reference: reference, Amount: b.amount(1000), Card: b.h.Approve, ReturnURL: "https://shop.example/back",
	}))
}

func (b *bench) increment(ctx context.Context, t *testing.T, reference, original string, minor int64) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Increment(ctx, provider.IncrementRequest{
		Reference: reference, Original: original, Amount: b.amount(minor),
	}))
}

func (b *bench) contest(ctx context.Context, t *testing.T, reference, original, dispute string) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Contest(ctx, provider.ContestRequest{
		Reference: reference, Original: original, Dispute: dispute, Evidence: map[string]string{"customer_name": "Jane Roe"},
	}))
}

func (b *bench) capture(ctx context.Context, t *testing.T, reference, original string, minor int64) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Capture(ctx, provider.CaptureRequest{
		Reference: reference, Original: original, Amount: b.amount(minor),
	}))
}

func (b *bench) refund(ctx context.Context, t *testing.T, reference, original string, minor int64) provider.Outcome {
	t.Helper()
	return b.note(t, reference, b.Provider.Refund(ctx, provider.RefundRequest{
		Reference: reference, Original: original, Amount: b.amount(minor),
	}))
}

func (b *bench) reverse(ctx context.Context, t *testing.T, reference, original string, minor int64) provider.Finding {
	t.Helper()
	f := b.Provider.Reverse(ctx, provider.ReverseRequest{Reference: reference, Original: original, Amount: b.amount(minor)})
	out := b.note(t, reference, f.Outcome)
	if out.Status == provider.Approved {
		// Its effect may be in the book under the reversal that came first.
		b.mu.Lock()
		delete(b.first, reference)
		b.mu.Unlock()
	}
	return f
}

func (b *bench) inquire(ctx context.Context, t *testing.T, reference string) provider.Finding {
	t.Helper()
	f := b.Provider.Inquire(ctx, reference)
	b.note(t, "inquiry of "+reference, provider.Outcome{Raw: f.Outcome.Raw, Message: f.Outcome.Message, Code: "-"})
	return f
}

// must stops the case unless out has the status.
func must(t *testing.T, what string, out provider.Outcome, want provider.Status) provider.Outcome {
	t.Helper()
	if out.Status != want {
		t.Fatalf("%s: %v (code %q, message %q), want %v", what, out.Status, out.Code, out.Message, want)
	}
	return out
}

// mustFind stops the case unless f has the answer, and the status if found.
func mustFind(t *testing.T, what string, f provider.Finding, answer provider.Answer, status provider.Status) provider.Outcome {
	t.Helper()
	if f.Answer != answer {
		t.Fatalf("%s: answer %d (outcome %v, code %q, message %q), want %d",
			what, f.Answer, f.Outcome.Status, f.Outcome.Code, f.Outcome.Message, answer)
	}
	if answer == provider.Found {
		must(t, what, f.Outcome, status)
	}
	return f.Outcome
}

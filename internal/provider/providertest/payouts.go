package providertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// PayoutHarness is what a bank brings to [RunPayouts].
type PayoutHarness struct {
	// Start makes a simulator with an empty book and a provider that reaches it. It
	// registers on t whatever must be let go.
	Start func(t *testing.T) PayoutInstance
	// Good is an account that money arrives at, Bad one that it comes back from with
	// Reason, and Late one that it comes back from after it had arrived.
	Good, Bad, Late provider.BankAccount
	Reason          string
}

// PayoutInstance is a bank and the provider connected to it.
type PayoutInstance struct {
	Provider provider.Provider
	// Booked tells how many transfers the bank ever recorded under a reference.
	Booked func(reference string) int
	// Inject makes the next request to send money go wrong: lost, cut or garbage.
	Inject func(effect string)
	// Pass lets time pass until whatever is on its way has come to its end.
	Pass func()
	// Stop ends the bank.
	Stop func()
}

// RunPayouts holds a bank against the rules of the seam for payouts.
func RunPayouts(t *testing.T, h PayoutHarness) {
	for name, run := range map[string]func(*testing.T, PayoutHarness, PayoutInstance){
		"arrives": arrives, "comes back": comesBack, "comes back late": comesBackLate, "said twice": saidTwice,
		"taken back": takenBack, "no answer": noAnswer, "nothing processed": nothingProcessed, "not reached": notReached, "not known": notKnown,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, h, h.Start(t))
		})
	}
}

func payTo(t *testing.T, i PayoutInstance, reference string, to provider.BankAccount, instant bool) provider.Outcome {
	t.Helper()
	o := i.Provider.PayOut(t.Context(), provider.PayoutRequest{Reference: reference, Amount: money.New(1234, to.Currency), Account: to, Instant: instant, Descriptor: "FLORIN TEST"})
	for _, m := range o.Raw {
		if strings.Contains(m.Body, to.Number.Reveal()) || m.At.IsZero() {
			t.Errorf("%s: the account's number is shown, or no time: %+v", reference, m)
		}
	}
	if o.Status == provider.Declined && o.Reason == "" || (o.Status == provider.Failed || o.Status == provider.Unknown) && o.Message == "" {
		t.Errorf("%s: %v without a reason", reference, o.Status)
	}
	return o
}

func asked(t *testing.T, i PayoutInstance, reference string) provider.Finding {
	t.Helper()
	return i.Provider.Inquire(t.Context(), reference)
}

func arrives(t *testing.T, h PayoutHarness, i PayoutInstance) {
	o := must(t, "pay out", payTo(t, i, "a", h.Good, false), provider.Pending)
	if o.Arrives.IsZero() || o.Trace == "" || o.ID == "" {
		t.Errorf("%+v", o)
	}
	mustFind(t, "on its way", asked(t, i, "a"), provider.Found, provider.Pending)
	i.Pass()
	mustFind(t, "later", asked(t, i, "a"), provider.Found, provider.Approved)
	must(t, "instant", payTo(t, i, "b", h.Good, true), provider.Approved)
}

func comesBack(t *testing.T, h PayoutHarness, i PayoutInstance) {
	must(t, "pay out", payTo(t, i, "a", h.Bad, false), provider.Pending)
	i.Pass()
	if o := mustFind(t, "later", asked(t, i, "a"), provider.Found, provider.Declined); o.Reason != h.Reason {
		t.Errorf("reason %q", o.Reason)
	}
	if o := must(t, "instant", payTo(t, i, "b", h.Bad, true), provider.Declined); o.Reason != h.Reason {
		t.Errorf("reason %q", o.Reason)
	}
}

func comesBackLate(t *testing.T, h PayoutHarness, i PayoutInstance) {
	must(t, "pay out", payTo(t, i, "a", h.Late, true), provider.Approved)
	must(t, "pay out", payTo(t, i, "b", h.Late, true), provider.Approved)
	i.Pass()
	var told []string
	for after := int64(0); ; {
		list, err := i.Provider.Notices(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		n := list[0]
		if n.Number <= after || n.Kind != provider.NoticePayoutReturned || n.Reason == "" || n.At.IsZero() {
			t.Errorf("%+v", n)
		}
		told, after = append(told, n.Reference), n.Number
	}
	if strings.Join(told, " ") != "a b" {
		t.Errorf("told of %v", told)
	}
}

func saidTwice(t *testing.T, h PayoutHarness, i PayoutInstance) {
	first := must(t, "pay out", payTo(t, i, "a", h.Good, true), provider.Approved)
	again := must(t, "again", payTo(t, i, "a", h.Good, true), provider.Approved)
	if first.ID != again.ID || i.Booked("a") != 1 {
		t.Errorf("%s and %s; %d transfers", first.ID, again.ID, i.Booked("a"))
	}
	if o := payTo(t, i, "a", h.Bad, true); o.Status != provider.Unknown {
		t.Errorf("another request under a used reference: %v", o.Status)
	}
}

func takenBack(t *testing.T, h PayoutHarness, i PayoutInstance) {
	must(t, "pay out", payTo(t, i, "a", h.Good, true), provider.Approved)
	back := func(reference string) provider.Outcome {
		return i.Provider.PayOut(t.Context(), provider.PayoutRequest{Reference: reference, Original: "a", Amount: money.New(1234, h.Good.Currency)})
	}
	must(t, "take back", back("b"), provider.Pending)
	must(t, "said again", back("b"), provider.Pending)
	must(t, "twice", back("c"), provider.Declined)
	i.Pass()
	mustFind(t, "later", asked(t, i, "b"), provider.Found, provider.Approved)
}

func noAnswer(t *testing.T, h PayoutHarness, i PayoutInstance) {
	for reference, effect := range map[string]string{"a": "lost", "b": "garbage"} {
		i.Inject(effect)
		must(t, effect, payTo(t, i, reference, h.Good, true), provider.Unknown)
		mustFind(t, "asked", asked(t, i, reference), provider.Found, provider.Approved)
	}
}

func nothingProcessed(t *testing.T, h PayoutHarness, i PayoutInstance) {
	i.Inject("cut")
	must(t, "cut", payTo(t, i, "a", h.Good, true), provider.Unknown)
	mustFind(t, "asked", asked(t, i, "a"), provider.NotFound, provider.Unknown)
	if n := i.Booked("a"); n != 0 {
		t.Errorf("%d transfers", n)
	}
}

func notReached(t *testing.T, h PayoutHarness, i PayoutInstance) {
	i.Stop()
	if o := must(t, "not reached", payTo(t, i, "a", h.Good, true), provider.Failed); !o.Retryable {
		t.Error("it may be tried again")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if f := i.Provider.Inquire(ctx, "a"); f.Answer != provider.NoAnswer {
		t.Errorf("%+v", f)
	}
	if n := i.Booked("a"); n != 0 {
		t.Errorf("%d transfers", n)
	}
}

func notKnown(t *testing.T, h PayoutHarness, i PayoutInstance) {
	mustFind(t, "asked", asked(t, i, "a"), provider.NotFound, provider.Unknown)
	bad := h.Good
	bad.Country = "no country"
	if o := payTo(t, i, "a", bad, true); o.Status != provider.Failed || o.Retryable {
		t.Errorf("refused unprocessed: %+v", o)
	}
}

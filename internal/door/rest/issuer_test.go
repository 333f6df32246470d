package rest

import (
	"context"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
)

// issuer approves everything that comes with a proof that the payer is the
// card's holder, or was set up for use without; for the rest it wants one.
type issuer struct {
	mu    sync.Mutex
	asked map[string]provider.Outcome // by our reference
	sold  []provider.AuthorizeRequest
}

// guarded is a harness whose cards need authentication.
func guarded(t testing.TB) (*harness, *issuer) {
	t.Helper()
	i := &issuer{asked: map[string]provider.Outcome{}}
	p := approving()
	approve := p.Authorize
	p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.asked[r.Authentication].Status != provider.Approved && !(r.OffSession && r.SetUp) {
			return provider.Outcome{Status: provider.Declined, Reason: "authentication_required"}
		}
		i.sold = append(i.sold, r)
		return approve(ctx, r)
	}
	p.Authenticate = func(_ context.Context, r provider.AuthenticateRequest) provider.Outcome {
		i.mu.Lock()
		defer i.mu.Unlock()
		if _, ok := i.asked[r.Reference]; !ok {
			i.asked[r.Reference] = provider.Outcome{Status: provider.Pending, Action: "/sandbox/pages/3ds/" + r.Reference}
		}
		return i.asked[r.Reference]
	}
	p.Inquire = func(_ context.Context, reference string) provider.Finding {
		i.mu.Lock()
		defer i.mu.Unlock()
		o, ok := i.asked[reference]
		if !ok {
			return provider.Finding{Answer: provider.NotFound}
		}
		return provider.Finding{Answer: provider.Found, Outcome: o}
	}
	return harnessWith(t, p), i
}

// answer is what every payer who was asked says.
func (i *issuer) answer(authorize bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for reference, o := range i.asked {
		if o.Status != provider.Pending {
			continue
		}
		i.asked[reference] = provider.Outcome{Status: provider.Declined, ThreeDS: &provider.ThreeDS{Result: "failed", Reason: "rejected", Flow: "challenge"}}
		if authorize {
			i.asked[reference] = provider.Outcome{Status: provider.Approved,
				ThreeDS: &provider.ThreeDS{Result: "authenticated", Flow: "challenge", ECI: "05", Version: "2.2.0", ID: "ds_1"}}
		}
	}
}

// back has every payer come back.
func (h *harness) back(i *issuer) {
	h.t.Helper()
	i.mu.Lock()
	var references []string
	for reference := range i.asked {
		references = append(references, reference)
	}
	i.mu.Unlock()
	for _, reference := range references {
		key, ok := payment.Attempts.Prefix.Parse(reference)
		if !ok {
			continue
		}
		if _, _, err := h.server.Payment.Returned(context.Background(), h.scope(), payment.AttemptID(key)); err != nil {
			h.t.Fatal(err)
		}
	}
}

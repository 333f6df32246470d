package payment_test

import (
	"context"
	"strings"
	"sync"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
)

// issuer stands before the acquirer and wants payers to authenticate. It keeps
// what it is asked by our references, as an issuer's access control server does.
type issuer struct {
	mu sync.Mutex
	// frictionless: payers are known without being asked.
	frictionless bool
	result       string // of a frictionless authentication; empty: authenticated
	asked        map[string]provider.Outcome
	requests     []provider.AuthenticateRequest
	authorized   []provider.AuthorizeRequest // that reached the acquirer
	// before, if set, is called with what is about to reach the acquirer.
	before func(provider.AuthorizeRequest) *provider.Outcome
}

// guard is open's alteration that puts the issuer before the acquirer.
func (i *issuer) guard(p *provider.Provider) {
	i.asked = map[string]provider.Outcome{}
	acquirer := *p
	p.Authenticate = i.authenticate
	p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		i.mu.Lock()
		proof := i.asked[r.Authentication]
		known := r.Authentication != "" && proof.Status == provider.Approved || r.SetUp && r.OffSession
		if known {
			i.authorized = append(i.authorized, r)
		}
		before := i.before
		i.mu.Unlock()
		if !known {
			return provider.Outcome{Status: provider.Declined, Reason: "authentication_required", Code: "1A"}
		}
		if before != nil {
			if o := before(r); o != nil {
				return *o
			}
		}
		return acquirer.Authorize(ctx, r)
	}
	p.Inquire = func(ctx context.Context, reference string) provider.Finding {
		i.mu.Lock()
		o, ok := i.asked[reference]
		i.mu.Unlock()
		if ok {
			return provider.Finding{Answer: provider.Found, Outcome: o}
		}
		return acquirer.Inquire(ctx, reference)
	}
}

func (i *issuer) authenticate(_ context.Context, r provider.AuthenticateRequest) provider.Outcome {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, r)
	if o, ok := i.asked[r.Reference]; ok {
		return o
	}
	o := provider.Outcome{Status: provider.Pending, Action: "/sandbox/pages/3ds/" + r.Reference}
	if i.frictionless {
		result := i.result
		if result == "" {
			result = "authenticated"
		}
		o = provider.Outcome{Status: provider.Approved, ThreeDS: &provider.ThreeDS{Result: result, Flow: "frictionless", ECI: "05", Version: "2.2.0"}}
	}
	i.asked[r.Reference] = o
	return o
}

// answer is what the payer does on the issuer's page at a URL.
func (i *issuer) answer(url string, authorize bool) (reference string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	reference = url[strings.LastIndex(url, "/")+1:]
	if authorize {
		i.asked[reference] = provider.Outcome{Status: provider.Approved, ThreeDS: &provider.ThreeDS{Result: "authenticated", Flow: "challenge", ECI: "05", Version: "2.2.0", ID: "ds_1"}}
	} else {
		i.asked[reference] = provider.Outcome{Status: provider.Declined, Reason: "authentication_failed", ThreeDS: &provider.ThreeDS{Result: "failed", Reason: "rejected", Flow: "challenge"}}
	}
	return reference
}

func (i *issuer) count() (authentications, authorizations int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.asked), len(i.authorized)
}

// attemptAt is the attempt behind a reference.
func attemptAt(reference string) payment.AttemptID {
	key, _ := payment.Attempts.Prefix.Parse(reference)
	return payment.AttemptID(key)
}

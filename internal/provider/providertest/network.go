package providertest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// Network is a provider in memory that approves whatever it is asked, knows each
// reference once, and says unasked what a test has it say. It answers evidence
// like Stripe's test mode: uncategorized_text decides.
type Network struct {
	Now func() time.Time

	mu       sync.Mutex
	notices  []provider.Notice
	did      map[string]provider.Outcome
	disputes map[string]*provider.Dispute // by its id
	about    map[string]string            // dispute → reference
	told     int64

	// OnSale, if set, is what the network tells when it has taken money for a
	// reference.
	OnSale func(reference string, amount money.Amount) []provider.Notice
	// OnRefund, if set, hears the reference of each refund.
	OnRefund func(reference string)
	// Says replaces the answer to an operation: "refund", "contest", …
	Says map[string]provider.Outcome
	// Deaf, if set, has an operation done and its answer lost.
	Deaf map[string]bool
	// Calls counts what was asked, by operation, repetitions included.
	Calls map[string]int
}

// NewNetwork makes a network with a clock.
func NewNetwork(now func() time.Time) *Network {
	return &Network{Now: now, did: map[string]provider.Outcome{}, disputes: map[string]*provider.Dispute{}, about: map[string]string{},
		Says: map[string]provider.Outcome{}, Deaf: map[string]bool{}, Calls: map[string]int{}}
}

// Provider is the connection to the network. It can't be asked about an
// operation, but takes each again.
func (n *Network) Provider() provider.Provider {
	return provider.Provider{
		Name:   "network",
		Traits: provider.Traits{Timeout: time.Second, Horizon: time.Second, ReplayWindow: 24 * time.Hour},
		Authorize: func(_ context.Context, r provider.AuthorizeRequest) provider.Outcome {
			return n.do("authorize", r.Reference, func(o *provider.Outcome) {
				if r.Capture && n.OnSale != nil {
					o.Notices = n.keep(n.OnSale(r.Reference, r.Amount))
				}
			})
		},
		Capture: func(_ context.Context, r provider.CaptureRequest) provider.Outcome {
			return n.do("capture", r.Reference, func(o *provider.Outcome) {
				if n.OnSale != nil {
					o.Notices = n.keep(n.OnSale(r.Original, r.Amount))
				}
			})
		},
		Refund: func(_ context.Context, r provider.RefundRequest) provider.Outcome {
			return n.do("refund", r.Reference, func(*provider.Outcome) {
				if n.OnRefund != nil {
					n.OnRefund(r.Reference)
				}
			})
		},
		Contest: func(_ context.Context, r provider.ContestRequest) provider.Outcome {
			return n.do("contest", r.Reference, func(o *provider.Outcome) { n.contested(r) })
		},
		Reverse: func(_ context.Context, r provider.ReverseRequest) provider.Finding {
			return provider.Finding{Answer: provider.Found, Outcome: n.do("reverse", r.Reference, nil)}
		},
		Notices: n.after,
	}
}

// do does an operation once, and answers as it did whenever it is asked again.
func (n *Network) do(operation, reference string, effect func(*provider.Outcome)) provider.Outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Calls[operation]++
	if o, known := n.did[reference]; known {
		return o
	}
	o, scripted := n.Says[operation]
	if !scripted {
		o = provider.Outcome{Status: provider.Approved, ID: "n_" + reference, Code: "00", AuthorizationCode: "A1B2C3", CVCCheck: "pass"}
		if effect != nil {
			effect(&o)
		}
	}
	if o.Status.Definite() {
		n.did[reference] = o
	}
	if n.Deaf[operation] {
		return provider.Outcome{Message: "the answer was lost"}
	}
	return o
}

// Inquire says what became of an operation. [Network.Provider] has it not; a test
// whose provider can be asked sets it.
func (n *Network) Inquire(_ context.Context, reference string) provider.Finding {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Calls["inquire"]++
	if o, known := n.did[reference]; known {
		return provider.Finding{Answer: provider.Found, Outcome: o}
	}
	return provider.Finding{Answer: provider.NotFound}
}

// Settle ends an operation that was pending or scripted otherwise.
func (n *Network) Settle(reference string, o provider.Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.did[reference] = o
}

// contested has the evidence decide.
func (n *Network) contested(r provider.ContestRequest) {
	d := n.disputes[r.Dispute]
	if d == nil {
		return
	}
	inquiry := d.Status == "warning_needs_response" || d.Status == "warning_under_review"
	switch text := r.Evidence["uncategorized_text"]; {
	case r.Evidence == nil && inquiry:
		d.Status = "warning_closed"
	case r.Evidence == nil, text == "losing_evidence" && !inquiry:
		d.Status = "lost"
	case text == "winning_evidence" && inquiry, text == "losing_evidence":
		d.Status = "warning_closed"
	case text == "winning_evidence":
		d.Status = "won"
	case text == "escalate_inquiry_evidence" && inquiry:
		d.Status = "needs_response"
	case inquiry:
		d.Status = "warning_under_review"
	default:
		d.Status = "under_review"
	}
	n.keep([]provider.Notice{{Kind: provider.NoticeDispute, Reference: n.about[r.Dispute], Dispute: d}})
}

// Tell has the network say something: it is in the feed at once. What of it is
// not given is filled in.
func (n *Network) Tell(list ...provider.Notice) []provider.Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.keep(list)
}

func (n *Network) keep(list []provider.Notice) []provider.Notice {
	out := slices.Clone(list)
	for i := range out {
		n.told++
		out[i].Number, out[i].At = n.told, n.Now()
		if d := out[i].Dispute; d != nil {
			mine := *d
			n.disputes[d.ID], n.about[d.ID] = &mine, out[i].Reference
			copied := *d
			out[i].Dispute = &copied
		}
	}
	n.notices = append(n.notices, out...)
	return out
}

// after is the feed.
func (n *Network) after(_ context.Context, after int64, limit int) ([]provider.Notice, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, _ := slices.BinarySearchFunc(n.notices, after+1, func(a provider.Notice, number int64) int { return cmp.Compare(a.Number, number) })
	return slices.Clone(n.notices[at:min(len(n.notices), at+limit)]), nil
}

package app

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

// Break is a difference that nothing explains, as it is shown to who runs
// Florin. Amounts are spelled with their currency; empty where there is none.
type Break struct {
	ID         string    `json:"id"`
	Account    string    `json:"account"`
	Livemode   bool      `json:"livemode"`
	Created    time.Time `json:"created"`
	Type       string    `json:"type"`
	State      string    `json:"state"`
	Subject    string    `json:"subject"`
	Provider   string    `json:"provider,omitempty"`
	Ours       string    `json:"ours,omitempty"`
	Theirs     string    `json:"theirs,omitempty"`
	Difference string    `json:"difference,omitempty"`
	// Clearing tells that the difference stands in provider_clearing.
	Clearing   bool             `json:"in_provider_clearing"`
	File       string           `json:"file,omitempty"`
	Line       int64            `json:"line,omitempty"`
	Note       string           `json:"note,omitempty"`
	Owner      string           `json:"owner,omitempty"`
	Resolution *BreakResolution `json:"resolution,omitempty"`
}

// BreakResolution is how a break came to its end.
type BreakResolution struct {
	By        string    `json:"by"`
	Why       string    `json:"why"`
	Evidence  string    `json:"evidence,omitempty"`
	At        time.Time `json:"at"`
	Posting   string    `json:"posting,omitempty"`
	Movements []string  `json:"movements,omitempty"`
}

// Age is how long a break has been open, or was.
func (b Break) Age(now time.Time) time.Duration {
	if b.Resolution != nil {
		now = b.Resolution.At
	}
	return max(0, now.Sub(b.Created))
}

// Ruling is what a person decides about a break. Posting is cost, bank or none.
type Ruling struct{ By, Why, Evidence, Posting string }

func spelled(s settle.Side) string {
	if s.Currency == "" {
		return ""
	}
	return money.New(s.Amount, s.Currency).String()
}

func breakOf(o *object.Object[settle.Break]) Break {
	b := &o.Body
	out := Break{
		ID: settle.Breaks.ID(o.Scope, o.Key), Account: merchant.Accounts.ID(merchant.Home(o.Scope.Account), o.Scope.Account), Livemode: o.Scope.Livemode,
		Created: o.Created(), Type: string(b.Type), State: string(b.State), Subject: b.Subject, Provider: b.Provider, Ours: spelled(b.Ours), Theirs: spelled(b.Theirs),
		Difference: spelled(b.Difference()), Clearing: b.Clearing, File: b.File, Line: b.Line, Note: b.Note, Owner: b.Owner,
	}
	if r := b.Resolution; r != nil {
		out.Resolution = &BreakResolution{By: r.By, Why: r.Why, Evidence: r.Evidence, At: r.At, Posting: string(r.Treatment)}
		for _, key := range r.Movements {
			out.Resolution.Movements = append(out.Resolution.Movements, ledger.Movements.ID(o.Scope, key))
		}
	}
	return out
}

func (o *Operator) settle() *settle.Service {
	return &settle.Service{DB: o.db, Keys: &idem.Keys{}, Book: &ledger.Book{}}
}

// Breaks lists the breaks of all accounts in a state, or all of them, by account
// and then the oldest first.
func (o *Operator) Breaks(ctx context.Context, state string) ([]Break, error) {
	list := []Break{}
	err := settle.Breaks.Scan(ctx, o.db, func(b *object.Object[settle.Break]) error {
		if state == "all" || string(b.Body.State) == state {
			list = append(list, breakOf(b))
		}
		return nil
	})
	return list, err
}

func (o *Operator) broken(ctx context.Context, name string) (*object.Object[settle.Break], error) {
	if key, ok := settle.Breaks.Prefix.Parse(name); ok {
		found, there, err := o.settle().Find(ctx, key)
		if there || err != nil {
			return found, err
		}
	}
	return nil, fault.New(fault.NotFound, "resource_missing", "There is no break %q. florin breaks list shows those there are.", name)
}

// Break shows one break.
func (o *Operator) Break(ctx context.Context, name string) (Break, error) {
	b, err := o.broken(ctx, name)
	if err != nil {
		return Break{}, err
	}
	return breakOf(b), nil
}

// AssignBreak says who looks into a break.
func (o *Operator) AssignBreak(ctx context.Context, name, owner string) (Break, error) {
	b, err := o.broken(ctx, name)
	if err != nil {
		return Break{}, err
	}
	return ruled(o.settle().Assign(ctx, b.Scope, b.Key, owner, nil))
}

// ResolveBreak ends a break by a person's word.
func (o *Operator) ResolveBreak(ctx context.Context, name string, r Ruling) (Break, error) {
	b, err := o.broken(ctx, name)
	if err != nil {
		return Break{}, err
	}
	if err := o.claim(ctx); err != nil {
		return Break{}, err
	}
	return ruled(o.settle().Resolve(ctx, b.Scope, b.Key, settle.Ruling{By: r.By, Why: r.Why, Evidence: r.Evidence, Treatment: settle.Treatment(r.Posting)}, nil))
}

func ruled(reply *idem.Reply, err error) (Break, error) {
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	if err != nil {
		return Break{}, err
	}
	return breakOf(reply.Main.(*object.Object[settle.Break])), nil
}

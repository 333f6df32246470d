package rest

import (
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/money"
)

// breakRoutes are operations of Florin's own.
var breakRoutes = map[string]route{
	"FlorinGetBreaks":           {listBreaks, merchant.BalanceSources, merchant.Read},
	"FlorinGetBreaksId":         {retrieveBreak, merchant.BalanceSources, merchant.Read},
	"FlorinPostBreaksId":        {assignBreak, merchant.BalanceSources, merchant.Write},
	"FlorinGetReconciliation":   {showReconciliation, merchant.BalanceSources, merchant.Read},
	"FlorinPostBreaksIdResolve": {resolveBreak, merchant.BalanceSources, merchant.Write},
}

type shownBreak struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Created  int64  `json:"created"`
	Livemode bool   `json:"livemode"`
	Type     string `json:"type"`
	Status   string `json:"state"`
	Subject  string `json:"subject"`
	Provider any    `json:"provider"`
	// Amount is by what the two sides differ, positive where the books have more.
	Amount     any              `json:"amount"`
	Currency   any              `json:"currency"`
	Ours       *shownSide       `json:"ours"`
	Theirs     *shownSide       `json:"theirs"`
	InBooks    bool             `json:"in_provider_clearing"`
	File       any              `json:"file"`
	Line       any              `json:"line"`
	Note       any              `json:"note"`
	Owner      any              `json:"owner"`
	Age        int64            `json:"age_seconds"`
	Resolution *shownResolution `json:"resolution"`
}

type shownSide struct {
	Amount   int64          `json:"amount"`
	Currency money.Currency `json:"currency"`
}

type shownResolution struct {
	By       string   `json:"by"`
	Why      string   `json:"why"`
	Evidence any      `json:"evidence"`
	At       int64    `json:"at"`
	Posting  any      `json:"posting"`
	Postings []string `json:"movements"`
}

func sideOf(s settle.Side) (*shownSide, error) {
	if s.Currency == "" {
		return nil, nil
	}
	n, err := money.New(s.Amount, s.Currency).ToAPI()
	return &shownSide{n, s.Currency}, err
}

func renderBreak(v *view, o *object.Object[settle.Break]) (any, error) {
	b := &o.Body
	out := &shownBreak{
		ID: settle.Breaks.ID(o.Scope, o.Key), Object: settle.Breaks.Name, Created: o.Created().Unix(), Livemode: o.Scope.Livemode, Type: string(b.Type),
		Status: string(b.State), Subject: b.Subject, Provider: text(b.Provider), InBooks: b.Clearing, File: text(b.File), Note: text(b.Note), Owner: text(b.Owner),
	}
	if b.File != "" {
		out.Line = b.Line
	}
	var err error
	if out.Ours, err = sideOf(b.Ours); err != nil {
		return nil, err
	}
	if out.Theirs, err = sideOf(b.Theirs); err != nil {
		return nil, err
	}
	differ, err := sideOf(b.Difference())
	if err != nil {
		return nil, err
	}
	if differ != nil {
		out.Amount, out.Currency = differ.Amount, differ.Currency
	}
	until := v.now
	if r := b.Resolution; r != nil {
		until = r.At
		out.Resolution = &shownResolution{By: r.By, Why: r.Why, Evidence: text(r.Evidence), At: r.At.Unix(), Posting: text(r.Treatment), Postings: []string{}}
		for _, key := range r.Movements {
			out.Resolution.Postings = append(out.Resolution.Postings, ledger.Movements.ID(o.Scope, key))
		}
	}
	out.Age = max(0, int64(until.Sub(o.Created())/time.Second))
	return out, nil
}

func listBreaks(s *Server, c *call) (any, error) {
	where := map[string]any{}
	for _, name := range []string{"state", "type", "provider"} {
		if given, ok := c.form.String(name); ok {
			where[name] = given
		}
	}
	return listOf(s, c, settle.Breaks, where, renderBreak)
}

func retrieveBreak(s *Server, c *call) (any, error) {
	return retrieve(s, c, settle.Breaks, "id", renderBreak)
}

// assignBreak says who looks into a break.
func assignBreak(s *Server, c *call) (any, error) {
	key, err := pathKey(c, settle.Breaks, "id")
	if err != nil {
		return nil, err
	}
	owner, _ := c.form.String("owner")
	return s.Settle.Assign(c.ctx, c.scope, key, owner, c.idem)
}

// resolveBreak ends a break by a person's word.
func resolveBreak(s *Server, c *call) (any, error) {
	if err := s.maySettle(c, "florin breaks resolve"); err != nil {
		return nil, err
	}
	key, err := pathKey(c, settle.Breaks, "id")
	if err != nil {
		return nil, err
	}
	var p settle.Ruling
	p.By, _ = c.form.String("by")
	p.Why, _ = c.form.String("why")
	p.Evidence, _ = c.form.String("evidence")
	posting, _ := c.form.String("posting")
	p.Treatment = settle.Treatment(posting)
	return s.Settle.Resolve(c.ctx, c.scope, key, p, c.idem)
}

type shownReconciliation struct {
	Object   string         `json:"object"`
	Livemode bool           `json:"livemode"`
	Lines    []shownSummary `json:"lines"`
}

// shownSummary is what of the money at a provider, in a currency, is explained.
type shownSummary struct {
	Provider string         `json:"provider"`
	Currency money.Currency `json:"currency"`
	At       int64          `json:"reconciled_at"`
	Total    int64          `json:"total"`
	Matched  int64          `json:"matched"`
	Awaiting int64          `json:"awaiting"`
	Broken   int64          `json:"in_open_breaks"`
	// Explained is the share of the money due that is matched, in hundredths of a
	// per cent.
	Explained int64 `json:"explained_basis_points"`
}

// showReconciliation tells what of the account's money is explained, as the last
// run left it.
func showReconciliation(s *Server, c *call) (any, error) {
	list, err := settle.Summaries(c.ctx, s.DB, c.scope)
	if err != nil {
		return nil, err
	}
	out := shownReconciliation{Object: "florin.reconciliation", Livemode: c.scope.Livemode, Lines: []shownSummary{}}
	for _, one := range list {
		shown := shownSummary{Provider: one.Provider, Currency: one.Currency, At: one.At.Unix(), Explained: one.Explained()}
		for to, minor := range map[*int64]int64{&shown.Total: one.Total, &shown.Matched: one.Matched, &shown.Awaiting: one.Awaiting, &shown.Broken: one.Broken} {
			if *to, err = money.New(minor, one.Currency).ToAPI(); err != nil {
				return nil, err
			}
		}
		out.Lines = append(out.Lines, shown)
	}
	return out, nil
}

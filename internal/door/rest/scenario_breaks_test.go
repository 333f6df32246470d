package rest

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// aBreak opens a break about nothing that stands in the books.
func (h *harness) aBreak(s id.Scope) string {
	h.t.Helper()
	v := h.server.Settle
	if err := v.DB.Run(context.Background(), db.Step{Name: "test.break", Scope: s.Key(), Do: func(tx *db.Tx) error {
		return v.Open(tx, s, string(settle.Contradiction), settle.Breaks.ID(s, tx.NewKey()), "sandbox", money.New(1500, "usd"), "declined, and then captured")
	}}); err != nil {
		h.t.Fatal(err)
	}
	list, _, err := settle.Breaks.List(context.Background(), v.DB, s, object.Range{Limit: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	return settle.Breaks.ID(s, list[0].Key)
}

func ofBreak(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.aBreak(h.scope())}, form: form} }
}

var _ = shows("FlorinGetBreaks", scenario{
	prepare: func(h *harness) sent {
		h.aBreak(h.scope())
		return sent{form: "state=open&type=contradiction&provider=sandbox&limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.object": "florin.break", "data.0.type": "contradiction", "data.0.amount": 1500, "data.0.currency": "usd",
		"data.0.note": "declined, and then captured", "data.0.theirs": nil, "data.0.in_provider_clearing": false},
	fails: []refusedRequest{{"no such type", sending("type=strange"), 400, ""}},
})

var _ = shows("FlorinGetBreaksId", scenario{
	prepare: ofBreak(""),
	want:    map[string]any{"object": "florin.break", "state": "open", "provider": "sandbox", "owner": nil, "resolution": nil},
})

var _ = shows("FlorinPostBreaksId", scenario{
	prepare: ofBreak("owner=Ada"),
	want:    map[string]any{"owner": "Ada"},
	look:    "/v1/florin/breaks/*",
	shows:   map[string]any{"owner": "Ada"},
})

var _ = shows("FlorinPostBreaksIdResolve", scenario{
	prepare: ofBreak("by=Ada&why=They+have+called+back&evidence=case+17&posting=none"),
	want:    map[string]any{"state": "resolved", "resolution.by": "Ada", "resolution.why": "They have called back", "resolution.evidence": "case 17"},
	look:    "/v1/florin/breaks/*",
	shows:   map[string]any{"state": "resolved", "resolution.posting": "none"},
	fails: []refusedRequest{
		{"nothing to book", sending("by=Ada&why=because&posting=cost"), 400, ""},
		{"nobody", sending("why=because&by=+"), 400, "parameter_missing"},
	},
	values: func(*harness, sent) map[string]string { return map[string]string{"posting": "none"} },
})

var _ = shows("FlorinGetReconciliation", scenario{
	prepare: func(h *harness) sent {
		h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&return_url=https://shop.example").ok()
		h.server.Settle.Merchant = h.server.Merchant
		if err := h.server.Settle.Run(context.Background()); err != nil {
			h.t.Fatal(err)
		}
		return sent{}
	},
	want: map[string]any{"object": "florin.reconciliation", "lines.0.provider": "sandbox", "lines.0.currency": "usd", "lines.0.explained_basis_points": 10000, "lines.0.matched": 0},
})

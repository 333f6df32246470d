package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var payoutRoutes = map[string]route{
	"PostPayouts":              {createPayout, merchant.Payout, merchant.Write},
	"GetPayouts":               {listPayouts, merchant.Payout, merchant.Read},
	"GetPayoutsPayout":         {retrievePayout, merchant.Payout, merchant.Read},
	"PostPayoutsPayout":        {updatePayout, merchant.Payout, merchant.Write},
	"PostPayoutsPayoutCancel":  {cancelPayout, merchant.Payout, merchant.Write},
	"PostPayoutsPayoutReverse": {reversePayout, merchant.Payout, merchant.Write},
}

type shownPayout struct {
	ID                        string            `json:"id"`
	Object                    string            `json:"object"`
	Amount                    int64             `json:"amount"`
	ApplicationFee            any               `json:"application_fee"`
	ApplicationFeeAmount      any               `json:"application_fee_amount"`
	ArrivalDate               int64             `json:"arrival_date"`
	Automatic                 bool              `json:"automatic"`
	BalanceTransaction        any               `json:"balance_transaction"`
	Created                   int64             `json:"created"`
	Currency                  money.Currency    `json:"currency"`
	Description               any               `json:"description"`
	Destination               any               `json:"destination"`
	FailureBalanceTransaction any               `json:"failure_balance_transaction"`
	FailureCode               any               `json:"failure_code"`
	FailureMessage            any               `json:"failure_message"`
	Livemode                  bool              `json:"livemode"`
	Metadata                  map[string]string `json:"metadata"`
	Method                    string            `json:"method"`
	OriginalPayout            any               `json:"original_payout"`
	PayoutMethod              any               `json:"payout_method"`
	ReconciliationStatus      string            `json:"reconciliation_status"`
	ReversedBy                any               `json:"reversed_by"`
	SourceType                string            `json:"source_type"`
	StatementDescriptor       any               `json:"statement_descriptor"`
	Status                    payout.Status     `json:"status"`
	TraceID                   shownTrace        `json:"trace_id"`
	Type                      string            `json:"type"`
}

type shownTrace struct {
	Status string `json:"status"`
	Value  any    `json:"value"`
}

func renderPayout(v *view, o *object.Object[payout.Payout]) (any, error) {
	b, n := &o.Body, counter{currency: o.Body.Currency}
	out := &shownPayout{
		ID: payout.Payouts.ID(o.Scope, o.Key), Object: payout.Payouts.Name, Amount: n.api(b.Amount), ArrivalDate: b.Arrival.Unix(), Automatic: b.Automatic,
		Created: o.Created().Unix(), Currency: b.Currency, Description: text(b.Description), FailureCode: text(b.FailureCode), FailureMessage: text(b.FailureMessage),
		Livemode: o.Scope.Livemode, Metadata: metadata(b.Metadata), Method: b.Method, ReconciliationStatus: "not_applicable", SourceType: b.SourceType,
		StatementDescriptor: text(b.Descriptor), Status: b.Status, TraceID: traceOf(b), Type: "bank_account",
	}
	if n.err != nil {
		return nil, n.err
	}
	if b.Automatic {
		out.ReconciliationStatus = "completed"
	}
	var err error
	if out.BalanceTransaction, err = ref(v, "balance_transaction", ledger.Transactions, b.BalanceTransaction, renderTransaction); err != nil {
		return nil, err
	}
	if out.FailureBalanceTransaction, err = ref(v, "failure_balance_transaction", ledger.Transactions, b.FailureTransaction, renderTransaction); err != nil {
		return nil, err
	}
	if out.Destination, err = ref(v, "destination", vault.BankAccounts, b.Destination, renderBankAccount); err != nil {
		return nil, err
	}
	if out.OriginalPayout, err = ref(v, "original_payout", payout.Payouts, b.Original, renderPayout); err != nil {
		return nil, err
	}
	out.ReversedBy, err = ref(v, "reversed_by", payout.Payouts, b.ReversedBy, renderPayout)
	return out, err
}

// traceOf shows the banks' number once the payout is over.
func traceOf(p *payout.Payout) shownTrace {
	switch {
	case p.Status == payout.Pending || p.Status == payout.InTransit:
		return shownTrace{"pending", nil}
	case p.Trace == "":
		return shownTrace{"unsupported", nil}
	}
	return shownTrace{"supported", p.Trace}
}

func createPayout(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "payout_method"); err != nil {
		return nil, err
	}
	if source, _ := c.form.String("source_type"); source != "" && source != "card" {
		return nil, fault.Param("source_type", "balance_insufficient", "You have no balance of the type %s.", source)
	}
	p := payout.Params{Metadata: newMetadata(c)}
	currency, _ := c.form.String("currency")
	if p.Currency = money.Currency(strings.ToLower(currency)); !p.Currency.Known() {
		return nil, fault.Param("currency", "", "Invalid currency: %s.", clip(currency))
	}
	var err error
	if p.Amount, err = positive(c, "amount"); err != nil {
		return nil, err
	}
	if p.Destination, err = keyOf(c, vault.BankAccounts, "destination"); err != nil {
		return nil, err
	}
	if p.Method, err = oneOf(c, "method"); err != nil {
		return nil, err
	}
	p.Description, _ = c.form.String("description")
	if p.Descriptor, _ = c.form.String("statement_descriptor"); len(p.Descriptor) > maxPayoutDescriptor {
		return nil, fault.Param("statement_descriptor", "", "The statement descriptor of a payout can have at most %d characters.", maxPayoutDescriptor)
	}
	return s.Payout.Create(c.ctx, c.scope, p, c.idem)
}

const maxPayoutDescriptor = 22

func listPayouts(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if status, _ := c.form.String("status"); status != "" {
		where["status"] = status
	}
	if err := filter(s, c, where, vault.BankAccounts, "destination", "destination"); err != nil {
		return nil, err
	}
	during := secondsAt(c.form, "arrival_date")
	return listThose(s, c, payout.Payouts, where, func(o *object.Object[payout.Payout]) bool { return during(o.Body.Arrival.Unix()) }, renderPayout)
}

// secondsAt reads a time, or a range of times, in seconds since 1970.
func secondsAt(f *form.Value, name string) func(int64) bool {
	if n, ok := f.Int64(name); ok && f.Get(name).Kind() == form.Scalar {
		return func(at int64) bool { return at == n }
	}
	bounds := map[string]func(at, n int64) bool{
		"gt": func(at, n int64) bool { return at > n }, "gte": func(at, n int64) bool { return at >= n },
		"lt": func(at, n int64) bool { return at < n }, "lte": func(at, n int64) bool { return at <= n },
	}
	return func(at int64) bool {
		for bound, holds := range bounds {
			if n, ok := f.Int64(name, bound); ok && !holds(at, n) {
				return false
			}
		}
		return true
	}
}

func retrievePayout(s *Server, c *call) (any, error) {
	return retrieve(s, c, payout.Payouts, "payout", renderPayout)
}

func updatePayout(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payout.Payouts, "payout")
	if err != nil {
		return nil, err
	}
	patch, _ := c.form.Metadata("metadata")
	return s.Payout.Update(c.ctx, c.scope, key, applied(patch), c.idem)
}

// applied is a patch of metadata as the core takes it.
func applied(patch form.Patch) func(map[string]string) (map[string]string, error) {
	return func(old map[string]string) (map[string]string, error) {
		now, refused := patch.Apply(old)
		if refused != nil {
			return nil, refused
		}
		return now, nil
	}
}

func cancelPayout(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payout.Payouts, "payout")
	if err != nil {
		return nil, err
	}
	return s.Payout.Cancel(c.ctx, c.scope, key, c.idem)
}

func reversePayout(s *Server, c *call) (any, error) {
	key, err := pathKey(c, payout.Payouts, "payout")
	if err != nil {
		return nil, err
	}
	return s.Payout.Reverse(c.ctx, c.scope, key, newMetadata(c), c.idem)
}

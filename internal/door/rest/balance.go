package rest

import (
	"github.com/florinpay/florin/internal/core/merchant"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var balanceRoutes = map[string]route{
	"GetBalance":               {retrieveBalance, merchant.Balance, merchant.Read},
	"GetBalanceTransactions":   {listTransactions, merchant.BalanceSources, merchant.Read},
	"GetBalanceTransactionsId": {retrieveTransaction, merchant.BalanceSources, merchant.Read},
}

// transactionsURL is where lists of balance transactions are, also for those who
// find them by their older path.
const transactionsURL = "/v1/balance_transactions"

type shownBalance struct {
	Object    string        `json:"object"`
	Available []shownAmount `json:"available"`
	Instant   []shownAmount `json:"instant_available"`
	Livemode  bool          `json:"livemode"`
	Pending   []shownAmount `json:"pending"`
}

type shownAmount struct {
	Amount      int64        `json:"amount"`
	Currency    string       `json:"currency"`
	SourceTypes sourceAmount `json:"source_types"`
}

type sourceAmount struct {
	Card int64 `json:"card"`
}

// retrieveBalance shows what of the merchant's money can be used and what can't
// yet: together the sum of the net of all balance transactions. What refunds in
// flight have set aside is part of it until they are done.
func retrieveBalance(s *Server, c *call) (any, error) {
	account, err := s.Merchant.Account(c.ctx, c.scope)
	if err != nil {
		return nil, err
	}
	all, err := ledger.ReadBalances(c.ctx, s.DB, c.scope)
	if err != nil {
		return nil, err
	}
	by := map[ledger.Account]money.Amount{}
	currencies := []money.Currency{account.DefaultCurrency}
	for _, b := range all {
		if k := b.Account.Kind(); k != ledger.Available && k != ledger.Pending {
			continue
		}
		by[b.Account] = b.Amount()
		if !slices.Contains(currencies, b.Account.Currency()) {
			currencies = append(currencies, b.Account.Currency())
		}
	}
	slices.Sort(currencies[1:]) // the account's own comes first
	return balanceIn(currencies, by, c.scope.Livemode)
}

// balanceIn shows balances, in the order of currencies.
func balanceIn(currencies []money.Currency, by map[ledger.Account]money.Amount, livemode bool) (out shownBalance, err error) {
	out = shownBalance{Object: "balance", Livemode: livemode}
	if out.Available, err = amountsIn(currencies, ledger.Available, by); err != nil {
		return out, err
	}
	// What instant payouts can take: of what is available, in their currencies.
	out.Instant = []shownAmount{}
	for _, a := range out.Available {
		if payout.InstantIn(money.Currency(a.Currency)) {
			a.Amount = max(0, a.Amount)
			a.SourceTypes.Card = a.Amount
			out.Instant = append(out.Instant, a)
		}
	}
	out.Pending, err = amountsIn(currencies, ledger.Pending, by)
	return out, err
}

// renderStand shows balances as an event tells of them.
func renderStand(v *view, o *object.Object[ledger.Stand]) (any, error) {
	by := map[ledger.Account]money.Amount{}
	var currencies []money.Currency
	for _, l := range o.Body.Lines {
		currencies = append(currencies, l.Currency)
		by[ledger.AccountOf(ledger.Available, l.Currency)] = money.New(l.Available, l.Currency)
		by[ledger.AccountOf(ledger.Pending, l.Currency)] = money.New(l.Pending, l.Currency)
	}
	return balanceIn(currencies, by, v.scope.Livemode)
}

func amountsIn(currencies []money.Currency, k ledger.Kind, by map[ledger.Account]money.Amount) ([]shownAmount, error) {
	out := make([]shownAmount, 0, len(currencies))
	for _, c := range currencies {
		n, err := money.New(by[ledger.AccountOf(k, c)].Minor(), c).ToAPI()
		if err != nil {
			return nil, err
		}
		out = append(out, shownAmount{n, string(c), sourceAmount{n}})
	}
	return out, nil
}

type shownTransaction struct {
	ID                string     `json:"id"`
	Object            string     `json:"object"`
	Amount            int64      `json:"amount"`
	AvailableOn       int64      `json:"available_on"`
	BalanceType       string     `json:"balance_type"`
	Created           int64      `json:"created"`
	Currency          string     `json:"currency"`
	Description       any        `json:"description"`
	ExchangeRate      any        `json:"exchange_rate"`
	Fee               int64      `json:"fee"`
	FeeDetails        []shownFee `json:"fee_details"`
	Net               int64      `json:"net"`
	ReportingCategory string     `json:"reporting_category"`
	Source            any        `json:"source"`
	Status            string     `json:"status"`
	Type              string     `json:"type"`
}

type shownFee struct {
	Amount      int64  `json:"amount"`
	Application any    `json:"application"`
	Currency    string `json:"currency"`
	Description any    `json:"description"`
	Type        string `json:"type"`
}

// feeTypes are fees by the names that clients know.
var feeTypes = map[string]string{ledger.ProcessingFee: "stripe_fee"}

func renderTransaction(v *view, o *object.Object[ledger.Transaction]) (any, error) {
	b := &o.Body
	out := &shownTransaction{
		ID: ledger.Transactions.ID(o.Scope, o.Key), Object: ledger.Transactions.Name, AvailableOn: b.AvailableOn.Unix(), BalanceType: "payments",
		Created: o.Created().Unix(), Currency: string(b.Currency), Description: text(b.Description), FeeDetails: []shownFee{},
		ReportingCategory: b.ReportingCategory, Status: "pending", Type: b.Type,
	}
	if !v.now.Before(b.AvailableOn) {
		out.Status = "available"
	}
	if out.ReportingCategory == "" {
		out.ReportingCategory = b.Type
	}
	if err := out.amounts(b); err != nil {
		return nil, err
	}
	var err error
	switch b.SourceKind {
	case payment.Charges.Name:
		out.Source, err = ref(v, "source", payment.Charges, b.Source, renderCharge)
	case payment.Refunds.Name:
		out.Source, err = ref(v, "source", payment.Refunds, b.Source, renderRefund)
	case cash.Transactions.Name:
		out.Source, err = ref(v, "source", cash.Transactions, b.Source, renderCashTransaction)
	case dispute.Disputes.Name:
		out.Source, err = ref(v, "source", dispute.Disputes, b.Source, renderDispute)
	case payout.Payouts.Name:
		out.Source, err = ref(v, "source", payout.Payouts, b.Source, renderPayout)
	}
	return out, err
}

func (out *shownTransaction) amounts(b *ledger.Transaction) (err error) {
	api := func(minor int64) (n int64) {
		if err == nil {
			n, err = money.New(minor, b.Currency).ToAPI()
		}
		return n
	}
	out.Amount, out.Fee, out.Net = api(b.Amount), api(b.Fee), api(b.Net)
	for _, f := range b.FeeDetails {
		typ := f.Type
		if known, ok := feeTypes[typ]; ok {
			typ = known
		}
		out.FeeDetails = append(out.FeeDetails, shownFee{api(f.Amount), nil, out.Currency, text(f.Description), typ})
	}
	return err
}

func retrieveTransaction(s *Server, c *call) (any, error) {
	key, ok := ledger.Transactions.Prefix.Parse(c.path["id"])
	if ok {
		o, found, err := ledger.Transactions.Read(c.ctx, s.DB, c.scope, key)
		if err != nil {
			return nil, err
		}
		if found {
			return renderTransaction(s.view(c), o)
		}
	}
	return nil, fault.Missing(fault.NotFound, "id", "balance transaction", clip(c.path["id"]))
}

func listTransactions(s *Server, c *call) (any, error) {
	if c.form.Has("payout") {
		out, err := listPaidOut(s, c)
		if l, ok := out.(list); ok {
			l.URL = transactionsURL
			out = l
		}
		return out, err
	}
	where := map[string]any{}
	if typ, _ := c.form.String("type"); typ != "" {
		where["type"] = typ
	}
	if currency, _ := c.form.String("currency"); currency != "" {
		where["currency"] = strings.ToLower(currency)
	}
	if source, _ := c.form.String("source"); source != "" {
		key, ok := sourceKey(source)
		if !ok {
			return nil, fault.Missing(fault.Invalid, "source", "source", clip(source))
		}
		where["source"] = key
	}
	return listUnder(s, c, ledger.Transactions, where, transactionsURL, renderTransaction)
}

// sourceKey reads the id of what a balance transaction can come from.
func sourceKey(text string) (int64, bool) {
	for _, prefix := range []id.Prefix{payment.Charges.Prefix, dispute.Disputes.Prefix, payout.Payouts.Prefix} {
		if key, ok := prefix.Parse(text); ok {
			return key, true
		}
	}
	return payment.Refunds.Prefix.Parse(text)
}

// listPaidOut lists the balance transactions whose money an automatic payout
// pays out: what became available between the one before it and itself.
func listPaidOut(s *Server, c *call) (any, error) {
	key, err := keyOf(c, payout.Payouts, "payout")
	if err != nil {
		return nil, err
	}
	p, ok, err := payout.Payouts.Read(c.ctx, s.DB, c.scope, key)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		id, _ := c.form.String("payout")
		return nil, fault.Missing(fault.Invalid, "payout", "payout", clip(id))
	case !p.Body.Automatic:
		return nil, fault.Param("payout", "", "Balance transaction history can only be filtered on automatic payouts, not manual.")
	}
	where := map[string]any{"currency": string(p.Body.Currency)}
	if typ, _ := c.form.String("type"); typ != "" {
		where["type"] = typ
	}
	// No money takes longer to become available than an account may be set to.
	const longest = 366 * 24 * time.Hour
	return listWithin(s, c, ledger.Transactions, where, id.Floor(p.Body.After.Add(-longest)), id.Floor(p.Body.Until.Add(time.Second)), func(o *object.Object[ledger.Transaction]) bool {
		at := o.Body.AvailableOn
		return at.After(p.Body.After) && !at.After(p.Body.Until) || o.Body.Source == p.Key
	}, renderTransaction)
}

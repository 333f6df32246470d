package rest

import (
	"slices"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
)

// amountDetails is what an amount is made of.
type amountDetails struct {
	Discount int64           `json:"discount_amount,omitempty"`
	Error    *detailsError   `json:"error,omitempty"`
	Lines    *list           `json:"line_items,omitempty"` // when expanded
	Shipping *detailShipping `json:"shipping,omitempty"`
	Tax      *detailTax      `json:"tax,omitempty"`
	Tip      map[string]any  `json:"tip"`
}

type detailsError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type detailShipping struct {
	Amount any `json:"amount"`
	From   any `json:"from_postal_code"`
	To     any `json:"to_postal_code"`
}

type detailTax struct {
	Total int64 `json:"total_tax_amount"`
}

type paymentDetails struct {
	CustomerReference any `json:"customer_reference"`
	OrderReference    any `json:"order_reference"`
}

func amountDetailsOf(d *payment.AmountDetails) amountDetails {
	out := amountDetails{Discount: d.Discount, Tip: map[string]any{}}
	if d.Error != "" {
		out.Error = &detailsError{d.Error, d.Message()}
	}
	if d.Shipping != nil {
		out.Shipping = &detailShipping{Amount: *d.Shipping}
	}
	if d.Tax != nil {
		out.Tax = &detailTax{*d.Tax}
	}
	return out
}

// cardOptionsOf is payment_method_options[card] as it is shown.
func cardOptionsOf(i *payment.Intent) map[string]any {
	o := &i.Card
	out := map[string]any{"installments": nil, "mandate_options": nil, "network": text(o.Network), "request_three_d_secure": wish(i.ThreeDSecure)}
	if o.Installments != nil {
		out["installments"] = map[string]any{"available_plans": []any{}, "enabled": *o.Installments, "plan": nil}
	}
	if o.RequireCVC != nil {
		out["require_cvc_recollection"] = *o.RequireCVC
	}
	for name, value := range map[string]string{
		"capture_method": o.CaptureMethod, "setup_future_usage": o.SetupFutureUsage,
		"request_extended_authorization": o.Extended, "request_incremental_authorization": o.Incremental,
		"request_multicapture": o.Multicapture, "request_overcapture": o.Overcapture,
		"statement_descriptor_suffix_kana": o.SuffixKana, "statement_descriptor_suffix_kanji": o.SuffixKanji,
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// goods is where the goods of a payment go.
type goods struct {
	Address  shownAddress `json:"address"`
	Carrier  any          `json:"carrier"`
	Name     string       `json:"name"`
	Phone    any          `json:"phone"`
	Tracking any          `json:"tracking_number"`
}

func goodsTo(s *vault.Shipping) any {
	if s == nil {
		return nil
	}
	return &goods{addressOf(s.Address), text(s.Carrier), s.Name, text(s.Phone), text(s.Tracking)}
}

// linePrefix begins the ids of line items.
const linePrefix = id.Prefix("uli")

type lineItem struct {
	ID                   string `json:"id"`
	Object               string `json:"object"`
	DiscountAmount       any    `json:"discount_amount"`
	PaymentMethodOptions any    `json:"payment_method_options"`
	ProductCode          any    `json:"product_code"`
	ProductName          string `json:"product_name"`
	Quantity             int64  `json:"quantity"`
	Tax                  any    `json:"tax"`
	UnitCost             int64  `json:"unit_cost"`
	UnitOfMeasure        any    `json:"unit_of_measure"`
}

func lineItemOf(s id.Scope, l *payment.Line) lineItem {
	out := lineItem{ID: linePrefix.Format(s, l.Key), Object: "payment_intent_amount_details_line_item",
		ProductCode: text(l.Code), ProductName: l.Name, Quantity: l.Quantity, UnitCost: l.UnitCost, UnitOfMeasure: text(l.Unit)}
	if l.Discount > 0 {
		out.DiscountAmount = l.Discount
	}
	if l.Tax != nil {
		out.Tax = detailTax{*l.Tax}
	}
	if len(l.Options) > 0 {
		out.PaymentMethodOptions = l.Options
	}
	return out
}

func linesURL(s id.Scope, intent int64) string {
	return "/v1/payment_intents/" + payment.Intents.ID(s, intent) + "/amount_details_line_items"
}

// firstLines are the first of an intent's lines, as they stand in it when they
// are expanded.
func firstLines(s id.Scope, intent int64, lines []payment.Line) *list {
	out := &list{Object: "list", URL: linesURL(s, intent), HasMore: len(lines) > defaultLimit, Data: []any{}}
	for i := range lines[:min(len(lines), defaultLimit)] {
		out.Data = append(out.Data, lineItemOf(s, &lines[i]))
	}
	return out
}

// listLineItems lists what an intent is paid for, in the order of the request.
func listLineItems(s *Server, c *call) (any, error) {
	o, err := named(s, c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	lines := o.Body.Details.Lines
	place := func(key int64) int { return slices.IndexFunc(lines, func(l payment.Line) bool { return l.Key == key }) }
	r, err := page(c.form, linePrefix, "line item", func(key int64) (bool, error) { return place(key) >= 0, nil })
	if err != nil {
		return nil, err
	}
	first, end := 0, len(lines)
	if after, ok := c.form.String("starting_after"); ok {
		key, _ := linePrefix.Parse(after)
		first = place(key) + 1
		end = min(end, first+r.Limit)
	} else if before, ok := c.form.String("ending_before"); ok {
		key, _ := linePrefix.Parse(before)
		end = place(key)
		first = max(0, end-r.Limit)
	} else {
		end = min(end, r.Limit)
	}
	out := list{Object: "list", URL: linesURL(c.scope, o.Key), Data: []any{}}
	out.HasMore = end < len(lines)
	if c.form.Has("ending_before") {
		out.HasMore = first > 0
	}
	for i := first; i < end; i++ {
		out.Data = append(out.Data, lineItemOf(o.Scope, &lines[i]))
	}
	return out, nil
}

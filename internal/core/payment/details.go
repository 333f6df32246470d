package payment

import (
	"github.com/florinpay/florin/internal/kit/fault"
)

// AmountDetails say what an amount is made of. They are information for the
// payer's bank and are never booked; numbers are in the API's minor units.
type AmountDetails struct {
	Discount int64  `json:"discount,omitempty"`
	Shipping *int64 `json:"shipping,omitempty"`
	Tax      *int64 `json:"tax,omitempty"`
	Lines    []Line `json:"lines,omitempty"`
	// Error is Stripe's code for figures that do not add up to the amount.
	Error string `json:"error,omitempty"`
}

// Line is one kind of thing that is paid for.
type Line struct {
	Key      int64  `json:"key"`
	Name     string `json:"name"`
	Code     string `json:"code,omitempty"` // the merchant's, of the product
	Unit     string `json:"unit,omitempty"` // of measure
	Quantity int64  `json:"n"`
	UnitCost int64  `json:"cost"`
	Discount int64  `json:"discount,omitempty"`
	Tax      *int64 `json:"tax,omitempty"`
	// Options are payment_method_options: type of method → option → text.
	Options map[string]map[string]string `json:"options,omitempty"`
}

// maxLines is how many lines a payment may have
// (https://docs.stripe.com/payments/payment-line-items).
const maxLines = 200

// Figure is a number that may be taken away.
type Figure struct {
	N    int64
	None bool
}

// AmountDetailsChanges is what a request changes of amount details. Nil leaves a
// field as it is.
type AmountDetailsChanges struct {
	Clear                   bool // take all away first
	Discount, Shipping, Tax *Figure
	Lines                   *[]Line // their keys are given by the step
	Tolerate                bool    // note figures that do not add up rather than refuse them
}

func (p *AmountDetailsChanges) apply(d *AmountDetails, key func() int64) {
	if p.Clear {
		*d = AmountDetails{}
	}
	if p.Discount != nil {
		d.Discount = p.Discount.N
	}
	optional := func(to **int64, f *Figure) {
		switch {
		case f == nil:
		case f.None:
			*to = nil
		default:
			*to = new(f.N)
		}
	}
	optional(&d.Shipping, p.Shipping)
	optional(&d.Tax, p.Tax)
	if p.Lines != nil {
		d.Lines = append([]Line(nil), *p.Lines...)
		for i := range d.Lines {
			d.Lines[i].Key = key()
		}
	}
}

// check refuses amount details that could never be right.
func (d *AmountDetails) check() error {
	const at = "amount_details"
	if len(d.Lines) > maxLines {
		return fault.Param(at+"[line_items]", "", "A payment can have up to %d line items.", maxLines)
	}
	for _, l := range d.Lines {
		switch {
		case l.Quantity < 1:
			return fault.Param(at+"[line_items][quantity]", "parameter_invalid_integer", "This value must be greater than or equal to 1.")
		case outside(l.UnitCost) || outside(l.Discount) || outside(figure(l.Tax)):
			return fault.Param(at+"[line_items]", "parameter_invalid_integer", "The amounts of line items can't be negative, nor more than any payment's.")
		case l.Discount > 0 && d.Discount > 0:
			return fault.Param(at+"[discount_amount]", "", "A discount is given for the payment or for its line items, not for both.")
		case l.Tax != nil && d.Tax != nil:
			return fault.Param(at+"[tax]", "", "Tax is given for the payment or for its line items, not for both.")
		}
	}
	if outside(d.Discount) || outside(figure(d.Shipping)) || outside(figure(d.Tax)) {
		return fault.Param(at, "parameter_invalid_integer", "Amount details can't be negative, nor more than any payment.")
	}
	return nil
}

func outside(figure int64) bool { return figure < 0 || figure > maxFigure }

// The codes of amount details that do not fit their payment.
const (
	detailsMismatch = "amount_details_amount_mismatch"
	detailsTooMuch  = "amount_details_tax_shipping_discount_greater_than_amount"
)

// compare says by a code whether the figures fit an amount, in the API's minor
// units; empty: they do. Where there are lines they must add up to it.
func (d *AmountDetails) compare(amount int64) string {
	beside := figure(d.Shipping) + figure(d.Tax)
	if len(d.Lines) == 0 {
		if beside > amount || d.Discount > amount {
			return detailsTooMuch
		}
		return ""
	}
	sum := beside - d.Discount
	for _, l := range d.Lines {
		if l.UnitCost > maxFigure/l.Quantity {
			return detailsMismatch
		}
		sum += l.UnitCost*l.Quantity - l.Discount + figure(l.Tax)
	}
	if sum != amount {
		return detailsMismatch
	}
	return ""
}

// maxFigure is more than any amount, and so little that sums of them fit.
const maxFigure = 1_000_000_000_000_000

// Message explains a code.
func (d *AmountDetails) Message() string {
	switch d.Error {
	case detailsMismatch:
		return "The line items, with tax, shipping and discounts, do not add up to the amount of the payment."
	case detailsTooMuch:
		return "Tax and shipping, or the discount, are more than the amount of the payment."
	}
	return ""
}

func figure(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

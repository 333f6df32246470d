package bench

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// kind is what one request asks for.
type kind uint8

const (
	pay       kind = iota // create a payment intent and confirm it, with capture
	payStored             // the same with a customer's stored card
	authorize             // as pay, to be captured later
	capture               // capture what was authorised
	refund                // give a payment back, whole
	retrieve              // read a payment intent
	list                  // list the ten newest
	kinds
)

var kindNames = [kinds]string{"payment", "stored_card", "authorize", "capture", "refund", "retrieve", "list"}

// pays reports whether a request of the kind ends a payment well.
func (k kind) pays() bool { return k == pay || k == payStored || k == capture }

// journey is what a client does in order, each request with what the one before
// gave it.
type journey []kind

// mixes are the journeys that a client repeats in turn. Every client begins at
// another place of the list.
var mixes = map[string][]journey{
	"payment":           {{pay}},
	"stored_card":       {{payStored}},
	"authorize_capture": {{authorize, capture}},
	"refund":            {{pay, refund}},
	"read":              {{retrieve}, {list}},
	"payment_and_read":  {{pay}, {retrieve}, {list}},
	// Of 10 journeys 3 are payments, 2 with a stored card, 2 captured later, 1 given
	// back, and 2 only read.
	"mixed": {
		{pay}, {payStored}, {authorize, capture}, {retrieve}, {pay},
		{payStored}, {authorize, capture}, {pay, refund}, {list}, {pay},
	},
}

// Mixes are the names of what clients can do.
func Mixes() []string { return slices.Sorted(maps.Keys(mixes)) }

// uses reports whether a mix has requests of a kind.
func uses(mix []journey, k kind) bool {
	return slices.ContainsFunc(mix, func(j journey) bool { return slices.Contains(j, k) })
}

// order is one journey's payment.
type order struct {
	amount  int64 // minor units
	account *account
	intent  string // its id, once it is known
}

const createForm = "&currency=usd&confirm=true" +
	"&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"

// request is what is sent for a kind.
func (k kind) request(o order, key string) request {
	r := request{method: http.MethodPost, path: "/v1/payment_intents", key: key}
	switch k {
	case pay, payStored, authorize:
		r.form = "amount=" + strconv.FormatInt(o.amount, 10) + createForm
		if k == payStored {
			r.form += "&customer=" + o.account.customer + "&payment_method=" + o.account.method
		} else {
			r.form += "&payment_method=pm_card_visa"
		}
		if k == authorize {
			r.form += "&capture_method=manual"
		}
	case capture:
		r.path += "/" + o.intent + "/capture"
	case refund:
		r.path, r.form = "/v1/refunds", "payment_intent="+o.intent
	case retrieve:
		r = request{method: http.MethodGet, path: r.path + "/" + o.intent}
	case list:
		r = request{method: http.MethodGet, path: r.path + "?limit=10"}
	}
	return r
}

// shown is what the clients read of an answer.
type shown struct {
	id, object       string
	status           string
	amount, received int64
}

func read(body []byte) (s shown, err error) {
	err = members(body, func(name, value []byte) {
		switch string(name) {
		case "id":
			s.id = string(value)
		case "object":
			s.object = string(value)
		case "status":
			s.status = string(value)
		case "amount":
			s.amount, _ = strconv.ParseInt(string(value), 10, 64) // what is no amount is a wrong one
		case "amount_received":
			s.received, _ = strconv.ParseInt(string(value), 10, 64)
		}
	})
	return s, err
}

// wrong says what is not right about an answer with status 200, or "".
func (k kind) wrong(o order, s shown) string {
	if k == list {
		if s.object != "list" {
			return "200 with no list"
		}
		return ""
	}
	want, received := "succeeded", o.amount
	switch k {
	case authorize:
		want, received = "requires_capture", 0
	case refund:
		received = 0 // a refund has no such field
	}
	switch {
	case s.status != want:
		return fmt.Sprintf("200 with status %q", s.status)
	case s.amount != o.amount || s.received != received:
		return "200 with a wrong amount"
	case o.intent != "" && k != refund && s.id != o.intent:
		return "200 with another object"
	}
	return ""
}

package rest

import (
	"cmp"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/kit/fault"
)

// attemptRoutes are operations of Florin's own: what was asked of providers, and
// what went to and fro.
var attemptRoutes = map[string]route{
	"FlorinGetAttempts":                {listAttempts, merchant.PaymentIntents, merchant.Read},
	"FlorinGetAttemptsAttempt":         {retrieveAttempt, merchant.PaymentIntents, merchant.Read},
	"FlorinPostAttemptsAttemptResolve": {resolveAttempt, merchant.PaymentIntents, merchant.Write},
	"FlorinGetMessages":                {listMessages, merchant.PaymentIntents, merchant.Read},
}

type shownAttemptAt struct {
	ID            string     `json:"id"`
	Object        string     `json:"object"`
	Amount        int64      `json:"amount"`
	Currency      string     `json:"currency"`
	Charge        any        `json:"charge"`
	Created       int64      `json:"created"`
	Livemode      bool       `json:"livemode"`
	Note          any        `json:"note"`
	Operation     string     `json:"operation"`
	PaymentIntent any        `json:"payment_intent"`
	Problem       any        `json:"break_since"`
	Provider      string     `json:"provider"`
	Refund        any        `json:"refund"`
	Resolution    *shownSaid `json:"resolution"`
	Status        string     `json:"status"`
}

type shownSaid struct {
	By       string `json:"by"`
	Created  int64  `json:"created"`
	Evidence string `json:"evidence"`
	Outcome  string `json:"outcome"`
}

func renderAttempt(v *view, o *object.Object[payment.Attempt]) (any, error) {
	b := &o.Body
	out := &shownAttemptAt{
		ID: payment.Attempts.ID(o.Scope, o.Key), Object: payment.AttemptObject, Amount: b.Amount, Currency: string(b.Currency), Created: o.Created().Unix(),
		Livemode: o.Scope.Livemode, Note: text(b.Note), Operation: string(b.Operation), Problem: moment(b.Break), Provider: b.Provider, Status: string(b.State),
	}
	if r := b.Resolution; r != nil {
		out.Resolution = &shownSaid{By: r.By, Created: r.At.Unix(), Evidence: r.Evidence, Outcome: "failed"}
		if r.Succeeded {
			out.Resolution.Outcome = "succeeded"
		}
	}
	var err error
	if out.PaymentIntent, err = ref(v, "payment_intent", payment.Intents, int64(b.Intent), renderIntent); err != nil {
		return nil, err
	}
	if out.Charge, err = ref(v, "charge", payment.Charges, int64(b.Charge), renderCharge); err != nil {
		return nil, err
	}
	out.Refund, err = ref(v, "refund", payment.Refunds, int64(b.Refund), renderRefund)
	return out, err
}

func listAttempts(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, payment.Intents, "payment_intent", "intent"); err != nil {
		return nil, err
	}
	return listOf(s, c, payment.Attempts, where, renderAttempt)
}

func retrieveAttempt(s *Server, c *call) (any, error) {
	return retrieve(s, c, payment.Attempts, "attempt", renderAttempt)
}

// maySettle refuses a merchant among several what would credit its own balance on its own
// word.
func (s *Server) maySettle(c *call, command string) error {
	if s.MaySettle == nil {
		return nil
	}
	may, err := s.MaySettle(c.ctx)
	if err == nil && !may {
		err = fault.New(fault.Forbidden, "", "There are several accounts here: whoever runs Florin settles this, by `%s`.", command)
	}
	return err
}

// resolveAttempt has a person say what became of an attempt.
func resolveAttempt(s *Server, c *call) (any, error) {
	if err := s.maySettle(c, "florin resolve"); err != nil {
		return nil, err
	}
	o, err := named(s, c, payment.Attempts, "attempt")
	if err != nil {
		return nil, err
	}
	outcome, _ := c.form.String("outcome")
	evidence, _ := c.form.String("evidence")
	return s.Payment.ResolveByHand(c.ctx, c.scope, payment.AttemptID(o.Key), payment.Resolution{Succeeded: outcome == "succeeded", Evidence: evidence, By: c.idem.ID}, c.idem)
}

// maxMessages is how many messages one answer shows, the latest.
const maxMessages = 100

type shownMessage struct {
	Object    string `json:"object"`
	Attempt   string `json:"attempt"`
	Body      string `json:"body"`
	Created   int64  `json:"created"`
	Direction string `json:"direction"` // sent, received, or notification: received unasked
	Event     any    `json:"event"`     // of a notification: the provider's name of it
	Livemode  bool   `json:"livemode"`
	Problem   any    `json:"problem"`
	Provider  string `json:"provider"`
	Status    any    `json:"status"` // of a notification: how it stands here
	at        time.Time
}

const messageObject = "florin.provider_message"

// listMessages shows all that went to and fro between Florin and a provider about
// an object: a payment intent, an attempt or a payout.
func listMessages(s *Server, c *call) (any, error) {
	name, _ := c.form.String("object")
	attempts, err := s.attemptsOf(c, name)
	if err != nil {
		return nil, err
	}
	var all []*shownMessage
	for _, a := range attempts {
		all = append(all, a.exchanged...)
		told, err := news.About(c.ctx, s.DB, a.reference, maxMessages)
		if err != nil {
			return nil, err
		}
		for _, m := range told {
			all = append(all, &shownMessage{Object: messageObject, Attempt: a.reference, Body: m.Raw, Created: m.Received.Unix(), Direction: "notification",
				Event: m.Event, Livemode: c.scope.Livemode, Problem: text(m.Problem), Provider: m.Provider, Status: m.State.String(), at: m.Received})
		}
	}
	slices.SortStableFunc(all, func(a, b *shownMessage) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	out := list{Object: "list", URL: c.op.Path, Data: []any{}}
	if over := len(all) - maxMessages; over > 0 {
		all, out.HasMore = all[over:], true
	}
	for _, m := range all {
		out.Data = append(out.Data, m)
	}
	return out, nil
}

// asked is an attempt as its messages are shown.
type asked struct {
	reference, provider string
	exchanged           []*shownMessage
}

// exchange adds a message that was sent to the provider, or that it answered.
func (a *asked) exchange(sent bool, at time.Time, body string, livemode bool) {
	direction := "received"
	if sent {
		direction = "sent"
	}
	a.exchanged = append(a.exchanged, &shownMessage{Object: messageObject, Attempt: a.reference, Body: body, Created: at.Unix(), Direction: direction,
		Livemode: livemode, Provider: a.provider, at: at})
}

// attemptsOf finds the attempts that an object has.
func (s *Server) attemptsOf(c *call, name string) (out []asked, err error) {
	missing := fault.Missing(fault.Invalid, "object", "object", clip(name))
	var list []*object.Object[payment.Attempt]
	if key, ok := payment.Intents.Prefix.Parse(name); ok {
		if _, ok, err := payment.Intents.Read(c.ctx, s.DB, c.scope, key); err != nil || !ok {
			return nil, cmp.Or(err, error(missing))
		}
		if list, _, err = payment.Attempts.List(c.ctx, s.DB, c.scope, object.Range{Limit: maxMessages, Where: map[string]any{"intent": key}}); err != nil {
			return nil, err
		}
	} else if key, ok := payment.Attempts.Prefix.Parse(name); ok {
		a, ok, err := payment.Attempts.Read(c.ctx, s.DB, c.scope, key)
		if err != nil || !ok {
			return nil, cmp.Or(err, error(missing))
		}
		list = append(list, a)
	} else if key, ok := payout.Payouts.Prefix.Parse(name); ok {
		return s.attemptOfPayout(c, key, missing)
	} else {
		return nil, missing
	}
	for _, a := range list {
		one := asked{reference: payment.Reference(c.scope, payment.AttemptID(a.Key)), provider: a.Body.Provider}
		for _, m := range a.Body.Raw {
			one.exchange(m.Sent, m.At, m.Body, c.scope.Livemode)
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Server) attemptOfPayout(c *call, key int64, missing error) ([]asked, error) {
	p, ok, err := payout.Payouts.Read(c.ctx, s.DB, c.scope, key)
	if err != nil || !ok {
		return nil, cmp.Or(err, missing)
	}
	a, ok, err := payout.Attempts.Read(c.ctx, s.DB, c.scope, p.Body.Attempt)
	if err != nil || !ok {
		return nil, cmp.Or(err, missing)
	}
	one := asked{reference: payout.Reference(c.scope, a.Key), provider: a.Body.Provider}
	for _, m := range a.Body.Raw {
		one.exchange(m.Sent, m.At, m.Body, c.scope.Livemode)
	}
	return []asked{one}, nil
}

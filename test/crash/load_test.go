//go:build unix

package crash

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// load is what clients ask of a server, and what they were answered.
type load struct {
	t      testing.TB
	ctx    context.Context
	client *client
	tag    string // begins every key, so that no two runs share one
	// over, once true, has journeys that were parked end there: each further
	// request may meet a fault that takes a minute to resolve.
	over atomic.Bool
	// mixed adds the tales to the journeys. Payers find their pages at box, and
	// payouts are an account's.
	mixed   bool
	box     *florintest.Sandbox
	account string

	mu       sync.Mutex
	journeys int
	calls    []*call // answered
}

// journey is the life of one payment: stages that follow one another, of steps
// that are made at once.
type journey struct {
	l       *load
	name    string
	stages  [][]step
	story   func(*journey) // in place of stages
	asked   int            // requests of the tale
	intent  thing
	refund  thing // the last one
	dispute thing
	// parked is called when the journey waits for a lease or for an outcome that
	// is not known: others may begin meanwhile.
	parked func()
}

// step is one request of a journey.
type step struct {
	// when lists the statuses of the intent in which it is made; empty: any.
	when string
	path func(*journey) string
	form func(*journey) url.Values
	// copies is how often it is sent at once under its one key; 0 is 1.
	copies int
}

func creating(amount int, currency, capture, card string) step {
	form := url.Values{"amount": {strconv.Itoa(amount)}, "currency": {currency}, "capture_method": {capture},
		"payment_method_types[]": {"card"}}
	if card != "" {
		form.Set("payment_method", card)
		form.Set("confirm", "true")
	}
	return step{path: func(*journey) string { return "/v1/payment_intents" }, form: func(*journey) url.Values { return form }}
}

func onIntent(verb, when string, form url.Values) step {
	return step{when: when, path: func(j *journey) string { return "/v1/payment_intents/" + j.intent.ID + "/" + verb },
		form: func(*journey) url.Values { return form }}
}

// refunding gives back an amount; zero: all that is left.
func refunding(amount int) step {
	return step{when: "succeeded", path: func(*journey) string { return "/v1/refunds" }, form: func(j *journey) url.Values {
		form := url.Values{"payment_intent": {j.intent.ID}}
		if amount > 0 {
			form.Set("amount", strconv.Itoa(amount))
		}
		return form
	}}
}

func (s step) twice() step {
	s.copies = 2
	return s
}

// stagesOf gives the journeys, one after another: everything that moves money, and
// pairs of requests of which one must lose.
func stagesOf(n int) [][]step {
	one := func(steps ...step) (stages [][]step) {
		for _, s := range steps {
			stages = append(stages, []step{s})
		}
		return stages
	}
	capture := url.Values{"amount_to_capture": {"1500"}}
	switch n % 8 {
	case 0:
		return one(creating(2000+n, "usd", "automatic", "pm_card_visa"), refunding(700), refunding(0))
	case 1:
		return one(creating(2100+n, "eur", "manual", "pm_card_mastercard"), onIntent("capture", "requires_capture", capture).twice(), refunding(400))
	case 2:
		return one(creating(2200+n, "usd", "manual", "pm_card_visa"), onIntent("cancel", "requires_capture", nil))
	case 3:
		return one(creating(2300+n, "usd", "automatic", "pm_card_chargeDeclined"),
			onIntent("confirm", "requires_payment_method", url.Values{"payment_method": {"pm_card_visa"}}))
	case 4:
		return one(creating(2400+n, "jpy", "automatic", ""),
			onIntent("confirm", "requires_payment_method", url.Values{"payment_method": {"pm_card_amex"}}).twice(), refunding(0).twice())
	case 5:
		return one(creating(2500+n, "usd", "automatic", ""), onIntent("cancel", "requires_payment_method", nil))
	case 6:
		return append(one(creating(2600+n, "usd", "manual", "pm_card_visa")),
			[]step{onIntent("capture", "requires_capture", capture), onIntent("capture", "requires_capture", nil), onIntent("cancel", "requires_capture", nil)})
	}
	return append(one(creating(2700, "eur", "automatic", "pm_card_visa").twice()), []step{refunding(1800), refunding(1700)})
}

func (l *load) begin() *journey {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.journeys
	l.journeys++
	j := &journey{l: l, name: fmt.Sprintf("%s-%d", l.tag, n)}
	switch {
	case l.mixed && n%2 == 1:
		j.story = tales[n/2%len(tales)]
	case l.mixed:
		j.stages = stagesOf(n / 2)
	default:
		j.stages = stagesOf(n)
	}
	return j
}

// round begins journeys, width at a time, for as long as more says so, and
// returns when all have come to their end.
func (l *load) round(width int, more func() bool) {
	var group sync.WaitGroup
	slots := make(chan struct{}, width)
	for more() && l.ctx.Err() == nil {
		slots <- struct{}{}
		j := l.begin()
		j.parked = sync.OnceFunc(func() { <-slots })
		group.Go(func() {
			defer j.parked()
			j.run()
		})
	}
	group.Wait()
}

// run makes a journey.
func (j *journey) run() {
	if j.story != nil {
		j.story(j)
		return
	}
	for n, stage := range j.stages {
		if n > 0 && j.open() {
			j.parked()
			if err := j.await(); err != nil {
				j.l.t.Errorf("%s: %v", j.name, err)
				return
			}
			if j.l.over.Load() {
				return
			}
		}
		if stage[0].when != "" && stage[0].when != j.intent.Status {
			return
		}
		if !j.make(n, stage) {
			return
		}
	}
}

// open reports whether the last outcome was not known when it was answered.
func (j *journey) open() bool {
	return j.intent.Status == "processing" || j.refund.Status == "pending"
}

func (j *journey) await() (err error) {
	for j.open() && err == nil {
		if err = sleep(j.l.ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("%+v %+v is still open: %w", j.intent, j.refund, err)
		}
		if j.refund.ID != "" {
			if j.refund, err = j.l.client.retrieve(j.l.ctx, "/v1/refunds/"+j.refund.ID); err != nil {
				return err
			}
		}
		j.intent, err = j.l.client.retrieve(j.l.ctx, "/v1/payment_intents/"+j.intent.ID)
	}
	return err
}

// make makes the steps of a stage at once, and reports whether the journey can
// go on.
func (j *journey) make(n int, stage []step) bool {
	answers := make([]answer, len(stage))
	var group sync.WaitGroup
	for i, s := range stage {
		group.Go(func() {
			answers[i] = j.l.send(fmt.Sprintf("%s.%d.%d", j.name, n, i), s.path(j), s.form(j), max(1, s.copies), j.parked)
		})
	}
	group.Wait()
	for _, a := range answers {
		o, err := a.thing()
		if err != nil {
			j.l.t.Errorf("%s: %v", j.name, err)
			return false
		}
		switch {
		case o.Object == "refund":
			j.refund = o
		case o.Object == "payment_intent":
			j.intent = o
		}
	}
	return j.intent.ID != ""
}

// creates are the paths of requests that make something, which is found again by
// the order that its metadata name.
var creates = map[string]bool{"/v1/payment_intents": true, "/v1/refunds": true, "/v1/setup_intents": true, "/v1/payouts": true, "/v1/customers": true}

// send sends a call until it is answered, and keeps the answer. Copies sent at
// once must get the same answer.
func (l *load) send(key, path string, form url.Values, copies int, stuck func()) answer {
	full := url.Values{"metadata[order]": {key}}
	for name, values := range form {
		full[name] = values
	}
	if !creates[path] {
		full.Del("metadata[order]")
	}
	answers, problems := make([]answer, copies), make([]error, copies)
	var group sync.WaitGroup
	for i := range copies {
		group.Go(func() { answers[i], problems[i] = l.client.do(l.ctx, &call{Key: key, Path: path, Form: full}, stuck) })
	}
	group.Wait()
	first := answers[0]
	for i, a := range answers {
		switch {
		case problems[i] != nil:
			l.t.Errorf("%v", problems[i])
			return a
		case a.Status != first.Status || a.Body != first.Body:
			l.t.Errorf("%s under %s got two answers: %d %s and %d %s", path, key, first.Status, first.Body, a.Status, a.Body)
		}
	}
	if first.Status >= http.StatusInternalServerError {
		l.t.Errorf("%s under %s: %d %s", path, key, first.Status, first.Body)
	}
	first.Replayed = false
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, &call{Key: key, Path: path, Form: full, Answer: first})
	return first
}

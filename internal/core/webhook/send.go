package webhook

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/probe"
)

// parcel is a delivery and what it delivers.
type parcel struct {
	delivery
	event   *event.Event
	pending int // endpoints that the event is to be delivered to
}

// lane sends what is due in a lane, one after another; first, if set, is known to be
// all that the lane has. It reports whether that was sent.
func (t *turn) lane(ctx context.Context, lane int64, first *parcel) (whole bool) {
	for ; ctx.Err() == nil && t.safe(); first = nil {
		more, err := t.next(ctx, lane, first)
		if err != nil {
			t.v.Log.Error("a webhook can't be sent", "scope", t.scope, "endpoint", Endpoints.ID(t.scope, t.endpoint), "lane", lane, "error", err)
			_ = t.v.DB.Clock().Sleep(ctx, poll)
			return false
		}
		if !more {
			return first != nil && ctx.Err() == nil
		}
	}
	return false
}

// next sends one event of a lane, if one may go now, and reports whether to look
// for another.
func (t *turn) next(ctx context.Context, lane int64, first *parcel) (bool, error) {
	select {
	case t.wire <- struct{}{}:
	case <-ctx.Done():
		return false, nil
	}
	answered := sync.OnceFunc(func() { <-t.wire })
	defer answered()
	o := t.as.Load()
	if o == nil {
		return false, nil
	}
	open, c, p, err := t.choose(ctx, lane, first)
	if err != nil {
		return false, err
	}
	if c.pick < 0 {
		return false, t.putOff(ctx, c)
	}
	if p.event == nil {
		return true, t.record(ctx, p.delivery, outcome{problem: "The event has expired.", final: true})
	}
	if same, err := t.still(ctx, open[:c.pick+1]); !same || err != nil {
		return err == nil, err
	}
	got, err := t.send(ctx, o, p, c.skipped)
	if err != nil {
		return false, err
	}
	answered()
	// Where there was nothing else, what has come meanwhile is found by the next look.
	return len(open) > 1, t.record(ctx, p.delivery, got)
}

// choose decides what to do next in a lane, and reads what is to be sent.
func (t *turn) choose(ctx context.Context, lane int64, first *parcel) (open []delivery, c choice, p *parcel, err error) {
	if first != nil {
		return []delivery{first.delivery}, choice{}, first, nil
	}
	if open, err = t.v.openIn(ctx, t.scope, t.endpoint, lane); err != nil {
		return nil, c, nil, err
	}
	if c = choose(open, t.v.DB.Clock().Now()); c.pick < 0 {
		return open, c, nil, nil
	}
	p = &parcel{delivery: open[c.pick]}
	e, ok, err := event.Read(ctx, t.v.DB, t.scope, p.Event)
	if !ok || err != nil {
		return open, c, p, err
	}
	p.event = e
	p.pending, err = t.v.PendingOfSpread(ctx, e)
	return open, c, p, err
}

// putOff has deliveries that must wait for an earlier one come up when they need
// not wait any more.
func (t *turn) putOff(ctx context.Context, c choice) error {
	if len(c.blocked) == 0 {
		return nil
	}
	step := db.Step{Name: "webhook.put-off", Scope: t.scope.Key()}
	for _, d := range c.blocked {
		step.Needs = append(step.Needs, deliveries.Need(deliveryKey(t.scope, d.Event, t.endpoint)))
	}
	step.Do = func(tx *db.Tx) error {
		for _, d := range c.blocked {
			at := deliveryKey(t.scope, d.Event, t.endpoint)
			r, ok, err := deliveries.Get(tx, at)
			if err != nil {
				return err
			}
			if ok && r.State == Pending && r.Due.Equal(d.Due) {
				r.Due = c.until
				deliveries.Update(tx, at, r)
			}
		}
		return nil
	}
	return t.v.DB.Run(ctx, step)
}

// outcome is how a request ended.
type outcome struct {
	at      time.Time
	took    time.Duration
	status  int
	reply   []byte
	problem string // empty: it was acknowledged
	final   bool   // not to be tried again
}

const (
	// userAgent is what Stripe's documentation names, so that what lets it in does.
	userAgent = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
	// maxReply is how many bytes of an answer are kept.
	maxReply = 512
	// maxProblem is how many bytes of an error are.
	maxProblem = 500
)

// send makes one request. An error means that none was made.
func (t *turn) send(ctx context.Context, o *object.Object[Endpoint], p *parcel, skipped []int64) (outcome, error) {
	e := p.event
	body, err := t.v.Renderer.RenderEvent(ctx, e, o.Body.Version, p.pending)
	if err != nil {
		// It stays an event that was not delivered, and must not hold up others.
		t.v.Log.Error("an event can't be rendered", "event", event.Prefix.Format(e.Scope, e.Key), "error", err)
		return outcome{at: t.v.DB.Clock().Now(), problem: "The event could not be rendered."}, nil
	}
	at := t.v.DB.Clock().Now()
	secrets, err := t.v.Secrets(o, at)
	if err != nil {
		return outcome{}, err
	}
	header := [][2]string{
		{"Content-Type", "application/json; charset=utf-8"}, {"User-Agent", userAgent}, {"Accept", "*/*"}, {"Cache-Control", "no-cache"},
		{"Stripe-Signature", Signature(secrets, at, body)}, {"Florin-Sequence", strconv.FormatInt(e.Seq, 10)},
	}
	if len(skipped) > 0 && !probe.Mutant("webhook.skip-unsaid") {
		header = append(header, [2]string{"Florin-Skipped", numbers(skipped)})
	}
	if !t.safe() {
		return outcome{}, errors.New("the lease is about to end")
	}
	probe.Point("webhook.before-send")
	got := t.v.post(ctx, Request{URL: o.Body.URL, Header: header, Body: body, Public: o.Scope.Livemode})
	probe.Point("webhook.after-send")
	return got, nil
}

// numbers is "3,4,7".
func numbers(list []int64) string {
	var out strings.Builder
	for i, n := range list {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(strconv.FormatInt(n, 10))
	}
	return out.String()
}

// post sends a request and waits for the answer for [Timeout] at most. A request
// that is under way is not given up because the process is to end.
func (v *Service) post(ctx context.Context, r Request) outcome {
	clock := v.DB.Clock()
	began := clock.Now()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	watching := make(chan bool, 1)
	go func() {
		late := clock.Sleep(ctx, Timeout) == nil
		cancel()
		watching <- late
	}()
	answer, err := v.Sender.Send(ctx, r)
	cancel()
	late := <-watching
	got := outcome{at: began, took: clock.Now().Sub(began), status: answer.Status, reply: clip(answer.Body, maxReply)}
	switch {
	case (late || got.took > Timeout) && !probe.Mutant("webhook.late-answer-counts"):
		got.problem = fmt.Sprintf("No answer within %d seconds.", int(Timeout/time.Second))
	case err != nil:
		got.problem = readable(err.Error())
	case answer.Status < 200 || answer.Status > 299:
		got.problem = fmt.Sprintf("The answer has status %d.", answer.Status)
	}
	return got
}

func clip(b []byte, n int) []byte { return b[:min(len(b), n)] }

// readable makes a text that any database takes of an error's.
func readable(problem string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(problem[:min(len(problem), maxProblem)], "\uFFFD"), "\x00", "\uFFFD")
}

// record writes down how a request ended, with what follows from it. What was
// acknowledged is recorded even if the lease is lost by now; a failure only if
// nobody else has tried since.
func (t *turn) record(ctx context.Context, d delivery, got outcome) error {
	ctx = context.WithoutCancel(ctx)
	at := deliveryKey(t.scope, d.Event, t.endpoint)
	step := db.Step{Name: "webhook.record", Scope: t.scope.Key(), Patient: true, Needs: []db.Need{deliveries.Need(at)}}
	failing := t.failing.Load()
	turned := (failing != 0) == (got.problem == "")
	overdue := got.problem != "" && failing != 0 && t.v.DB.Clock().Now().Sub(time.UnixMicro(failing)) >= DisableAfter
	if turned || overdue {
		step.Needs = append(step.Needs, queues.Need(t.at()), Endpoints.Need(t.scope, t.endpoint))
	}
	step.Do = func(tx *db.Tx) error {
		r, ok, err := deliveries.Get(tx, at)
		if err != nil || !ok {
			return err
		}
		now := r.delivery(d.Event)
		switch {
		case got.problem == "", probe.Mutant("webhook.parked-is-sent"):
			now.State, now.Due, now.Tries = Delivered, time.Time{}, now.Tries+1
		case now.State != Pending || now.Tries != d.Tries:
		case got.final:
			now.State, now.Due = Failed, time.Time{}
		default:
			now = now.after(tx.Now())
		}
		r.take(now)
		deliveries.Update(tx, at, r)
		attempts.Insert(tx, db.Key{Scope: t.scope.Key(), ID: d.Event, Sub: tx.NewKey()}, attemptRow{Endpoint: t.endpoint, At: got.at, Took: got.took,
			Status: int64(got.status), Due: now.Due, Problem: got.problem, Reply: got.reply})
		if !turned && !overdue {
			return nil
		}
		return t.standing(tx, got, overdue)
	}
	if err := t.v.DB.Run(ctx, step); err != nil {
		return err
	}
	probe.Point("webhook.recorded")
	if turned && got.problem != "" {
		t.failing.CompareAndSwap(0, got.at.UnixMicro())
	} else if turned {
		t.failing.Store(0)
	}
	return nil
}

// standing notes since when an endpoint fails, or that it does not any more, and
// disables it when that has been too long.
func (t *turn) standing(tx *db.Tx, got outcome, overdue bool) error {
	q, ok, err := queues.Get(tx, t.at())
	if err != nil || !ok {
		return err
	}
	switch {
	case got.problem == "":
		q.Failing = time.Time{}
	case q.Failing.IsZero():
		q.Failing = tx.Now()
	}
	queues.Update(tx, t.at(), q)
	if !overdue || q.Failing.IsZero() || tx.Now().Sub(q.Failing) < DisableAfter {
		return nil
	}
	o, ok, err := Endpoints.Get(tx, t.scope, t.endpoint)
	if err != nil || !ok || !o.Body.Enabled() {
		return err
	}
	o.Body.Disabled, o.Body.Fresh = true, false
	o.Body.Reason = fmt.Sprintf("Every request has failed since %s.", q.Failing.Format(time.RFC3339))
	if err := Endpoints.Update(tx, o); err != nil {
		return err
	}
	err = event.Append(tx, event.Event{Scope: t.scope, Key: tx.NewKey(), Lane: t.endpoint, Type: DisabledEvent, Kind: Endpoints.Name, Object: o.Ref()})
	if err != nil {
		return err
	}
	return job.Enqueue(tx, t.scope, tx.NewKey(), NoticeJob, tx.Now(), Notice{Account: t.scope.Account, Livemode: t.scope.Livemode, ID: Endpoints.ID(t.scope, t.endpoint), Failing: q.Failing})
}

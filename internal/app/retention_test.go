package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
)

// fading are the tables whose rows go, and lasting some of those whose rows stay.
var (
	fading = map[string]*db.Query[int64]{
		"idempotency":      count("idempotency", "SELECT count(*) FROM idempotency"),
		"event":            count("event", "SELECT count(*) FROM event"),
		"webhook_delivery": count("webhook_delivery", "SELECT count(*) FROM webhook_delivery"),
		"webhook_attempt":  count("webhook_attempt", "SELECT count(*) FROM webhook_attempt"),
		// Charges name versions of the methods that they were paid with: those stay.
		"object_version": count("object_version", "SELECT count(*) FROM object_version v WHERE NOT EXISTS (SELECT 1 FROM payment_method m WHERE m.scope = v.scope AND m.key = v.object)"),
	}
	lasting = map[string]*db.Query[int64]{
		"payment_intent":      count("payment_intent", "SELECT count(*) FROM payment_intent"),
		"charge":              count("charge", "SELECT count(*) FROM charge"),
		"attempt":             count("attempt", "SELECT count(*) FROM attempt"),
		"balance_transaction": count("balance_transaction", "SELECT count(*) FROM balance_transaction"),
	}
	toSend = count("to send", "SELECT count(*) FROM webhook_delivery WHERE state = 1")
	fresh  = count("fresh", "SELECT count(*) FROM event_lane WHERE due > 0")
)

func rowsOf(t *testing.T, d *db.DB, queries map[string]*db.Query[int64]) map[string]int64 {
	t.Helper()
	rows := map[string]int64{}
	for table, q := range queries {
		n, err := q.All(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		rows[table] = n[0]
	}
	return rows
}

// keeper is a merchant's server: it asks Florin, and is told by webhooks.
type keeper struct {
	t   *testing.T
	db  string // address
	app *App
	now *clock.Fixed
}

type answered struct {
	status int
	text   string
	header http.Header
	body   map[string]any
}

func (r answered) str(names ...string) string {
	at := any(r.body)
	for _, n := range names {
		m, _ := at.(map[string]any)
		at = m[n]
	}
	return fmt.Sprint(at)
}

func (s *keeper) ask(method, path, form, key string) (r answered) {
	s.t.Helper()
	in := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(form))
	in.SetBasicAuth(s.app.Created.SecretKey, "")
	in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		in.Header.Set("Idempotency-Key", key)
	}
	out := httptest.NewRecorder()
	s.app.Handler().ServeHTTP(out, in)
	r = answered{out.Code, out.Body.String(), out.Header(), nil}
	if err := json.Unmarshal(out.Body.Bytes(), &r.body); err != nil {
		s.t.Fatalf("%s %s: %d %v %s", method, path, out.Code, err, out.Body)
	}
	return r
}

// done is an answer with status 200.
func (s *keeper) done(method, path, form, key string) answered {
	s.t.Helper()
	r := s.ask(method, path, form, key)
	if r.status != 200 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.status, r.text)
	}
	return r
}

func (s *keeper) pay(key string) answered {
	s.t.Helper()
	return s.done("POST", "/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&return_url=https://shop.example", key)
}

// told waits until all webhooks are sent.
func (s *keeper) told() {
	s.t.Helper()
	for range 5000 {
		rows := rowsOf(s.t, s.app.DB, map[string]*db.Query[int64]{"to send": toSend, "fresh": fresh})
		if rows["to send"]+rows["fresh"] == 0 {
			return
		}
		s.now.Advance(50 * time.Millisecond)
		time.Sleep(time.Millisecond)
	}
	s.t.Fatal("webhooks are not sent")
}

func openKeeper(t *testing.T) *keeper {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(receiver.Close)
	at, err := url.Parse(receiver.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &keeper{t: t, now: clock.At(time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC))}
	c := config(t, dbtest.Address(t))
	s.db, c.Clock, c.Provider = c.DB, s.now, generous()
	c.Provider.Refund = func(context.Context, provider.RefundRequest) provider.Outcome {
		return provider.Outcome{Status: provider.Approved}
	}
	c.WebhookDial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at.Host)
	}
	s.app = start(t, c)
	serving := s.app.Webhooks.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		_ = serving.Stop(ctx)
	})
	s.done("POST", "/v1/webhook_endpoints", "url=http://shop.example/&enabled_events[]=*", "")
	return s
}

// tidy deletes what is no longer kept, without rests.
func (s *keeper) tidy() {
	s.t.Helper()
	more, err := s.app.retention.sweep(s.t.Context(), hasty)
	if err != nil || more {
		s.t.Fatal(more, err)
	}
}

func hasty(string) db.Pace { return func(context.Context, int) error { return nil } }

// In a year of payments the tables of what is kept for a time stop growing after
// its time, nothing that money stands on goes, and the books agree.
func TestGrowthOfAYear(t *testing.T) {
	s := openKeeper(t)
	const weeks, each = 52, 4
	customer := s.done("POST", "/v1/customers", "name=Ada", "").str("id")
	var payments []answered
	var most, top map[string]int64 // in the ninth week, when the first ones are over their time, and ever after
	for week := range weeks {
		for i := range each {
			payments = append(payments, s.pay(fmt.Sprintf("pay %d %d", week, i)))
		}
		s.done("POST", "/v1/customers/"+customer, fmt.Sprintf("name=Ada %d", week), "")
		if week >= 8 { // money goes back that came two months ago, in a lane whose events are gone
			s.done("POST", "/v1/refunds", "payment_intent="+payments[(week-8)*each].str("id")+"&amount=500", "")
		}
		s.told()
		s.tidy()
		rows := rowsOf(t, s.app.DB, fading)
		switch {
		case week == 12:
			most, top = rows, maps.Clone(rows)
		case week > 12:
			for table, n := range rows {
				top[table] = max(top[table], n)
			}
		}
		s.now.Advance(7 * 24 * time.Hour)
	}
	for table, n := range most {
		if n == 0 || float64(top[table]) > 1.25*float64(n) {
			t.Errorf("%s had %d rows after 3 months and %d at most in a year", table, n, top[table])
		}
	}
	for table, n := range rowsOf(t, s.app.DB, lasting) {
		if n < weeks*each {
			t.Errorf("%s has %d rows of %d payments", table, n, weeks*each)
		}
	}
	t.Logf("rows after 3 months %v, at most %v, at the end %v; removed %v", most, top, rowsOf(t, s.app.DB, fading), s.app.retention.Removed())
	s.verified()
	// Everything that is there can be shown, the first payment as the last one.
	first := payments[0].str("id")
	if r := s.done("GET", "/v1/payment_intents/"+first+"?expand[]=latest_charge.refunds&expand[]=latest_charge.balance_transaction&expand[]=payment_method", "", ""); r.str("latest_charge", "amount_refunded") != "500" {
		t.Errorf("the first payment: %s", r.text)
	}
	for _, noun := range []string{"payment_intents", "charges", "refunds", "events", "balance_transactions"} {
		s.walk(noun)
	}
	events := s.done("GET", "/v1/events?limit=100", "", "").body["data"].([]any)
	for _, e := range events {
		at := time.Unix(int64(e.(map[string]any)["created"].(float64)), 0)
		if age := s.now.Now().Sub(at); age > event.Retention+8*24*time.Hour {
			t.Errorf("an event is %v old", age)
		}
	}
}

// verified runs all checks of florin verify.
func (s *keeper) verified() {
	s.t.Helper()
	if err := verify(s.t.Context(), s.app.DB, func(f ledger.Finding) { s.t.Errorf("verify: %+v", f) }); err != nil {
		s.t.Fatal(err)
	}
}

// walk goes through a list to its end.
func (s *keeper) walk(noun string) (n int) {
	s.t.Helper()
	path := "/v1/" + noun + "?limit=100"
	for more := "true"; more == "true"; {
		page := s.done("GET", path, "", "")
		data := page.body["data"].([]any)
		if len(data) == 0 {
			s.t.Fatalf("%s: an empty page", path)
		}
		n += len(data)
		path = "/v1/" + noun + "?limit=100&starting_after=" + data[len(data)-1].(map[string]any)["id"].(string)
		more = page.str("has_more")
	}
	return n
}

// What the API promises of keys and events holds until their time is over, and
// ends then as at Stripe: the key can be used anew, and the event is missing.
func TestWhatExpiresInTheAPI(t *testing.T) {
	s := openKeeper(t)
	customer := s.done("POST", "/v1/customers", "name=Ada", "made").str("id")
	const paid = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&return_url=https://shop.example&expand[]=latest_charge"
	first := s.done("POST", "/v1/payment_intents", paid, "key")
	id := first.str("id")
	s.now.Advance(time.Second)
	s.done("POST", "/v1/customers/"+customer, "name=Bea", "")
	s.done("POST", "/v1/refunds", "payment_intent="+id, "") // versions after the ones that the reply shows
	s.told()
	event := func(typ string) answered {
		t.Helper()
		list := s.done("GET", "/v1/events?type="+typ, "", "").body["data"].([]any)
		if len(list) == 0 {
			t.Fatalf("there is no %s", typ)
		}
		return answered{body: list[0].(map[string]any)}
	}
	updated, succeeded := event("customer.updated"), event("payment_intent.succeeded")
	before := map[string]string{}
	for _, e := range []answered{updated, succeeded} {
		before[e.str("id")] = s.done("GET", "/v1/events/"+e.str("id"), "", "").text
	}

	s.now.Advance(event30 - time.Minute)
	s.tidy()
	for e, text := range before {
		if r := s.done("GET", "/v1/events/"+e, "", ""); r.text != text {
			t.Errorf("the event is shown as %s, and was %s", r.text, text)
		}
	}
	if updated.str("data", "previous_attributes", "name") != "Ada" {
		t.Errorf("%v", updated.body)
	}
	if again := s.done("POST", "/v1/payment_intents", paid, "key"); again.text != first.text || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repetition is answered %s, not %s", again.text, first.text)
	}
	if r := s.ask("POST", "/v1/payment_intents", paid+"&description=other", "key"); r.status != 400 || r.str("error", "type") != "idempotency_error" {
		t.Errorf("other parameters: %d %s", r.status, r.text)
	}

	s.now.Advance(2 * time.Minute)
	s.tidy()
	last := ""
	for e := range before {
		r := s.ask("GET", "/v1/events/"+e, "", "")
		if diff := cmp.Diff([]string{"404", "resource_missing", "id", "No such event: '" + e + "'"},
			[]string{fmt.Sprint(r.status), r.str("error", "code"), r.str("error", "param"), r.str("error", "message")}); diff != "" {
			t.Error(diff)
		}
		last = e
	}
	// Whoever saw it last as they went through the list goes on.
	if r := s.done("GET", "/v1/events?starting_after="+last, "", ""); len(r.body["data"].([]any)) != 0 {
		t.Errorf("%s", r.text)
	}
	other := s.done("POST", "/v1/payment_intents", paid+"&description=other", "key")
	if other.str("id") == id || other.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("a key that is gone is not new: %s", other.text)
	}
	if r := s.done("GET", "/v1/payment_intents/"+id+"?expand[]=latest_charge", "", ""); r.str("latest_charge", "refunded") != "true" || r.str("status") != "succeeded" {
		t.Errorf("the payment: %s", r.text)
	}
	// With what named them gone, no version is left but those of what just happened.
	rows := rowsOf(t, s.app.DB, fading)
	s.now.Advance(2 * time.Hour)
	s.told()
	s.tidy()
	if left := rowsOf(t, s.app.DB, fading); left["object_version"] >= rows["object_version"] || left["event"] == 0 {
		t.Errorf("versions are not deleted: %v, then %v", rows, left)
	}
	s.verified()
}

const event30 = event.Retention

// Two nodes sweep at once: what is over goes once, and nothing else.
func TestSweepsOfTwoNodes(t *testing.T) {
	s := openKeeper(t)
	for i := range 60 {
		s.pay(fmt.Sprint("old ", i))
	}
	s.told()
	all := rowsOf(t, s.app.DB, fading)
	s.now.Advance(event.Retention + 2*time.Hour)
	for i := range 3 {
		s.pay(fmt.Sprint("young ", i))
	}
	s.told()
	young := rowsOf(t, s.app.DB, fading)
	for table := range young {
		young[table] -= all[table]
	}
	other := dbtest.OpenAt(t, s.db, db.Options{Clock: s.now})
	nodes := []*retention{s.app.retention, newRetention(other, s.app.News, Config{})}
	var group sync.WaitGroup
	for _, n := range nodes {
		group.Go(func() {
			// A batch of which the other has deleted a row is refused whole, and its
			// job is tried again.
			more, err := n.sweep(t.Context(), hasty)
			for range 50 {
				if err == nil {
					break
				}
				more, err = n.sweep(t.Context(), hasty)
			}
			if more || err != nil {
				t.Error(more, err)
			}
		})
	}
	group.Wait()
	s.tidy() // what one left for the other
	if diff := cmp.Diff(young, rowsOf(t, s.app.DB, fading)); diff != "" {
		t.Error(diff)
	}
	removed := nodes[0].Removed()
	for kind, n := range nodes[1].Removed() {
		removed[kind] += n
	}
	want := map[string]int64{"idempotency_keys": all["idempotency"], "events": all["event"], "webhook_deliveries": all["webhook_delivery"] + all["webhook_attempt"],
		"object_versions": all["object_version"], "provider_messages": 0}
	if diff := cmp.Diff(want, removed); diff != "" {
		t.Errorf("rows that were counted: %s", diff)
	}
	s.verified()
}

// The job is there only while something is too old, once however many nodes look,
// and comes again when its turn was too short.
func TestRetentionIsAJob(t *testing.T) {
	s := openKeeper(t)
	r := s.app.retention
	planned := func() (kinds []string) {
		t.Helper()
		next, err := job.ListNext(t.Context(), s.app.DB, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range next {
			if j.Kind == retentionJob {
				kinds = append(kinds, j.ID())
			}
		}
		return kinds
	}
	look := func(want int) {
		t.Helper()
		if err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := planned(); len(got) != want {
			t.Errorf("planned: %v, want %d", got, want)
		}
	}
	look(0)
	for i := range 3 {
		s.pay(fmt.Sprint(i))
	}
	s.told()
	look(0)
	made := s.now.Now()
	s.now.Advance(idem.Retention - time.Minute)
	look(0)
	for kind, at := range r.Oldest() {
		if kind == "provider_messages" {
			if !at.IsZero() {
				t.Errorf("there are none of %s, and one of %v", kind, at)
			}
		} else if made.Sub(at) > time.Minute || made.Before(at) {
			t.Errorf("the oldest of %s is said to be of %v", kind, at)
		}
	}
	if got := slices.Sorted(maps.Keys(r.Oldest())); !slices.Equal(got, []string{"events", "idempotency_keys", "provider_messages", "webhook_deliveries"}) {
		t.Errorf("ages are known of %v", got)
	}
	s.now.Advance(2 * time.Minute)
	look(1)
	look(1)
	s.app.Jobs.Start()
	t.Cleanup(func() {
		r.stop()
		_ = s.app.Jobs.Stop(context.WithoutCancel(t.Context()))
	})
	for range 5000 {
		if len(planned()) == 0 {
			break
		}
		s.now.Advance(5 * time.Millisecond)
		time.Sleep(time.Millisecond)
	}
	if rows := rowsOf(t, s.app.DB, fading); rows["event"]+rows["idempotency"]+rows["webhook_delivery"]+rows["webhook_attempt"] != 0 || len(planned()) != 0 {
		t.Errorf("left: %v, planned %v", rows, planned())
	}
}

// A batch is followed by a rest in proportion to it. A turn that is over, and a
// process that ends, interrupt a sweep.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &retention{clock: clock.System{}}
		r.end, r.stop = context.WithCancel(t.Context())
		for _, c := range []struct{ took, rest time.Duration }{
			{0, minRest}, {2 * time.Millisecond, 8 * time.Millisecond}, {100 * time.Millisecond, 400 * time.Millisecond}, {20 * time.Second, maxRest},
		} {
			pace := r.pace("")
			for range 2 {
				time.Sleep(c.took)
				began := time.Now()
				if err := pace(t.Context(), 1); err != nil || time.Since(began) != c.rest {
					t.Errorf("after a batch that took %v, payments had %v, want %v: %v", c.took, time.Since(began), c.rest, err)
				}
			}
		}
		pace := r.pace("")
		time.Sleep(turn + time.Second)
		if err := pace(t.Context(), 1); !errors.Is(err, errTurn) {
			t.Error(err)
		}
		pace = r.pace("")
		time.Sleep(time.Second)
		began := time.Now()
		time.AfterFunc(time.Second, r.stop)
		if err := pace(t.Context(), 1); !errors.Is(err, errEnding) || time.Since(began) != time.Second {
			t.Error(err, time.Since(began))
		}
	})
}

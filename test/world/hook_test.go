package world

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/test/leak"
)

// recordsHook is the step that writes down how a webhook ended.
const recordsHook = "webhook.record"

// mail is all that the merchants' servers have got.
type mail struct {
	w         *world
	receivers []*receiver

	mu     sync.Mutex
	moment int // counts what happens, for the order of it
	got    []*receipt
	// sure are the deliveries that are recorded as acknowledged, since when.
	sure map[delivered]int
}

// delivered is an event at a receiver, by their row keys.
type delivered struct{ event, endpoint int64 }

// receiver is a merchant's server for webhooks.
type receiver struct {
	name, secret string
	scope        id.Scope
	key          int64
	wants        []string // types of events
	since        time.Time
}

// receipt is one request that a receiver got.
type receipt struct {
	delivered
	id      string
	moment  int
	node    string
	seq     int64
	skipped []int64
	took    bool // the receiver has taken it, whether or not anybody hears so
	acked   bool // and its 2xx went out in time
	noted   bool // its node has written down how it ended
}

// someTypes are what the second receiver wants.
var someTypes = []string{"payment_intent.succeeded", "payment_intent.canceled", "charge.refunded", "charge.dispute.created", "charge.dispute.closed", "payout.paid", "payout.failed"}

// listen makes the endpoints.
func (m *mail) listen() {
	m.sure = map[delivered]int{}
	for i, types := range [][]string{{"*"}, someTypes}[:m.w.made.receivers] {
		r := &receiver{name: fmt.Sprintf("e%d", i), wants: types, since: time.Now()}
		got := m.w.must("hook-"+r.name, "/v1/webhook_endpoints", url.Values{"url": {"http://" + r.name + ".invalid/" + r.name}, "enabled_events[]": types})
		r.secret = str(got.body["secret"])
		key, shard, ok := webhook.Endpoints.Prefix.ParseShard(got.id())
		accounts, err := merchant.OfShard(context.Background(), m.w.db, shard)
		if !ok || err != nil || len(accounts) != 1 {
			m.w.fail("endpoint %s: %v", got.id(), err)
		}
		r.key, r.scope = key, id.Scope{Account: accounts[0]}
		m.receivers = append(m.receivers, r)
	}
}

// most is how often a receiver does not take the same event from a node.
const most = 3

// receive is a receiver as a node reaches it.
func (n *node) receive(rw http.ResponseWriter, r *http.Request) {
	w := n.w
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	at := slices.IndexFunc(w.mail.receivers, func(e *receiver) bool { return "/"+e.name == r.URL.Path })
	if at < 0 {
		w.fail("a webhook goes to %s", r.URL)
		return
	}
	e := w.mail.receivers[at]
	got, times := w.mail.arrive(n, e, r.Header, body)
	p := &parked{name: fmt.Sprintf("%-5s to %s %s #%d", n.name, e.name, got.id, times), place: atHook, what: "webhook", node: n}
	if times > most {
		p.place = atClient
	}
	v := w.turns.park(p)
	switch v.fault {
	case hookRefuses:
		rw.WriteHeader(http.StatusInternalServerError)
		return
	case hookHangs:
		<-r.Context().Done()
		return
	case hookLate:
		time.Sleep(webhook.Timeout + v.delay)
	case hookSlow:
		time.Sleep(v.delay / 8)
	}
	w.mail.mu.Lock()
	got.took, got.acked = true, v.fault != hookLate && v.fault != hookLost
	w.mail.mu.Unlock()
	if v.fault == hookLost {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(rw, "thank you")
}

// arrive notes a request, and how often its event has come there from the same
// node by now.
func (m *mail) arrive(n *node, e *receiver, header http.Header, body []byte) (*receipt, int) {
	for _, h := range leak.Bytes("a webhook", body) {
		m.w.fail("card data: %s", h)
	}
	var told struct{ ID string }
	err := json.Unmarshal(body, &told)
	key, ok := event.Prefix.Parse(told.ID)
	seq, err2 := strconv.ParseInt(header.Get("Florin-Sequence"), 10, 64)
	if err != nil || err2 != nil || !ok || !e.signed(header.Get("Stripe-Signature"), body) {
		m.w.fail("%s: a webhook that is none: %v %s", e.name, header, body)
	}
	got := &receipt{delivered: delivered{key, e.key}, id: told.ID, node: n.name, seq: seq}
	for text := range strings.SplitSeq(header.Get("Florin-Skipped"), ",") {
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			got.skipped = append(got.skipped, number)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moment++
	got.moment = m.moment
	m.got = append(m.got, got)
	times := 0
	for _, other := range m.got {
		if other.delivered == got.delivered && other.node == got.node {
			times++
		}
	}
	return got, times
}

// signed checks a signature as a merchant does.
func (e *receiver) signed(header string, body []byte) bool {
	stamp, sum, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(e.secret))
	_, _ = mac.Write([]byte(stamp + "."))
	_, _ = mac.Write(body)
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(sum))
}

// recorded notes that a node has written down how a request ended, which is by
// the row's name in the history. Where it had several of an event under way, the
// row says whether it was the one that was acknowledged.
func (m *mail) recorded(node, row string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moment++
	var of []*receipt
	for _, g := range m.got {
		if !g.noted && g.node == node && fmt.Sprintf("webhook_delivery/%d/%d", g.event, g.endpoint) == row {
			of = append(of, g)
		}
	}
	if len(of) == 0 {
		return
	}
	last := of[len(of)-1]
	acked := last.acked
	if len(of) > 1 {
		acked = m.stands(last.delivered)
	} else {
		last.noted = true
	}
	if acked && m.sure[last.delivered] == 0 {
		m.sure[last.delivered] = m.moment
	}
}

// stands reports whether a delivery stands as acknowledged.
func (m *mail) stands(d delivered) bool {
	at := slices.IndexFunc(m.receivers, func(e *receiver) bool { return e.key == d.endpoint })
	list, err := (&webhook.Service{DB: m.w.db}).OfEvent(context.Background(), m.receivers[at].scope, d.event)
	if err != nil {
		m.w.fail("deliveries: %v", err)
	}
	return slices.ContainsFunc(list, func(o webhook.Delivery) bool { return o.Endpoint == d.endpoint && o.State == webhook.Delivered })
}

// wanted are the events that a receiver is to be told of, oldest first.
func (m *mail) wanted(e *receiver) (list []*event.Event) {
	all, _, err := event.List(context.Background(), m.w.db, e.scope, object.Range{Limit: 100_000, Oldest: true})
	if err != nil {
		m.w.fail("events: %v", err)
	}
	for _, v := range all {
		if v.At.After(e.since) && (e.wants[0] == "*" || slices.Contains(e.wants, v.Type)) {
			list = append(list, v)
		}
	}
	return list
}

// quiet reports whether every receiver is known to have all that it wants.
func (m *mail) quiet() bool {
	for _, e := range m.receivers {
		for _, v := range m.wanted(e) {
			m.mu.Lock()
			sure := m.sure[delivered{v.Key, e.key}]
			m.mu.Unlock()
			if sure == 0 {
				return false
			}
		}
	}
	return true
}

// check holds that every receiver has every event, in the order of its lane or
// with a word about what is missing, and none again after its acknowledgement
// was recorded. Where clocks differ by more than they may, two nodes may serve
// a receiver at once, and order is not promised.
func (m *mail) check() {
	m.mu.Lock()
	got := slices.Clone(m.got)
	m.mu.Unlock()
	for _, e := range m.receivers {
		lanes, lane := map[int64][]int64{}, map[int64]int64{}
		of := map[int64]int64{} // by number within the lane, then the event
		for _, v := range m.wanted(e) {
			lanes[v.Lane] = append(lanes[v.Lane], v.Seq)
			lane[v.Key], of[v.Lane<<20|v.Seq] = v.Lane, v.Key
			if m.sure[delivered{v.Key, e.key}] == 0 {
				m.w.fail("%s never acknowledged %s (%s)", e.name, event.Prefix.Format(v.Scope, v.Key), v.Type)
			}
		}
		taken := map[int64]bool{}
		for _, g := range got {
			if g.endpoint != e.key {
				continue
			}
			if !m.w.skewed {
				m.inOrder(e, g, lanes[lane[g.event]], func(seq int64) int64 { return of[lane[g.event]<<20|seq] }, taken)
			}
			taken[g.event] = taken[g.event] || g.took
		}
	}
}

// inOrder checks one request against those before.
func (m *mail) inOrder(e *receiver, g *receipt, numbers []int64, event func(int64) int64, taken map[int64]bool) {
	if since := m.sure[g.delivered]; since != 0 && g.moment > since {
		m.w.fail("%s got %s again by %s, after its acknowledgement was recorded", e.name, g.id, g.node)
	}
	for _, n := range numbers {
		if n < g.seq && !taken[event(n)] && !slices.Contains(g.skipped, n) {
			m.w.fail("%s got %s, number %d, before number %d, which it says nothing of", e.name, g.id, g.seq, n)
		}
	}
	for _, n := range g.skipped {
		if since := m.sure[delivered{event(n), e.key}]; since != 0 && since < g.moment {
			m.w.fail("%s got %s past number %d, which is recorded as acknowledged", e.name, g.id, n)
		}
	}
}

package world

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/test/leak"
)

const secretKey = "sk_test_world0000000000000000"

// client is a merchant's server: it makes payments, and repeats a request under
// its key until it has an answer that counts.
type client struct {
	w      *world
	index  int
	name   string
	random *rand.Rand
	keys   int
	twins  int // at work beside it
}

func (w *world) newClient(i int) *client {
	return &client{w: w, index: i, name: fmt.Sprintf("c%d", i+1)}
}

// twin is another process of the same merchant, at work beside c. Where one is
// already, the next has another name.
func (c *client) twin() *client {
	return &client{w: c.w, name: c.name + strings.Repeat("t", c.twins), random: rand.New(rand.NewPCG(c.random.Uint64(), 7)), keys: 10_000 * (c.keys + 1)}
}

func (c *client) chance(percent int) bool { return c.random.IntN(100) < percent }

// answer is what a request was answered.
type answer struct {
	key, what, path string
	form            url.Values
	status          int // 0: none that counts; the client gave up
	text            string
	body            map[string]any
}

func (a answer) id() string { return str(a.body["id"]) }

func str(v any) string { s, _ := v.(string); return s }

// How many clients there are, and how much each does.
const (
	clients = 3
	errands = 3
)

// run does some errands. What one is like does not depend on the others.
func (c *client) run() {
	for i := range errands {
		c.random = rand.New(rand.NewPCG(c.w.seed, uint64(100+10*c.index+i)))
		c.keys = 100 * i
		if !c.w.without.errand(c.index, i) {
			c.scene()(c)
		}
		time.Sleep(time.Duration(c.random.IntN(3000)) * time.Millisecond)
	}
}

// card makes one payment, and whatever may follow.
func (c *client) card() {
	amount := 500 + c.random.IntN(20_000)
	form := url.Values{"amount": {strconv.Itoa(amount)}, "currency": {[]string{"usd", "eur", "jpy"}[c.random.IntN(3)]}, "capture_method": {"automatic"}}
	if c.chance(55) {
		form.Set("capture_method", "manual")
	}
	now := c.chance(50)
	if now {
		form.Set("confirm", "true")
		c.method(form)
	}
	made := c.post("create", "/v1/payment_intents", form)
	if c.chance(10) {
		c.abuse(made)
	}
	intent := made.id()
	if made.status == http.StatusPaymentRequired {
		intent = declinedIntent(made.body)
	}
	if intent == "" {
		return
	}
	path := "/v1/payment_intents/" + intent
	if !now {
		c.confirm(path)
	}
	body := c.settled(path)
	if body["status"] == "requires_payment_method" && (c.w.made.hasty || c.chance(70)) {
		c.confirm(path)
		body = c.settled(path)
	}
	switch str(body["status"]) {
	case "requires_capture":
		c.finish(path, amount)
	case "succeeded":
		c.refund(intent, amount)
	}
}

// abuse sends another request under a key that was answered.
func (c *client) abuse(a answer) {
	if a.status != http.StatusOK {
		return // what was refused without a look at its key is refused again
	}
	a.form = maps.Clone(a.form)
	a.form.Set("description", "something else")
	if got := c.try(a); got.status != 0 && got.status != http.StatusConflict && got.status < 500 && !strings.HasPrefix(brief(got.body), keyMismatch) {
		c.w.fail("key %s was taken for another request: %d %s", a.key, got.status, got.text)
	}
}

// keyMismatch is the type of the error that such a request gets.
const keyMismatch = "idempotency_error"

func declinedIntent(body map[string]any) string {
	e, _ := body["error"].(map[string]any)
	i, _ := e["payment_intent"].(map[string]any)
	return str(i["id"])
}

// method chooses what is paid with.
func (c *client) method(form url.Values) {
	switch c.random.IntN(10) {
	case 0:
		form.Set("payment_method", "pm_card_chargeDeclined")
	case 1, 2, 3:
		typed := c.post("method", "/v1/payment_methods", url.Values{"type": {"card"}, "card[number]": {"4000056655665556"},
			"card[exp_month]": {"12"}, "card[exp_year]": {"2034"}, "card[cvc]": {"917"}})
		if typed.id() != "" {
			form.Set("payment_method", typed.id())
			return
		}
		fallthrough // the client has given up
	default:
		form.Set("payment_method", "pm_card_visa")
	}
}

// confirm confirms, at times twice at once, at times to cancel at once.
func (c *client) confirm(path string) {
	form := url.Values{}
	c.method(form)
	switch {
	case c.chance(20):
		c.beside(func(c *client) { c.post("confirm", path+"/confirm", form) }, func(c *client) { c.post("confirm", path+"/confirm", form) })
	case c.chance(10):
		c.beside(func(c *client) { c.post("confirm", path+"/confirm", form) }, func(c *client) { c.post("cancel", path+"/cancel", nil) })
	default:
		c.post("confirm", path+"/confirm", form)
	}
}

// finish captures, or cancels, or both at once.
func (c *client) finish(path string, amount int) {
	capture := func(c *client) {
		form := url.Values{}
		if c.chance(50) {
			form.Set("amount_to_capture", strconv.Itoa(1+c.random.IntN(amount)))
		}
		c.post("capture", path+"/capture", form)
	}
	cancel := func(c *client) { c.post("cancel", path+"/cancel", nil) }
	switch {
	case c.chance(15):
		c.beside(capture, cancel)
	case c.chance(15):
		c.beside(capture, capture)
	case c.chance(45):
		cancel(c)
	default:
		capture(c)
	}
	if body := c.settled(path); body["status"] == "succeeded" {
		received, _ := body["amount_received"].(float64)
		c.refund(str(body["id"]), int(received))
	}
}

// refund gives back a part, or two parts at once that are too much together.
func (c *client) refund(intent string, received int) {
	part := func(c *client) {
		c.post("refund", "/v1/refunds", url.Values{"payment_intent": {intent}, "amount": {strconv.Itoa(max(1, received*3/5))}})
	}
	switch {
	case c.chance(30):
		c.beside(part, part)
	case c.chance(70):
		part(c)
	}
}

// beside does two things at once, in two processes.
func (c *client) beside(one, other func(*client)) {
	var both sync.WaitGroup
	c.twins++
	twin := c.twin()
	both.Go(func() { other(twin) })
	one(c)
	both.Wait()
	c.twins--
}

// post sends a request, at times from two processes at once, until there is an
// answer that counts or the client gives up, and notes it.
func (c *client) post(what, path string, form url.Values) answer {
	c.keys++
	a := answer{key: fmt.Sprintf("%s-%d", c.name, c.keys), what: what, path: path, form: form}
	if !strings.HasSuffix(c.name, "t") && c.chance(15) {
		c.beside(func(c *client) { a = c.insist(a) }, func(c *client) { c.insist(a) })
		return a
	}
	return c.insist(a)
}

// patience is how long a client waits for one answer.
const patience = 25 * time.Second

func (c *client) insist(a answer) answer {
	gives := c.chance(4)
	for try := range 25 {
		got := c.try(a)
		if got.status != 0 && got.status != http.StatusConflict && got.status != http.StatusTooManyRequests && got.status < 500 {
			c.w.note(got)
			return got
		}
		if gives && try == 1 {
			break
		}
		time.Sleep(time.Duration(300+c.random.IntN(9000)) * time.Millisecond)
	}
	a.status = 0
	c.w.note(a)
	return a
}

// try sends a request once, to any node.
func (c *client) try(a answer) answer {
	node := c.random.IntN(len(c.w.nodes))
	broken := !c.w.calm && c.chance(3)
	c.w.turns.park(&parked{name: fmt.Sprintf("%-5s to n%d %s key=%s", c.name, node, a.what, a.key), place: atClient})
	got := c.w.send(http.MethodPost, node, c.name, a)
	mark := ""
	if broken && got.status != 0 {
		mark, got.status = " !! "+string(replyLost), 0
		c.w.hits.count(replyLost, a.what)
	}
	c.w.turns.park(&parked{name: fmt.Sprintf("%-5s got %s key=%s %d %s%s", c.name, a.what, a.key, got.status, brief(got.body), mark), place: atClient})
	return got
}

// settled asks until the intent is not in flight, for a while.
func (c *client) settled(path string) (body map[string]any) {
	for range 40 {
		got := c.w.send(http.MethodGet, c.random.IntN(len(c.w.nodes)), c.name, answer{path: path})
		if got.status == http.StatusOK {
			body = got.body
			if body["status"] != "processing" {
				break
			}
		}
		time.Sleep(time.Duration(1000+c.random.IntN(4000)) * time.Millisecond)
	}
	c.w.turns.park(&parked{name: fmt.Sprintf("%-5s sees %s", c.name, brief(body)), place: atClient})
	return body
}

// send gives status 0 when there was no answer.
func (w *world) send(method string, node int, actor string, a answer) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://n%d.invalid%s", node, a.path), strings.NewReader(a.form.Encode()))
	if err != nil {
		panic(err)
	}
	r.SetBasicAuth(secretKey, "")
	r.Header.Set(actorHeader, actor)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", a.key)
	}
	a.status, a.text, a.body = 0, "", nil
	reply, err := w.client.Do(r)
	if err != nil {
		return a
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	for _, h := range leak.Bytes("the reply to "+method+" "+a.path, text) {
		w.fail("card data: %s", h)
	}
	if err != nil || json.Unmarshal(text, &a.body) != nil {
		return a
	}
	a.status, a.text = reply.StatusCode, string(text)
	return a
}

// note keeps what a request came to.
func (w *world) note(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, ok := w.answers[a.key]
	if !ok || before.status == 0 {
		w.answers[a.key] = a
	} else if a.status != 0 && (a.status != before.status || a.text != before.text) {
		w.problem("key %s was answered %d and %d: %s and %s", a.key, before.status, a.status, before.text, a.text)
	}
}

func brief(body map[string]any) string {
	if e, ok := body["error"].(map[string]any); ok {
		return fmt.Sprint(e["type"], " ", e["code"], " ", e["message"])
	}
	if body == nil {
		return "nothing"
	}
	return fmt.Sprint(body["object"], " ", body["id"], " ", body["status"])
}

package world

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scenes are what clients do.
var scenes = map[string]func(*client){
	"card": (*client).card, "dispute": (*client).dispute, "refunds": (*client).refunds, "payer": (*client).payer, "parts": (*client).parts,
	"setup": (*client).setup, "payout": (*client).payout, "cash": (*client).cash, "debit": (*client).debit, "clock": (*client).clock,
}

// sceneOf is what clients must do for an operation to happen; empty: anything.
func sceneOf(op string) string {
	family, _, _ := strings.Cut(op, ".")
	switch op {
	case "contest", "notices", "payment.notice", "payment.notices-read", "payment.notice-kept":
		return "dispute"
	case "authenticate":
		return "payer"
	case "payout push":
		return "payout"
	case "increment", "payment.increment":
		return "parts"
	case "payout inquiry", "payout notices", "settle.sheets_told": // statements of several days
		return "payout"
	case "payment.expire":
		return "clock"
	case "payment.apply_funds":
		return "cash"
	case "vault.create_customer":
		return "setup"
	case "vault.attach_payment_method", "vault.delete_customer":
		return "clock"
	}
	if family == "timeline" {
		family = "clock"
	}
	if scenes[family] == nil {
		return ""
	}
	return family
}

// scene chooses what to do.
func (c *client) scene() func(*client) {
	if at := c.w.made.scene; at != "" && c.w.made.plays(at) && c.chance(70) {
		return scenes[at]
	}
	if c.w.made.hasty || c.chance(50) {
		return (*client).card
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(scenes)), func(name string) bool { return !c.w.made.plays(name) })
	return scenes[names[c.random.IntN(len(names))]]
}

// plays reports whether a scene comes to its end in a world. Where a provider can
// neither be asked nor told anything again, an answer to a dispute that is not known
// waits for a person, and so do a refund of which its provider has said that it will
// tell and then did not, and a payer's authentication.
func (p plan) plays(scene string) bool {
	switch scene {
	case "dispute", "refunds", "payer", "setup":
		return p.replay >= 0
	}
	return true
}

// wants reports whether to do what leads to one of some steps: more often where
// the seed is after it.
func (c *client) wants(percent int, steps ...string) bool {
	if slices.Contains(steps, c.w.focus) {
		percent = 75
	}
	return c.chance(percent)
}

func pick[T any](c *client, list ...T) T { return list[c.random.IntN(len(list))] }

// paid makes a payment with a test card, taken at once, and gives its intent;
// empty where it came to nothing.
func (c *client) paid(card string, amount int, more ...string) string {
	form := url.Values{"amount": {strconv.Itoa(amount)}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_" + card},
		"return_url": {"https://shop.example/back"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	made := c.post("create", "/v1/payment_intents", form)
	if made.id() == "" {
		return ""
	}
	c.settled("/v1/payment_intents/" + made.id())
	return made.id()
}

// get reads something, until there is an answer, for a while.
func (c *client) get(path string) map[string]any {
	for range 20 {
		if got := c.w.send(http.MethodGet, c.random.IntN(len(c.w.nodes)), c.name, answer{path: path}); got.status == http.StatusOK {
			return got.body
		}
		time.Sleep(time.Duration(1000+c.random.IntN(3000)) * time.Millisecond)
	}
	return nil
}

// until reads something until it is as wanted, for a while.
func (c *client) until(path string, good func(map[string]any) bool) map[string]any {
	for range 8 {
		if body := c.get(path); good(body) {
			return body
		}
		time.Sleep(time.Duration(1000+c.random.IntN(4000)) * time.Millisecond)
	}
	return nil
}

func data(body map[string]any) (list []map[string]any) {
	all, _ := body["data"].([]any)
	for _, one := range all {
		if fields, ok := one.(map[string]any); ok {
			list = append(list, fields)
		}
	}
	return list
}

// dispute makes a payment that is disputed, or warned of, and answers.
func (c *client) dispute() {
	card := pick(c, "createDispute", "createDispute", "createDisputeProductNotReceived", "createDisputeInquiry", "createMultipleDisputes", "createIssuerFraudRecord")
	intent := c.paid(card, 500+c.random.IntN(20_000))
	if intent == "" {
		return
	}
	if card == "createIssuerFraudRecord" {
		c.until("/v1/radar/early_fraud_warnings?payment_intent="+intent, func(body map[string]any) bool { return len(data(body)) > 0 })
		if c.chance(50) {
			c.post("refund", "/v1/refunds", url.Values{"payment_intent": {intent}})
		}
		return
	}
	list := c.until("/v1/disputes?payment_intent="+intent, func(body map[string]any) bool { return len(data(body)) > 0 })
	for _, d := range data(list) {
		c.answer("/v1/disputes/" + str(d["id"]))
	}
}

// answer answers a dispute, or does not.
func (c *client) answer(path string) {
	evidence := func(text string) func(*client) {
		return func(c *client) { c.post("evidence", path, url.Values{"evidence[uncategorized_text]": {text}}) }
	}
	give := func(c *client) { c.post("close", path+"/close", nil) }
	switch c.random.IntN(7) {
	case 0, 1:
		evidence("winning_evidence")(c)
	case 2:
		evidence("losing_evidence")(c)
	case 3: // it is judged later
		evidence("a photograph")(c)
	case 4:
		give(c)
	case 5:
		c.beside(evidence("winning_evidence"), give)
	}
	if c.chance(30) {
		evidence("escalate_inquiry_evidence")(c)
	}
}

// refunds makes a payment whose refunds wait, or fail later.
func (c *client) refunds() {
	amount := 1000 + c.random.IntN(20_000)
	if intent := c.paid(pick(c, "pendingRefund", "refundFail"), amount); intent != "" {
		c.refund(intent, amount)
	}
}

// payer makes a payment whose payer is asked.
func (c *client) payer() {
	amount := 500 + c.random.IntN(20_000)
	card := pick(c, "authenticationRequired", "threeDSecure2Required", "authenticationRequired", "threeDSecureRequiredChargeDeclined", "threeDSecureOptional")
	capture := pick(c, "automatic", "manual")
	intent := c.paid(card, amount, "capture_method", capture, "payment_method_options[card][request_three_d_secure]", pick(c, "automatic", "any"))
	if intent == "" {
		return
	}
	at := "/v1/payment_intents/" + intent
	body := c.asked(at)
	switch str(body["status"]) {
	case "requires_action": // the payer is gone
		if c.chance(50) {
			c.post("cancel", at+"/cancel", nil)
		} else {
			c.confirm(at)
			c.settled(at)
		}
	case "requires_payment_method":
		c.confirm(at)
		c.settled(at)
	case "requires_capture":
		c.finish(at, amount)
	case "succeeded":
		c.refund(intent, amount)
	}
}

// asked has the payer go where an intent says, if it does, and gives the intent
// as it is then.
func (c *client) asked(at string) map[string]any {
	body := c.settled(at)
	next, _ := body["next_action"].(map[string]any)
	to, _ := next["redirect_to_url"].(map[string]any)
	page := str(to["url"])
	if page == "" || c.wants(15, "setup.cancel") {
		return body
	}
	visit := func(c *client) { c.visit(page) }
	if c.chance(15) {
		c.beside(visit, visit)
	} else {
		visit(c)
	}
	return c.settled(at)
}

// visit answers the issuer's page and goes back to where it says, at times not.
func (c *client) visit(page string) {
	result := pick(c, "authorize", "authorize", "authorize", "fail")
	c.w.turns.park(&parked{name: fmt.Sprintf("%-5s says %s at %s", c.name, result, path.Base(page)), place: atClient})
	back := c.w.browse(c.name, http.MethodPost, "http://sandbox.invalid/pages/3ds/"+path.Base(page), url.Values{"result": {result}})
	if back == "" || c.chance(15) {
		return
	}
	for range 3 {
		u, err := url.Parse(back)
		if err != nil {
			c.w.fail("a payer is sent to %s", back)
			return
		}
		node := c.random.IntN(len(c.w.nodes))
		c.w.turns.park(&parked{name: fmt.Sprintf("%-5s back to n%d", c.name, node), place: atClient})
		if c.w.browse(c.name, http.MethodGet, fmt.Sprintf("http://n%d.invalid%s", node, u.Path), nil) != "" {
			return
		}
		time.Sleep(time.Duration(1000+c.random.IntN(5000)) * time.Millisecond)
	}
}

// parts makes a payment that is raised, and captured in parts or beyond.
func (c *client) parts() {
	amount := 1000 + c.random.IntN(20_000)
	form := url.Values{"amount": {strconv.Itoa(amount)}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_visa"}, "capture_method": {"manual"}}
	for _, feature := range []string{"incremental_authorization", "multicapture", "overcapture"} {
		form.Set("payment_method_options[card][request_"+feature+"]", "if_available")
	}
	made := c.post("create", "/v1/payment_intents", form)
	if made.id() == "" {
		return
	}
	at := "/v1/payment_intents/" + made.id()
	body := c.settled(at)
	if body["status"] != "requires_capture" {
		return
	}
	raise := func(c *client) {
		more := amount + 100*(1+c.random.IntN(50))
		c.post("increment", at+"/increment_authorization", url.Values{"amount": {strconv.Itoa(more)}})
	}
	if c.chance(80) {
		raise(c)
		body = c.settled(at)
	}
	take := func(part int, final bool) func(*client) {
		return func(c *client) {
			c.post("capture", at+"/capture", url.Values{"amount_to_capture": {strconv.Itoa(max(1, part))}, "final_capture": {strconv.FormatBool(final)}})
		}
	}
	capturable, _ := body["amount_capturable"].(float64)
	whole := int(capturable)
	switch c.random.IntN(6) {
	case 0:
		take(whole+whole/10, true)(c) // beyond
	case 1:
		c.beside(raise, take(whole/2, true))
	case 2:
		c.post("cancel", at+"/cancel", nil)
	case 3:
		c.beside(take(whole*2/3, false), take(whole*2/3, false)) // too much together
	default:
		take(whole/3, false)(c)
		c.settled(at)
		if c.chance(70) {
			take(whole/3, true)(c)
		}
	}
	if body := c.settled(at); body["status"] == "succeeded" {
		received, _ := body["amount_received"].(float64)
		c.refund(made.id(), int(received))
	}
}

// customer makes one.
func (c *client) customer(more ...string) string {
	form := url.Values{"email": {"jenny@example.com"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return c.post("customer", "/v1/customers", form).id()
}

// setup makes a card ready for later, and pays with it.
func (c *client) setup() {
	customer := c.customer()
	if customer == "" {
		return
	}
	made := c.post("setup", "/v1/setup_intents", url.Values{"customer": {customer}, "confirm": {"true"}, "usage": {"off_session"}, "return_url": {"https://shop.example/back"},
		"payment_method": {"pm_card_" + pick(c, "visa", "authenticationRequiredOnSetup", "authenticationRequired", "authenticationRequired", "chargeDeclined")}})
	if made.id() == "" {
		return
	}
	at := "/v1/setup_intents/" + made.id()
	body := c.asked(at)
	if body["status"] == "requires_action" && c.wants(60, "setup.cancel") {
		c.post("setup cancel", at+"/cancel", nil)
		return
	}
	if method := str(body["payment_method"]); body["status"] == "succeeded" {
		c.post("create", "/v1/payment_intents", url.Values{"amount": {"1234"}, "currency": {"usd"}, "customer": {customer}, "payment_method": {method}, "off_session": {"true"}, "confirm": {"true"}})
	}
}

// payout makes money that can be used at once, and pays it out.
func (c *client) payout() {
	amount := 10_000 + c.random.IntN(50_000)
	if c.paid("bypassPending", amount) == "" {
		return
	}
	pay := func(c *client) answer {
		return c.post("payout", "/v1/payouts", url.Values{"amount": {strconv.Itoa(amount * 3 / 5)}, "currency": {"usd"}, "method": {c.speed()},
			"destination": {c.w.banks[pick(c, append([]string{bankAccounts[0]}, bankAccounts...)...)]}})
	}
	var made answer
	if c.chance(25) { // too much together
		c.beside(func(c *client) { made = pay(c) }, func(c *client) { pay(c) })
	} else {
		made = pay(c)
	}
	if made.id() == "" {
		return
	}
	at := "/v1/payouts/" + made.id()
	switch {
	case c.wants(25, "payout.cancel"):
		c.post("payout cancel", at+"/cancel", nil)
	case c.wants(35, "payout.reverse"):
		c.until(at, func(body map[string]any) bool { return body["status"] == "paid" })
		c.post("payout reverse", at+"/reverse", nil)
	}
}

// speed is how a payout goes: at once, or with those of its day.
func (c *client) speed() string {
	if c.wants(30, "payout.cancel", "payout.submit") {
		return "standard"
	}
	return "instant"
}

// clock lets an authorisation of a customer on a test clock expire.
func (c *client) clock() {
	const days = 24 * time.Hour
	now := birth.Unix()
	clock := c.post("clock", "/v1/test_helpers/test_clocks", url.Values{"frozen_time": {strconv.FormatInt(now, 10)}}).id()
	if clock == "" {
		return
	}
	customer := c.customer("test_clock", clock)
	if customer == "" {
		return
	}
	method := c.post("attach", "/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {customer}}).id()
	if method == "" {
		return
	}
	form := url.Values{"amount": {"2345"}, "currency": {"usd"}, "payment_method": {method}, "capture_method": {pick(c, "manual", "manual", "automatic")}, "confirm": {"true"}}
	if c.chance(30) && c.w.focus != "payment.expire" {
		form = c.debited(2345)
	}
	form.Set("customer", customer)
	made := c.post("create", "/v1/payment_intents", form)
	if made.id() != "" && form.Has("capture_method") {
		c.settled("/v1/payment_intents/" + made.id())
	}
	advance := func(c *client) {
		c.post("advance", "/v1/test_helpers/test_clocks/"+clock+"/advance", url.Values{"frozen_time": {strconv.FormatInt(now+int64((8*days).Seconds()), 10)}})
	}
	if c.chance(20) && made.id() != "" && form.Has("capture_method") {
		c.beside(advance, func(c *client) { c.post("capture", "/v1/payment_intents/"+made.id()+"/capture", nil) })
	} else {
		advance(c)
	}
	c.until("/v1/test_helpers/test_clocks/"+clock, func(body map[string]any) bool { return body["status"] == "ready" })
	if c.wants(25, "timeline.delete", "timeline.clear", "vault.delete_customer") {
		c.remove("clock delete", "/v1/test_helpers/test_clocks/"+clock)
	}
}

// remove sends a DELETE, which has no key.
func (c *client) remove(what, path string) {
	node := c.random.IntN(len(c.w.nodes))
	c.w.turns.park(&parked{name: fmt.Sprintf("%-5s to n%d %s", c.name, node, what), place: atClient})
	c.w.send(http.MethodDelete, node, c.name, answer{path: path})
}

// browse goes somewhere as a browser does, one step, and gives where it is sent
// on; empty: it got nowhere.
func (w *world) browse(actor, method, address string, form url.Values) string {
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		panic(err)
	}
	r.Header.Set(actorHeader, actor)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{Transport: w.client.Transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer reply.Body.Close()
	if reply.StatusCode >= http.StatusInternalServerError {
		return ""
	}
	return reply.Header.Get("Location")
}

package rest

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// TestDrawnRequests makes requests of what the document says that each operation
// takes, with ids that were seen: none may fail on our side, and each success
// must be as the document says. FLORIN_RUNS is how many (default 500), FLORIN_SEED
// where to begin.
func TestDrawnRequests(t *testing.T) {
	runs, seed := 500, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("FLORIN_RUNS")); err == nil {
		runs = n
	}
	if n, err := strconv.ParseUint(os.Getenv("FLORIN_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("%d requests, FLORIN_SEED=%d", runs, seed)
	d := &drawer{h: newHarness(t), random: rand.New(rand.NewPCG(seed, 0)), ids: map[string][]string{}, statuses: map[int]int{}, succeeded: map[string]int{}}
	ops := slices.Sorted(maps.Keys(routes))
	for _, id := range ops { // something of everything to begin with
		s := scenarios[id]
		d.see(d.h.do(spec.ByID(id), s.request(d.h)))
	}
	for range runs {
		op := spec.ByID(pick(d.random, ops...))
		method, path, form := d.draw(op)
		a := d.send(method, path, form)
		d.statuses[a.status]++
		if a.status == http.StatusOK {
			d.succeeded[op.ID]++
		}
		if a.status >= 500 || len(violations(t, op, a.status, a.text)) > 0 {
			t.Fatalf("FLORIN_SEED=%d: %s %s %s\n%d %s\n%v", seed, method, path, form, a.status, a.text, violations(t, op, a.status, a.text))
		}
		d.see(a)
	}
	d.h.checkBooks()
	t.Logf("by status: %v; %d of %d operations succeeded at least once", d.statuses, len(d.succeeded), len(ops))
	if d.statuses[200] < runs/20 {
		t.Errorf("only %d of %d requests succeeded: what is drawn is not what is taken", d.statuses[200], runs)
	}
}

// drawer draws requests.
type drawer struct {
	h         *harness
	random    *rand.Rand
	ids       map[string][]string // that were seen, by prefix
	statuses  map[int]int
	succeeded map[string]int
}

var seenIDs = regexp.MustCompile(`"([a-z]+)_[0-9A-Za-z]{16,}"`)

func (d *drawer) see(a *answered) {
	for _, m := range seenIDs.FindAllSubmatch(a.text, -1) {
		prefix, id := string(m[1]), strings.Trim(string(m[0]), `"`)
		if of := d.ids[prefix]; !slices.Contains(of, id) && len(of) < 200 {
			d.ids[prefix] = append(of, id)
		}
	}
}

// prefixes are what ids are in a parameter of a name begin with.
var prefixes = map[string]string{
	"charge": "ch", "customer": "cus", "default_payment_method": "pm", "id": "txn", "intent": "pi", "payment_intent": "pi", "payment_method": "pm",
	"refund": "re", "source": "tok", "test_clock": "clock", "token": "tok", "configuration": "pmc", "payment_method_domain": "pmd",
	"webhook_endpoint": "we", "setup_intent": "seti", "dispute": "dp", "payout": "po", "file": "file", "link": "link", "mandate": "mandate",
	"confirmation_token": "ctoken", "evidence": "file",
}

// id gives an id of the kind that a parameter wants, as a rule.
func (d *drawer) id(name string) string { return d.idOf(prefixes[name]) }

func (d *drawer) idOf(prefix string) string {
	of := d.ids[prefix]
	if len(of) == 0 || d.random.IntN(12) == 0 {
		of = d.ids[pick(d.random, slices.Sorted(maps.Keys(d.ids))...)]
	}
	return pick(d.random, of...)
}

func (d *drawer) draw(op *spec.Operation) (method, path, form string) {
	parts := strings.Split(op.Path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			if parts[i] = d.id(strings.Trim(part, "{}")); i == 3 {
				parts[i] = d.idOf(prefixOf(parts[2]))
			}
		}
	}
	var out []string
	if len(op.Params.Fields) > 0 {
		d.grow(op, probed{"", op.Params, nil, true}, &out)
	}
	return op.Method, strings.Join(parts, "/"), strings.Join(out, "&")
}

// prefixOf is what the ids of a collection begin with.
func prefixOf(collection string) string {
	return map[string]string{"payment_intents": "pi", "charges": "ch", "refunds": "re", "customers": "cus", "payment_methods": "pm", "events": "evt",
		"balance_transactions": "txn", "tokens": "tok", "setup_intents": "seti", "webhook_endpoints": "we", "disputes": "dp", "payouts": "po",
		"files": "file", "file_links": "link"}[collection]
}

// grow draws values of a parameter and of some of its parts.
func (d *drawer) grow(op *spec.Operation, n probed, out *[]string) {
	r, p := d.random, n.param
	switch {
	case p.Type&spec.Hash != 0 && len(p.Fields) > 0:
		for _, f := range p.Fields {
			if f.Required && r.IntN(40) > 0 || r.IntN(3+2*len(p.Fields)) == 0 || n.name == "" && f.Name == "confirm" && r.IntN(2) == 0 {
				name := f.Name
				if n.name != "" {
					name = n.name + "[" + f.Name + "]"
				}
				d.grow(op, probed{name, f.Param, nil, f.Required}, out)
			}
		}
	case p.Type&spec.List != 0:
		for i := range 1 + r.IntN(2) {
			d.grow(op, probed{n.name + pick(r, "[]", "["+strconv.Itoa(i)+"]"), p.Element, nil, true}, out)
		}
	case p.Type&spec.Map != 0:
		d.grow(op, probed{n.name + "[" + pick(r, "a", "b") + "]", p.Element, nil, true}, out)
	default:
		*out = append(*out, url.QueryEscape(n.name)+"="+url.QueryEscape(d.value(op, n)))
	}
}

// value draws a value that is mostly sensible.
func (d *drawer) value(op *spec.Operation, n probed) string {
	r := d.random
	parts := strings.FieldsFunc(n.name, func(c rune) bool { return c == '[' || c == ']' })
	name := parts[len(parts)-1]
	if len(parts) > 1 && strings.Trim(name, "0123456789") == "" {
		name = parts[len(parts)-2]
	}
	switch {
	case r.IntN(50) == 0:
		return pick(r, "", "x", "-1", "true", "99999999999999999999", strings.Repeat("é", 300), "\u0001")
	case parts[0] == "expand":
		return pick(r, "customer", "data.customer", "latest_charge.balance_transaction", "data.latest_charge", "payment_method", "charge", "data.source", "nothing")
	case name == "query":
		return pick(r, "created>0", `status:"succeeded"`, `metadata["a"]:"b"`, "nonsense")
	case name == "payment_method" && r.IntN(2) == 0:
		return pick(r, "pm_card_visa", "pm_card_mastercard", "pm_card_visa_chargeDeclined", "pm_card_authenticationRequired", "pm_card_createDispute")
	case (name == "token" || name == "source") && r.IntN(2) == 0:
		return pick(r, "tok_visa", "tok_amex")
	case prefixes[name] != "" && n.param.Type&spec.Text != 0 && len(n.param.Enum) == 0:
		return d.id(name)
	case name == "starting_after" || name == "ending_before":
		return d.idOf(prefixOf(strings.Split(op.Path, "/")[2]))
	case name == "type" && slices.Contains(n.param.Enum, "card") && r.IntN(4) > 0:
		return "card"
	case name == "amount" || name == "amount_to_capture":
		return pick(r, "50", "100", "999", "1000", "123456")
	case n.param.Type&spec.Currency != 0:
		return pick(r, "usd", "usd", "eur", "jpy", "KWD", "xxx")
	case n.param.Type&spec.Integer != 0:
		return pick(r, "0", "1", "2", "10", "1000", "1900000000")
	}
	return pick(r, plain(n)...)
}

// send makes a request with a key of its own half of the time.
func (d *drawer) send(method, path, form string) *answered {
	var headers []string
	if method != http.MethodGet && d.random.IntN(2) == 0 {
		headers = []string{"Idempotency-Key", strconv.Itoa(d.random.IntN(1 << 20))}
	}
	if d.random.IntN(8) == 0 {
		headers = append(headers, "Authorization", "Bearer "+pick(d.random, testPublishableKey, otherSecretKey, testSecretKey))
	}
	if method == http.MethodPost {
		return d.h.send(method, path, form, headers...)
	}
	return d.h.send(method, path+"?"+form, "", headers...)
}

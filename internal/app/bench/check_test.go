package bench

import (
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/app"
)

// The check says what does not fit, and nothing else.
func TestJudge(t *testing.T) {
	told := Count{Payments: 10, Taken: 1000, Refunds: 2, Returned: 200}
	with := func(change func(*Check)) *Check {
		florin, sandbox, findings := told, told, []app.Finding{}
		c := &Check{Acknowledged: told, Florin: &florin, Sandbox: &sandbox, Findings: &findings}
		change(c)
		return c
	}
	for name, test := range map[string]struct {
		change func(*Check)
		want   string // part of the one problem; empty: none
	}{
		"all agree":            {func(*Check) {}, ""},
		"only Florin asked":    {func(c *Check) { c.Sandbox, c.Findings = nil, nil }, ""},
		"payment missing":      {func(c *Check) { c.Florin.Payments-- }, "Florin has 9 payments"},
		"payment too many":     {func(c *Check) { c.Florin.Payments++ }, "Florin has 11 payments"},
		"not at the sandbox":   {func(c *Check) { c.Sandbox.Payments-- }, "the sandbox has 9 payments"},
		"twice at the sandbox": {func(c *Check) { c.Sandbox.Payments++ }, "the sandbox has 11 payments"},
		"refund missing":       {func(c *Check) { c.Florin.Refunds-- }, "Florin has 1 refunds"},
		"amount":               {func(c *Check) { c.Sandbox.Taken++ }, "the sandbox took 1001"},
		"amount given back":    {func(c *Check) { c.Florin.Returned-- }, "Florin returned 199"},
		"verify": {func(c *Check) {
			c.Findings = &[]app.Finding{{Check: "balance", Table: "balance", Key: 7, Problem: "off by 1"}}
		}, "florin verify: balance balance 7: off by 1"},
		"unsure, and there":     {func(c *Check) { c.UnsurePayments = 1; c.Florin.Payments, c.Florin.Taken = 11, 1100 }, ""},
		"unsure, and not there": {func(c *Check) { c.UnsurePayments = 1 }, ""},
		"unsure, and one more":  {func(c *Check) { c.UnsurePayments = 1; c.Sandbox.Payments = 12 }, "the sandbox has 12 payments"},
		"unsure, and missing":   {func(c *Check) { c.UnsurePayments = 1; c.Florin.Payments = 9 }, "Florin has 9 payments"},
	} {
		c := with(test.change)
		c.judge()
		if got := strings.Join(c.Problems, "\n"); len(c.Problems) > 1 || (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// What an answer shows is held against what was asked for.
func TestWrongAnswers(t *testing.T) {
	o := order{amount: 2000, intent: "pi_1"}
	for _, test := range []struct {
		kind kind
		body string
		want string
	}{
		{pay, `{"id":"pi_1","status":"succeeded","amount":2000,"amount_received":2000}`, ""},
		{pay, `{"id":"pi_1","status":"processing","amount":2000,"amount_received":0}`, `200 with status "processing"`},
		{pay, `{"id":"pi_1","status":"succeeded","amount":2000,"amount_received":1999}`, "200 with a wrong amount"},
		{pay, `{"id":"pi_1","status":"succeeded","amount":20,"amount_received":2000}`, "200 with a wrong amount"},
		{authorize, `{"id":"pi_1","status":"requires_capture","amount":2000,"amount_received":0}`, ""},
		{authorize, `{"id":"pi_1","status":"succeeded","amount":2000,"amount_received":2000}`, `200 with status "succeeded"`},
		{capture, `{"id":"pi_2","status":"succeeded","amount":2000,"amount_received":2000}`, "200 with another object"},
		{refund, `{"id":"re_1","status":"succeeded","amount":2000}`, ""},
		{refund, `{"id":"re_1","status":"pending","amount":2000}`, `200 with status "pending"`},
		{retrieve, `{"id":"pi_1","status":"succeeded","amount":2000,"amount_received":2000}`, ""},
	} {
		s, err := read([]byte(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := test.kind.wrong(o, s); got != test.want {
			t.Errorf("%s %s: %q, want %q", kindNames[test.kind], test.body, got, test.want)
		}
	}
}

package rest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

// Names of parameters that are amounts of money.
var moneyParam = regexp.MustCompile(`(^|[_\[])(amount|amounts|balance|unit_cost|application_fee)(\]|_to_capture|_to_confirm|_by_currency|\[|$)|amount\]?$`)

// noAmounts are texts that are no whole numbers, however they are read elsewhere.
var noAmounts = []string{
	"1.5", "1.0", "1e3", "0x10", "1_000", "1,000", "--5", "5-", " 5", "5 ", "٥", "５", "NaN", "Infinity", "five", "[5]",
	"9223372036854775808", "-9223372036854775809", strings.Repeat("9", 40), strings.Repeat("9", 5000),
}

// signed are amounts that say who owes whom, by operation.
var signed = map[string]string{
	"PostCustomers": "balance", "PostCustomersCustomer": "balance",
	"PostCustomersCustomerBalanceTransactions": "amount",
}

// TestAmountsThatAreNone tries every parameter that is an amount of money, of every operation
// that writes, with what is none: fractions, exponents, other digits, numbers beyond
// 64 bits, nothing at all, less than nothing, and the largest number that can be
// written. Each is refused before anything is done, or at the most is taken without a
// failure where it moves no money.
func TestAmountsThatAreNone(t *testing.T) {
	if dbtest.Postgres() {
		t.Skip("gone through on SQLite: how a number is read does not depend on the database")
	}
	h := newHarness(t)
	tried := 0
	for _, id := range slices.Sorted(maps.Keys(routes)) {
		op, s := spec.ByID(id), scenarios[id]
		if op.Method != http.MethodPost || op.Multipart || s.never != "" {
			continue
		}
		t.Run(id, func(t *testing.T) {
			p := &prober{h: h.in(t), op: op, s: s}
			for _, f := range op.Params.Fields {
				for _, n := range moneyIn(probed{f.Name, f.Param, nil, f.Required}) {
					tried++
					p.badAmounts(n)
				}
			}
		})
	}
	h.checkBooks()
	if tried < 120 {
		t.Errorf("only %d parameters are amounts", tried)
	}
}

// moneyIn are the amounts within a parameter.
func moneyIn(n probed) (out []probed) {
	for _, c := range n.children() {
		out = append(out, moneyIn(c)...)
	}
	if len(n.children()) == 0 && n.param.Type&spec.Integer != 0 && n.param.Type&spec.Timestamp == 0 && moneyParam.MatchString(n.name) {
		out = append(out, n)
	}
	return out
}

func (p *prober) badAmounts(n probed) {
	p.h.t.Helper()
	s := p.s.request(p.h)
	beside := p.around(n)
	values := p.known(s)
	for i := 1; i < len(beside); i += 2 {
		if ask, is := strings.CutPrefix(beside[i], "="); is {
			beside[i] = values[ask]
		}
	}
	with := func(value string) *answered {
		r := s
		r.form = merged(s.form, append(slices.Clone(beside), n.name, value))
		return p.h.do(p.op, r)
	}
	before := p.h.digest()
	refused := slices.Clone(noAmounts)
	moves := !strings.Contains(n.name, "[")
	if signed[p.op.ID] != n.name {
		refused = append(refused, "-1", "-9223372036854775808")
		if moves {
			refused = append(refused, "0")
		}
	}
	if moves {
		refused = append(refused, "9223372036854775807")
	}
	if n.param.Type&spec.Clearable == 0 {
		refused = append(refused, "")
	}
	for _, value := range refused {
		a := with(value)
		if a.status != 400 {
			p.h.t.Errorf("%s=%.30q: %d %.300s", n.name, value, a.status, a.text)
		}
	}
	if p.h.digest() != before {
		p.h.t.Errorf("something has changed by refused %s", n.name)
	}
	for _, value := range []string{"", "0", "9223372036854775807", "-9223372036854775808"} {
		if a := with(value); a.status != 200 && (a.status < 400 || a.status >= 500) {
			p.h.t.Errorf("%s=%s: %d %.300s", n.name, value, a.status, a.text)
		}
	}
}

package rest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// byName are values of texts whose name says what they are.
var byName = map[string][]string{
	"account_number": {"000123456789", "000111111116"}, "country": {"DE", "FR"}, "email": {"probe@example.com", "other@example.com"}, "receipt_email": {"probe@example.com"},
	"ip_address": {"203.0.113.9", "203.0.113.8"}, "line1": {"9 Probe Street", "8 Probe Street"}, "month": {"3", "4"}, "number": {"4242424242424242", "5555555555554444"}, "exp_month": {"3", "4"}, "exp_year": {"2047", "2048"},
	"phone": {"+15555550123"}, "postal_code": {"90210"}, "return_url": {"https://probe.example/back"}, "routing_number": {"110000000", "021000021"},
	"statement_descriptor": {"PROBE SHOP"}, "statement_descriptor_suffix": {"PROBE"}, "url": {"https://probe.example/hook"},
	"client_secret": {"pi_probe_secret_probe"},
}

// plain are values that a parameter can be tried with, by its type alone.
func plain(n probed) []string {
	last := strings.TrimSuffix(n.name[strings.LastIndexByte(n.name, '[')+1:], "]")
	p := n.param
	switch {
	case byName[last] != nil:
		return byName[last]
	case len(p.Enum) > 0:
		return p.Enum
	case p.Type&spec.Boolean != 0:
		return []string{"true", "false"}
	case p.Type&spec.Currency != 0:
		return []string{"eur", "gbp"}
	case p.Type&spec.Timestamp != 0:
		return []string{"1700000000", "1893456000"}
	case p.Type&spec.Integer != 0:
		return []string{"7", "77"}
	case p.Type&spec.Decimal != 0:
		return []string{"1.5", "2.5"}
	case p.Type&spec.Text != 0:
		return []string{"Probe", "Another probe"}
	case p.Type&(spec.Hash|spec.List|spec.Map) != 0:
		return []string{""} // one without parts
	}
	return []string{""}
}

// values are what the prober tries a parameter with, at most a few.
func (p *prober) values(n probed) []string {
	if n.name == "expand[0]" {
		return p.expandable()
	}
	const most = 6
	if known := p.known(p.s.request(p.h)); known[n.name] != "" {
		return append([]string{"=" + n.name}, plain(n)...)
	}
	all := plain(n)
	return all[:min(most, len(all))]
}

// expandable are paths that can be expanded.
func (p *prober) expandable() (out []string) {
	for _, name := range slices.Sorted(maps.Keys(expanded)) {
		for _, path := range []string{name, "data." + name} {
			if p.op.ValidateExpand([]string{path}) == nil {
				out = append(out, path)
			}
		}
	}
	return append(out, "nothing") // which is refused by name
}

// known are values that lead to an object, for one request that is prepared.
func (p *prober) known(s sent) map[string]string {
	out := map[string]string{}
	if p.s.values != nil {
		out = p.s.values(p.h, s)
	}
	if p.op.Method == http.MethodGet && p.op.Params.Field("starting_after") != nil {
		page := p.h.do(p.op, s)
		if first, ok := page.at("data.0.id").(string); ok {
			out["starting_after"] = first
		}
		if second, ok := page.at("data.1.id").(string); ok {
			out["ending_before"] = second
		}
		maps.Copy(out, map[string]string{"limit": "1", "created": "1", "created[gt]": "4000000000", "created[gte]": "4000000000", "created[lt]": "1", "created[lte]": "1"})
	}
	return out
}

package dispute

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Evidence is what a merchant says against a dispute: by the API's name of the
// field. Fields within enhanced_evidence are named by their path, with dots and
// the numbers of list elements:
// "enhanced_evidence.visa_compelling_evidence_3.prior_undisputed_transactions.0.charge".
type Evidence map[string]string

// maxEvidence is how many characters all evidence may have together
// (https://docs.stripe.com/api/disputes/update).
const maxEvidence = 150_000

func parseEvidence(text string) (e Evidence, err error) {
	if text == "" {
		return Evidence{}, nil
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return nil, fmt.Errorf("dispute: evidence: %w", err)
	}
	return e, nil
}

// text is the evidence as [parseEvidence] reads it; none is empty.
func (e Evidence) text() (string, error) {
	if len(e) == 0 {
		return "", nil
	}
	text, err := json.Marshal(e)
	return string(text), err
}

// patch gives the evidence with fields changed: those under the cleared paths
// go, and then empty values remove theirs.
func (e Evidence) patch(cleared []string, set Evidence) Evidence {
	out := maps.Clone(e)
	for _, path := range cleared {
		maps.DeleteFunc(out, func(name, _ string) bool { return name == path || strings.HasPrefix(name, path+".") })
	}
	maps.Copy(out, set)
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	return out
}

func (e Evidence) size() (n int) {
	for _, value := range e {
		n += len([]rune(value))
	}
	return n
}

// The programmes of the card networks.
const (
	VisaCompelling       = "visa_compelling_evidence_3"
	VisaCompliance       = "visa_compliance"
	MastercardCompliance = "mastercard_compliance"
)

const (
	compelling  = "enhanced_evidence." + VisaCompelling
	disputed    = compelling + ".disputed_transaction."
	prior       = compelling + ".prior_undisputed_transactions."
	fewestPrior = 2 // transactions that Visa wants to see
	mostPrior   = 5 // that it looks at
)

// programmeOf is the programme that a field of enhanced evidence belongs to.
func programmeOf(field string) (string, bool) {
	rest, ok := strings.CutPrefix(field, "enhanced_evidence.")
	programme, _, _ := strings.Cut(rest, ".")
	return programme, ok
}

// Acknowledged reports whether the fee of a compliance programme was accepted.
func (e Evidence) Acknowledged(programme string) bool {
	return e["enhanced_evidence."+programme+".fee_acknowledged"] == "true"
}

// Priors are the numbers of the prior undisputed transactions, in order.
func (e Evidence) Priors() []string {
	var numbers []int
	for name := range e {
		rest, ok := strings.CutPrefix(name, prior)
		number, field, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); ok && err == nil && field == "charge" {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = strconv.Itoa(n)
	}
	return out
}

// MissingActions says what Visa's Compelling Evidence 3.0 still wants, in
// Stripe's words; none: it qualifies.
func (e Evidence) MissingActions() []string {
	missing := []string{}
	priors := e.Priors()
	if !e.identified(priors) {
		missing = append(missing, "missing_customer_identifiers")
	}
	if e[disputed+"product_description"] == "" {
		missing = append(missing, "missing_disputed_transaction_description")
	}
	if e[disputed+"merchandise_or_services"] == "" {
		missing = append(missing, "missing_merchandise_or_services")
	}
	if slices.ContainsFunc(priors, func(n string) bool { return e[prior+n+".product_description"] == "" }) {
		missing = append(missing, "missing_prior_undisputed_transaction_description")
	}
	if len(priors) < fewestPrior {
		missing = append(missing, "missing_prior_undisputed_transactions")
	}
	return missing
}

// identified reports whether two things that tell the payer are the same in the
// disputed transaction and in those before, one of them an address on the
// network or a device.
func (e Evidence) identified(priors []string) bool {
	same := func(fields ...string) bool {
		return !slices.ContainsFunc(fields, func(field string) bool {
			value := e[disputed+field]
			return value == "" || slices.ContainsFunc(priors, func(n string) bool { return e[prior+n+"."+field] != value })
		})
	}
	strong, all := 0, 0
	for _, fields := range [][]string{
		{"customer_purchase_ip"}, {"customer_device_id"}, {"customer_device_fingerprint"},
		{"customer_account_id"}, {"customer_email_address"}, {"shipping_address.line1", "shipping_address.postal_code"},
	} {
		if len(priors) == 0 || !same(fields...) {
			continue
		}
		all++
		switch fields[0] {
		case "customer_purchase_ip", "customer_device_id", "customer_device_fingerprint":
			strong++
		}
	}
	return strong > 0 && all > 1
}

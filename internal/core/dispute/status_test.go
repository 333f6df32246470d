package dispute

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMachine goes through the whole product of states and news. The table is
// written from what Stripe says of disputes, not from the machine.
func TestMachine(t *testing.T) {
	news := []News{answered, conceded, overdue}
	for _, s := range Statuses {
		news = append(news, told(s))
	}
	open := map[News]Status{told(NeedsResponse): NeedsResponse, told(UnderReview): UnderReview, told(Won): Won, told(Lost): Lost}
	with := func(more map[News]Status, but ...News) map[News]Status {
		out := map[News]Status{}
		for on, to := range open {
			out[on] = to
		}
		for on, to := range more {
			out[on] = to
		}
		for _, on := range but {
			delete(out, on)
		}
		return out
	}
	want := map[Status]map[News]Status{
		WarningNeedsResponse: with(map[News]Status{answered: WarningUnderReview, conceded: WarningClosed, overdue: WarningClosed,
			told(WarningUnderReview): WarningUnderReview, told(WarningClosed): WarningClosed, told(Prevented): Prevented}),
		WarningUnderReview: with(map[News]Status{told(WarningNeedsResponse): WarningNeedsResponse, told(WarningClosed): WarningClosed, told(Prevented): Prevented}),
		WarningClosed:      open,
		NeedsResponse:      with(map[News]Status{answered: UnderReview, conceded: Lost, overdue: Lost}, told(NeedsResponse)),
		UnderReview:        with(nil, told(UnderReview)),
		Won:                {told(Lost): Lost},
		Lost:               {told(Won): Won},
		Prevented:          {},
	}
	have, rows := map[Status]map[News]Status{}, 0
	for _, s := range Statuses {
		have[s] = map[News]Status{}
		for _, on := range news {
			if to, ok := machine.Next(s, on); ok {
				have[s][on] = to
				rows++
			}
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	if rows != len(machine.Rows()) {
		t.Errorf("%d rows of %d are within the product", rows, len(machine.Rows()))
	}
	// Money is gone only in a dispute that is not won, and an answer is wanted
	// only where one leads on.
	for s, want := range map[Status][3]bool{
		WarningNeedsResponse: {false, false, true}, WarningUnderReview: {}, WarningClosed: {false, true, false}, NeedsResponse: {true, false, true},
		UnderReview: {true, false, false}, Won: {false, true, false}, Lost: {true, true, false}, Prevented: {false, true, false},
	} {
		if have := [3]bool{s.takes(), s.closed(), s.answerable()}; have != want {
			t.Errorf("%s: %v, want %v", s, have, want)
		}
		if machine.Can(s, answered) != s.answerable() || machine.Can(s, overdue) != s.answerable() {
			t.Errorf("%s is answerable %v", s, s.answerable())
		}
	}
}

func TestEvidence(t *testing.T) {
	e := Evidence{"a": "1", compelling + ".prior_undisputed_transactions.0.charge": "ch_1", compelling + ".prior_undisputed_transactions.1.charge": "ch_2"}
	text, err := e.text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseEvidence(text)
	if diff := cmp.Diff(e, again); diff != "" || err != nil {
		t.Error(diff, err)
	}
	got := e.patch([]string{compelling + ".prior_undisputed_transactions"}, Evidence{"a": "", "b": "2", compelling + ".prior_undisputed_transactions.0.charge": "ch_3"})
	if diff := cmp.Diff(Evidence{"b": "2", compelling + ".prior_undisputed_transactions.0.charge": "ch_3"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := parseEvidence("{"); err == nil {
		t.Error("damaged evidence is read")
	}
	if text, err := (Evidence{}).text(); text != "" || err != nil {
		t.Error("none is", text, err)
	}
}

func TestCompellingEvidence(t *testing.T) {
	all := []string{"missing_customer_identifiers", "missing_disputed_transaction_description", "missing_merchandise_or_services",
		"missing_prior_undisputed_transaction_description", "missing_prior_undisputed_transactions"}
	e := Evidence{}
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, want...), e.MissingActions()); diff != "" {
			t.Error(diff)
		}
	}
	check(all[0], all[1], all[2], all[4])
	e[prior+"0.charge"] = "ch_1"
	check(all...)
	e[prior+"0.product_description"], e[prior+"1.product_description"], e[prior+"1.charge"] = "a", "b", "ch_2"
	check(all[0], all[1], all[2])
	e[disputed+"product_description"], e[disputed+"merchandise_or_services"] = "c", "services"
	check(all[0])
	for _, at := range []string{disputed, prior + "0.", prior + "1."} {
		e[at+"customer_email_address"], e[at+"customer_account_id"] = "a@b", "7"
	}
	check(all[0]) // neither tells where the payer sat
	for _, at := range []string{disputed, prior + "0.", prior + "1."} {
		e[at+"customer_purchase_ip"] = "192.0.2.1"
	}
	check()
	e[prior+"1.customer_purchase_ip"] = "192.0.2.2"
	check(all[0])
}

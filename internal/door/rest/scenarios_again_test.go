package rest

import "strings"

// Some calls are others by an older path. This file's name puts it behind those of all
// scenarios, whose order is that of their files.
func again(id, of string, change func(*scenario)) bool {
	s, there := scenarios[of]
	if !there {
		panic("there is no scenario of " + of + " yet")
	}
	change(&s)
	return shows(id, s)
}

func asItIs(*scenario) {}

var (
	_ = again("GetBalanceHistory", "GetBalanceTransactions", asItIs)
	_ = again("GetBalanceHistoryId", "GetBalanceTransactionsId", asItIs)
	_ = again("PostExternalAccountsId", "PostAccountsAccountExternalAccountsId", ofTheAccount)
	_ = again("GetChargesChargeDispute", "GetDisputesDispute", byCharge)
	_ = again("PostChargesChargeDispute", "PostDisputesDispute", byCharge)
	_ = again("PostChargesChargeDisputeClose", "PostDisputesDisputeClose", byCharge)
)

// ofTheAccount has the path name no account.
func ofTheAccount(s *scenario) {
	prepare := s.prepare
	s.prepare = func(h *harness) sent {
		made := prepare(h)
		return sent{in: made.in[1:], form: made.form}
	}
	s.look, s.shows = "", nil
	s.then = func(h *harness, sent sent, a *answered) {
		h.get("/v1/accounts/" + h.self() + "/external_accounts/" + sent.in[0]).ok().has(map[string]any{"account_holder_name": "Jo"})
	}
}

// byCharge has the path name a dispute by its charge.
func byCharge(s *scenario) {
	prepare := s.prepare
	s.prepare = func(h *harness) sent {
		made := prepare(h)
		return sent{in: []string{h.get("/v1/disputes/" + made.in[0]).ok().str("charge")}, form: made.form}
	}
	s.look = strings.Replace(s.look, "/v1/disputes/*", "/v1/charges/*/dispute", 1)
	s.fails = []refusedRequest{{"not disputed", func(h *harness, s sent) sent {
		s.in = []string{h.paid().str("latest_charge")}
		return s
	}, 404, "resource_missing"}}
}

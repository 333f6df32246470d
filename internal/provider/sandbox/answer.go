package sandbox

import (
	"encoding/json"
	"errors"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

var (
	errNotOperation = errors.New("the answer is not an operation as the protocol has it")
	errNotNotices   = errors.New("the answer is not a list of notices as the protocol has it")
)

// decodeOperation reads an operation out of an answer, and refuses one that
// contradicts itself.
func decodeOperation(body []byte) (Operation, error) {
	var op Operation
	if err := json.Unmarshal(body, &op); err != nil {
		return Operation{}, errNotOperation
	}
	if !op.valid() {
		return Operation{}, errNotOperation
	}
	return op, nil
}

// valid reports whether op is one that the protocol could have.
func (op Operation) valid() bool {
	if !op.short() || !validReference(op.Reference) {
		return false
	}
	approved, pending := op.Code == codeApproved, op.Code == codePending
	switch {
	case op.State == Approved && approved:
	case op.State == Pending && pending && (op.Kind == Authenticate || op.Kind == Refund || op.debits()):
	case op.State == Declined && !approved && !pending:
	default:
		return false
	}
	g := op.Granted
	return g == nil || g.Amount >= 0 && g.MaxCapture >= g.Amount
}

// short reports whether every text of op is one that the protocol could have.
func (op Operation) short() bool {
	texts := []string{op.ID, op.Code, op.AuthorizationCode, op.CVCCheck, op.Line1Check, op.PostalCheck, op.Method, op.Result}
	if s := op.ThreeDS; s != nil {
		texts = append(texts, s.Result, s.Reason, s.Flow, s.ECI, s.Version, s.ID)
	}
	for _, text := range texts {
		if len(text) > maxText {
			return false
		}
	}
	return len(op.Mark) <= provider.MaxMark && len(op.Action) <= maxURL && len(op.ReturnURL) <= maxURL
}

// decodeRefusal reads the error of an answer with that HTTP status. It is nil
// when the answer is none that the protocol has.
func decodeRefusal(status int, body []byte) *refusal {
	var r refusalBody
	if json.Unmarshal(body, &r) != nil || r.Error.Code == "" || refusalStatus[r.Error.Code] != status {
		return nil
	}
	return &r.Error
}

// outcome is what an operation means to Florin.
func (op Operation) outcome() provider.Outcome {
	out := provider.Outcome{
		ID: op.ID, Code: op.Code, AuthorizationCode: op.AuthorizationCode, Action: op.Action,
		CVCCheck: op.CVCCheck, Line1Check: op.Line1Check, PostalCheck: op.PostalCheck,
	}
	switch op.State {
	case Approved:
		out.Status = provider.Approved
	case Pending:
		out.Status, out.Arrives = provider.Pending, op.Settles
	default:
		out.Status, out.Reason = provider.Declined, reason(op.Code)
	}
	if op.ThreeDS != nil {
		s := provider.ThreeDS(*op.ThreeDS)
		out.ThreeDS = &s
	}
	if op.Granted != nil {
		g := provider.Granted(*op.Granted)
		out.Granted = &g
	}
	out.Notices = toldOf(op.Notices)
	return out
}

// decodeNotices reads the answer to a request for notices: numbers above after,
// rising.
func decodeNotices(after int64, body []byte) ([]Notice, error) {
	var list struct {
		Notices []Notice `json:"notices"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Notices == nil {
		return nil, errNotNotices
	}
	for _, n := range list.Notices {
		if n.Number <= after || !n.valid() {
			return nil, errNotNotices
		}
		after = n.Number
	}
	return list.Notices, nil
}

// valid reports whether n is one that the protocol could have.
func (n Notice) valid() bool {
	return n.Number > 0 && validReference(n.Reference) && n.Kind != "" && (n.Kind == noticeDispute) == (n.Dispute != nil)
}

// toldOf is what notices mean to Florin.
func toldOf(list []Notice) []provider.Notice {
	var told []provider.Notice
	for _, n := range list {
		t := provider.Notice{Number: n.Number, Kind: provider.NoticeKind(n.Kind), Reference: n.Reference, At: n.At, Reason: n.Reason}
		if d := n.Dispute; d != nil {
			t.Dispute = &provider.Dispute{
				ID: d.ID, Status: d.Status, Reason: d.Reason, Network: d.Network,
				Amount: d.Amount, Currency: money.Currency(d.Currency), Due: d.Due, Case: d.Case,
			}
			if d.Programme != "" {
				t.Dispute.Enhanced = []string{d.Programme}
			}
		}
		told = append(told, t)
	}
	return told
}

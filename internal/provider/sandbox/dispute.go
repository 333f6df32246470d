package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
)

// playing are the test cards with which something happens after they were
// charged, and what. Source: https://docs.stripe.com/testing.
var playing = map[string]string{
	"4000000000000259": "dispute_fraudulent",
	"4000000000002685": "dispute_product_not_received",
	"4000000000001976": "inquiry_fraudulent",
	"4000000000005423": fraudWarning,
	"4000000404000079": multipleDisputes,
	"4000000404000038": "dispute_fraudulent+visa_compelling_evidence_3", // can be answered with earlier payments
	"4000008400000779": "dispute_noncompliant+visa_compliance",
	"5105008400000002": "dispute_noncompliant+mastercard_compliance",
	"4000000001000043": "dispute_fraudulent", // that another would answer by itself
	"4000000000007726": refundPends,
	"4000000000005126": refundFails,
}

// What a card plays, beside a dispute or an inquiry for one reason.
const (
	fraudWarning     = "fraud_warning"
	multipleDisputes = "disputes"
	refundPends      = "refund_pending"
	refundFails      = "refund_fails"
)

// The statuses of a dispute, and of an inquiry, which begin with warning.
const (
	needsResponse = "needs_response"
	underReview   = "under_review"
	won           = "won"
	lost          = "lost"
	warning       = "warning_"
	closed        = "closed"
)

// answerTime is how long after it was opened a dispute can be answered.
const answerTime = 9 * 24 * time.Hour

// networkCodes are what the schemes call the reasons.
var networkCodes = map[string]string{"fraudulent": "10.4", "product_not_received": "13.1"}

// The evidence that decides a dispute, as the text of its piece
// uncategorized_text. Source: https://docs.stripe.com/testing#evidence.
const (
	deciding          = "uncategorized_text"
	winningEvidence   = "winning_evidence"
	losingEvidence    = "losing_evidence"
	escalatesEvidence = "escalate_inquiry_evidence"
)

// complain has the payer of what op took do what the card plays.
func complain(v View, op *Operation, plays string) error {
	if op.Code != codeApproved || plays == "" {
		return nil
	}
	op.Plays = plays
	amount := op.taken()
	if plays == fraudWarning {
		return tell(v, op, Notice{Kind: noticeFraud, Reference: op.about(), Reason: "misc"})
	}
	if plays == multipleDisputes {
		if half := amount / 2; half > 0 {
			if err := dispute(v, op, "fraudulent", needsResponse, half); err != nil {
				return err
			}
			amount -= half
		}
		return dispute(v, op, "fraudulent", needsResponse, amount)
	}
	if reason, ok := strings.CutPrefix(plays, "dispute_"); ok {
		return dispute(v, op, reason, needsResponse, amount)
	}
	if reason, ok := strings.CutPrefix(plays, "lost_"); ok {
		return dispute(v, op, reason, lost, amount)
	}
	if reason, ok := strings.CutPrefix(plays, "inquiry_"); ok {
		return dispute(v, op, reason, warning+needsResponse, amount)
	}
	return nil
}

// dispute opens one about op. What stands behind a plus in the reason is the
// programme of the network under which it may be answered.
func dispute(v View, op *Operation, reason, status string, amount int64) error {
	if status != lost { // it can be answered
		op.Due = op.Time.Add(answerTime)
	}
	reason, programme, _ := strings.Cut(reason, "+")
	d := &Dispute{
		ID: disputeID(op.Reference, len(op.Notices)), Status: status, Reason: reason, Network: networkCodes[reason],
		Amount: amount, Currency: op.Currency, Due: op.Due, Programme: programme,
	}
	if reason == "noncompliant" {
		d.Case = "compliance"
	}
	return tell(v, op, Notice{Kind: noticeDispute, Reference: op.about(), Dispute: d})
}

// about is the operation that the payer of op complains of: op, or what op, an
// event, has ended.
func (op Operation) about() string {
	if op.Kind == Event {
		return op.Original
	}
	return op.Reference
}

// disputeID derives the name of the nth dispute about an operation.
func disputeID(reference string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "dispute %d %s", n, reference))
	return "sbx_dp_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:16])
}

// disputed reports whether op opened a dispute.
func (op Operation) disputed() bool {
	for _, n := range op.Notices {
		if n.Dispute != nil {
			return true
		}
	}
	return false
}

// complaint finds a dispute about root as it stands, and which operation left it
// so.
func complaint(v View, root Operation, id string) (d Dispute, by string, found bool, err error) {
	later, err := v.Following(root.Reference)
	if err != nil {
		return Dispute{}, "", false, err
	}
	newest := int64(0)
	for _, op := range append([]Operation{root}, later...) {
		for _, n := range op.Notices {
			if n.Dispute != nil && n.Dispute.ID == id && n.Number > newest {
				d, by, found, newest = *n.Dispute, op.Reference, true, n.Number
			}
		}
	}
	return d, by, found, nil
}

// judgeContest decides on an answer to a dispute.
func (r rules) judgeContest(v View, req request, op *Operation) error {
	op.Dispute, op.Evidence, op.Code = req.Dispute, len(req.Evidence), codeUnknownOriginal
	root, found, err := v.Find(req.Original)
	if err != nil || !found {
		return err
	}
	d, _, found, err := complaint(v, root, req.Dispute)
	if err != nil || !found {
		return err
	}
	inquiry := strings.HasPrefix(d.Status, warning)
	if strings.TrimPrefix(d.Status, warning) != needsResponse || !op.Time.Before(d.Due) {
		op.Code = codeNotPermitted
		return nil
	}
	op.Code = codeApproved
	switch text := req.Evidence[deciding]; {
	case req.Evidence == nil, text == losingEvidence:
		d.end(lost)
	case text == winningEvidence:
		d.end(won)
	case text == escalatesEvidence && inquiry:
		d.Status, d.Due = needsResponse, op.Time.Add(answerTime)
		op.Due = d.Due
	default:
		d.Status = strings.TrimSuffix(d.Status, needsResponse) + underReview
		op.Due = op.Time.Add(r.delay)
	}
	return tell(v, op, Notice{Kind: noticeDispute, Reference: root.Reference, Dispute: &d})
}

// end closes a dispute; an inquiry is closed and neither won nor lost.
func (d *Dispute) end(status string) {
	if strings.HasPrefix(d.Status, warning) {
		status = warning + closed
	}
	d.Status = status
}

// eventReference names what time does about an operation.
func eventReference(reference string) string {
	id, _ := names(reference)
	return ownPrefix + "due:" + strings.TrimPrefix(id, "sbx_")
}

// judgeDue decides what time has done about op at now: a refund fails, a dispute
// that was not answered, or not well enough, is lost. Nothing, where something
// else came between.
func judgeDue(v View, op Operation, now time.Time) (Operation, error) {
	root := op
	event := Operation{
		Reference: eventReference(op.Reference), Kind: Event, Amount: op.Amount, Currency: op.Currency,
		State: Approved, Code: codeApproved, Time: now, Ends: op.Reference,
	}
	if op.Kind == Contest || op.Kind == Event {
		var err error
		if root, _, err = v.Find(op.Original); err != nil {
			return Operation{}, err
		}
	}
	event.Original = root.Reference
	if op.debits() && op.State == Pending {
		err := judgeDebited(v, op, &event)
		return event, err
	}
	if op.Kind == Refund {
		stands, err := standing(v, op)
		if err == nil && stands {
			err = tell(v, &event, Notice{Kind: noticeRefundFailed, Reference: op.Reference, Reason: "expired_or_canceled_card"})
		}
		return event, err
	}
	for _, n := range op.Notices {
		if n.Dispute == nil {
			continue
		}
		d, by, _, err := complaint(v, root, n.Dispute.ID)
		if err == nil && by == op.Reference {
			d.end(lost)
			err = tell(v, &event, Notice{Kind: noticeDispute, Reference: root.Reference, Dispute: &d})
		}
		if err != nil {
			return Operation{}, err
		}
	}
	return event, nil
}

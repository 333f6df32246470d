package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The kinds of notices; see [provider.NoticeKind].
const (
	noticeDispute      = "dispute"
	noticeFraud        = "fraud_warning"
	noticeRefundFailed = "refund_failed"
	noticePaid         = "payment_succeeded"
	noticeUnpaid       = "payment_failed"
)

// Notice is something that the simulator tells unasked. Notices are numbered
// from 1 in the order in which they happened, and kept for ever.
type Notice struct {
	Number    int64     `json:"number"`
	Kind      string    `json:"kind"`
	Reference string    `json:"reference"` // the sender's own, of the operation that it is about
	At        time.Time `json:"at"`
	Reason    string    `json:"reason,omitempty"`
	Dispute   *Dispute  `json:"dispute,omitempty"` // as it stands since
}

// Dispute is how a payer's complaint stands; see [provider.Dispute].
type Dispute struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason"`
	Network  string    `json:"network_reason_code,omitempty"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Due      time.Time `json:"due,omitzero"`
	// Case is compliance where the network says that its rules were broken, and
	// Programme the network's one under which evidence may be given.
	Case      string `json:"case_type,omitempty"`
	Programme string `json:"programme,omitempty"`
}

// appendAfter adds those notices with a number above after, up to limit in all.
func appendAfter(list []Notice, after int64, limit int, more []Notice) []Notice {
	for _, n := range more {
		if n.Number > after && len(list) < limit {
			list = append(list, n)
		}
	}
	return list
}

// tell adds a notice to what op has to tell, with the next number.
func tell(v View, op *Operation, n Notice) error {
	told, err := v.Told()
	if err != nil {
		return err
	}
	n.Number, n.At = told+int64(len(op.Notices))+1, op.Time
	op.Notices = append(op.Notices, n)
	return nil
}

// listNotices is GET /v1/notices?after=N&limit=N. What time has done is recorded
// first.
func (s *Simulator) listNotices(w http.ResponseWriter, r *http.Request) {
	after, limit, refused := feedQuery(r.URL.Query())
	if refused != nil {
		answerRefusal(w, refused)
		return
	}
	fault := s.fault(Feed, "")
	switch fault.Mode {
	case Refused:
		panic(http.ErrAbortHandler)
	case SlowProcess:
		s.hold(r) // there is nothing to process
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	err := s.age(ctx)
	var list []Notice
	if err == nil {
		list, err = s.book.Notices(ctx, after, limit)
	}
	switch {
	case s.spoil(fault, w, r):
	case err != nil:
		answerError(w, err)
	default:
		answer(w, http.StatusOK, map[string][]Notice{"notices": append([]Notice{}, list...)})
	}
}

func feedQuery(q url.Values) (after int64, limit int, refused *refusal) {
	limit = maxNotices
	var err error
	if text := q.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return 0, 0, refuse(invalidField, "after", "a notice's number is 0 or more")
		}
	}
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxNotices {
			return 0, 0, refuse(invalidField, "limit", "a limit is 1 to %d", maxNotices)
		}
	}
	return after, limit, nil
}

// age records what was to happen by now without anybody's doing.
func (s *Simulator) age(ctx context.Context) error {
	const some = 100
	for {
		now := s.clock.Now().Truncate(time.Millisecond)
		ops, err := s.book.Due(ctx, now, some)
		if err != nil {
			return err
		}
		for _, op := range ops {
			event, repeated, err := s.book.Apply(ctx, eventReference(op.Reference), func(v View) (Operation, error) { return judgeDue(v, op, now) })
			if err != nil {
				return err
			}
			if !repeated {
				s.tellNotices(event)
			}
		}
		if len(ops) < some {
			return nil
		}
	}
}

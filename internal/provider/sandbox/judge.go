package sandbox

import (
	"errors"
	"time"
)

// errNothingToUndo is the end of a reversal whose original is unknown, or was
// never approved. It is answered with 25 and not recorded: the original may
// still be on its way, and asking again must look again.
var errNothingToUndo = errors.New("nothing approved goes by the original's reference")

// judge decides what becomes of req, given what v shows, at now. It records
// nothing itself, and changes nothing when called again. An operation that it
// returns with another reference than req's is one that stands already.
func judge(v View, req request, now time.Time) (Operation, error) {
	op := Operation{
		Reference: req.Reference, Kind: req.Kind, Original: req.Original, Amount: req.Amount, Currency: req.Currency, Time: now,
	}
	id, approval := names(req.Reference)
	op.ID = id
	var err error
	switch req.Kind {
	case Authorize, Sale:
		op.Code, op.CVCCheck = req.Card.verdict(now)
		op.Brand, op.Last4 = brand(req.Card.Number.Reveal()), req.Card.last4()
		if req.Amount > maxAmount {
			op.Code = codeInvalidAmount
		}
		if op.Code == codeApproved {
			op.AuthorizationCode = approval
		}
	case Capture:
		op.Code, err = judgeCapture(v, req)
	case Refund:
		op.Code, err = judgeRefund(v, req)
	case Reversal:
		var done *Operation
		if op.Code, done, err = judgeReversal(v, req); done != nil {
			return *done, nil
		}
	}
	op.State = Declined
	if op.Code == codeApproved {
		op.State = Approved
	}
	return op, err
}

func judgeCapture(v View, req request) (string, error) {
	auth, found, err := v.Find(req.Original)
	if err != nil || !found {
		return codeUnknownOriginal, err
	}
	stands, err := standing(v, auth)
	if err != nil || !stands || auth.Kind != Authorize || auth.Currency != req.Currency {
		return codeNotPermitted, err
	}
	captures, err := follow(v, auth.Reference, Capture)
	switch {
	case err != nil || len(captures) > 0:
		return codeNotPermitted, err
	case req.Amount > auth.Amount:
		return codeInvalidAmount, nil
	}
	return codeApproved, nil
}

func judgeRefund(v View, req request) (string, error) {
	root, found, err := v.Find(req.Original)
	if err != nil || !found {
		return codeUnknownOriginal, err
	}
	taken, err := captured(v, root)
	if err != nil || taken == 0 || root.Currency != req.Currency {
		return codeNotPermitted, err
	}
	refunds, err := follow(v, root.Reference, Refund)
	if err != nil {
		return "", err
	}
	for _, r := range refunds {
		taken -= r.Amount
	}
	if req.Amount > taken {
		return codeInvalidAmount, nil
	}
	return codeApproved, nil
}

// judgeReversal gives the code of a reversal, or the reversal by which the
// original was undone before.
func judgeReversal(v View, req request) (string, *Operation, error) {
	original, found, err := v.Find(req.Original)
	if err != nil {
		return "", nil, err
	}
	if !found || original.State != Approved {
		return "", nil, errNothingToUndo
	}
	before, err := follow(v, original.Reference, Reversal)
	if err != nil || len(before) > 0 {
		if err != nil {
			return "", nil, err
		}
		return "", &before[0], nil
	}
	built, err := builtOn(v, original)
	switch {
	case err != nil || built || original.Kind == Reversal || original.Currency != req.Currency:
		return codeNotPermitted, nil, err
	case original.Amount != req.Amount:
		return codeInvalidAmount, nil, nil
	}
	return codeApproved, nil, nil
}

// builtOn reports whether something stands that rests on op: a capture or
// refund, which must be undone first.
func builtOn(v View, op Operation) (bool, error) {
	root := op.Reference
	if op.Kind == Capture {
		root = op.Original // a refund names the authorisation, not its capture
	}
	for _, kind := range []Kind{Capture, Refund} {
		if kind == op.Kind || op.Kind == Refund {
			continue
		}
		later, err := follow(v, root, kind)
		if err != nil || len(later) > 0 {
			return true, err
		}
	}
	return false, nil
}

// captured is how much was taken by root, a sale or a captured authorisation;
// zero if it is neither.
func captured(v View, root Operation) (int64, error) {
	stands, err := standing(v, root)
	if err != nil || !stands {
		return 0, err
	}
	switch root.Kind {
	case Sale:
		return root.Amount, nil
	case Authorize:
		captures, err := follow(v, root.Reference, Capture)
		if err != nil || len(captures) == 0 {
			return 0, err
		}
		return captures[0].Amount, nil
	}
	return 0, nil
}

// standing reports whether op happened and was not undone.
func standing(v View, op Operation) (bool, error) {
	if op.State != Approved {
		return false, nil
	}
	reversals, err := follow(v, op.Reference, Reversal)
	return len(reversals) == 0, err
}

// follow lists the operations of kind that name original and stand.
func follow(v View, original string, kind Kind) ([]Operation, error) {
	later, err := v.Following(original)
	if err != nil {
		return nil, err
	}
	var found []Operation
	for _, op := range later {
		if op.Kind != kind {
			continue
		}
		stands := true
		if kind != Reversal { // a reversal is never undone
			if stands, err = standing(v, op); err != nil {
				return nil, err
			}
		}
		if stands {
			found = append(found, op)
		}
	}
	return found, nil
}

package sandbox

import (
	"errors"
	"slices"
	"time"
)

// errNothingToUndo is the end of a reversal whose original is unknown, or was
// never approved. It is answered with 25 and not recorded: the original may
// still be on its way, and asking again must look again.
var errNothingToUndo = errors.New("nothing approved goes by the original's reference")

// rules are what decides; delay is how long what comes later takes.
type rules struct{ delay time.Duration }

// judge decides what becomes of req, given what v shows, at now. It records
// nothing itself, and changes nothing when called again. An operation that it
// returns with another reference than req's is one that stands already.
func (r rules) judge(v View, req request, now time.Time) (Operation, error) {
	op := Operation{
		Reference: req.Reference, Kind: req.Kind, Original: req.Original, Amount: req.Amount, Currency: req.Currency, Time: now, More: req.More, Mark: req.Mark,
	}
	op.ID, _ = names(req.Reference)
	var err error
	switch req.Kind {
	case Authenticate, Authorize, Sale:
		if req.Account != nil {
			r.judgeDebit(req, &op)
			break
		}
		if err = judgeCard(v, req, &op); err == nil && req.Kind == Sale {
			err = complain(v, &op, op.Plays)
		}
	case Increment:
		op.Code, op.Granted, err = judgeIncrement(v, req, now)
	case Capture:
		var auth Operation
		if op.Code, auth, err = judgeCapture(v, req, now); err == nil {
			err = complain(v, &op, auth.Plays)
		}
	case Refund:
		err = r.judgeRefund(v, req, &op)
	case Contest:
		err = r.judgeContest(v, req, &op)
	case Reversal:
		var done *Operation
		if op.Code, done, err = judgeReversal(v, req); done != nil {
			return *done, nil
		}
	}
	op.State = stateOf(op.Code)
	return op, err
}

func stateOf(code string) State {
	switch code {
	case codeApproved:
		return Approved
	case codePending:
		return Pending
	}
	return Declined
}

// judgeCard is about what a card is needed for. An issuer that wants proof says
// so before it says anything else, but not of a card that is none.
func judgeCard(v View, req request, op *Operation) error {
	number := req.Card.Number.Reveal()
	op.Brand, op.Last4 = brand(number), req.Card.last4()
	op.Code, op.CVCCheck = req.Card.verdict(op.Time)
	switch {
	case req.Amount > maxAmount:
		op.Code = codeInvalidAmount
		return nil
	case op.Code == codeInvalidNumber, req.Card.expired(op.Time):
		return nil
	}
	if req.Kind == Authenticate {
		op.Code, op.CVCCheck, op.ReturnURL = codeApproved, "", req.ReturnURL
		req.judgeAuthentication(op)
		return nil
	}
	if req.needsProof() {
		if good, err := proven(v, req); err != nil || !good {
			op.Code, op.CVCCheck = codeNeedsProof, "unchecked"
			return err
		}
	}
	if req.Billing != nil {
		op.Line1Check = addressCheck(number, req.Billing.Line1, wrongLine1)
		op.PostalCheck = addressCheck(number, req.Billing.PostalCode, wrongPostal)
	}
	if op.Code == codeApproved {
		_, op.AuthorizationCode = names(req.Reference)
		op.Granted = req.grant(op.Time)
		op.Plays = playing[number]
	}
	return nil
}

func judgeCapture(v View, req request, now time.Time) (string, Operation, error) {
	auth, found, err := v.Find(req.Original)
	if err != nil || !found {
		return codeUnknownOriginal, auth, err
	}
	stands, err := standing(v, auth)
	if err != nil || !stands || auth.Kind != Authorize || auth.Currency != req.Currency {
		return codeNotPermitted, auth, err
	}
	h, err := holdOf(v, auth)
	switch {
	case err != nil || h.final || req.More && !h.granted.Multicapture || !now.Before(h.granted.Expires):
		return codeNotPermitted, auth, err
	case req.Amount > h.granted.MaxCapture-h.captured:
		return codeInvalidAmount, auth, nil
	}
	return codeApproved, auth, nil
}

func (r rules) judgeRefund(v View, req request, op *Operation) error {
	root, found, err := v.Find(req.Original)
	if err != nil || !found {
		op.Code = codeUnknownOriginal
		return err
	}
	left, err := refundable(v, root)
	switch {
	case err != nil || root.Currency != req.Currency || left < 0:
		op.Code = codeNotPermitted
	case req.Amount > left:
		op.Code = codeInvalidAmount
	case root.Plays == refundPends:
		op.Code, op.Settles = codePending, op.Time.Add(r.delay)
	case root.Plays == refundFails:
		op.Code, op.Due = codeApproved, op.Time.Add(r.delay)
	default:
		op.Code = codeApproved
	}
	return err
}

// refundable is how much of what root took is not refunded; less than zero if it
// took nothing.
func refundable(v View, root Operation) (int64, error) {
	left, err := captured(v, root)
	if err != nil || left == 0 {
		return -1, err
	}
	refunds, err := follow(v, root.Reference, Refund)
	for _, r := range refunds {
		left -= r.Amount
	}
	return left, err
}

// judgeReversal gives the code of a reversal, or the reversal by which the
// original was undone before.
func judgeReversal(v View, req request) (string, *Operation, error) {
	original, found, err := v.Find(req.Original)
	if err != nil {
		return "", nil, err
	}
	if !found || original.State == Declined {
		return "", nil, errNothingToUndo
	}
	before, err := follow(v, original.Reference, Reversal)
	if err != nil || len(before) > 0 {
		if err != nil {
			return "", nil, err
		}
		return "", &before[0], nil
	}
	amounts, err := undoable(v, original)
	switch {
	case err != nil || amounts == nil || original.Currency != req.Currency:
		return codeNotPermitted, nil, err
	case !slices.Contains(amounts, req.Amount):
		return codeInvalidAmount, nil, nil
	}
	return codeApproved, nil, nil
}

// undoable gives the amounts by which a reversal may name op, none if it can't
// be undone: something stands that rests on it.
func undoable(v View, op Operation) ([]int64, error) {
	amounts := []int64{op.Amount, op.taken()}
	switch op.Kind {
	case Authorize:
		h, err := holdOf(v, op)
		if err != nil || h.final {
			return nil, err
		}
		return append(amounts, h.granted.Amount, h.granted.Amount-h.captured), nil
	case Increment:
		h, err := holdAbove(v, op)
		if err != nil || h.captures > 0 {
			return nil, err
		}
		return []int64{op.Amount}, nil // what it grants is the authorisation's
	case Sale:
		refunds, err := follow(v, op.Reference, Refund)
		if err != nil || len(refunds) > 0 || op.disputed() {
			return nil, err
		}
		// What is taken from a bank account can be undone until it is known.
		if end, err := endOf(v, op); err != nil || op.debits() && end.State != Pending {
			return nil, err
		}
	case Capture:
		if left, err := refundableAbove(v, op); err != nil || left < op.Amount || op.disputed() {
			return nil, err
		}
	case Refund:
		if stands, err := standing(v, op); err != nil || !stands {
			return nil, err
		}
	default:
		return nil, nil
	}
	return amounts, nil
}

// holdAbove is how the authorisation stands that op builds on.
func holdAbove(v View, op Operation) (hold, error) {
	auth, _, err := v.Find(op.Original)
	if err != nil {
		return hold{}, err
	}
	return holdOf(v, auth)
}

// refundableAbove is what is left to refund of the authorisation that op, a
// capture, builds on: a refund names the authorisation, not its capture.
func refundableAbove(v View, op Operation) (int64, error) {
	auth, _, err := v.Find(op.Original)
	if err != nil {
		return 0, err
	}
	return refundable(v, auth)
}

// captured is how much was taken by root, a sale or a captured authorisation;
// zero if it is neither. What was captured stays so when the rest is released.
func captured(v View, root Operation) (int64, error) {
	switch root.Kind {
	case Sale:
		if stands, err := standing(v, root); err != nil || !stands {
			return 0, err
		}
		if end, err := endOf(v, root); err != nil || end.State != Approved {
			return 0, err
		}
		return root.taken(), nil
	case Authorize:
		h, err := holdOf(v, root)
		return h.captured, err
	}
	return 0, nil
}

// standing reports whether op happened, or is to, and was not undone.
func standing(v View, op Operation) (bool, error) {
	if op.State == Declined {
		return false, nil
	}
	later, err := v.Following(op.Reference)
	for _, l := range later {
		// What is told of a refund as time passes is that it failed.
		if l.Kind == Reversal || l.Kind == Event && op.Kind == Refund && len(l.Notices) > 0 {
			return false, err
		}
	}
	return err == nil, err
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

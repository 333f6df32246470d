package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// The types of payment methods that are taken from a bank account, by Stripe's
// names, and the currencies in which they are.
var debitTypes = map[string][]string{
	"sepa_debit": {"eur"}, "us_bank_account": {"usd"}, "bacs_debit": {"gbp"}, "acss_debit": {"cad", "usd"}, "au_becs_debit": {"aud"},
}

// account is a bank account as it came or is about to go over the wire. Its
// number is not printed; encode alone writes it out.
type account struct {
	Country string      `json:"country"`
	Routing string      `json:"routing,omitempty"`
	Number  hidden.Text `json:"number"`
}

// debit is what comes of a sale on a bank account.
type debit struct {
	code  string // in the end
	slow  bool   // after slowness times the usual time
	never bool   // it is never known
	plays string // as playing
}

// slowness is how many times longer the slow test accounts take: three minutes
// for the usual ten seconds.
const slowness = 18

// debits are the test accounts that don't simply succeed, by number. Sources:
// https://docs.stripe.com/testing#non-card-payments and the testing sections of
// https://docs.stripe.com/payments/bacs-debit/accept-a-payment,
// https://docs.stripe.com/payments/acss-debit/accept-a-payment and
// https://docs.stripe.com/payments/au-becs-debit/accept-a-payment.
var debits = func() map[string]debit {
	m := map[string]debit{}
	for _, group := range []struct {
		debit
		numbers string
	}{
		{debit{code: codeApproved, slow: true}, "AT321904300235473204 BE78510007547064 DE08370400440532013003 FR3020041010050500013M02609 IE24AIBK93115212345671 90012345 900123456789 900123456"},
		{debit{code: codeCouldNot}, "AT861904300235473202 BE68539007547034 DE62370400440532013001 FR8420041010050500013M02607 IE02AIBK93115212345679"},
		{debit{code: codeCouldNot, slow: true}, "AT051904300235473205 BE51510007547065 DE78370400440532013004 FR7920041010050500013M02600 IE94AIBK93115212345672"},
		{debit{code: codeApproved, plays: "lost_debit_not_authorized"}, "AT591904300235473203 BE08510007547063 DE35370400440532013002 FR5720041010050500013M02608 IE51AIBK93115212345670 000555555559 55555559"},
		{debit{code: codeSourceLimit}, "AT981904300000343434 BE90510000343434 DE65370400440000343434 FR9720041010050000000343434 IE10AIBK93115200343434 343434343"},
		{debit{code: codeWeeklyLimit}, "AT601904300000121212 BE52510000121212 DE27370400440000121212 FR5920041010050000000121212 IE69AIBK93115200121212 121212121 000777777771"},
		{debit{code: codeNoFunds}, "AT981904300002222227 BE90510002222227 DE65370400440002222227 FR9720041010050000002222227 IE10AIBK93115202222227 000222222227 22222227 222222227"},
		{debit{code: codeNoFunds, slow: true}, "92222227 900222222227 922222227"},
		{debit{code: codeClosed}, "000111111113 111111113"},
		{debit{code: codeNoAccount}, "000111111116 111111116"},
		{debit{code: codeNotAuthorized}, "000333333335 33333335 333333335"},
		{debit{code: codeNotAuthorized, slow: true}, "93333335"},
		{debit{code: codeWrongCurrency}, "000444444440"},
		{debit{never: true}, "000000000009"},
	} {
		for _, number := range strings.Fields(group.numbers) {
			m[number] = group.debit
		}
	}
	return m
}()

// blockedAccounts are declined at once.
var blockedAccounts = fields("000000004954")

// check refuses an account that is written as none is.
func (a account) check() *refusal {
	number := a.Number.Reveal()
	letter := func(b byte) bool { return b >= 'A' && b <= 'Z' }
	switch {
	case len(a.Country) != 2 || !all(a.Country, letter):
		return refuse(invalidField, "account.country", "a country is two capital letters")
	case len(a.Routing) > maxText || !all(a.Routing, isDigit):
		return refuse(invalidField, "account.routing", "the number of a bank has digits")
	case len(number) < 4 || len(number) > 34 || !all(number, func(b byte) bool { return isDigit(b) || letter(b) }):
		return refuse(invalidField, "account.number", "an account's number has 4 to 34 digits and capital letters")
	}
	return nil
}

// last4 is all of the number that may be kept in the clear.
func (a account) last4() string {
	number := a.Number.Reveal()
	return number[max(0, len(number)-4):]
}

// judgeDebit accepts a sale on a bank account, whose end is known later.
func (r rules) judgeDebit(req request, op *Operation) {
	number := req.Account.Number.Reveal()
	op.Method, op.Last4 = req.Method, req.Account.last4()
	switch {
	case req.Amount > maxAmount:
		op.Code = codeInvalidAmount
		return
	case !slices.Contains(debitTypes[req.Method], req.Currency):
		op.Code = codeWrongCurrency
		return
	case blockedAccounts[number]:
		op.Code = codeFraud
		return
	}
	d, known := debits[number]
	if !known {
		d.code = codeApproved
	}
	op.Code = codePending
	if d.never {
		return
	}
	wait := r.delay
	if d.slow {
		wait *= slowness
	}
	op.Plays, op.Result, op.Settles = d.plays, d.code, op.Time.Add(wait)
	if !req.Hold {
		op.Due = op.Settles
	}
}

// debits reports whether op is a sale on a bank account.
func (op Operation) debits() bool { return op.Kind == Sale && op.Method != "" }

// judgeDebited is how a sale on a bank account ends.
func judgeDebited(v View, op Operation, event *Operation) error {
	stands, err := standing(v, op)
	if err != nil || !stands {
		return err
	}
	event.Result, event.Method, event.Last4 = op.Result, op.Method, op.Last4
	if op.Result != codeApproved {
		return tell(v, event, Notice{Kind: noticeUnpaid, Reference: op.Reference, Reason: reason(op.Result)})
	}
	if err := tell(v, event, Notice{Kind: noticePaid, Reference: op.Reference}); err != nil {
		return err
	}
	return complain(v, event, op.Plays)
}

// ended gives a sale on a bank account as it stands once event is known to have
// ended it.
func (op Operation) ended(event Operation) Operation {
	if event.Result == "" { // it was undone before
		return op
	}
	op.Code, op.State, op.Notices = event.Result, stateOf(event.Result), event.Notices
	return op
}

// endOf gives an operation as it stands.
func endOf(v View, op Operation) (Operation, error) {
	if !op.debits() || op.State != Pending {
		return op, nil
	}
	event, found, err := v.Find(eventReference(op.Reference))
	if err != nil || !found {
		return op, err
	}
	return op.ended(event), nil
}

// settled has a pending sale end if its time has come, or whatever the time if at is set, and
// gives it as it stands.
func (s *Simulator) settled(ctx context.Context, op Operation, at bool) (Operation, error) {
	now := s.clock.Now().Truncate(time.Millisecond)
	if op.Result != "" && (at || !op.Due.IsZero() && !now.Before(op.Due)) {
		event, _, err := s.book.Apply(ctx, eventReference(op.Reference), func(v View) (Operation, error) { return judgeDue(v, op, now) })
		return op.ended(event), err
	}
	event, found, err := s.book.Find(ctx, eventReference(op.Reference))
	if err == nil && found {
		op = op.ended(event)
	}
	return op, err
}

// settleNow is POST /v1/operations/{reference}/settle: a pending sale ends as it
// would in time.
func (s *Simulator) settleNow(w http.ResponseWriter, r *http.Request) { s.tellOf(w, r, true) }

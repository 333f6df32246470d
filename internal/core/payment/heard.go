package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// consequence is what follows from what a provider tells of an operation unasked.
type consequence int

const (
	nothing   consequence = iota // it is known, or older than what is known
	tooEarly                     // it can't be judged yet
	counts                       // the outcome is applied to an attempt that is open
	comesLate                    // it succeeded after it was called failed
)

func (c consequence) String() string {
	return [...]string{"nothing", "too early", "counts", "comes late"}[c]
}

// judge compares what a provider tells of an operation with what is known of it
// and, where the provider was asked, with what it answered. What it answers is
// what counts: news is a reason to ask. Where it can't be asked, news counts as
// far as it does not contradict what the provider has said before. contradicts
// is empty where all fits.
func judge(state State, told provider.Status, asked *provider.Finding) (c consequence, contradicts string) {
	if state == Reversed {
		return nothing, "" // what is undone now was approved before
	}
	is := told
	if asked != nil {
		if asked.Answer != provider.Found {
			return tooEarly, ""
		}
		if is = asked.Outcome.Status; is != told && told.Definite() && is.Definite() {
			contradicts = fmt.Sprintf("it was told to be %s; asked, the provider says %s", told, is)
		}
	}
	switch open := state == Sending || state == Unknown || state == Pending; {
	case open && (is == provider.Approved || is == provider.Declined || is == provider.Failed && asked != nil):
		return counts, contradicts
	case state == Approved && (is == provider.Declined || is == provider.Failed):
		return nothing, fmt.Sprintf("it is %s, and told to be %s now", state, is)
	case state == Declined && is == provider.Approved && asked == nil && !probe.Mutant("payment.believe-anything"):
		return nothing, fmt.Sprintf("it is %s, and told to be %s now", state, is)
	case (state == Failed || state == Declined) && is == provider.Approved:
		return comesLate, contradicts
	}
	return nothing, contradicts
}

// fits reports whether what is told of an operation's amount can be true.
func (a *Attempt) fits(n *provider.Standing) bool {
	switch {
	case n.Amount == 0 || a.Operation == OpAuthenticate || a.Operation.contests():
		return true
	case n.Currency != a.Currency:
		return false
	case n.Status == provider.Approved && a.Features.Partial:
		return n.Amount <= a.Amount
	}
	return n.Amount == a.Amount
}

// known reports whether news adds nothing to what is known of an attempt, so
// that nobody needs to be asked.
func (a *Attempt) known(n *provider.Standing) bool {
	switch n.Status {
	case provider.Approved:
		return a.State == Approved || a.State == Reversed
	case provider.Declined:
		return a.State == Declined || a.State == Reversed
	case provider.Failed:
		return a.State == Failed || a.State == Reversed
	}
	return true // that nothing is known is no news
}

// reversal names the undoing of an attempt; see [Service.reverse].
const reversal = "_r"

// aboutReversal reports whether a notice tells of the undoing of an attempt,
// whose resolver finds out by itself.
func aboutReversal(n provider.Notice) bool {
	return n.Kind == provider.NoticeOutcome && strings.HasSuffix(n.Reference, reversal)
}

// heard takes what a provider tells of how an operation stands.
func (v *Service) heard(ctx context.Context, s id.Scope, key AttemptID, source string, n provider.Notice) error {
	at := noticeKey(s, source, n)
	row, there, err := notices.Read(ctx, v.DB, at)
	if err != nil || there && row.State == noticeDone {
		return err
	}
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err == nil && (!ok || n.Standing == nil) {
		err = fmt.Errorf("it says nothing of attempt %s", n.Reference)
	}
	if err != nil {
		return err
	}
	c, contradicts := nothing, ""
	var asked *provider.Finding
	out := provider.Outcome{Status: n.Standing.Status, ID: n.Standing.ID, Reason: n.Standing.Reason, Code: n.Standing.Code}
	if !a.Body.known(n.Standing) {
		if p := v.Providers[a.Body.Provider]; p.Inquire != nil && a.Body.State != Reversed {
			f := v.question(ctx, p, a)
			asked, out = &f, f.Outcome
		}
		c, contradicts = judge(a.Body.State, n.Standing.Status, asked)
		if asked == nil && !a.Body.fits(n.Standing) {
			c = nothing
		}
	}
	if !a.Body.fits(n.Standing) {
		contradicts = fmt.Sprintf("it is about %d %s, and told to be about %d %s", a.Body.Amount, a.Body.Currency, n.Standing.Amount, n.Standing.Currency)
	}
	switch c {
	case counts:
		held := *a
		if asked == nil && !probe.Mutant("payment.told-is-asked") {
			held.Body.Due = time.Time{} // who brings it looks after nothing
		}
		_, err = v.settle(ctx, &held, out, nil)
	case comesLate:
		err = v.Late(ctx, s, key, out)
	}
	if err != nil {
		return err
	}
	probe.Point("payment.heard")
	return v.noteHeard(ctx, a, at, source, n, c, contradicts)
}

// noteHeard notes that news was applied, or that it has to wait, as it does while
// what it says to be approved is being undone; and opens a break where it
// contradicts what is known.
func (v *Service) noteHeard(ctx context.Context, held *object.Object[Attempt], at db.Key, source string, n provider.Notice, c consequence, contradicts string) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "payment.heard", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key), notices.Need(at)}, Do: func(tx *db.Tx) error {
		row, there, err := notices.Get(tx, at)
		if err != nil || there && row.State == noticeDone {
			return err
		}
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil {
			return err
		}
		if contradicts != "" {
			if err := v.openBreak(tx, a, BreakContradiction, 0, contradicts); err != nil {
				return err
			}
			if err := Attempts.Update(tx, a); err != nil {
				return err
			}
		}
		waits := c == tooEarly || c == counts && a.Body.Open()
		return v.keep(tx, a, at, row, there, source, n, !waits)
	}})
}

// Pushed takes what a provider sent unasked. What it says when it is asked is
// what counts: a notice with a number is looked up by it.
func (v *Service) Pushed(ctx context.Context, source string, n provider.Notice) error {
	p := v.Providers[source]
	if n.Number == 0 || p.Notices == nil {
		return v.Notice(ctx, source, n)
	}
	asked, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	told, contradicts, err := LookUp(asked, p, n)
	if err != nil {
		return err
	}
	if contradicts != "" {
		subject := fmt.Sprintf("%s notice %d", source, n.Number)
		if err := v.DB.Run(ctx, db.Step{Name: "payment.notice-contradicted", Do: func(tx *db.Tx) error {
			return v.OpenBreak(tx, id.Scope{}, BreakContradiction, subject, source, money.Amount{}, contradicts)
		}}); err != nil || told == nil {
			return err
		}
	}
	return v.Notice(ctx, source, *told)
}

// LookUp asks a provider for the notice with a number. told is nil where there is
// none, and contradicts says what is wrong with the one that was sent.
func LookUp(ctx context.Context, p provider.Provider, n provider.Notice) (told *provider.Notice, contradicts string, err error) {
	list, err := p.Notices(ctx, n.Number-1, 1)
	switch {
	case err != nil:
		return nil, "", err
	case len(list) == 0:
		return nil, "", fmt.Errorf("notice %d of %s was sent, and is not there yet when it is asked for", n.Number, p.Name)
	case list[0].Number != n.Number:
		return nil, "it was sent, and is not there when it is asked for", nil
	}
	sent, err := json.Marshal(n)
	if err != nil {
		return nil, "", err
	}
	given, err := json.Marshal(list[0])
	if err == nil && string(sent) != string(given) {
		contradicts = fmt.Sprintf("it was sent as %s, and is %s when it is asked for", sent, given)
	}
	return &list[0], contradicts, err
}

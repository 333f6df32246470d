package payment

import (
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Breaks are the differences that nobody can explain yet. A person resolves one,
// or it explains itself.
type Breaks interface {
	// Open opens, in a step, a break of a kind about a subject at a provider,
	// unless one is open: that one then says what is said now. amount is what is at
	// stake, positive where the books have it and the provider does not; zero where
	// that is not known.
	Open(tx *db.Tx, s id.Scope, kind, subject, provider string, amount money.Amount, note string) error
	// Explain ends, in a step, the open break of a kind about a subject at a
	// provider, if there is one.
	Explain(tx *db.Tx, s id.Scope, kind, subject, provider, why string) error
}

// The kinds of breaks that are opened here.
const (
	// BreakUnknown: nobody could find out within a day what became of an
	// operation. The subject is the attempt.
	BreakUnknown = "unknown_outcome"
	// BreakContradiction: a provider has said two things that can't both be true.
	// The subject is the attempt, or the notice.
	BreakContradiction = "contradiction"
	// BreakTiming: money that nobody wants can't be returned. The subject is the
	// charge.
	BreakTiming = "timing"
	// BreakMissing: a provider tells of something that there is not. The subject
	// is the provider's name of it.
	BreakMissing = "missing_here"
)

// openBreak opens a break about an attempt, and notes on it since when. The
// caller stores the attempt. amount is as [Breaks] has it, in the attempt's
// currency.
func (v *Service) openBreak(tx *db.Tx, a *object.Object[Attempt], kind string, amount int64, note string) error {
	if a.Body.Break.IsZero() {
		a.Body.Break = tx.Now()
	}
	return v.OpenBreak(tx, a.Scope, kind, Reference(a.Scope, AttemptID(a.Key)), a.Body.Provider, money.New(amount, a.Body.Currency), note)
}

// OpenBreak opens, in a step, a break about a subject, and has a person told.
func (v *Service) OpenBreak(tx *db.Tx, s id.Scope, kind, subject, source string, amount money.Amount, note string) error {
	v.Log.Warn("a person has to look into what a provider says", "break", kind, "subject", subject, "provider", source, "why", note)
	const most = 2000 // bytes
	note = strings.ToValidUTF8(note[:min(len(note), most)], "")
	if v.Breaks == nil || probe.Mutant("payment.no-break") {
		return nil
	}
	return v.Breaks.Open(tx, s, kind, subject, source, amount, note)
}

// explain ends what breaks there are about an attempt, since the books say now
// what the provider says. The caller stores the attempt.
func (v *Service) explain(tx *db.Tx, a *object.Object[Attempt], why string) error {
	if a.Body.Break.IsZero() {
		return nil
	}
	a.Body.Break = time.Time{}
	if v.Breaks == nil {
		return nil
	}
	for _, kind := range []string{BreakUnknown, BreakContradiction} {
		if err := v.Breaks.Explain(tx, a.Scope, kind, Reference(a.Scope, AttemptID(a.Key)), a.Body.Provider, why); err != nil {
			return err
		}
	}
	return nil
}

// stake is what a success of the attempt that the books do not have would mean
// to the provider's debt: less money there than the books have, or more.
func (a *Attempt) stake() int64 {
	switch a.Operation {
	case OpSale, OpCapture:
		return -a.Amount
	case OpRefund:
		return a.Amount
	}
	return 0
}

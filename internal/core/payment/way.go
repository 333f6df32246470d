package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// way is how the outcome of an attempt is learned.
type way int

const (
	noWay      way = iota // there is none: a person has to find out
	byAsking              // an inquiry about one that failed by absence
	byInquiry             // by our reference
	byReplay              // the same request again
	byReversal            // undoing it, whatever it was
	byGoingOn             // by our reference, and sent again if that is not known
	byGivingUp            // of a payer who has not come back
)

func wayOf(p provider.Provider, a *object.Object[Attempt], now time.Time) way {
	switch {
	case !a.Body.Open():
		return byAsking
	case a.Body.Operation == OpAuthenticate && now.Sub(id.Time(a.Key)) > abandonAfter:
		return byGivingUp
	case p.Inquire != nil && a.Body.unattended() && replayable(p, a, now) && !a.Body.Contested:
		return byGoingOn
	case p.Inquire != nil:
		return byInquiry
	// A reversal may be said twice to every provider, and undoing a void would
	// be the opposite of what was asked for.
	case a.Body.Operation == OpVoid, replayable(p, a, now) && !a.Body.Contested:
		return byReplay
	// What was accepted is not undone: how it ends will be told.
	case a.Body.State == Pending:
		return noWay
	// Nor can what was said be taken back.
	case p.Reverse != nil && a.Body.Operation != OpAuthenticate && !a.Body.Operation.contests():
		return byReversal
	}
	return noWay
}

// unattended reports whether an attempt is to be brought forward even though
// nobody waits for it. What is asked of a payer, and what follows when the payer
// has answered, is not for the merchant to begin again.
func (a *Attempt) unattended() bool { return a.Operation == OpAuthenticate || a.Proof != 0 }

// undoable reports whether there is a reversal of the operation.
func (o Operation) undoable() bool { return o != OpVoid && o != OpAuthenticate }

// replayable reports whether a provider would take an attempt that is sent
// again at now for the one that it may have had. A card that was typed shortly
// before it paid had its security code; without the code it would be another
// request.
func replayable(p provider.Provider, a *object.Object[Attempt], now time.Time) bool {
	made, ends := id.Time(a.Key), now.Add(p.Traits.Timeout)
	if ends.Sub(made) >= p.Traits.ReplayWindow {
		return false
	}
	if a.Body.Type != "" { // it has no security code
		return true
	}
	gone := id.Time(a.Body.Card).Add(vault.CVCLife)
	return probe.Mutant("payment.replay-without-cvc") || a.Body.Card == 0 || made.After(gone.Add(Margin)) || ends.Before(gone)
}

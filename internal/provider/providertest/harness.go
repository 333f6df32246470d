package providertest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// Harness is what a provider brings to the suite.
type Harness struct {
	// Start makes a simulator with an empty book that serves on w.Listener, and
	// a provider that reaches it. It registers on t whatever must be let go.
	Start func(t *testing.T, w World) Instance
	// Approve is a card that is approved, with a security code; Decline is one
	// that is declined. They are not used where Authorize is nil.
	Approve, Decline provider.Card
	// Dispute is a card whose sales are disputed at once, if there is one.
	Dispute provider.Card
	// Reason and Code are what a decline of Decline says.
	Reason, Code string
	// Currency of all amounts; "eur" if empty.
	Currency money.Currency
}

// World is where an [Instance] lives.
type World struct {
	Clock    clock.Clock
	Listener net.Listener
	// Dial is how the provider makes its connections; nil is the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds a call.
	Timeout time.Duration
	// Horizon is the provider's; zero is its default.
	Horizon time.Duration
	// Seed and FaultRate make the simulator err at random: so many of a
	// thousand requests.
	Seed      uint64
	FaultRate int
}

// Instance is a simulator and the provider connected to it.
type Instance struct {
	Provider provider.Provider
	// Book lists every operation that the simulator ever recorded, oldest first.
	Book func() ([]Entry, error)
	// Inject makes the next request of an operation go wrong.
	Inject func(Fault) error
	// Stop ends the simulator and its listener; its book can still be listed.
	// It may be called twice.
	Stop func()
}

// Entry is one operation in a simulator's book.
type Entry struct {
	Reference string
	Original  string
	Operation Operation
	Amount    money.Amount
	Approved  bool // declined otherwise
}

// Operation names what a call does.
type Operation string

// The operations of a provider.
const (
	Authenticate Operation = "authenticate"
	Authorize    Operation = "authorize"
	Sale         Operation = "sale" // Authorize with Capture set
	Increment    Operation = "increment"
	Capture      Operation = "capture"
	Refund       Operation = "refund"
	Reverse      Operation = "reverse"
	Contest      Operation = "contest"
	Inquire      Operation = "inquire"
)

// Fault is what goes wrong once, with the next request of an operation.
type Fault struct {
	Effect    Effect
	Operation Operation
	Delay     time.Duration // for Late and SlowProcess
}

// Effect is a way to go wrong.
type Effect string

// The effects that every simulator can show.
const (
	Lost        Effect = "lost"         // processed, never answered
	Late        Effect = "late"         // processed, answered after the delay
	Reset       Effect = "reset"        // processed, then the connection reset
	Refused     Effect = "refused"      // the connection closed, nothing processed
	Garbage     Effect = "garbage"      // processed, answered with what is no answer
	SlowProcess Effect = "slow_process" // never answered, and processed after the delay
)

package payment

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fsm"
)

// The tables below are written from the comments on the states and from
// docs of the API, not from the machines: what is not in them is refused.

func TestIntentMachine(t *testing.T) {
	states := []Status{RequiresPaymentMethod, RequiresConfirmation, Processing, RequiresAction, RequiresCapture, Succeeded, Canceled}
	triggers := []Trigger{giveMethod, takeMethod, confirm, saleApproved, authApproved, attemptFailed, captureSettled, cancel, voidSettled, needsAction, actionDone, actionKept, lateSale, lateAuth, fundsCame}
	checkMachine(t, intentMachine, RequiresPaymentMethod, states, triggers, map[Status]map[Trigger]Status{
		RequiresPaymentMethod: {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, cancel: Canceled, lateSale: Succeeded, lateAuth: RequiresCapture},
		RequiresConfirmation:  {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, cancel: Canceled, lateSale: Succeeded, lateAuth: RequiresCapture},
		Processing:            {saleApproved: Succeeded, authApproved: RequiresCapture, attemptFailed: RequiresPaymentMethod, needsAction: RequiresAction},
		RequiresAction:        {giveMethod: RequiresConfirmation, takeMethod: RequiresPaymentMethod, confirm: Processing, actionDone: Processing, actionKept: RequiresConfirmation, attemptFailed: RequiresPaymentMethod, cancel: Canceled, fundsCame: Succeeded},
		RequiresCapture:       {captureSettled: Succeeded, voidSettled: Canceled},
		Succeeded:             {},
		Canceled:              {},
	})
}

func TestAttemptMachine(t *testing.T) {
	states := []State{Sending, Unknown, Pending, Approved, Declined, Failed, Reversed}
	news := []News{newsUnknown, newsPending, newsApproved, newsDeclined, newsFailed, newsReversed, newsLate}
	open := func(unknown State) map[News]State {
		return map[News]State{newsUnknown: unknown, newsPending: Pending, newsApproved: Approved, newsDeclined: Declined, newsFailed: Failed, newsReversed: Reversed}
	}
	checkMachine(t, attemptMachine, Sending, states, news, map[State]map[News]State{
		Sending: open(Unknown),
		Unknown: open(Unknown),
		// What a provider has said that it has is not forgotten because it is
		// silent later.
		Pending:  open(Pending),
		Approved: {},
		Declined: {newsLate: Approved},
		Failed:   {newsLate: Approved},
		Reversed: {newsLate: Approved},
	})
	for _, s := range states {
		a := Attempt{State: s}
		left := len(slices.DeleteFunc(attemptMachine.Rows(), func(r fsm.Row[State, News]) bool { return r.From != s || r.On == newsLate }))
		if a.Open() != (left > 0) {
			t.Errorf("%s: open %v, but %d ways on", s, a.Open(), left)
		}
	}
}

// checkMachine goes through the whole product of states and events.
func checkMachine[S, E cmp.Ordered](t *testing.T, m *fsm.Table[S, E], first S, states []S, events []E, want map[S]map[E]S) {
	t.Helper()
	if len(want) != len(states) {
		t.Errorf("the table has %d states of %d", len(want), len(states))
	}
	for _, from := range states {
		for _, on := range events {
			got, ok := m.Next(from, on)
			to, wanted := want[from][on]
			if ok != wanted || got != to {
				t.Errorf("%v on %v: %v %v, want %v %v", from, on, got, ok, to, wanted)
			}
		}
		if final := len(want[from]) == 0; m.Final(from) != final {
			t.Errorf("%v: final %v, want %v", from, m.Final(from), final)
		}
	}
	for _, r := range m.Rows() {
		if !slices.Contains(states, r.From) || !slices.Contains(states, r.To) || !slices.Contains(events, r.On) {
			t.Errorf("row %v is outside of the product", r)
		}
	}
	reached := map[S]bool{first: true}
	for range states {
		for _, r := range m.Rows() {
			reached[r.To] = reached[r.To] || reached[r.From]
		}
	}
	var missed []string
	for _, s := range states {
		if !reached[s] {
			missed = append(missed, fmt.Sprint(s))
		}
	}
	if diff := gocmp.Diff([]string(nil), missed); diff != "" {
		t.Errorf("never reached: %s", diff)
	}
}

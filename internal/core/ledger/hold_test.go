package ledger

import (
	"errors"
	"math"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/money"
)

func TestHolds(t *testing.T) {
	b := newBench(t)
	account := AccountOf(Available, "usd")
	hold := func(subject, amount int64, mayGoNegative bool) error {
		return b.try(func(tx *db.Tx) error { return b.book.Hold(tx, b.s, subject, account, amount, mayGoNegative) })
	}
	release := func(subject int64) error {
		return b.try(func(tx *db.Tx) error { return b.book.ReleaseHold(tx, b.s, subject) })
	}
	held := func(want int64) {
		t.Helper()
		list, err := ReadBalances(t.Context(), b.db, b.s)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if x.Account == account && x.Held != want {
				t.Errorf("held %d, want %d", x.Held, want)
			}
		}
		b.sound()
	}

	if err := hold(1, 1, false); !errors.Is(err, ErrInsufficient) {
		t.Errorf("on nothing: %v", err)
	}
	if _, err := b.post(Transaction{Type: "adjustment", Currency: "usd", Amount: 100, Net: 100}, Posting{Bank, Available, money.New(100, "usd")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(hold(1, 60, false), hold(2, 40, false)); err != nil {
		t.Fatal(err)
	}
	held(100)
	if err := hold(3, 1, false); !errors.Is(err, ErrInsufficient) {
		t.Errorf("beyond what is free: %v", err)
	}
	if err := hold(1, 1, true); err == nil {
		t.Error("a second hold of one subject")
	}
	if err := hold(3, 500, true); err != nil {
		t.Errorf("may go negative: %v", err)
	}
	held(600)
	if err := hold(4, math.MaxInt64-500, true); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("more than can be counted: %v", err)
	}
	if err := errors.Join(release(3), release(1)); err != nil {
		t.Fatal(err)
	}
	held(40)
	if err := release(1); err == nil {
		t.Error("released twice")
	}
	held(40)
	if err := hold(1, 60, false); err != nil {
		t.Errorf("held again: %v", err)
	}
	for _, amount := range []int64{0, -1, math.MinInt64} {
		if err := hold(5, amount, true); err == nil {
			t.Errorf("hold of %d", amount)
		}
	}
	if err := b.try(func(tx *db.Tx) error { return b.book.Hold(tx, b.s, 6, 13840, 1, true) }); err == nil {
		t.Error("hold on no account")
	}
	held(100)
}

// A balance below zero has nothing free, however much or little is held.
func TestNothingIsFreeBelowZero(t *testing.T) {
	for _, b := range []Balance{
		{Debits: 1}, {Debits: math.MaxInt64, Held: math.MaxInt64}, {Held: 5},
	} {
		if b.free() > 0 {
			t.Errorf("%+v has %d free", b, b.free())
		}
	}
	if free := (Balance{Credits: 10, Debits: 3, Held: 4}).free(); free != 3 {
		t.Errorf("free %d, want 3", free)
	}
}

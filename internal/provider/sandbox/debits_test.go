package sandbox

import (
	"fmt"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/country"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// debitAt is a simulator at a moment that is moved by hand, and its connector.
func debitAt(t *testing.T) (*clock.Fixed, provider.Provider) {
	t.Helper()
	now := clock.At(time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC))
	_, _, url := newServer(t, Options{Clock: now})
	return now, New(url, ConnectorOptions{})
}

func euros(reference, iban string, hold bool) provider.AuthorizeRequest {
	return provider.AuthorizeRequest{Reference: reference, Amount: money.New(1000, "eur"), Capture: true, Method: "sepa_debit", Hold: hold,
		Account: &provider.BankAccount{Country: iban[:2], Number: hidden.NewText(iban)}}
}

// Every test account is one that can be, and ends as its number says: not before
// its time, with one notice that names it.
func TestDebitsEnd(t *testing.T) {
	now, p := debitAt(t)
	ctx := t.Context()
	for number, d := range debits {
		if _, ok := country.ParseIBAN(number); !ok && (number[0] < '0' || number[0] > '9') {
			t.Errorf("%s is no IBAN", number)
		}
		if _, ok := country.ParseIBAN(number); !ok {
			continue
		}
		reference := "debit-" + number
		first := p.Authorize(ctx, euros(reference, number, false))
		wait := 10 * time.Second
		if d.slow {
			wait *= slowness
		}
		if first.Status != provider.Pending || !first.Arrives.Equal(now.Now().Add(wait)) {
			t.Fatalf("%s: %+v", number, first)
		}
		now.Advance(wait - time.Second)
		if f := p.Inquire(ctx, reference); f.Outcome.Status != provider.Pending {
			t.Errorf("%s ended before its time: %+v", number, f)
		}
		if o := p.Refund(ctx, provider.RefundRequest{Reference: reference + "-early", Original: reference, Amount: money.New(1000, "eur")}); o.Status != provider.Declined {
			t.Errorf("%s was refunded before it was paid: %+v", number, o)
		}
		now.Advance(time.Second)
		f := p.Inquire(ctx, reference)
		if want := (provider.Outcome{Status: provider.Approved, Code: codeApproved}); d.code == codeApproved && (f.Outcome.Status != want.Status || f.Outcome.Code != want.Code) ||
			d.code != codeApproved && (f.Outcome.Status != provider.Declined || f.Outcome.Reason != reason(d.code)) {
			t.Errorf("%s: %+v, want %s", number, f, d.code)
		}
		kinds := ""
		for _, n := range f.Outcome.Notices {
			if n.Reference != reference {
				t.Errorf("%s: %+v", number, n)
			}
			kinds += string(n.Kind) + " "
		}
		want := map[bool]string{true: "payment_succeeded ", false: "payment_failed "}[d.code == codeApproved]
		if d.plays != "" {
			want += "dispute "
		}
		if kinds != want {
			t.Errorf("%s tells %s, want %s", number, kinds, want)
		}
		refund := p.Refund(ctx, provider.RefundRequest{Reference: reference + "-refund", Original: reference, Amount: money.New(400, "eur")})
		if (refund.Status == provider.Approved) != (d.code == codeApproved) {
			t.Errorf("%s is refunded: %+v", number, refund)
		}
	}
	told, err := p.Notices(ctx, 0, 100)
	if err != nil || len(told) < 35 {
		t.Errorf("%d notices, %v", len(told), err)
	}
}

// What is held ends when it is settled, once, and what is undone before never.
func TestDebitsAreHeldAndUndone(t *testing.T) {
	now, p := debitAt(t)
	ctx := t.Context()
	p.Authorize(ctx, euros("held", "DE89370400440532013000", true))
	now.Advance(24 * time.Hour)
	if f := p.Inquire(ctx, "held"); f.Outcome.Status != provider.Pending {
		t.Errorf("%+v", f)
	}
	for range 2 {
		if f := p.Settle(ctx, "held"); f.Outcome.Status != provider.Approved || len(f.Outcome.Notices) != 1 {
			t.Errorf("%+v", f)
		}
	}
	undo := func(reference string) provider.Status {
		return p.Reverse(ctx, provider.ReverseRequest{Reference: reference + "-undo", Original: reference, Amount: money.New(1000, "eur")}).Outcome.Status
	}
	if s := undo("held"); s != provider.Declined {
		t.Errorf("what was paid is undone: %s", s)
	}
	p.Authorize(ctx, euros("undone", "DE89370400440532013000", false))
	if s := undo("undone"); s != provider.Approved {
		t.Errorf("what is pending is not undone: %s", s)
	}
	now.Advance(time.Hour)
	if f := p.Inquire(ctx, "undone"); f.Outcome.Status == provider.Approved {
		t.Errorf("what was undone is paid: %+v", f)
	}
	if told, err := p.Notices(ctx, 0, 100); err != nil || len(told) != 1 {
		t.Errorf("%+v %v", told, err)
	}
}

func TestDebitsAreRefused(t *testing.T) {
	_, p := debitAt(t)
	for i, edit := range []func(*provider.AuthorizeRequest){
		func(r *provider.AuthorizeRequest) { r.Capture = false },
		func(r *provider.AuthorizeRequest) { r.Method = "wampum" },
		func(r *provider.AuthorizeRequest) { r.Method = "" },
		func(r *provider.AuthorizeRequest) { r.Account.Country = "de" },
		func(r *provider.AuthorizeRequest) { r.Account.Number = hidden.NewText("1") },
		func(r *provider.AuthorizeRequest) { r.Account.Routing = "x" },
		func(r *provider.AuthorizeRequest) { r.Mandate = "not one" },
	} {
		r := euros(fmt.Sprintf("bad-%d", i), "DE89370400440532013000", false)
		edit(&r)
		if o := p.Authorize(t.Context(), r); o.Status != provider.Failed || o.Code != invalidField {
			t.Errorf("%d: %+v", i, o)
		}
	}
	r := euros("dollars", "DE89370400440532013000", false)
	r.Amount = money.New(1000, "usd")
	if o := p.Authorize(t.Context(), r); o.Status != provider.Declined || o.Reason != "payment_method_currency_mismatch" {
		t.Errorf("%+v", o)
	}
	first := p.Authorize(t.Context(), euros("twice", "DE89370400440532013000", false))
	if again := p.Authorize(t.Context(), euros("twice", "AT611904300234573201", false)); first.Status != provider.Pending || again.Status != provider.Unknown {
		t.Errorf("%+v, then %+v", first, again)
	}
}

package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/method"
)

// Every test account but those that stand for being refused can be written down,
// and its type knows how.
func TestTestAccounts(t *testing.T) {
	if len(TestAccounts) != 5*8+11 {
		t.Error(len(TestAccounts))
	}
	for _, a := range TestAccounts {
		typ, ok := method.Of(a.Type)
		got, clear, err := a.input().check(&typ)
		if !ok || err != nil || got.Last4 != a.Number[len(a.Number)-4:] || clear.Number != a.Number {
			t.Errorf("%s: %+v %v", a.Name, got, err)
		}
	}
}

func TestKeptTypesAreKnown(t *testing.T) {
	for _, name := range Kept() {
		typ, ok := method.Of(name)
		if _, named := accountParams[typ.Account]; !ok || typ.Account != "" && !named {
			t.Errorf("%s: %+v", name, typ)
		}
	}
}

// An account's number is opened for a provider, prints nowhere, is in the clear
// nowhere in the store, and is gone with its holder.
func TestAccountIsSealed(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	const iban = "DE89370400440532013000"
	in := &MethodInput{Type: TypeSEPA, Account: &AccountInput{Number: secret.NewText("de89 3704 0044 0532 0130 00")}, Billing: Billing{Name: "Ada", Email: "ada@example.com"}}
	if text := fmt.Sprintf("%v %+v %#v", in, in.Account, *in.Account); strings.Contains(text, "0532") {
		t.Error("an account prints")
	}
	m := must[PaymentMethod](t)(w.CreatePaymentMethod(ctx, w.s, in, nil))
	got, err := w.AccountData(ctx, w.s, m.Body.CardRow)
	if err != nil || got.Number.Reveal() != iban || got.Country != "DE" || got.Routing != "" {
		t.Errorf("%s %s %v", got.Number.Reveal(), got.Country, err)
	}
	if _, err := w.CardData(ctx, w.s, m.Body.CardRow); err == nil {
		t.Error("an account is a card")
	}
	if body := fmt.Sprintf("%+v %+v", m.Body, *m.Body.Account); strings.Contains(body, iban[4:]) {
		t.Error("the number is in the body")
	}
	owner := w.customer(CustomerParams{})
	w.attached(m, owner)
	transfer := must[PaymentMethod](t)(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: TypeTransfer}, nil))
	w.attached(transfer, owner)
	if err := w.EraseCustomer(ctx, w.s, w.cus(owner)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AccountData(ctx, w.s, m.Body.CardRow); !errors.Is(err, ErrNoCard) {
		t.Errorf("an account is left: %v", err)
	}
}

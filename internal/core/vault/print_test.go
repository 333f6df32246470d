package vault

import (
	"testing"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/base/secret/secrettest"
)

func TestCardTypesDoNotPrint(t *testing.T) {
	in := CardInput{Number: secret.NewText(secrettest.Number), CVC: secret.NewText(secrettest.Code), ExpMonth: 12, ExpYear: 2034}
	clear := clearCard{number: secret.NewText(secrettest.Number), cvc: secret.NewText(secrettest.Code), month: 12, year: 2034}
	row := sealedNumber{Number: secret.NewText(secrettest.Number), Month: 12, Year: 2034}
	draft, err := (&Service{master: testMaster(t, 1)}).sealCard(testScope(1, false), 7, &clear)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"CardInput": in, "*CardInput": &in, "MethodInput": MethodInput{Type: "card", Card: &in}, "TokenInput": TokenInput{Card: in},
		"clearCard": clear, "*clearCard": &clear, "sealedNumber": row, "*sealedNumber": &row, "cardDraft": *draft, "*cardDraft": draft,
	} {
		secrettest.Hides(t, name, value)
	}
}

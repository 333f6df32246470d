package provider_test

import (
	"testing"

	"github.com/florinpay/florin/internal/base/secret/secrettest"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

func TestCardsDoNotPrint(t *testing.T) {
	card := provider.Card{Number: hidden.NewText(secrettest.Number), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText(secrettest.Code)}
	request := provider.AuthorizeRequest{Reference: "r", Amount: money.New(1, "usd"), Card: card}
	for name, value := range map[string]any{
		"Card": card, "*Card": &card, "AuthorizeRequest": request, "*AuthorizeRequest": &request, "list": []provider.Card{card}, "map": map[string]*provider.Card{"k": &card},
	} {
		secrettest.Hides(t, name, value)
	}
}

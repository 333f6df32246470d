package sandbox

import (
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/secret/secrettest"
	"github.com/florinpay/florin/internal/kit/hidden"
)

func TestWireTypesDoNotPrint(t *testing.T) {
	c := card{hidden.NewText(secrettest.Number), 12, 2034, hidden.NewText(secrettest.Code)}
	r := request{Reference: "r", Kind: Sale, Amount: 1, Currency: "eur", Card: &c, Descriptor: "Kiosk"}
	for name, value := range map[string]any{"card": c, "*card": &c, "request": r, "*request": &r, "list": []request{r}} {
		secrettest.Hides(t, name, value)
	}
	// The wire itself has it, and nothing else of it changed.
	body, err := r.encode()
	if want := `{"reference":"r","kind":"sale","amount":1,"currency":"eur","card":{"number":"` + secrettest.Number + `","exp_month":12,"exp_year":2034,"cvc":"` +
		secrettest.Code + `"},"descriptor":"Kiosk"}`; err != nil || string(body) != want {
		t.Errorf("%s, %v\nwant %s", body, err, want)
	}
	if text := r.redacted(); strings.Contains(text, secrettest.Number) || strings.Contains(text, secrettest.Code) || !strings.Contains(text, "400005******5556") {
		t.Error(text)
	}
}

package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/base/secret/secrettest"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
)

func TestRequestTypesDoNotPrint(t *testing.T) {
	v, fail := form.Decode(form.DefaultLimits(), "type=card&card[number]="+secrettest.Number+"&card[cvc]="+secrettest.Code)
	if fail != nil {
		t.Fatal(fail)
	}
	c := &call{form: v}
	for name, value := range map[string]any{
		"form.Value": v, "form.Value that was copied": *v, "a part of it": v.Get("card"), "a text of it": v.Get("card", "number"),
		"call": c, "call that was copied": *c, "CardInput": cardAt(v.Get("card")), "MethodInput": &vault.MethodInput{Card: new(cardAt(v.Get("card")))},
	} {
		secrettest.Hides(t, name, value)
	}
	if text, _ := v.Get("card", "number").String(); text != secrettest.Number {
		t.Errorf("the form holds %q: nothing was shown", text)
	}
}

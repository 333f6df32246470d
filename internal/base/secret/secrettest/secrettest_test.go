package secrettest

import (
	"fmt"
	"testing"

	"github.com/florinpay/florin/internal/base/secret"
)

// TestOfTests: what prints a number or a code in any one way is noticed, and
// what hides them passes.
func TestOfTests(t *testing.T) {
	for name, value := range map[string]any{
		"string": Number, "bytes": []byte(Number), "code": Code, "struct": struct{ Number string }{Number}, "unexported": struct{ code string }{Code},
		"pointer": &struct{ N string }{Number}, "inner pointer": struct{ P *struct{ N string } }{&struct{ N string }{Number}},
		"text in an unexported field of bytes": struct{ raw []byte }{[]byte(Code)},
	} {
		shown := false
		for _, text := range printed(value) {
			shown = shown || shows(text)
		}
		if !shown {
			t.Errorf("%s: nothing was noticed in %v", name, printed(value))
		}
	}
	if address := "&{56" + Code + "3739168}"; shows(address) {
		t.Errorf("the address %s was taken for a code", address)
	}
	Hides(t, "Text", secret.NewText(Number))
	Hides(t, "struct", struct {
		N secret.Text
		c secret.Text
	}{secret.NewText(Number), secret.NewText(Code)})
	Hides(t, "mask", "400005******5556")
	if got := fmt.Sprint(len(verbs)); got != "24" {
		t.Errorf("%s verbs", got)
	}
}

package app

import (
	"testing"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/merchant"
)

// Whoever has the keys of the only account runs Florin, and may settle what nobody could
// find out about; with a second one that ends.
func TestOneOfSeveralDoesNotSettle(t *testing.T) {
	a := start(t, config(t, dbtest.Address(t)))
	may := func(want bool) {
		t.Helper()
		if got, err := a.Rest.MaySettle(t.Context()); err != nil || got != want {
			t.Errorf("may settle: %v %v, want %v", got, err, want)
		}
	}
	may(true)
	if _, err := a.Merchant.Create(t.Context(), merchant.Params{Name: "Another"}); err != nil {
		t.Fatal(err)
	}
	may(false)
}

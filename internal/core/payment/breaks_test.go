package payment_test

import (
	"context"
	"slices"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/settle"
)

// broken lists the breaks that are open: types and subjects.
func (s *shop) broken() (list []string) {
	s.t.Helper()
	err := settle.Breaks.Scan(context.Background(), s.DB, func(o *object.Object[settle.Break]) error {
		if o.Body.State == settle.Open {
			list = append(list, string(o.Body.Type)+" "+o.Body.Subject)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

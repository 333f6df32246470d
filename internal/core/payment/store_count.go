package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// counted is a number of rows.
type counted struct{ Rows int64 }

// storedIntents counts all of a scope, for tools alone: it reads as long as there are
// intents.
var storedIntents = db.NewQuery("payment.stored", "SELECT count(*) FROM payment_intent WHERE scope = ?", func(c *counted, f *db.Fields) { db.Int(f, &c.Rows) })

// Stored is how many payment intents a scope has.
func (v *Service) Stored(ctx context.Context, s id.Scope) (n int64, err error) {
	err = storedIntents.Each(ctx, v.DB, func(c counted) error {
		n = c.Rows
		return nil
	}, s.Key())
	return n, err
}

package vault

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Forgotten makes the payment method of a payment that others tell of and that
// is not in the database: all that is known is the card's brand, empty where it
// is not, and its last digits. Nothing can be paid with it.
func Forgotten(tx *db.Tx, s id.Scope, brand, last4 string) (*object.Object[PaymentMethod], error) {
	if brand == "" {
		brand = Unknown
	}
	return PaymentMethods.Insert(tx, s, tx.NewKey(), PaymentMethod{
		Type: TypeCard, UsedUp: true, AllowRedisplay: "unspecified",
		Card: Card{Brand: brand, Last4: last4, Funding: Unknown, Networks: []string{brand}},
	})
}

package vault

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// SealedCode is a security code that is kept.
type SealedCode struct {
	Scope   id.Scope
	Card    int64 // [PaymentMethod.CardRow]
	Expires time.Time
}

// codePage is how many rows one read takes.
const codePage = 1000

// EachSealedCode gives all security codes that are kept, of every scope, for a
// check that none is kept too long.
func EachSealedCode(ctx context.Context, d *db.DB, f func(SealedCode) error) error {
	var last keptCode
	for {
		page, err := keptCodes.All(ctx, d, last.Scope, last.Scope, last.Key, int64(codePage))
		if err != nil {
			return err
		}
		for _, last = range page {
			if err := f(SealedCode{id.ScopeOf(last.Scope), last.Key, last.Expires}); err != nil {
				return err
			}
		}
		if len(page) < codePage {
			return nil
		}
	}
}

// CodeIsSealed reports whether a card's security code is kept.
func CodeIsSealed(ctx context.Context, d *db.DB, s id.Scope, card int64) (bool, error) {
	_, ok, err := cvcs.Read(ctx, d, at(s, card))
	return ok, err
}

package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// CVCLife is how long a security code is kept at most: what a payment needs
// that was begun when the card was typed, including the time to settle an
// unknown outcome.
const CVCLife = 15 * time.Minute

// ErrNoCard says that there is no card data (any more): it was erased. Nothing
// can be charged to the card.
var ErrNoCard = fmt.Errorf("vault: the card data is gone: %w", secret.ErrErased)

// CardData opens a card for a provider, outside of steps and right before the
// call; card is [PaymentMethod.CardRow]. The security code is empty when there
// is none, or none any more. Errors: [ErrNoCard], or internal.
func (v *Service) CardData(ctx context.Context, s id.Scope, card int64) (provider.Card, error) {
	var none provider.Card
	subject, parts, err := v.parts(ctx, s, card)
	if err != nil {
		return none, err
	}
	n, err := openNumber(subject, s, card, parts[partNumber])
	if err != nil {
		return none, err
	}
	opened := provider.Card{Number: n.Number, ExpMonth: n.Month, ExpYear: n.Year}
	if sealed := parts[partCVC]; len(sealed) > 0 {
		cvc, err := subject.Open(sealed, bound(fieldCVC, s, card))
		if err != nil {
			return none, err
		}
		opened.CVC = secret.NewText(string(cvc))
	}
	return opened, nil
}

// parts reads what there is of a card or an account, and opens its data key.
func (v *Service) parts(ctx context.Context, s id.Scope, row int64) (*secret.Subject, map[int64][]byte, error) {
	parts := map[int64][]byte{}
	err := cardParts.Each(ctx, v.db, func(p cardPart) error {
		parts[p.Part] = p.Sealed
		return nil
	}, s.Key(), row, s.Key(), row, s.Key(), row, v.db.Clock().Now().UnixMicro())
	if err != nil {
		return nil, nil, err
	}
	if len(parts[partSubject]) == 0 || len(parts[partNumber]) == 0 {
		return nil, nil, ErrNoCard
	}
	subject, err := v.master.OpenSubject(parts[partSubject], identity(s, row))
	return subject, parts, err
}

// openNumber opens a card row. Its errors don't repeat what was in it.
func openNumber(subject *secret.Subject, s id.Scope, card int64, sealed []byte) (n sealedNumber, err error) {
	plain, err := subject.Open(sealed, bound(fieldNumber, s, card))
	if err != nil {
		return n, err
	}
	var c clearNumber
	if json.Unmarshal(plain, &c) != nil {
		return n, fmt.Errorf("vault: card %d: the content of its row is not known", card)
	}
	return sealedNumber{secret.NewText(c.Number), c.Month, c.Year}, nil
}

// CVCNeed names the row of [Service.DropCVC] for a step.
func CVCNeed(s id.Scope, card int64) db.Need { return cvcs.Need(at(s, card)) }

// NeedCVC names the security code of a card, for a step that will drop it.
func NeedCVC(s id.Scope, card int64) db.Need { return cvcs.Need(at(s, card)) }

// DropCVC removes the security code in the step that records a definite
// outcome. There may be none.
func (v *Service) DropCVC(tx *db.Tx, s id.Scope, card int64) error {
	if _, ok, err := cvcs.Get(tx, at(s, card)); err != nil || !ok || probe.Mutant("vault.keep-cvc") {
		return err
	}
	cvcs.Delete(tx, at(s, card))
	return nil
}

// ExpireCVC removes security codes whose time is over, at most limit of them,
// and tells how many it removed. It is for a job; run it every minute.
func (v *Service) ExpireCVC(ctx context.Context, limit int) (int, error) {
	old, err := expiredCVCs.All(ctx, v.db, v.db.Clock().Now().UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	byScope := map[int64][]db.Key{}
	for _, k := range old {
		byScope[k.Scope] = append(byScope[k.Scope], db.Key{Scope: k.Scope, ID: k.Key})
	}
	removed := 0
	for scope, keys := range byScope {
		n, err := v.expireCVC(ctx, scope, keys)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (v *Service) expireCVC(ctx context.Context, scope int64, keys []db.Key) (removed int, err error) {
	var needs []db.Need
	for _, k := range keys {
		needs = append(needs, cvcs.Need(k))
	}
	err = v.db.Run(ctx, db.Step{Name: "vault.expire_cvc", Scope: scope, Needs: needs, Do: func(tx *db.Tx) error {
		removed = 0
		for _, k := range keys {
			row, ok, err := cvcs.Get(tx, k)
			if err != nil {
				return err
			}
			if ok && !row.Expires.After(tx.Now()) {
				cvcs.Delete(tx, k)
				removed++
			}
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

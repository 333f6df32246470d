package app

import (
	"cmp"
	"context"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

// Resolution is what a person says became of an operation at a provider.
type Resolution struct {
	Attempt   string // att_… or poa_…
	Succeeded bool
	Evidence  string
	By        string
}

// Resolve settles an operation about which a break is open, posts what follows,
// and gives its state. It needs the master key that the database is bound to.
func (o *Operator) Resolve(ctx context.Context, p Resolution, c Config) (state string, err error) {
	if err := o.claim(ctx); err != nil {
		return "", err
	}
	master, _, err := masterKey(ctx, o.db, c)
	if err != nil {
		return "", err
	}
	keys := &idem.Keys{Sealer: master}
	v := &payment.Service{DB: o.db, Keys: keys, Vault: vault.New(o.db, master, keys), Merchant: o.merchants, Book: &ledger.Book{}, Log: c.Logger, Breaks: o.settle()}
	v.Aftermath = &dispute.Service{DB: o.db, Payment: v, Vault: v.Vault, Log: c.Logger}
	said := payment.Resolution{Succeeded: p.Succeeded, Evidence: p.Evidence, By: cmp.Or(p.By, "an operator")}
	s, key, ok, err := v.Find(ctx, p.Attempt)
	if err != nil {
		return "", err
	}
	if !ok {
		return o.resolvePayout(ctx, v, p.Attempt, said)
	}
	reply, err := v.ResolveByHand(ctx, s, key, said, nil)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	if err != nil {
		return "", err
	}
	return string(reply.Main.(*object.Object[payment.Attempt]).Body.State), nil
}

func (o *Operator) resolvePayout(ctx context.Context, v *payment.Service, attempt string, said payment.Resolution) (state string, err error) {
	w := &payout.Service{DB: o.db, Keys: v.Keys, Vault: v.Vault, Merchant: o.merchants, Book: v.Book, Log: v.Log, Breaks: v.Breaks}
	s, key, ok, err := w.Find(ctx, attempt)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", fault.New(fault.NotFound, "resource_missing", "There is no operation %q. The break about it names it.", attempt)
	}
	if err := w.ResolveByHand(ctx, s, key, said); err != nil {
		return "", err
	}
	a, _, err := payout.Attempts.Read(ctx, o.db, s, key)
	if err != nil {
		return "", err
	}
	return string(a.Body.State), nil
}

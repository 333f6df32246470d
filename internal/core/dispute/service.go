package dispute

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service looks after disputes. It is the payment service's Aftermath.
type Service struct {
	DB      *db.DB
	Payment *payment.Service
	Vault   *vault.Service
	Log     *slog.Logger
}

var _ payment.Aftermath = (*Service)(nil)

// tell writes an event about an object into the lane of its intent.
func tell[T any, N comparable](tx *db.Tx, intent payment.IntentID, typ string, k *object.Kind[T, N], o *object.Object[T], by event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: int64(intent), Type: typ, Kind: k.Name, Object: o.Ref(), Request: by})
}

// get loads an object that must be there because another one names it.
func get[T any, N comparable](tx *db.Tx, k *object.Kind[T, N], s id.Scope, key int64) (*object.Object[T], error) {
	o, ok, err := k.Get(tx, s, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s %d is missing", k.Name, key)
	}
	return o, err
}

func find(tx *db.Tx, s id.Scope, key int64) (*object.Object[Dispute], error) {
	o, ok, err := Disputes.Get(tx, s, key)
	if err == nil && !ok {
		err = missing(s, key)
	}
	return o, err
}

func missing(s id.Scope, key int64) error {
	return fault.Missing(fault.NotFound, "dispute", Disputes.Name, Disputes.ID(s, key))
}

func shown(o *object.Object[Dispute]) *idem.Reply {
	return &idem.Reply{Kind: Disputes.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

func request(r *idem.Request) event.Request { return vault.By(r) }

// EvidenceOf opens the evidence of a dispute, in whatever version.
func (v *Service) EvidenceOf(ctx context.Context, o *object.Object[Dispute]) (Evidence, error) {
	text, err := v.Vault.OpenPrivate(ctx, o.Scope, o.Body.Subject, o.Body.Evidence)
	if err != nil {
		return nil, err
	}
	return parseEvidence(text)
}

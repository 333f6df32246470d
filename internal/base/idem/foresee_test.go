package idem_test

import (
	"errors"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
)

// TestForesee: the first request under a key whose reply was foreseen is answered
// with it, rendered as it asks for; from then on the key is that request's.
func TestForesee(t *testing.T) {
	d, keys := dbtest.Open(t), newKeys(t)
	first := request(1, "k", "amount=1")
	do := func(f func(tx *db.Tx) error) error {
		return d.Run(t.Context(), db.Step{Name: "test", Scope: scope.Key(), Do: f})
	}
	foresee := func(key int64) {
		t.Helper()
		err := do(func(tx *db.Tx) error {
			return keys.Foresee(tx, scope, first.Ticket(), &idem.Reply{Kind: "thing", Shown: []object.Ref{{Key: key, Version: 1}}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	foresee(7)
	foresee(8) // the first one counts
	once := func(r *idem.Request) (reply *idem.Reply, err error) {
		err = do(func(tx *db.Tx) (err error) {
			reply, err = keys.Once(tx, scope, r, func() (*idem.Reply, error) {
				t.Errorf("%s is executed", r.ID)
				return &idem.Reply{}, nil
			})
			return err
		})
		return reply, err
	}
	for _, r := range []*idem.Request{first, request(2, "k", "amount=1")} {
		reply, err := once(r)
		if err != nil || !reply.Replayed || len(reply.Shown) != 1 || reply.Shown[0].Key != 7 || reply.Rendering != first.Rendering || reply.Origin != first.ID {
			t.Errorf("%s: %+v %v", r.ID, reply, err)
		}
	}
	if _, err := once(request(3, "k", "amount=2")); !isKind(err, fault.KeyMismatch) {
		t.Errorf("another request under the key: %v", err)
	}
}

func isKind(err error, k fault.Kind) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Kind == k
}

package setup

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Check compares intents with their attempts, and columns with bodies. It
// reports every row that does not fit, and fails only when it can't read.
func Check(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	say := func(s id.Scope, table string, key int64, format string, args ...any) {
		report(ledger.Finding{Check: "setups", Scope: s, Table: table, Key: key, Problem: fmt.Sprintf(format, args...)})
	}
	if err := columns(ctx, d, Intents, say); err != nil {
		return err
	}
	if err := columns(ctx, d, Attempts, say); err != nil {
		return err
	}
	if err := columns(ctx, d, vault.Mandates, say); err != nil {
		return err
	}
	type owner struct{ scope, key int64 }
	open := map[owner]AttemptID{}
	err := Attempts.Scan(ctx, d, func(a *object.Object[Attempt]) error {
		if a.Body.Open() != !a.Body.Due.IsZero() {
			say(a.Scope, Attempts.Name, a.Key, "it is %s, and due at %v", a.Body.State, a.Body.Due)
		}
		if a.Body.Open() {
			at := owner{a.Scope.Key(), int64(a.Body.Intent)}
			if open[at] != 0 {
				say(a.Scope, Attempts.Name, a.Key, "it is open beside %d", open[at])
			}
			open[at] = AttemptID(a.Key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return Intents.Scan(ctx, d, func(o *object.Object[Intent]) error {
		i := &o.Body
		var want AttemptID
		if i.Status == Processing || i.Status == RequiresAction {
			want = i.LatestAttempt
		}
		if have := open[owner{o.Scope.Key(), o.Key}]; have != want {
			say(o.Scope, Intents.Name, o.Key, "it is %s, and attempt %d is open", i.Status, have)
		}
		if (i.Status == RequiresAction) != (i.Action != nil) {
			say(o.Scope, Intents.Name, o.Key, "it is %s, with action %v", i.Status, i.Action)
		}
		return nil
	})
}

func columns[T any, N comparable](ctx context.Context, d *db.DB, k *object.Kind[T, N], say func(id.Scope, string, int64, string, ...any)) error {
	return k.Check(ctx, d, func(s id.Scope, key int64, problem string) { say(s, k.Name, key, "%s", problem) })
}

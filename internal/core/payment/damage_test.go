package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/object/objecttest"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// behind changes the database behind everybody's back and insists that
// something was changed.
func (s *shop) behind(sql string) {
	s.t.Helper()
	s.damaged = true
	var changed int64
	var err error
	if path, ok := strings.CutPrefix(s.address, "sqlite:"); ok {
		var c *sqlite3.Conn
		if c, err = sqlite3.Open("file:" + path); err == nil {
			err = errors.Join(c.EnableChecksums("main"), c.BusyTimeout(10*time.Second), c.Exec(sql))
			changed = c.Changes()
			err = errors.Join(err, c.Close())
		}
	} else {
		ctx := context.Background()
		var c *pgx.Conn
		if c, err = pgx.Connect(ctx, s.address); err == nil {
			tag, problem := c.Exec(ctx, sql)
			changed = tag.RowsAffected()
			err = errors.Join(problem, c.Close(ctx))
		}
	}
	if err != nil || changed == 0 {
		s.t.Fatalf("%s: %d rows changed, %v", sql, changed, err)
	}
}

// edit changes a body in a table.
func edit[T any](s *shop, table string, key int64, change func(*T)) {
	s.t.Helper()
	s.damaged = true
	objecttest.Edit(s.t, s.DB, table, s.scope, key, change)
}

// stock is a shop with something of everything in its books: a payment that is
// refunded in part, one that is authorised, and ones whose sale, capture and
// refund are open.
type stock struct {
	*shop
	paid, authorised, unknown, capturing, refunding int64
}

func newStock(t *testing.T) *stock {
	s := open(t)
	k := &stock{shop: s, paid: int64(paid("automatic")(s)), authorised: int64(paid("manual")(s)), capturing: int64(paid("manual")(s)), refunding: int64(paid("automatic")(s))}
	if r, err := refundIt(s, payment.IntentID(k.paid), nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Count: 3})
	k.unknown = intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	if r, err := captureIt(s, payment.IntentID(k.capturing), nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	if r, err := refundIt(s, payment.IntentID(k.refunding), nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	return k
}

func (k *stock) charge(intent int64) *object.Object[payment.Charge] {
	k.t.Helper()
	ch, ok, err := payment.Charges.Read(context.Background(), k.DB, k.scope, int64(k.intent(intent).Body.LatestCharge))
	if err != nil || !ok {
		k.t.Fatal(ok, err)
	}
	return ch
}

func (k *stock) refund(intent int64) *object.Object[payment.Refund] {
	k.t.Helper()
	r, ok, err := payment.Refunds.Read(context.Background(), k.DB, k.scope, int64(k.last(intent).Body.Refund))
	if err != nil || !ok {
		k.t.Fatal(ok, err)
	}
	return r
}

// keepCode stores a security code for the card of an attempt.
func (k *stock) keepCode(a *object.Object[payment.Attempt], expires time.Time) {
	k.t.Helper()
	if a.Body.Card == 0 || a.Body.Open() {
		k.t.Fatalf("%+v is no definite payment with a card", a.Body)
	}
	k.behind(fmt.Sprintf("INSERT INTO card_cvc (scope, key, sealed, expires) SELECT scope, key, sealed, %d FROM card WHERE key = %d", expires.UnixMicro(), a.Body.Card))
}

func TestCheckFindsDamage(t *testing.T) {
	for _, c := range []struct {
		name  string
		plant func(*stock)
		want  []string // check/table/row, of which each must be reported
	}{
		{"nothing", func(*stock) {}, nil},
		{"status of an intent in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE payment_intent SET status = 'canceled' WHERE key = %d", k.paid))
		}, []string{"columns/payment_intent"}},
		{"state of an attempt in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE attempt SET state = 'declined' WHERE key = %d", k.last(k.unknown).Key))
		}, []string{"columns/attempt"}},
		{"due of an attempt in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE attempt SET due = 0 WHERE key = %d", k.last(k.unknown).Key))
		}, []string{"columns/attempt"}},
		{"intent of a charge in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE charge SET intent = intent + 1 WHERE key = %d", k.charge(k.paid).Key))
		}, []string{"columns/charge"}},
		{"charge of a refund in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE refund SET charge = 1 WHERE key = %d", k.refund(k.paid).Key))
		}, []string{"columns/refund"}},
		{"type of a transaction in its column", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE balance_transaction SET type = 'refund' WHERE key = %d", k.charge(k.paid).Body.BalanceTransaction))
		}, []string{"columns/balance_transaction"}},
		{"a body that is none", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE charge SET body = substr(body, 1, 0) WHERE key = %d", k.charge(k.paid).Key))
		}, []string{"columns/charge", "intents/payment_intent"}},
		{"a replaced version that is missing", func(k *stock) {
			ch := k.charge(k.paid)
			k.behind(fmt.Sprintf("DELETE FROM object_version WHERE object = %d AND version = %d", ch.Key, ch.Version-1))
		}, []string{"columns/charge"}},
		{"an attempt that nobody looks after", func(k *stock) {
			a := k.last(k.unknown)
			edit(k.shop, "attempt", a.Key, func(a *payment.Attempt) { a.Due = time.Time{} })
			k.behind(fmt.Sprintf("UPDATE attempt SET due = 0 WHERE key = %d", a.Key))
		}, []string{"attempts/attempt"}},
		{"the transaction of a charge is missing", func(k *stock) {
			k.behind(fmt.Sprintf("DELETE FROM balance_transaction WHERE key = %d", k.charge(k.paid).Body.BalanceTransaction))
		}, []string{"transactions/charge"}},
		{"the transaction of a refund is missing", func(k *stock) {
			k.behind(fmt.Sprintf("DELETE FROM balance_transaction WHERE key = %d", k.refund(k.paid).Body.BalanceTransaction))
		}, []string{"transactions/refund"}},
		{"a charge with the transaction of another", func(k *stock) {
			ch, other := k.charge(k.paid), k.charge(k.refunding)
			edit(k.shop, "charge", ch.Key, func(c *payment.Charge) { c.BalanceTransaction = other.Body.BalanceTransaction })
		}, []string{"transactions/charge"}},
		{"refunded in the body of a charge", func(k *stock) {
			edit(k.shop, "charge", k.charge(k.paid).Key, func(c *payment.Charge) { c.Refunded-- })
		}, []string{"refunds/charge", "guards/charge"}},
		{"amount in the body of a refund", func(k *stock) {
			edit(k.shop, "refund", k.refund(k.paid).Key, func(r *payment.Refund) { r.Amount++ })
		}, []string{"refunds/charge", "transactions/refund"}},
		{"captured in the body of a charge", func(k *stock) {
			edit(k.shop, "charge", k.charge(k.paid).Key, func(c *payment.Charge) { c.Captured = 4000 })
		}, []string{"transactions/charge", "guards/charge", "intents/payment_intent"}},
		{"received in the body of an intent", func(k *stock) {
			edit(k.shop, "payment_intent", k.intent(k.paid).Key, func(i *payment.Intent) { i.Received = 4000 })
		}, []string{"intents/payment_intent"}},
		{"capturable in the body of an intent", func(k *stock) {
			edit(k.shop, "payment_intent", k.intent(k.authorised).Key, func(i *payment.Intent) { i.Capturable = 6000 })
		}, []string{"intents/payment_intent"}},
		{"an authorised charge that is gone", func(k *stock) {
			k.behind(fmt.Sprintf("DELETE FROM charge WHERE key = %d", k.charge(k.authorised).Key))
		}, []string{"intents/payment_intent"}},
		{"a refund that is gone", func(k *stock) {
			k.behind(fmt.Sprintf("DELETE FROM refund WHERE key = %d", k.refund(k.paid).Key))
		}, []string{"refunds/charge"}},
		{"status in the body of an intent", func(k *stock) {
			edit(k.shop, "payment_intent", k.intent(k.unknown).Key, func(i *payment.Intent) { i.Status = payment.RequiresCapture })
			k.behind(fmt.Sprintf("UPDATE payment_intent SET status = 'requires_capture' WHERE key = %d", k.unknown))
		}, []string{"intents/payment_intent"}},
		{"an intent that does not know of its open capture", func(k *stock) {
			edit(k.shop, "payment_intent", k.intent(k.capturing).Key, func(i *payment.Intent) { i.Attempt = 0 })
		}, []string{"intents/payment_intent"}},
		{"an intent that waits for nothing", func(k *stock) {
			edit(k.shop, "payment_intent", k.intent(k.paid).Key, func(i *payment.Intent) { i.Attempt = payment.AttemptID(k.last(k.paid).Key) })
		}, []string{"intents/payment_intent"}},
		{"state in the body of an attempt", func(k *stock) {
			a := k.last(k.capturing)
			edit(k.shop, "attempt", a.Key, func(a *payment.Attempt) { a.State = payment.Failed })
			k.behind(fmt.Sprintf("UPDATE attempt SET state = 'failed' WHERE key = %d", a.Key))
		}, []string{"guards/charge", "intents/payment_intent"}},
		{"a guard that lets too much pass", func(k *stock) {
			k.behind(fmt.Sprintf("UPDATE guard SET reserved = 0 WHERE subject = %d", k.charge(k.refunding).Key))
		}, []string{"guards/charge"}},
		{"a security code kept after the outcome", func(k *stock) {
			k.keepCode(k.last(k.authorised), k.clock.Now().Add(time.Minute))
		}, []string{"security codes/card_cvc"}},
		{"a security code kept beyond its time", func(k *stock) {
			k.behind("UPDATE card_cvc SET expires = " + fmt.Sprint(k.clock.Now().Add(-6*time.Minute).UnixMicro()))
		}, []string{"security codes/card_cvc"}},
		{"a security code that is about to be deleted", func(k *stock) {
			k.behind("UPDATE card_cvc SET expires = " + fmt.Sprint(k.clock.Now().Add(-4*time.Minute).UnixMicro()))
		}, nil},
		{"a guard that is gone", func(k *stock) {
			k.behind(fmt.Sprintf("DELETE FROM guard WHERE subject = %d", k.charge(k.authorised).Key))
		}, []string{"guards/charge"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newStock(t)
			k.inOrder()
			c.plant(k)
			found := map[string]bool{}
			if err := k.Check(t.Context(), func(f ledger.Finding) {
				t.Log(f)
				found[f.Check+"/"+f.Table] = true
			}); err != nil {
				t.Fatal(err)
			}
			for _, w := range c.want {
				if !found[w] {
					t.Errorf("%s was not reported", w)
				}
			}
			if c.want == nil && len(found) > 0 {
				t.Errorf("reported without damage: %v", found)
			}
		})
	}
}

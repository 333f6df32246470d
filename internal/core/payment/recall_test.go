package payment_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/internal/schema"
)

// backup copies the shop's database, and gives what brings it back as another
// shop at the same provider.
func (s *shop) backup() func() *shop {
	s.t.Helper()
	var parts []string
	var bodies [][]byte
	info, err := s.DB.Dump(s.t.Context(), s.t.TempDir(), func(part string, chunk []byte) error {
		parts, bodies = append(parts, part), append(bodies, bytes.Clone(chunk))
		return nil
	}, func(int64, int64) {})
	if err != nil {
		s.t.Fatal(err)
	}
	return func() *shop {
		s.t.Helper()
		address, n := dbtest.Address(s.t), -1
		if !dbtest.Postgres() {
			address = "sqlite:" + s.t.TempDir() + "/restored.db"
		}
		err := db.Load(s.t.Context(), address, db.Options{}, schema.Files, info, false, func() (string, io.Reader, error) {
			if n++; n == len(parts) {
				return "", nil, nil
			}
			return parts[n], bytes.NewReader(bodies[n]), nil
		}, func(int64, int64) {})
		if err != nil {
			s.t.Fatal(err)
		}
		old, c := *s, &movable{offset: s.clock.offset}
		d := dbtest.OpenAt(s.t, address, db.Options{Clock: c})
		v := *s.Service
		v.DB, v.Vault, v.Merchant = d, vault.New(d, s.Keys.Sealer.(*secret.Master), s.Keys), merchant.New(d, merchant.Options{})
		v.Aftermath = &dispute.Service{DB: d, Payment: &v, Vault: v.Vault, Log: v.Log}
		old.Service, old.clock, old.address = &v, c, address
		s.t.Cleanup(old.inOrder)
		return &old
	}
}

// recall has the shop learn what the provider has had since a time, and counts
// what became of it.
func (s *shop) recall(since time.Time) (did map[payment.Recalled]int, why []string) {
	s.t.Helper()
	did = map[payment.Recalled]int{}
	p := s.Providers[sandbox.Name]
	err := p.Activity(s.t.Context(), since, func(op provider.Operation) error {
		got, reason, err := s.Recall(s.t.Context(), p.Name, op)
		if did[got]++; reason != "" {
			why = append(why, reason)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return did, why
}

func keyed(key string) *idem.Request {
	return &idem.Request{ID: "req_" + key, Key: key, Hash: [32]byte{1}, Lease: time.Minute}
}

// TestRecall: what was done after a backup is learned from the provider, once,
// and what is asked for again under its key is answered and not done again.
func TestRecall(t *testing.T) {
	s := open(t)
	known := intentOf(t, s.pay(5000, "automatic", "pm_card_visa", keyed("known")))
	held := intentOf(t, s.pay(4000, "manual", "pm_card_visa", keyed("held")))
	waiting := intentOf(t, must(s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(3000)}, keyed("waiting"))))
	restore := s.backup()

	refund := func(v *shop, intent int64, amount int64, key string) *idem.Reply {
		return must(v.Refund(t.Context(), v.scope, payment.RefundParams{Intent: payment.IntentID(intent), Amount: amount}, keyed(key)))
	}
	fresh := intentOf(t, s.pay(2000, "automatic", "pm_card_mastercard", keyed("fresh")))
	later := func(v *shop) map[string]*idem.Reply {
		return map[string]*idem.Reply{
			"fresh":        v.pay(2000, "automatic", "pm_card_mastercard", keyed("fresh")),
			"refund":       refund(v, known.Key, 700, "refund"),
			"fresh refund": refund(v, fresh.Key, 300, "fresh refund"),
			"capture":      must(v.Capture(t.Context(), v.scope, payment.IntentID(held.Key), payment.CaptureParams{Amount: 1500}, keyed("capture"))),
			"confirm":      must(v.Confirm(t.Context(), v.scope, payment.IntentID(waiting.Key), payment.ConfirmParams{Method: "pm_card_visa"}, keyed("confirm"))),
			"voided":       v.pay(1100, "manual", "pm_card_visa", keyed("voided")),
		}
	}
	first := later(s)
	voided := intentOf(t, first["voided"])
	must(s.Cancel(t.Context(), s.scope, payment.IntentID(voided.Key), "", keyed("void")))
	s.pay(900, "automatic", "pm_card_visa_chargeDeclined", keyed("declined"))
	want, books := s.balances(), listBook(t, s.book)

	r := restore()
	did, why := r.recall(time.Now().Add(-time.Hour))
	if len(why) > 0 || did[payment.RecallTaken] != 7 || did[payment.RecallStray] != 0 {
		t.Errorf("recalled %v, strays %v; want 7 taken", did, why)
	}
	if diff := cmp.Diff(want, r.balances()); diff != "" {
		t.Errorf("balances (-before the loss +after): %s", diff)
	}
	if again, _ := r.recall(time.Now().Add(-time.Hour)); again[payment.RecallTaken] != 0 {
		t.Errorf("recalled again: %v", again)
	}
	for key, reply := range later(r) {
		if reply.Error != nil || !reply.Replayed {
			t.Errorf("%s asked for again: %+v", key, reply)
			continue
		}
		if key != "refund" && key != "fresh refund" && reply.Shown[0].Key != first[key].Shown[0].Key {
			t.Errorf("%s asked for again shows %v, want the intent %d", key, reply.Shown, first[key].Shown[0].Key)
		}
	}
	if got := r.intent(voided.Key).Body.Status; got != payment.Canceled {
		t.Errorf("the voided intent is %s", got)
	}
	if got := r.intent(fresh.Key).Body; got.Status != payment.Succeeded || got.Received != 2000 {
		t.Errorf("the forgotten intent is %+v", got)
	}
	if diff := cmp.Diff(books, listBook(t, s.book)); diff != "" {
		t.Errorf("the provider was asked for more: %s", diff)
	}
	if over := must(r.Refund(t.Context(), r.scope, payment.RefundParams{Intent: payment.IntentID(known.Key), Amount: 4500}, nil)); over.Error == nil {
		t.Error("more than is left may be refunded")
	}
}

// TestRecallBesideAnAuthentication: a payment that went on after the payer had
// authenticated is not made once more by the attempt that the backup has.
func TestRecallBesideAnAuthentication(t *testing.T) {
	s, acs := guarded(t)
	asked := s.ask(payment.CreateParams{}, keyed("asked"))
	restore := s.backup()
	if done := s.returned(acs.answer(asked.Body.Action.URL, true)); done.Body.Status != payment.Succeeded {
		t.Fatalf("%+v", done.Body)
	}
	r := restore()
	if did, why := r.recall(time.Now().Add(-time.Hour)); did[payment.RecallTaken] != 1 || len(why) > 0 {
		t.Errorf("recalled %v, %v", did, why)
	}
	r.clock.Advance(time.Minute)
	for range 3 {
		if _, err := r.Sweep(context.WithoutCancel(t.Context()), 100); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.intent(asked.Key).Body; got.Status != payment.Succeeded || got.Received != 2000 {
		t.Errorf("%+v", got)
	}
	if n, sum := s.approved(sandbox.Sale); n != 1 || sum != 2000 {
		t.Errorf("%d sales of %d in all were approved", n, sum)
	}
}

func must(r *idem.Reply, err error) *idem.Reply {
	if err != nil {
		panic(err)
	}
	return r
}

func listBook(t *testing.T, b *sandbox.FileBook) (references []string) {
	t.Helper()
	for op, err := range b.Operations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		references = append(references, op.Reference)
	}
	return references
}

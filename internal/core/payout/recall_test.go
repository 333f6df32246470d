package payout_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/schema"
)

// restored is the till on a database that was copied now and is brought back by
// the function that it gives.
func (s *till) backup() func() *till {
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
	return func() *till {
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
		d := dbtest.OpenAt(s.t, address, db.Options{Clock: s.clock})
		v := *s.Service
		v.DB, v.Vault, v.Merchant = d, vault.New(d, s.Keys.Sealer.(*secret.Master), s.Keys), merchant.New(d, merchant.Options{})
		r := &till{t: s.t, Service: &v, clock: s.clock, sim: s.sim, book: s.book, scope: s.scope}
		s.t.Cleanup(r.inOrder)
		return r
	}
}

// TestRecall: payouts that were made, or sent, after a backup are learned from
// the bank, and not sent again.
func TestRecall(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	queued := s.pay(1000, "standard", &idem.Request{ID: "req_1", Key: "queued", Hash: [32]byte{1}})
	restore := s.backup()
	key := &idem.Request{ID: "req_2", Key: "made", Hash: [32]byte{2}}
	made := s.pay(2500, "instant", key)
	s.wait(36 * time.Hour)
	if n := len(s.sent()); n != 2 {
		t.Fatalf("%d transfers before the loss", n)
	}
	want := s.balances()
	r := restore()
	did := map[payment.Recalled]int{}
	p := s.Banks[bank.Name]
	err := p.Activity(t.Context(), time.Time{}, func(op provider.Operation) error {
		got, why, err := r.Recall(t.Context(), p.Name, op)
		if did[got]++; why != "" {
			t.Error(why)
		}
		return err
	})
	if err != nil || did[payment.RecallKnown] != 1 || did[payment.RecallTaken] != 1 {
		t.Errorf("recalled %v, %v", did, err)
	}
	again, err := r.Create(t.Context(), r.scope, payout.Params{Amount: 2500, Currency: "usd", Method: "instant"}, key)
	if err != nil || !again.Replayed || again.Shown[0].Key != made.Key {
		t.Errorf("asked for again: %+v, %v; want payout %d", again, err, made.Key)
	}
	r.wait(36 * time.Hour)
	if diff := cmp.Diff(want, r.balances()); diff != "" {
		t.Errorf("balances (-before the loss +after): %s", diff)
	}
	if n := len(r.sent()); n != 2 {
		t.Errorf("%d transfers in all, want 2", n)
	}
	for _, k := range []int64{queued.Key, made.Key} {
		if got := r.payout(k).Body.Status; got != payout.Paid {
			t.Errorf("payout %d is %s", k, got)
		}
	}
}

package dispute_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

const (
	amount = 10_000 // what is paid, US cents
	fee    = 320    // for the payment
	cost   = 1500   // of a dispute
)

// disputing has the network dispute every sale as it answers.
func (s *shop) disputing(status dispute.Status) {
	s.network.OnSale = func(reference string, a money.Amount) []provider.Notice {
		return []provider.Notice{s.complaint(reference, "d_"+reference, status, a.Minor())}
	}
}

func TestADisputeIsThereBeforeTheConfirmAnswers(t *testing.T) {
	s := open(t)
	s.disputing(dispute.NeedsResponse)
	ch := s.pay(amount)
	o := s.one(ch)
	if o.Body.Status != dispute.NeedsResponse || o.Body.Amount != amount || ch.Body.Disputed != amount || !ch.Body.ChargedBack() {
		t.Errorf("%+v of %+v", o.Body, ch.Body)
	}
	s.wantEvents(ch, "charge.dispute.created", "charge.dispute.funds_withdrawn")
	s.wantBalances(map[string]int64{"pending": amount - fee, "available": -amount - cost, "fees": fee + cost, "provider_clearing": 0, "disputes": 0})
	// The feed says it again, to two nodes at once: that changes nothing.
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(s.listen)
	}
	wg.Wait()
	if now := s.one(ch); now.Version != o.Version {
		t.Errorf("version %d became %d", o.Version, now.Version)
	}
	txn := read(s, ledger.Transactions, o.Body.Transactions[0])
	if b := txn.Body; b.Type != "adjustment" || b.ReportingCategory != "dispute" || b.Amount != -amount || b.Fee != cost || b.Net != -amount-cost || b.Source != o.Key {
		t.Errorf("%+v", b)
	}
	_, err := s.refund(ch, 100)
	if e, ok := fault.As(err); !ok || e.Code != "charge_disputed" || e.Kind != fault.Invalid {
		t.Errorf("a refund of what is disputed: %v", err)
	}
}

func TestACaptureThatIsDisputed(t *testing.T) {
	s := open(t)
	s.disputing(dispute.NeedsResponse)
	reply, err := s.Payment.Create(s.ctx, s.scope, payment.CreateParams{Amount: money.New(amount, "usd"), Method: "pm_card_visa", Confirm: true, CaptureMethod: "manual"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	intent := payment.IntentID(reply.Shown[0].Key)
	s.listen()
	if _, err := s.Payment.Capture(s.ctx, s.scope, intent, payment.CaptureParams{Amount: 6000}, nil); err != nil {
		t.Fatal(err)
	}
	ch := s.charge(int64(read(s, payment.Intents, int64(intent)).Body.LatestCharge))
	if o := s.one(ch); o.Body.Amount != 6000 || ch.Body.Disputed != 6000 {
		t.Errorf("%+v", o.Body)
	}
}

func TestEndings(t *testing.T) {
	for name, c := range map[string]struct {
		opening dispute.Status
		do      func(*shop, int64)
		ends    dispute.Status
		back    bool
		gone    bool
		events  string
	}{
		"won": {dispute.NeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "winning_evidence") }, dispute.Won, true, true,
			"charge.dispute.updated charge.dispute.updated charge.dispute.closed charge.dispute.funds_reinstated"},
		"lost": {dispute.NeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "losing_evidence") }, dispute.Lost, false, true,
			"charge.dispute.updated charge.dispute.updated charge.dispute.closed"},
		"conceded": {dispute.NeedsResponse, func(s *shop, key int64) { s.give(key) }, dispute.Lost, false, true, "charge.dispute.closed"},
		"in review": {dispute.NeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "it was sent") }, dispute.UnderReview, false, true,
			"charge.dispute.updated charge.dispute.updated"},
		"overdue": {dispute.NeedsResponse, func(s *shop, key int64) {
			s.expire(key)
			if at := s.dispute(key).Body.Status; at != dispute.NeedsResponse {
				s.t.Errorf("%s before its time", at)
			}
			s.clock.advance(8 * 24 * time.Hour)
			s.expire(key)
			s.expire(key)
		}, dispute.Lost, false, true, "charge.dispute.closed"},
		"inquiry": {dispute.WarningNeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "it was sent") }, dispute.WarningUnderReview, false, false,
			"charge.dispute.updated charge.dispute.updated"},
		"inquiry closed": {dispute.WarningNeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "winning_evidence") }, dispute.WarningClosed, false, false,
			"charge.dispute.updated charge.dispute.updated charge.dispute.closed"},
		"inquiry overdue": {dispute.WarningNeedsResponse, func(s *shop, key int64) { s.clock.advance(8 * 24 * time.Hour); s.expire(key) }, dispute.WarningClosed, false, false,
			"charge.dispute.closed"},
		"escalated": {dispute.WarningNeedsResponse, func(s *shop, key int64) { s.answer(s.dispute(key), "escalate_inquiry_evidence") }, dispute.NeedsResponse, false, true,
			"charge.dispute.updated charge.dispute.updated charge.dispute.updated charge.dispute.funds_withdrawn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			ch := s.pay(amount)
			s.complain(ch, "d_1", c.opening, amount)
			o := s.one(ch)
			before := s.events(ch)
			c.do(s, o.Key)
			s.listen()
			s.listen()
			o = s.one(ch)
			if o.Body.Status != c.ends {
				t.Errorf("ends %s, want %s", o.Body.Status, c.ends)
			}
			if got := strings.Join(s.events(ch)[len(before):], " "); got != c.events {
				t.Errorf("events %s, want %s", got, c.events)
			}
			want := map[string]int64{"pending": amount - fee, "available": 0, "fees": fee, "provider_clearing": -amount, "disputes": 0}
			if c.gone {
				want["available"], want["fees"], want["provider_clearing"] = -amount-cost, fee+cost, 0
			}
			if c.back {
				want["available"], want["provider_clearing"] = -cost, -amount
			}
			s.wantBalances(want)
			_, err := s.refund(ch, 0)
			if refunded := err == nil; refunded != (c.back || !c.gone) {
				t.Errorf("refunded %v: %v", refunded, err)
			}
			if o = s.one(ch); o.Body.Refundable {
				t.Error("it says that the charge can still be refunded")
			}
		})
	}
}

func (s *shop) give(key int64) {
	s.t.Helper()
	if reply, err := s.Close(s.ctx, s.scope, key, nil); err != nil || reply.Error != nil {
		s.t.Fatal(err, reply)
	}
}

func (s *shop) expire(key int64) {
	s.t.Helper()
	if err := s.Expire(s.ctx, s.scope, key, s.clock.Now()); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatIsDisputedAndRefundedIsBookedAndShown(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	if _, err := s.refund(ch, 6000); err != nil {
		t.Fatal(err)
	}
	s.complain(ch, "d_1", dispute.NeedsResponse, amount) // more than is left
	if g := s.guard(ch); g != (ledger.Guard{Ceiling: 6000, Done: 6000}) {
		t.Errorf("%+v", g)
	}
	s.wantBalances(map[string]int64{"provider_clearing": 6000, "available": -6000 - amount - cost})
	s.answer(s.one(ch), "winning_evidence")
	s.listen()
	if g := s.guard(ch); g != (ledger.Guard{Ceiling: amount, Done: 6000}) {
		t.Errorf("%+v", g)
	}
	if _, err := s.refund(ch, 0); err != nil {
		t.Error(err)
	}
}

// A refund that is under way when a dispute opens keeps its place; when it comes
// to nothing, its place is the dispute's.
func TestARefundUnderWayWhenADisputeOpens(t *testing.T) {
	for _, ends := range []provider.Outcome{{Status: provider.Approved}, {Status: provider.Declined}} {
		t.Run(ends.Status.String(), func(t *testing.T) {
			s := open(t).askable()
			ch := s.pay(amount)
			s.network.Says["refund"] = provider.Outcome{Status: provider.Pending}
			r, err := s.refund(ch, 6000)
			if err != nil || r.Body.Status != payment.RefundPending {
				t.Fatal(r, err)
			}
			s.complain(ch, "d_1", dispute.NeedsResponse, amount)
			if g := s.guard(ch); g != (ledger.Guard{Ceiling: 6000, Reserved: 6000}) {
				t.Errorf("%+v", g)
			}
			s.inOrder()
			s.network.Settle(payment.Reference(s.scope, payment.AttemptID(s.attempts(payment.OpRefund)[0])), ends)
			s.clock.advance(time.Minute)
			s.sweep()
			want := ledger.Guard{Ceiling: 6000, Done: 6000}
			if ends.Status == provider.Declined {
				want = ledger.Guard{}
			}
			if g := s.guard(ch); g != want {
				t.Errorf("%+v, want %+v", g, want)
			}
			s.give(s.one(ch).Key)
			if _, err := s.refund(ch, 1); err == nil {
				t.Error("what was lost in a dispute is refunded")
			}
		})
	}
}

func TestSeveralDisputesOfACharge(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, 4000)
	s.complain(ch, "d_2", dispute.NeedsResponse, 7000)
	ch = s.charge(ch.Key)
	if ch.Body.Disputed != 11_000 || len(ch.Body.Complaints) != 2 {
		t.Errorf("%+v", ch.Body)
	}
	first, second := s.dispute(ch.Body.Complaints[0].Dispute), s.dispute(ch.Body.Complaints[1].Dispute)
	s.answer(second, "winning_evidence")
	s.give(first.Key)
	s.listen()
	if g := s.guard(ch); g != (ledger.Guard{Ceiling: 6000}) {
		t.Errorf("%+v", g)
	}
	if _, err := s.refund(ch, 6001); err == nil {
		t.Error("more is refunded than is left")
	}
	if _, err := s.refund(ch, 6000); err != nil {
		t.Error(err)
	}
}

func TestARefundThatFailsLater(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	r, err := s.refund(ch, 6000)
	if err != nil {
		t.Fatal(err)
	}
	s.wantBalances(map[string]int64{"available": -6000, "provider_clearing": -4000})
	a := read(s, payment.Attempts, s.attempts(payment.OpRefund)[0])
	s.network.Tell(provider.Notice{Kind: provider.NoticeRefundFailed, Reference: payment.Reference(s.scope, payment.AttemptID(a.Key)), Reason: "expired_or_canceled_card"})
	s.listen()
	s.listen()
	s.wantBalances(map[string]int64{"available": 0, "provider_clearing": -amount})
	r = read(s, payment.Refunds, r.Key)
	txn := read(s, ledger.Transactions, r.Body.FailureTransaction)
	if r.Body.Status != payment.RefundFailed || r.Body.FailureReason != "expired_or_canceled_card" || txn.Body.Type != "refund_failure" || txn.Body.Amount != 6000 {
		t.Errorf("%+v, %+v", r.Body, txn.Body)
	}
	if ch = s.charge(ch.Key); ch.Body.Refunded != 0 {
		t.Errorf("%d are refunded", ch.Body.Refunded)
	}
	s.wantEvents(ch, "refund.created", "charge.refunded", "refund.failed", "refund.updated", "charge.refund.updated")
	if _, err := s.refund(ch, amount); err != nil {
		t.Errorf("it can't be tried again: %v", err)
	}
}

// A refund that comes back while its charge is disputed leaves nothing to be
// refunded again.
func TestARefundFailsUnderADispute(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	if _, err := s.refund(ch, 6000); err != nil {
		t.Fatal(err)
	}
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	s.network.Tell(provider.Notice{Kind: provider.NoticeRefundFailed, Reference: payment.Reference(s.scope, payment.AttemptID(s.attempts(payment.OpRefund)[0]))})
	s.listen()
	if g := s.guard(ch); g != (ledger.Guard{}) {
		t.Errorf("%+v", g)
	}
	s.wantBalances(map[string]int64{"provider_clearing": 0})
}

func (s *shop) attempts(op payment.Operation) (keys []int64) {
	s.t.Helper()
	err := payment.Attempts.Scan(s.ctx, s.DB, func(a *payAttempt) error {
		if a.Body.Operation == op {
			keys = append(keys, a.Key)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// What is told before the outcome is known waits for it, and holds up nobody.
func TestANoticeThatComesTooEarly(t *testing.T) {
	s := open(t).askable()
	s.network.Deaf["authorize"] = true
	s.disputing(dispute.NeedsResponse)
	reply, err := s.Payment.Create(s.ctx, s.scope, payment.CreateParams{Amount: money.New(amount, "usd"), Method: "pm_card_visa", Confirm: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	intent := reply.Shown[0].Key
	s.network.Deaf["authorize"], s.network.OnSale = false, nil
	other := s.pay(500)
	s.listen()
	s.complain(other, "d_2", dispute.NeedsResponse, 500)
	if s.one(other).Body.Amount != 500 {
		t.Error("a notice that can't be applied holds up another")
	}
	if i := read(s, payment.Intents, intent); i.Body.Status != payment.Processing {
		t.Fatal(i.Body.Status)
	}
	s.clock.advance(time.Minute)
	s.sweep() // which hears of the dispute along with the answer
	s.listen()
	ch := s.charge(int64(read(s, payment.Intents, intent).Body.LatestCharge))
	if o := s.one(ch); o.Body.Status != dispute.NeedsResponse {
		t.Errorf("%+v", o.Body)
	}
	s.wantEvents(ch, "payment_intent.processing", "charge.dispute.created", "charge.dispute.funds_withdrawn")
}

func TestNoticesThatMeanNothing(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	bad := s.complaint(s.reference(ch), "d_0", "puzzled", amount)
	foreign := s.complaint(s.reference(ch), "d_1", dispute.NeedsResponse, amount)
	foreign.Dispute.Currency = "eur"
	s.network.Tell(bad, foreign, s.complaint("att_nothing", "d_2", dispute.NeedsResponse, 1),
		provider.Notice{Kind: "gossip", Reference: s.reference(ch)}, provider.Notice{Kind: provider.NoticeDispute, Reference: s.reference(ch)})
	s.complain(ch, "d_3", dispute.NeedsResponse, amount)
	if s.one(ch).Body.ProviderID != "d_3" {
		t.Error("it did not come through")
	}
	s.clock.advance(time.Hour)
	s.listen()
	s.listen()
}

func TestOldNewsChangesNothing(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	s.complain(ch, "d_1", dispute.Won, amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, amount) // does not follow
	if o := s.one(ch); o.Body.Status != dispute.Won || len(o.Body.Transactions) != 2 {
		t.Errorf("%+v", o.Body)
	}
	s.complain(ch, "d_1", dispute.Lost, amount) // the network thought better of it
	if o := s.one(ch); o.Body.Status != dispute.Lost || len(o.Body.Transactions) != 3 {
		t.Errorf("%+v", o.Body)
	}
	s.wantBalances(map[string]int64{"available": -amount - cost, "fees": fee + cost, "provider_clearing": 0})
}

// A dispute that is over when it is first heard of goes through its whole life.
func TestADisputeHeardOfLate(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.Won, amount)
	s.wantEvents(ch, "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed", "charge.dispute.funds_reinstated")
	s.wantBalances(map[string]int64{"available": -cost, "provider_clearing": -amount})
}

// The answer to evidence is lost: it is found out, and nothing is said twice as
// another.
func TestEvidenceWhoseFateIsUnknown(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	o := s.one(ch)
	s.network.Deaf["contest"] = true
	r := func() *idem.Request { return &idem.Request{ID: "req_1", Key: "evidence", Hash: [32]byte{1}} }
	reply, err := s.Update(s.ctx, s.scope, o.Key, s.evidence("it was sent"), r())
	if err != nil || reply.Error != nil {
		t.Fatal(err, reply)
	}
	if o = s.one(ch); o.Body.Status != dispute.NeedsResponse || o.Body.Submissions != 0 || o.Body.Answer == 0 {
		t.Errorf("%+v", o.Body)
	}
	for _, p := range []dispute.Params{s.evidence("other"), {Submit: new(true)}} {
		if err := s.refusal(s.Update(s.ctx, s.scope, o.Key, p, nil)); fault.KindOf(err) != fault.Locked {
			t.Errorf("while it is unknown: %v", err)
		}
	}
	s.clock.advance(8 * 24 * time.Hour)
	if err := s.Expire(s.ctx, s.scope, o.Key, s.clock.Now()); err == nil {
		t.Error("time is up although the evidence may be there")
	}
	s.clock.advance(-8 * 24 * time.Hour)
	s.network.Deaf["contest"] = false
	s.clock.advance(time.Minute)
	s.sweep()
	s.listen()
	if o = s.one(ch); o.Body.Status != dispute.UnderReview || o.Body.Submissions != 1 || o.Body.Answer != 0 {
		t.Errorf("%+v", o.Body)
	}
	if n := len(s.attempts(payment.OpContest)); n != 1 || s.network.Calls["contest"] != 2 {
		t.Errorf("%d attempts, %d calls", n, s.network.Calls["contest"])
	}
	again, err := s.Update(s.ctx, s.scope, o.Key, s.evidence("it was sent"), r())
	if err != nil || !again.Replayed {
		t.Errorf("the key is not replayed: %v %v", again, err)
	}
}

// What came of an answer is told before it is known that the answer was taken:
// that does not put the dispute back to where the answer alone would lead.
func TestNewsOvertakesTheAnswer(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.WarningNeedsResponse, amount)
	o := s.one(ch)
	s.network.Deaf["contest"] = true
	reply, err := s.Update(s.ctx, s.scope, o.Key, s.evidence("escalate_inquiry_evidence"), nil)
	if err != nil || reply.Error != nil {
		t.Fatal(err, reply)
	}
	s.listen()
	if o = s.one(ch); o.Body.Status != dispute.NeedsResponse || o.Body.Answer == 0 {
		t.Fatalf("%+v", o.Body)
	}
	s.network.Deaf["contest"] = false
	s.clock.advance(time.Minute)
	s.sweep()
	if o = s.one(ch); o.Body.Status != dispute.NeedsResponse || o.Body.Submissions != 1 || o.Body.Answer != 0 {
		t.Errorf("%+v", o.Body)
	}
}

func TestEvidenceThatIsNotTaken(t *testing.T) {
	for _, says := range []provider.Outcome{{Status: provider.Declined}, {Status: provider.Failed}} {
		s := open(t)
		ch := s.pay(amount)
		s.complain(ch, "d_1", dispute.NeedsResponse, amount)
		s.network.Says["contest"] = says
		reply, err := s.Update(s.ctx, s.scope, s.one(ch).Key, s.evidence("it was sent"), nil)
		if err != nil || reply.Error == nil || reply.Error.Kind != fault.Invalid {
			t.Errorf("%v: %v %v", says.Status, reply, err)
		}
		if o := s.one(ch); o.Body.Status != dispute.NeedsResponse || o.Body.Submissions != 0 || o.Body.Answer != 0 || len(o.Body.Evidence) == 0 {
			t.Errorf("%+v", o.Body)
		}
	}
}

func TestStagedEvidence(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	key := s.one(ch).Key
	update := func(p dispute.Params) error { return s.refusal(s.Update(s.ctx, s.scope, key, p, nil)) }
	if err := update(dispute.Params{Submit: new(true)}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no evidence is submitted: %v", err)
	}
	for _, p := range []dispute.Params{
		{Evidence: dispute.Evidence{"customer_name": "Jenny Rosen", "uncategorized_text": "losing_evidence"}, Submit: new(false)},
		{Evidence: dispute.Evidence{"uncategorized_text": "winning_evidence"}, Submit: new(false)},
		{Metadata: &vault.Metadata{Set: map[string]string{"a": "b"}}},
	} {
		if err := update(p); err != nil {
			t.Fatal(err)
		}
	}
	o := s.dispute(key)
	e, err := s.EvidenceOf(s.ctx, o)
	if diff := cmp.Diff(dispute.Evidence{"customer_name": "Jenny Rosen", "uncategorized_text": "winning_evidence"}, e); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if o.Body.Status != dispute.NeedsResponse || o.Body.Submissions != 0 || s.network.Calls["contest"] != 0 || o.Body.Metadata["a"] != "b" {
		t.Errorf("%+v", o.Body)
	}
	if err := update(dispute.Params{Submit: new(true)}); err != nil {
		t.Fatal(err)
	}
	s.listen()
	if o = s.dispute(key); o.Body.Status != dispute.Won || o.Body.Submissions != 1 {
		t.Errorf("%+v", o.Body)
	}
	for _, p := range []dispute.Params{s.evidence("more"), {Submit: new(true)}} {
		if err := update(p); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a closed dispute takes %+v: %v", p, err)
		}
	}
	if err := update(dispute.Params{Metadata: &vault.Metadata{Clear: true}}); err != nil {
		t.Error(err)
	}
	if err := s.refusal(s.Close(s.ctx, s.scope, key, nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("it is closed again: %v", err)
	}
	if err := s.refusal(s.Close(s.ctx, s.scope, key+1, nil)); fault.KindOf(err) != fault.NotFound {
		t.Errorf("one that is not there is closed: %v", err)
	}
}

func TestTooMuchEvidence(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	long := strings.Repeat("ä", 20_000)
	e := dispute.Evidence{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		e[name] = long
	}
	key := s.one(ch).Key
	update := func(e dispute.Evidence) error {
		return s.refusal(s.Update(s.ctx, s.scope, key, dispute.Params{Evidence: e, Submit: new(false)}, nil))
	}
	if err := update(e); err != nil {
		t.Error(err)
	}
	if err := update(dispute.Evidence{"h": long}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("160,000 characters: %v", err)
	}
	s.network.Tell(s.enhanced(ch))
	s.listen()
	priors := dispute.Evidence{}
	for _, n := range "012345" {
		priors["enhanced_evidence.visa_compelling_evidence_3.prior_undisputed_transactions."+string(n)+".charge"] = "ch"
	}
	key = s.charge(ch.Key).Body.Complaints[1].Dispute
	if err := update(priors); fault.KindOf(err) != fault.Invalid {
		t.Errorf("six transactions before: %v", err)
	}
	if err := update(dispute.Evidence{"enhanced_evidence.visa_compliance.fee_acknowledged": "true"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("evidence under a programme that it is not in: %v", err)
	}
}

func TestWarning(t *testing.T) {
	s := open(t)
	s.network.OnSale = func(reference string, _ money.Amount) []provider.Notice {
		return []provider.Notice{{Kind: provider.NoticeFraud, Reference: reference, Reason: "made_with_stolen_card"}}
	}
	refunded, disputed := s.pay(amount), s.pay(amount)
	s.listen()
	for _, ch := range []int64{refunded.Key, disputed.Key} {
		if w := read(s, dispute.Warnings, s.charge(ch).Body.Warned); !w.Body.Actionable || w.Body.Type != "made_with_stolen_card" {
			t.Errorf("%+v", w.Body)
		}
	}
	if _, err := s.refund(refunded, 4000); err != nil {
		t.Fatal(err)
	}
	if w := read(s, dispute.Warnings, refunded.Body.Warned); !w.Body.Actionable {
		t.Error("after a part was refunded")
	}
	if _, err := s.refund(refunded, 0); err != nil {
		t.Fatal(err)
	}
	s.complain(disputed, "d_1", dispute.NeedsResponse, amount)
	for _, ch := range []int64{refunded.Key, disputed.Key} {
		if w := read(s, dispute.Warnings, s.charge(ch).Body.Warned); w.Body.Actionable {
			t.Error("it is still actionable")
		}
	}
	s.wantEvents(refunded, "radar.early_fraud_warning.created", "refund.created", "charge.refunded", "refund.created", "charge.refunded", "radar.early_fraud_warning.updated")
	s.wantEvents(disputed, "radar.early_fraud_warning.created", "charge.dispute.created", "charge.dispute.funds_withdrawn", "radar.early_fraud_warning.updated")
}

func TestADisputeWithoutAftermath(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	s.Payment.Aftermath = nil
	s.complain(ch, "d_1", dispute.NeedsResponse, amount)
	if len(s.charge(ch.Key).Body.Complaints) != 0 {
		t.Error("nobody looks after it")
	}
	s.Payment.Aftermath = s.Service
	s.clock.advance(time.Minute)
	s.listen()
	s.one(ch)
}

// What is disputed needs nobody to look at it any more, whether the dispute
// comes with the payment or after it.
func TestADisputeEndsAReview(t *testing.T) {
	s := open(t)
	later := s.payWith("pm_card_riskLevelElevated", amount)
	s.complain(later, "d_later", dispute.NeedsResponse, amount)
	s.disputing(dispute.NeedsResponse)
	for name, ch := range map[string]*object.Object[payment.Charge]{"later": later, "at once": s.payWith("pm_card_riskLevelElevated", amount)} {
		s.wantEvents(ch, "review.opened", "charge.dispute.created", "charge.dispute.funds_withdrawn", "review.closed")
		if r := read(s, payment.Reviews, ch.Body.Review); r.Body.Closed != "disputed" {
			t.Errorf("%s: %+v", name, r.Body)
		}
	}
}

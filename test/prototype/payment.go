package main

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
)

// Accounts of a scope: the row keys of its two hot balance rows are
// scope*accountsPerScope plus one of these.
const (
	accountClearing  = 1
	accountPending   = 2
	accountFees      = 3
	accountsPerScope = 8
)

// States of the rows. A row leaves stateOpen in the payment's second step.
const (
	stateOpen = 1
	stateDone = 2
)

const (
	kindIntent = 1
	kindCharge = 2
	kindEvent  = 3
)

// ceiling bounds a balance row. A payment that is to be refused asks for more.
const ceiling = int64(1) << 60

// payment is all that the two steps of one payment use. Everything drawn
// (ids, the body's bytes) is drawn here, before a step runs.
type payment struct {
	scope, idemKey                            int64
	intent, intentBody, attempt, charge       int64
	chargeBody, entry, posting1, posting2, ev int64
	amount                                    int64
	token, reference                          []byte
	intentData, chargeData                    []byte
}

// source makes payments. Ids are time-ordered whole numbers from one counter.
type source struct {
	next    atomic.Int64
	count   atomic.Uint64
	scopes  int64
	refuse  uint64
	padding []byte
}

// newSource makes payments over scopes, of which refuse of 100 are refused in
// their second step, with bodies of size bytes.
func newSource(scopes int, refuse int, size int) *source {
	s := &source{scopes: int64(scopes), refuse: uint64(refuse)}
	s.next.Store(1 << 20)
	r := rand.New(rand.NewPCG(1, 2))
	s.padding = make([]byte, size+4096)
	for i := range s.padding {
		// Letters and digits, as encoded bodies mostly are.
		s.padding[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return s
}

const idsPerPayment = 9

func (s *source) draw() *payment {
	n := s.count.Add(1)
	id := s.next.Add(idsPerPayment)
	h := n * 0x9E3779B97F4A7C15
	p := &payment{
		scope: 1 + int64(n)%s.scopes, idemKey: int64(h >> 1),
		intent: id, intentBody: id + 1, attempt: id + 2, charge: id + 3, chargeBody: id + 4,
		entry: id + 5, posting1: id + 6, posting2: id + 7, ev: id + 8,
		amount: 100 + int64(n%900),
	}
	if (h>>32)%100 < s.refuse {
		p.amount = ceiling + 1
	}
	p.token = binary.BigEndian.AppendUint64([]byte("key_of_a_shop_"), h)
	p.reference = binary.BigEndian.AppendUint64([]byte("ref_of_a_card_"), h)
	at, size := int(h%4096), len(s.padding)-4096
	p.intentData, p.chargeData = s.padding[at:at+size], s.padding[at:at+size]
	return p
}

func (p *payment) balanceKey(account int64) int64 { return p.scope*accountsPerScope + account }

// open is the payment's first step: key, intent with its body, attempt.
func (p *payment) open(b book) error {
	fresh, err := b.claim(idempotency, &row{v: [maxInts]int64{p.scope, p.idemKey, stateOpen, p.intent}, blob: p.token})
	if err != nil {
		return err
	}
	if !fresh {
		return errRefused
	}
	if err := b.insert(intent, &row{v: [maxInts]int64{p.scope, p.intent, 1, stateOpen, p.amount,
		p.intentBody, p.attempt, 0}}); err != nil {
		return err
	}
	if err := b.insert(body, &row{v: [maxInts]int64{p.scope, p.intentBody, p.intent, 1, kindIntent},
		blob: p.intentData}); err != nil {
		return err
	}
	return b.insert(attempt, &row{v: [maxInts]int64{p.scope, p.attempt, p.intent, stateOpen, p.amount}})
}

// record is the second step, after the provider approved: it books the
// charge. The balance's ceiling is checked last, so that a refused step has
// done nearly all its work, the costliest refusal for either shape.
func (p *payment) record(b book) error {
	refs := [...]ref{{intent, p.scope, p.intent}, {attempt, p.scope, p.attempt},
		{balance, p.scope, p.balanceKey(accountClearing)}, {balance, p.scope, p.balanceKey(accountPending)},
		{idempotency, p.scope, p.idemKey}}
	if err := b.need(refs[:]...); err != nil {
		return err
	}
	var rows [len(refs)]row
	for i, r := range refs {
		got, found, err := b.get(r)
		if err != nil {
			return err
		}
		if !found {
			return errRefused
		}
		rows[i] = got
	}
	head, try, clearing, pending, key := &rows[0], &rows[1], &rows[2], &rows[3], &rows[4]
	head.v[intentVersion]++
	head.v[intentState], head.v[intentCharge] = stateDone, p.charge
	if err := b.update(intent, head); err != nil {
		return err
	}
	try.v[attemptState], try.blob = stateDone, p.reference
	if err := b.update(attempt, try); err != nil {
		return err
	}
	if err := p.book(b, head.v[intentVersion]); err != nil {
		return err
	}
	key.v[idemState] = stateDone
	if err := b.update(idempotency, key); err != nil {
		return err
	}
	return p.move(b, clearing, pending)
}

// book inserts the charge with its body, the balance transaction, its two
// postings and the event.
func (p *payment) book(b book, version int64) error {
	fee := p.amount * 3 / 100
	acc := p.balanceKey
	inserts := [...]struct {
		t *table
		r row
	}{
		{charge, row{v: [maxInts]int64{p.scope, p.charge, p.intent, p.attempt, p.amount, stateDone, p.chargeBody}}},
		{body, row{v: [maxInts]int64{p.scope, p.chargeBody, p.charge, 1, kindCharge}, blob: p.chargeData}},
		{entry, row{v: [maxInts]int64{p.scope, p.entry, p.charge, p.amount, fee, p.amount - fee, 20_000}}},
		{posting, row{v: [maxInts]int64{p.scope, p.posting1, p.entry, acc(accountClearing), acc(accountPending), p.amount}}},
		{posting, row{v: [maxInts]int64{p.scope, p.posting2, p.entry, acc(accountPending), acc(accountFees), fee}}},
		{event, row{v: [maxInts]int64{p.scope, p.ev, p.intent, version, kindEvent, p.charge, p.chargeBody}}},
	}
	for i := range inserts {
		if err := b.insert(inserts[i].t, &inserts[i].r); err != nil {
			return err
		}
	}
	return nil
}

// move writes the two hot balance rows, or refuses.
func (p *payment) move(b book, clearing, pending *row) error {
	net := p.amount - p.amount*3/100
	if p.amount > clearing.v[balanceCeiling]-clearing.v[balanceAmount] {
		return errRefused
	}
	clearing.v[balanceAmount] += p.amount
	clearing.v[balanceVersion]++
	pending.v[balanceAmount] += net
	pending.v[balanceVersion]++
	if err := b.update(balance, clearing); err != nil {
		return err
	}
	return b.update(balance, pending)
}

// seed gives the balance rows that exist before the first payment.
func seed(scopes int) []*row {
	var out []*row
	for s := range int64(scopes) {
		for _, a := range []int64{accountClearing, accountPending} {
			out = append(out, &row{v: [maxInts]int64{s + 1, (s+1)*accountsPerScope + a, 0, 0, ceiling}})
		}
	}
	return out
}

// ride takes the payment through its two trains, with the call of the
// provider between them (nil: none).
func (p *payment) ride(st *station, w *work, provider func() error) error {
	w.step = p.open
	if err := st.ride(p.scope, w); err != nil {
		return err
	}
	if provider != nil {
		if err := provider(); err != nil {
			return err
		}
	}
	w.step = p.record
	return st.ride(p.scope, w)
}

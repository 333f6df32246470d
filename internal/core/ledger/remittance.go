package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// RemitJob brings a remittance to its receiver.
const RemitJob = "ledger.remit"

// Remittance is money that moves from one scope to another. The two may be in
// databases of their own, so it goes in two legs, each a step within its scope:
//
//	under way  taken from the payer: available / due_to. A [RemitJob] is there.
//	arrived    given to the receiver, due_from / available, under the same key;
//	           and noted by the payer. Final.
//
// The receiver's row is what makes the second leg happen once, however often the
// job runs and whichever process runs it. Nothing turns a remittance back: who
// would, remits the other way.
type Remittance struct {
	To     id.Scope
	Amount money.Amount
	// Type and ReportingCategory are those of the transactions that both sides see.
	Type, ReportingCategory string
	// SourceKind and Source name the payer's object that it came from.
	SourceKind  string
	Source      int64
	Description string
}

type (
	remittanceSide  int64
	remittanceState int64
)

const (
	outgoing remittanceSide = 1
	incoming remittanceSide = 2

	underWay remittanceState = 1 // left when the receiver has it
	arrived  remittanceState = 2
)

// other is the side at the other end.
func (s remittanceSide) other() remittanceSide { return outgoing + incoming - s }

// kind is the account that stands for the other scope.
func (s remittanceSide) kind() Kind {
	if s == outgoing {
		return DueTo
	}
	return DueFrom
}

// remittanceRow is one side of a remittance.
type remittanceRow struct {
	Peer    int64 // key of the other scope
	Account Account
	Amount  int64
	Txn     int64
	State   remittanceState
}

// ErrRemittance refuses what can be no remittance.
var ErrRemittance = errors.New("ledger: not a remittance")

// Remit takes money from a scope for another one, and has it brought there soon.
// It gives the remittance's key. Unless so much is available and not held it
// refuses with [ErrInsufficient]; what can't be at all, such as money between test
// mode and live mode, with [ErrRemittance].
func (b *Book) Remit(tx *db.Tx, from id.Scope, r Remittance) (key int64, err error) {
	c := r.Amount.Currency()
	switch {
	case !r.Amount.IsPositive() || !c.Known():
		return 0, fmt.Errorf("%w: an amount of %v", ErrRemittance, r.Amount)
	case r.To == from || r.To.Account == 0:
		return 0, fmt.Errorf("%w: from account %d to %d", ErrRemittance, from.Account, r.To.Account)
	case r.To.Livemode != from.Livemode:
		return 0, fmt.Errorf("%w: between test mode and live mode", ErrRemittance)
	}
	if err := tx.Ask(NeedBalance(from, AccountOf(Available, c)), NeedBalance(from, AccountOf(DueTo, c))); err != nil {
		return 0, err
	}
	free, err := b.Free(tx, from, AccountOf(Available, c))
	if err != nil {
		return 0, err
	}
	if free < r.Amount.Minor() {
		return 0, fmt.Errorf("%w: %v has %d, asked for %v", ErrInsufficient, AccountOf(Available, c), free, r.Amount)
	}
	key = tx.NewKey()
	t := Transaction{Type: r.Type, ReportingCategory: r.ReportingCategory, SourceKind: r.SourceKind, Source: r.Source,
		Currency: c, Amount: -r.Amount.Minor(), Net: -r.Amount.Minor(), Description: r.Description}
	if err := b.leg(tx, from, key, outgoing, t, remittanceRow{Peer: r.To.Key(), State: underWay}); err != nil {
		return 0, err
	}
	return key, job.Enqueue(tx, from, key, RemitJob, tx.Now(), struct{}{})
}

// leg posts one side of a remittance, and writes its row.
func (b *Book) leg(tx *db.Tx, s id.Scope, key int64, side remittanceSide, t Transaction, row remittanceRow) error {
	row.Account, row.Amount = AccountOf(side.kind(), t.Currency), max(t.Amount, -t.Amount)
	posting := Posting{Available, DueTo, money.New(row.Amount, t.Currency)}
	if side == incoming {
		posting.Debit, posting.Credit = DueFrom, Available
	}
	o, err := b.Post(tx, s, t, posting)
	if err != nil {
		return err
	}
	row.Txn = o.Key
	remittances.Insert(tx, remittanceKey(s, key, side), row)
	return nil
}

// Deliver does a [RemitJob].
func (b *Book) Deliver(ctx context.Context, d *db.DB, j job.Job) error {
	return b.deliver(ctx, d, j.Scope, j.Key, []db.Need{j.Need()}, func(tx *db.Tx) error { return job.Done(tx, j) })
}

// deliver brings a remittance to its receiver, unless it is there, and then notes
// that in the payer's scope, where end ends the work in the same step.
func (b *Book) deliver(ctx context.Context, d *db.DB, from id.Scope, key int64, needs []db.Need, end func(*db.Tx) error) error {
	out, ok, err := remittances.Read(ctx, d, remittanceKey(from, key, outgoing))
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("ledger: there is no remittance %d", key)
	}
	if out.State != arrived {
		if err := b.receive(ctx, d, from, key, out); err != nil {
			return err
		}
	}
	at := remittanceKey(from, key, outgoing)
	return d.Run(ctx, db.Step{Name: "ledger.remitted", Scope: from.Key(), Needs: append(needs, remittances.Need(at)), Do: func(tx *db.Tx) error {
		out, _, err := remittances.Get(tx, at)
		if err != nil {
			return err
		}
		if out.State == underWay {
			out.State = arrived
			remittances.Update(tx, at, out)
		}
		return end(tx)
	}})
}

// receive is the second leg.
func (b *Book) receive(ctx context.Context, d *db.DB, from id.Scope, key int64, out remittanceRow) error {
	o, ok, err := Transactions.Read(ctx, d, from, out.Txn)
	if err == nil && !ok {
		err = fmt.Errorf("ledger: remittance %d has no transaction", key)
	}
	if err != nil {
		return err
	}
	to, c := id.ScopeOf(out.Peer), out.Account.Currency()
	t := Transaction{Type: o.Body.Type, ReportingCategory: o.Body.ReportingCategory, Currency: c, Amount: out.Amount, Net: out.Amount,
		Description: o.Body.Description}
	at := remittanceKey(to, key, incoming)
	needs := []db.Need{remittances.Need(at), NeedBalance(to, AccountOf(Available, c)), NeedBalance(to, AccountOf(DueFrom, c))}
	return d.Run(ctx, db.Step{Name: "ledger.receive", Scope: to.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		in, there, err := remittances.Get(tx, at)
		switch {
		case err != nil:
			return err
		case there && (in.Peer != from.Key() || in.Amount != out.Amount || in.Account.Currency() != c):
			return fmt.Errorf("ledger: remittance %d is there already, and another one", key)
		case there:
			return nil
		}
		if err := b.leg(tx, to, key, incoming, t, remittanceRow{Peer: from.Key(), State: arrived}); err != nil {
			return err
		}
		return BecomesAvailable(tx, to)
	}})
}

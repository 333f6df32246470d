package settle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// Service keeps breaks, and finds them.
type Service struct {
	DB       *db.DB
	Keys     *idem.Keys
	Book     *ledger.Book
	Merchant *merchant.Service
	// Providers are those that report, and banks.
	Providers []provider.Provider
	Log       *slog.Logger
}

// markKey is where it is noted which break is about something.
func markKey(s id.Scope, kind Type, provider, subject string) db.Key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", kind, provider, subject))
	return db.Key{Scope: s.Key(), ID: int64(binary.BigEndian.Uint64(sum[:8])), Sub: int64(binary.BigEndian.Uint64(sum[8:16]))}
}

// Open opens, in a step, a break of a type about a subject at a provider, unless
// one is open: that one then says what is said now. amount is what is at stake,
// positive where the books have it and the provider does not; zero where that is
// not known. Others declare an interface of this one method.
func (v *Service) Open(tx *db.Tx, s id.Scope, kind, subject, provider string, amount money.Amount, note string) error {
	b := Break{Type: Type(kind), Subject: subject, Provider: provider, Note: note}
	if amount.Currency() != "" {
		b.Ours = Side{amount.Minor(), amount.Currency()}
	}
	_, err := open(tx, s, b)
	return err
}

// Explain resolves, in a step, the open break of a type about a subject at a
// provider, if there is one, since what it was about has explained itself. It
// books nothing: whoever calls has done what there was to do.
func (v *Service) Explain(tx *db.Tx, s id.Scope, kind, subject, provider, why string) error {
	o, ok, err := marked(tx, s, Type(kind), provider, subject)
	if err != nil || !ok || o.Body.State != Open {
		return err
	}
	return end(tx, o, Resolution{By: itself, Why: why})
}

// itself resolves what has explained itself.
const itself = "florin"

// marked gets the latest break of a type about a subject.
func marked(tx *db.Tx, s id.Scope, kind Type, provider, subject string) (*object.Object[Break], bool, error) {
	at, ok, err := marks.Get(tx, markKey(s, kind, provider, subject))
	if err != nil || !ok {
		return nil, false, err
	}
	o, ok, err := Breaks.Get(tx, s, at)
	if err == nil && !ok {
		err = fmt.Errorf("settle: the break %d is marked and missing", at)
	}
	return o, ok, err
}

// open opens a break, or brings the one that is open up to date.
func open(tx *db.Tx, s id.Scope, b Break) (*object.Object[Break], error) {
	b.State, b.Resolution = Open, nil
	if err := b.check(); err != nil {
		return nil, err
	}
	o, ok, err := marked(tx, s, b.Type, b.Provider, b.Subject)
	if err != nil {
		return nil, err
	}
	if ok && machine.Can(o.Body.State, changed) {
		b.Owner = o.Body.Owner
		if reflect.DeepEqual(o.Body, b) {
			return o, nil
		}
		o.Body = b
		return o, Breaks.Update(tx, o)
	}
	key, mark := tx.NewKey(), markKey(s, b.Type, b.Provider, b.Subject)
	if ok {
		marks.Update(tx, mark, key)
	} else {
		marks.Insert(tx, mark, key)
	}
	return Breaks.Insert(tx, s, key, b)
}

// move takes a break to its next state.
func move(o *object.Object[Break], on trigger) error {
	next, ok := machine.Next(o.Body.State, on)
	if !ok {
		return fault.New(fault.Invalid, "", "The break %s is resolved already.", Breaks.ID(o.Scope, o.Key))
	}
	o.Body.State = next
	return nil
}

// end resolves an open break.
func end(tx *db.Tx, o *object.Object[Break], r Resolution) error {
	if err := move(o, explained); err != nil {
		return err
	}
	r.At = tx.Now()
	o.Body.Resolution = &r
	return Breaks.Update(tx, o)
}

// Assign says who looks into a break; empty: nobody.
func (v *Service) Assign(ctx context.Context, s id.Scope, key int64, owner string, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "settle.assign", s, key, r, func(_ *db.Tx, o *object.Object[Break]) error {
		o.Body.Owner = owner
		return move(o, changed)
	})
}

// Ruling is what a person decides about a break.
type Ruling struct {
	By, Why, Evidence string
	Treatment         Treatment // empty: none
}

// Resolve ends an open break by a person's word. A difference that stands in the
// books is booked by the treatment.
func (v *Service) Resolve(ctx context.Context, s id.Scope, key int64, p Ruling, r *idem.Request) (*idem.Reply, error) {
	p.Treatment = cmp.Or(p.Treatment, NoPosting)
	for name, text := range map[string]string{"by": p.By, "why": p.Why} {
		if strings.TrimSpace(text) == "" {
			return nil, fault.Param(name, "parameter_missing", "Missing required param: %s.", name)
		}
	}
	if !slices.Contains(Treatments, p.Treatment) {
		return nil, fault.Param("posting", "", "Invalid posting: must be one of %v.", Treatments)
	}
	return v.once(ctx, "settle.resolve", s, key, r, func(tx *db.Tx, o *object.Object[Break]) (err error) {
		out := Resolution{By: p.By, Why: p.Why, Evidence: p.Evidence, At: tx.Now(), Treatment: p.Treatment}
		if err := move(o, explained); err != nil {
			return err
		}
		if out.Movements, err = v.book(tx, o, p.Treatment); err != nil {
			return err
		}
		o.Body.Resolution = &out
		return nil
	})
}

// book takes a break's difference out of the account in which it stands.
func (v *Service) book(tx *db.Tx, o *object.Object[Break], t Treatment) (keys []int64, err error) {
	by := o.Body.difference()
	switch {
	case !o.Body.Clearing || len(by) == 0:
		if t != NoPosting {
			return nil, fault.Param("posting", "", "The break %s is no difference in the books, so that nothing can be booked: posting must be none.", Breaks.ID(o.Scope, o.Key))
		}
		return nil, nil
	case t == NoPosting:
		return nil, fault.Param("posting", "parameter_missing", "The difference of the break %s stands in provider_clearing: say by posting where it goes, cost or bank.", Breaks.ID(o.Scope, o.Key))
	}
	for _, c := range slices.Sorted(maps.Keys(by)) {
		key, err := v.bookItem(tx, o, t, money.New(by[c], c))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// bookItem books the difference of a break in one currency, which its item there
// then does not have any more.
func (v *Service) bookItem(tx *db.Tx, o *object.Object[Break], t Treatment, off money.Amount) (int64, error) {
	for _, key := range o.Body.Items {
		at := itemKey(o.Scope.Key(), key)
		i, ok, err := items.Get(tx, at)
		if err != nil {
			return 0, err
		}
		if !ok || i.Currency != off.Currency() {
			continue
		}
		from, to := i.Account.Kind(), ledger.ProviderCost
		if t == AsReceived {
			to = ledger.Bank
		}
		if from == to {
			return 0, fault.Param("posting", "", "The difference of the break %s stands in bank itself: say by posting cost what it is.", Breaks.ID(o.Scope, o.Key))
		}
		i.Remaining -= off.Minor()
		if i.State == unmatched {
			i.State = closed
		}
		items.Update(tx, at, i)
		return v.move(tx, o.Scope, ledger.Movement{Type: movedBreak, SourceKind: Breaks.Name, Source: o.Key, Currency: off.Currency()}, posting(to, from, off.Minor(), off.Currency()))
	}
	return 0, fmt.Errorf("settle: the break %d has no item in %s", o.Key, off.Currency())
}

// Types of the movements that settle makes itself.
const (
	movedBreak      = "break_resolved"
	movedSettlement = "settlement"
)

// posting moves an amount from credit to debit, or, where it is negative, back.
func posting(debit, credit ledger.Kind, minor int64, c money.Currency) ledger.Posting {
	if minor < 0 {
		return ledger.Posting{Debit: credit, Credit: debit, Amount: money.New(-minor, c)}
	}
	return ledger.Posting{Debit: debit, Credit: credit, Amount: money.New(minor, c)}
}

// move makes a movement of those postings that move anything, and gives its key;
// 0 where none does.
func (v *Service) move(tx *db.Tx, s id.Scope, m ledger.Movement, list ...ledger.Posting) (int64, error) {
	list = slices.DeleteFunc(list, func(p ledger.Posting) bool { return p.Amount.IsZero() })
	if len(list) == 0 {
		return 0, nil
	}
	made, err := v.Book.Move(tx, s, m, list...)
	if err != nil {
		return 0, err
	}
	return made.Key, nil
}

// once changes a break in one step, under the request's idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, key int64, r *idem.Request, change func(*db.Tx, *object.Object[Break]) error) (reply *idem.Reply, err error) {
	needs := []db.Need{Breaks.Need(s, key)}
	if t := r.Ticket(); t != (idem.Ticket{}) {
		needs = append(needs, t.Need(s))
	}
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) {
			o, ok, err := Breaks.Get(tx, s, key)
			if err == nil && !ok {
				err = fault.Missing(fault.NotFound, "id", "break", Breaks.ID(s, key))
			}
			if err == nil {
				err = change(tx, o)
			}
			if err == nil {
				err = Breaks.Update(tx, o)
			}
			if err != nil {
				return nil, err
			}
			return &idem.Reply{Kind: Breaks.Name, Shown: []object.Ref{o.Ref()}, Main: o}, nil
		})
		return err
	}})
	return reply, err
}

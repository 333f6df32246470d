package payout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// Margin is added to a bank's time-out for the lease of an attempt, and to its
// horizon before absence counts.
const Margin = 10 * time.Second

// Service pays out.
type Service struct {
	DB       *db.DB
	Keys     *idem.Keys
	Vault    *vault.Service
	Merchant *merchant.Service
	Book     *ledger.Book
	// Banks by name, and those that new payouts go through in test mode and in
	// live mode; empty: there is none.
	Banks   map[string]provider.Provider
	Default string
	Live    string
	Log     *slog.Logger
	// Breaks are told what nobody can explain; nil: it is logged alone.
	Breaks payment.Breaks
}

func (v *Service) clock() clock.Clock { return v.DB.Clock() }

// route chooses the bank of a new payout.
func (v *Service) route(s id.Scope) (string, error) {
	name := v.Default
	if s.Livemode {
		name = v.Live
	}
	if name == "" {
		return "", fault.New(fault.Invalid, "payouts_not_allowed", "No bank is configured that could pay out in this mode.")
	}
	return name, nil
}

func (v *Service) bank(name string) (provider.Provider, error) {
	p, ok := v.Banks[name]
	if !ok || p.PayOut == nil {
		return provider.Provider{}, fmt.Errorf("bank %q is not configured", name)
	}
	return p, nil
}

// Params say what is paid out.
type Params struct {
	Amount      int64 // in the API's minor units, more than nothing
	Currency    money.Currency
	Destination int64  // key of a bank account; 0: the currency's default
	Method      string // standard (also if empty), instant
	Descriptor  string
	Description string
	Metadata    map[string]string
}

// Create pays out. The reply shows the payout: pending, or, if it is instant,
// what came of it.
func (v *Service) Create(ctx context.Context, s id.Scope, p Params, r *idem.Request) (*idem.Reply, error) {
	amount, err := money.FromAPI(p.Amount, p.Currency)
	if err != nil || amount.Minor() <= 0 {
		return nil, fault.Param("amount", "parameter_invalid_integer", "Invalid amount: %d %s.", p.Amount, p.Currency)
	}
	var made *object.Object[Payout]
	reply, err := v.once(ctx, "payout.create", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		made = nil
		to, err := v.destination(tx, s, p.Destination, p.Currency)
		if err != nil {
			return nil, err
		}
		body := Payout{Amount: amount.Minor(), Currency: p.Currency, Destination: to.Key, Method: "standard", Descriptor: p.Descriptor,
			Description: p.Description, Metadata: p.Metadata, SourceType: "card"}
		due := cutOff(tx.Now())
		if p.Method == "instant" {
			if !instant(&to.Body) {
				return nil, fault.Param("method", "instant_payouts_unsupported", "The bank account %s does not support instant payouts.", vault.BankAccounts.ID(s, to.Key))
			}
			body.Method, due = p.Method, tx.Now()
		}
		made, err = v.insert(tx, s, body, due, by(r))
		if err != nil {
			return nil, err
		}
		return shown(made), nil
	})
	if err != nil || made == nil || reply.Replayed || reply.Error != nil || made.Body.Method != "instant" {
		return reply, err
	}
	// The money has left the balance: a client that goes away must not stop it
	// half-way. What can't be learned now, the sweeper learns; the reply stays as
	// it was recorded, with the payout pending.
	if err := v.Submit(context.WithoutCancel(ctx), s, made.Body.Attempt); err != nil {
		v.Log.Warn("an instant payout is left to the sweeper", "payout", Payouts.ID(s, made.Key), "error", err)
	}
	return reply, nil
}

// Instant reports whether a bank account is reached by instant payouts.
func Instant(b *vault.BankAccount) bool { return instant(b) }

// instant payouts go to accounts in their country's own currency.
func instant(b *vault.BankAccount) bool {
	return InstantIn(b.Currency) && (b.Country == "US") == (b.Currency == "usd")
}

// InstantIn reports whether there are instant payouts in a currency.
func InstantIn(c money.Currency) bool { return c == "usd" || c == "eur" || c == "gbp" }

// cutOff is when the payouts made at a time are handed to the bank: at the end
// of the UTC day.
func cutOff(now time.Time) time.Time { return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1) }

// inTransit is how long a standard payout is expected to take from the cut-off.
const inTransit = 24 * time.Hour

// destination finds the bank account that a payout goes to.
func (v *Service) destination(tx *db.Tx, s id.Scope, key int64, c money.Currency) (*object.Object[vault.BankAccount], error) {
	named := key != 0
	if !named {
		var err error
		if key, err = v.Vault.DefaultBank(tx, s, c); err != nil {
			return nil, err
		}
		if key == 0 {
			return nil, fault.Param("currency", "", "Sorry, you don't have any external accounts in that currency (%s).", c)
		}
	}
	o, ok, err := vault.BankAccounts.Get(tx, s, key)
	switch {
	case err != nil:
		return nil, err
	case !ok || o.Body.Deleted:
		return nil, fault.Missing(fault.Invalid, "destination", "external account", vault.BankAccounts.ID(s, key))
	case o.Body.Currency != c:
		return nil, fault.Param("destination", "", "The bank account %s is in %s, and the payout in %s.", vault.BankAccounts.ID(s, key), o.Body.Currency, c)
	}
	return o, nil
}

// insert takes the money out of the available balance and writes a payout with
// its attempt, in the caller's step.
func (v *Service) insert(tx *db.Tx, s id.Scope, body Payout, due time.Time, request event.Request) (*object.Object[Payout], error) {
	key, attempt := tx.NewKey(), tx.NewKey()
	bank, err := v.route(s)
	if err != nil {
		return nil, err
	}
	body.Status, body.Attempt = Pending, attempt
	body.Arrival = due.UTC()
	if body.Method == "standard" {
		body.Arrival = due.UTC().Add(inTransit)
	}
	if body.Original == 0 {
		if err := v.take(tx, s, key, &body); err != nil {
			return nil, err
		}
	}
	original := int64(0)
	if body.Original != 0 {
		before, err := get(tx, Payouts, s, body.Original)
		if err != nil {
			return nil, err
		}
		original = before.Body.Attempt
	}
	if _, err := Attempts.Insert(tx, s, attempt, Attempt{State: Queued, Provider: bank, Payout: key, Original: original, Request: request, Due: due}); err != nil {
		return nil, err
	}
	o, err := Payouts.Insert(tx, s, key, body)
	if err != nil {
		return nil, err
	}
	return o, tell(tx, "payout.created", o, request)
}

// take moves the money out of the available balance, if as much is free there.
func (v *Service) take(tx *db.Tx, s id.Scope, key int64, body *Payout) error {
	amount := body.money()
	// The hold is how the ledger says what is free; the posting takes its place.
	if err := v.Book.Hold(tx, s, key, ledger.AccountOf(ledger.Available, amount.Currency()), amount.Minor(), false); err != nil {
		if errors.Is(err, ledger.ErrInsufficient) {
			return fault.New(fault.Invalid, "balance_insufficient", "You have insufficient funds in your account for this payout. Your card balance is too low.")
		}
		return err
	}
	if err := v.Book.ReleaseHold(tx, s, key); err != nil {
		return err
	}
	posted, err := v.Book.Post(tx, s, transaction("payout", key, -amount.Minor(), amount.Currency(), body.Description),
		ledger.Posting{Debit: ledger.Available, Credit: ledger.PayoutInTransit, Amount: amount})
	if err == nil {
		body.BalanceTransaction = posted.Key
	}
	return err
}

func transaction(typ string, payout, amount int64, c money.Currency, description string) ledger.Transaction {
	return ledger.Transaction{Type: typ, ReportingCategory: categories[typ], SourceKind: Payouts.Name, Source: payout, Currency: c,
		Amount: amount, Net: amount, Description: description}
}

// categories are the reporting categories of a payout's transactions
// (https://docs.stripe.com/reports/reporting-categories).
var categories = map[string]string{"payout": "payout", "payout_cancel": "payout_reversal", "payout_failure": "payout_reversal"}

// once runs an operation that is one step, under its idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need, decide func(*db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: append(needs, r.Ticket().Need(s)), Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	}})
	return reply, err
}

func shown(o *object.Object[Payout]) *idem.Reply {
	return &idem.Reply{Kind: Payouts.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

// by is what events say of the request that caused them.
func by(r *idem.Request) event.Request {
	if r == nil {
		return event.Request{}
	}
	return event.Request{ID: r.ID, IdempotencyKey: r.Key}
}

// tell writes an event about a payout, in its own lane.
func tell(tx *db.Tx, typ string, o *object.Object[Payout], r event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: o.Key, Type: typ, Kind: Payouts.Name, Object: o.Ref(), Request: r})
}

// get loads an object that must be there because another one names it.
func get[T any, N comparable](tx *db.Tx, k *object.Kind[T, N], s id.Scope, key int64) (*object.Object[T], error) {
	o, ok, err := k.Get(tx, s, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s %d is missing", k.Name, key)
	}
	return o, err
}

// find loads a payout that a caller named in the path.
func find(tx *db.Tx, s id.Scope, key int64) (*object.Object[Payout], error) {
	o, ok, err := Payouts.Get(tx, s, key)
	if err == nil && !ok {
		err = fault.Missing(fault.NotFound, "payout", "payout", Payouts.ID(s, key))
	}
	return o, err
}

func move(o *object.Object[Payout], on trigger) error {
	next, ok := machine.Next(o.Body.Status, on)
	if !ok {
		return fmt.Errorf("payout %d: %s in status %s", o.Key, on, o.Body.Status)
	}
	o.Body.Status = next
	return nil
}

package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// Recalled is what became of an operation that a provider told of.
type Recalled uint8

const (
	// RecallKnown: it is in the database.
	RecallKnown Recalled = iota
	// RecallNothing: no money was moved or reserved by it, or it was undone.
	RecallNothing
	// RecallTaken: it was not in the database, and is now, as if it had been made
	// here.
	RecallTaken
	// RecallStray: it can't be fitted in. A person has to look.
	RecallStray
)

// recalled is an attempt that a provider had before the database did.
type recalled struct {
	key    AttemptID
	ticket idem.Ticket
	source string
	at     time.Time
}

// noteRecalled notes that the database had forgotten an attempt.
const noteRecalled = "learned from the provider after a restore"

// write writes the attempt under the key that it has at the provider. It was
// sent, and its outcome is learned by inquiry, at once.
func (r *recalled) write(tx *db.Tx, s id.Scope, a Attempt) (*object.Object[Attempt], error) {
	a.told = nil
	a.State, a.Sent, a.Due, a.Note = Sending, r.at, tx.Now(), noteRecalled
	a.Provider, a.Ticket = r.source, r.ticket
	return Attempts.Insert(tx, s, int64(r.key), a)
}

// undoing ends our references of what undoes an attempt because its outcome
// could not be learned.
const undoing = "_r"

// Undoes gives the reference of the operation that op undid because nobody could
// say what had become of it; empty if it is no such operation.
func Undoes(op provider.Operation) string {
	if op.Kind == provider.KindReversal && op.Status == provider.Approved && strings.HasSuffix(op.Reference, undoing) {
		return op.Original
	}
	return ""
}

// strayError says why an operation can't be fitted in.
type strayError struct{ why string }

func (e strayError) Error() string { return e.why }

func stray(format string, args ...any) error { return strayError{fmt.Sprintf(format, args...)} }

// Recall takes on an operation that a provider has and the database may have
// forgotten: the payment, capture, refund or release that it was is made again
// here, under the same reference, and its outcome is asked for; nothing is sent.
// The reply to the request that caused it is foreseen under its idempotency key.
// Why tells for RecallStray what stands in the way. An error means that it may be
// possible later. It may be called any number of times.
func (v *Service) Recall(ctx context.Context, source string, op provider.Operation) (did Recalled, why string, err error) {
	reference := strings.TrimSuffix(op.Reference, undoing)
	row, _, ours := Attempts.Prefix.ParseShard(reference)
	if !ours {
		return v.recallForeign(op)
	}
	scope, known, err := v.place(ctx, reference)
	switch {
	case err != nil:
		return 0, "", err
	case known != 0:
		return v.recallAgain(ctx, scope, known)
	case !moves(op):
		return RecallNothing, "", nil
	}
	m, ok := ParseMark(op.Mark)
	if !ok {
		return RecallStray, "it carries no mark of ours", nil
	}
	if _, err := v.Merchant.Account(ctx, m.Scope); err != nil {
		if _, missing := fault.As(err); !missing {
			return 0, "", err
		}
		return RecallStray, "its account is not known any more", nil
	}
	told := &recalled{AttemptID(row), m.Ticket, source, op.At}
	err = v.recall(ctx, m, told, op)
	if stray, ok := errors.AsType[strayError](err); ok {
		return RecallStray, stray.why, nil
	}
	if err != nil {
		return 0, "", err
	}
	return RecallTaken, "", v.foresee(ctx, m.Scope, told.key)
}

// recallAgain learns the outcome of an attempt that is in the database, and
// finishes what was begun about it.
func (v *Service) recallAgain(ctx context.Context, s id.Scope, key AttemptID) (Recalled, string, error) {
	if err := v.catchUp(ctx, s, key); err != nil {
		return 0, "", err
	}
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err != nil || !ok || a.Body.Note != noteRecalled {
		return RecallKnown, "", err
	}
	return RecallKnown, "", v.foresee(ctx, s, key)
}

// catchUp applies what the provider says of an attempt that is open here, whoever
// had its lease when the backup was made. One that was declined softly waits:
// what it has led to may be told of next, and must not be begun anew.
func (v *Service) catchUp(ctx context.Context, s id.Scope, key AttemptID) error {
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err != nil || !ok || !a.Body.Open() || a.Body.Operation == OpAuthenticate {
		return err
	}
	p, err := v.provider(a.Body.Provider)
	if err != nil || p.Inquire == nil {
		return err
	}
	f := v.question(ctx, p, a)
	if f.Answer != provider.Found || !f.Outcome.Status.Definite() || f.Outcome.Reason == authenticationRequired {
		return nil
	}
	_, err = v.settle(ctx, a, f.Outcome, nil)
	return err
}

// recallForeign is about what is under no reference of an attempt to pay: cards
// that were set up, for nothing.
func (v *Service) recallForeign(op provider.Operation) (Recalled, string, error) {
	if op.Amount.Minor() == 0 || op.Status == provider.Declined {
		return RecallNothing, "", nil
	}
	return RecallStray, "its reference is none of ours", nil
}

// moves reports whether money was moved or reserved by an operation.
func moves(op provider.Operation) bool {
	return op.Status == provider.Approved || op.Status == provider.Pending && op.Kind == provider.KindRefund
}

// recall writes the attempt and asks what became of it.
func (v *Service) recall(ctx context.Context, m Mark, told *recalled, op provider.Operation) error {
	account, err := v.Merchant.Account(ctx, m.Scope)
	if err != nil {
		return err
	}
	s := m.Scope
	var do func(*db.Tx) error
	switch op.Kind {
	case provider.KindSale, provider.KindAuthorize:
		if err := v.settleOpen(ctx, s, m); err != nil {
			return err
		}
		do = func(tx *db.Tx) error { return v.recallPayment(tx, account, m, told, op) }
	case provider.KindCapture, provider.KindReversal, provider.KindIncrement, provider.KindRefund:
		scope, original, err := v.place(ctx, op.Original)
		if err != nil {
			return err
		}
		if original == 0 || scope != s {
			return stray("what it builds on, %s, is not known", op.Original)
		}
		if err := v.settleOpen(ctx, s, m); err != nil {
			return err
		}
		do = func(tx *db.Tx) error { return v.recallFollowing(tx, s, original, told, op) }
	default:
		return stray("it is a %s", op.Kind)
	}
	err = v.DB.Run(ctx, db.Step{Name: "payment.recall", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(told.key))}, Do: func(tx *db.Tx) error {
		if _, there, err := Attempts.Get(tx, s, int64(told.key)); there || err != nil {
			return err // another node was quicker
		}
		return do(tx)
	}})
	if err != nil {
		return hindered(err)
	}
	return v.catchUp(ctx, s, told.key)
}

// hindered tells what can't be from what can't be yet.
func hindered(err error) error {
	if guard, over := errors.AsType[*ledger.GuardError](err); over {
		return stray("%v", guard)
	}
	if e, ok := fault.As(err); ok && (e.Kind == fault.Invalid || e.Kind == fault.NotFound || e.Kind == fault.Declined) {
		return stray("%s", e.Message)
	}
	return err
}

// settleOpen learns the outcome of the attempt that an intent waits for.
func (v *Service) settleOpen(ctx context.Context, s id.Scope, m Mark) error {
	key, ok := Intents.Prefix.Parse(m.Object)
	if !ok {
		return stray("its mark names no intent")
	}
	o, there, err := Intents.Read(ctx, v.DB, s, key)
	if err != nil || !there || o.Body.Attempt == 0 {
		return err
	}
	return v.catchUp(ctx, s, o.Body.Attempt)
}

// recallPayment writes an authorisation or sale, and its intent if that is
// forgotten too. Of a forgotten intent nothing is known but what the provider
// knows.
func (v *Service) recallPayment(tx *db.Tx, account *merchant.Account, m Mark, told *recalled, op provider.Operation) error {
	o, err := v.recallIntent(tx, m, op)
	if err != nil {
		return err
	}
	i := &o.Body
	if i.Attempt != 0 {
		if err := v.supersede(tx, o); err != nil {
			return err
		}
	}
	if i.Status != Processing {
		next, ok := intentMachine.Next(i.Status, confirm)
		if !ok {
			return stray("its payment intent %s is %s", m.Object, i.Status)
		}
		i.Status = next
	}
	if op.Amount.Currency() != i.Currency {
		return stray("its payment intent %s is in %s", m.Object, i.Currency)
	}
	method, err := vault.Forgotten(tx, m.Scope, op.Brand, op.Last4)
	if err != nil {
		return err
	}
	i.Method, i.Amount = method.Key, op.Amount.Minor()
	if (op.Kind == provider.KindAuthorize) != i.manual() {
		i.CaptureMethod = captureMethodOf(op)
	}
	a := authorization(o, method, account)
	a.told, a.Provider = told, told.source
	if err := v.authorizeGuard(tx, o); err != nil {
		return err
	}
	attempt, err := v.insertAttempt(tx, o.Scope, a, nil)
	if err != nil {
		return err
	}
	i.Attempt, i.LastError, i.Action = AttemptID(attempt.Key), nil, nil
	return Intents.Update(tx, o)
}

func captureMethodOf(op provider.Operation) string {
	if op.Kind == provider.KindAuthorize {
		return "manual"
	}
	return "automatic_async"
}

// recallIntent gives the intent that an operation was for, made anew under its
// old id if it is not there.
func (v *Service) recallIntent(tx *db.Tx, m Mark, op provider.Operation) (*object.Object[Intent], error) {
	key, ok := Intents.Prefix.Parse(m.Object)
	if !ok {
		return nil, stray("its mark names no intent")
	}
	o, there, err := Intents.Get(tx, m.Scope, key)
	if there || err != nil {
		return o, err
	}
	o, err = Intents.Insert(tx, m.Scope, key, Intent{
		Status: RequiresPaymentMethod, Amount: op.Amount.Minor(), Currency: op.Amount.Currency(),
		CaptureMethod: captureMethodOf(op), ConfirmationMethod: "automatic", MethodTypes: []string{vault.TypeCard},
		Description: "Learned from the provider after a restore from a backup",
	})
	if err != nil {
		return nil, err
	}
	return o, tell(tx, IntentID(key), "payment_intent.created", Intents, o, request(nil))
}

// supersede ends the open attempt of an intent for which the provider has
// approved another one: it was declined, or was about no money. The caller stores
// the intent.
func (v *Service) supersede(tx *db.Tx, o *object.Object[Intent]) error {
	a, err := get(tx, Attempts, o.Scope, int64(o.Body.Attempt))
	if err != nil {
		return err
	}
	switch a.Body.Operation {
	case OpAuthenticate:
	case OpAuthorize, OpSale:
		if err := v.releaseAuthorize(tx, a); err != nil {
			return err
		}
	default:
		return locked(o.Scope, o.Body.Attempt)
	}
	a.Body.State, a.Body.Note, a.Body.Due = Failed, noteDropped, time.Time{}
	o.Body.Attempt = 0
	return Attempts.Update(tx, a)
}

// recallFollowing writes what builds on an authorisation or a sale.
func (v *Service) recallFollowing(tx *db.Tx, s id.Scope, original AttemptID, told *recalled, op provider.Operation) error {
	a, err := get(tx, Attempts, s, int64(original))
	if err != nil {
		return err
	}
	intent := a.Body.Intent
	if a.Body.Open() {
		return locked(s, original)
	}
	if op.Kind == provider.KindRefund {
		return v.recallRefund(tx, s, intent, told, op)
	}
	on, verb := captureSettled, "captured"
	if op.Kind == provider.KindReversal {
		on, verb = voidSettled, "canceled"
	}
	o, ch, err := v.capturable(tx, s, intent, on, verb)
	if err != nil {
		return err
	}
	amount := op.Amount.Minor()
	next := Attempt{Operation: OpCapture, Amount: amount, More: op.More, told: told}
	switch op.Kind {
	case provider.KindReversal:
		next.Operation = OpVoid
		if left := ch.Body.MaxCapture - ch.Body.Captured; left != amount {
			next.Held = left
		}
		err = v.Book.Reserve(tx, s, ch.Key, ledger.GuardCapture, next.reserves())
	case provider.KindIncrement:
		next.Operation = OpIncrement
		o.Body.Increments++
		err = v.reserveIncrement(tx, o, amount)
	default:
		err = v.Book.Reserve(tx, s, ch.Key, ledger.GuardCapture, amount)
	}
	if err != nil {
		return err
	}
	if _, err := v.followUp(tx, o, ch, next, nil); err != nil {
		return err
	}
	return Intents.Update(tx, o)
}

// recallRefund writes a refund. The money is gone, so it may take the balance
// below zero.
func (v *Service) recallRefund(tx *db.Tx, s id.Scope, intent IntentID, told *recalled, op provider.Operation) error {
	p := RefundParams{Intent: intent, told: told}
	ch, err := v.refundable(tx, s, p)
	if err != nil {
		return err
	}
	amount := op.Amount
	if err := v.reserveRefund(tx, ch, false, &amount); err != nil {
		return err
	}
	_, err = v.insertRefund(tx, ch, amount, p, true, nil)
	return err
}

// foresee records what the request behind a recalled attempt is answered, once
// that is known.
func (v *Service) foresee(ctx context.Context, s id.Scope, key AttemptID) error {
	return v.DB.Run(ctx, db.Step{Name: "payment.foresee", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key))}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		reply, err := v.replyTo(tx, a)
		if err != nil {
			return err
		}
		return v.Keys.Foresee(tx, s, a.Body.Ticket, reply)
	}})
}

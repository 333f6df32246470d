package vault

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// describeBank checks a bank account and seals its number under a new data key,
// the one of key.
func (v *Service) describeBank(s id.Scope, key int64, in *BankInput) (Bank, personDraft, error) {
	number, err := in.check()
	if err != nil {
		return Bank{}, personDraft{}, err
	}
	draft, err := sealPerson(v, s, key, fieldBank, sealedBank{number, in.Holder})
	return Bank{Country: in.Country, Currency: in.Currency, Routing: in.Routing, Last4: number[len(number)-4:],
		Fingerprint: in.fingerprint(v.master, s, number), HolderType: in.HolderType, AccountType: in.AccountType,
		Subject: key, Sealed: draft.sealed}, draft, err
}

// CreateBankToken makes a token of a bank account.
func (v *Service) CreateBankToken(ctx context.Context, s id.Scope, in *BankInput, r *idem.Request) (*idem.Reply, error) {
	key := v.db.IDs().Next()
	bank, draft, err := v.describeBank(s, key, in)
	if err != nil {
		return nil, err
	}
	return v.once(ctx, "vault.create_bank_token", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		draft.insert(tx, s)
		o, err := BankTokens.Insert(tx, s, key, BankToken{Bank: bank})
		if err != nil {
			return nil, err
		}
		return show(BankTokens, o), nil
	})
}

// BankAccountParams describe a new bank account: a token, or the account itself.
type BankAccountParams struct {
	Token    string // btok_…
	Input    *BankInput
	Default  bool // for its currency, in place of another
	Metadata map[string]string
}

// CreateBankAccount adds a bank account. The first one in a currency is its
// default.
func (v *Service) CreateBankAccount(ctx context.Context, s id.Scope, p *BankAccountParams, r *idem.Request) (*idem.Reply, error) {
	key := v.db.IDs().Next()
	var bank Bank
	var draft personDraft
	var err error
	if p.Input != nil {
		if bank, draft, err = v.describeBank(s, key, p.Input); err != nil {
			return nil, err
		}
	}
	token, _ := parse(BankTokens.Prefix, s, p.Token)
	needs := []db.Need{BankTokens.Need(s, token), event.Lane(s, key)}
	return v.once(ctx, "vault.create_bank_account", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		body := BankAccount{Bank: bank, Status: BankNew, Metadata: p.Metadata}
		if p.Input == nil {
			if body.Bank, err = useBankToken(tx, s, token, p.Token); err != nil {
				return nil, err
			}
		} else {
			draft.insert(tx, s)
		}
		have, ok, err := bankDefaults.Get(tx, defaultKey(s, body.Currency))
		if err != nil {
			return nil, err
		}
		body.Default = !ok || p.Default
		o, err := BankAccounts.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		if err := tell(tx, v, BankAccounts, o, "account.external_account.created", By(r)); err != nil {
			return nil, err
		}
		if !ok {
			bankDefaults.Insert(tx, defaultKey(s, body.Currency), bankDefault{key, tx.Now()})
		} else if p.Default {
			err = v.replaceDefault(tx, o, have, r)
		}
		return show(BankAccounts, o), err
	})
}

// ownTestBank is a bank account that payouts in test mode reach; see
// https://docs.stripe.com/connect/testing#account-numbers.
var ownTestBank = BankInput{Country: "US", Currency: "usd", Routing: "110000000", Number: secret.NewText("000123456789"), HolderType: "company"}

// OpenTestBank gives an account of test mode that has none yet a bank account to
// try payouts with. No event tells of it: nobody asked.
func (v *Service) OpenTestBank(ctx context.Context, s id.Scope) error {
	key, in := v.db.IDs().Next(), ownTestBank
	bank, draft, err := v.describeBank(s, key, &in)
	if err != nil {
		return err
	}
	return v.db.Run(ctx, db.Step{Name: "vault.open_test_bank", Scope: s.Key(), Do: func(tx *db.Tx) error {
		if _, ok, err := bankDefaults.Get(tx, defaultKey(s, in.Currency)); err != nil || ok {
			return err
		}
		draft.insert(tx, s)
		if _, err := BankAccounts.Insert(tx, s, key, BankAccount{Bank: bank, Status: BankNew, Default: true}); err != nil {
			return err
		}
		bankDefaults.Insert(tx, defaultKey(s, in.Currency), bankDefault{key, tx.Now()})
		return nil
	}})
}

// useBankToken takes the account out of a token, once.
func useBankToken(tx *db.Tx, s id.Scope, key int64, text string) (Bank, error) {
	t, ok, err := BankTokens.Get(tx, s, key)
	switch {
	case err != nil:
		return Bank{}, err
	case !ok:
		return Bank{}, missing(fault.Invalid, "external_account", "token", text)
	case t.Body.Used:
		return Bank{}, fault.Param("external_account", "token_already_used", "You cannot use a token more than once: %s.", text)
	}
	t.Body.Used = true
	return t.Body.Bank, BankTokens.Update(tx, t)
}

// replaceDefault makes an account the default of its currency in place of
// another one.
func (v *Service) replaceDefault(tx *db.Tx, o *object.Object[BankAccount], have bankDefault, r *idem.Request) error {
	before, ok, err := BankAccounts.Get(tx, o.Scope, have.Account)
	if err != nil {
		return err
	}
	if ok && before.Key != o.Key {
		before.Body.Default = false
		if err := BankAccounts.Update(tx, before); err != nil {
			return err
		}
		if err := tell(tx, v, BankAccounts, before, "account.external_account.updated", By(r)); err != nil {
			return err
		}
	}
	have.Account = o.Key
	bankDefaults.Update(tx, defaultKey(o.Scope, o.Body.Currency), have)
	return nil
}

// BankAccountChange is what may be changed of a bank account; nil is left as it
// is.
type BankAccountChange struct {
	Holder, HolderType, AccountType *string
	Default                         *bool
	Metadata                        *Metadata
}

// UpdateBankAccount changes a bank account.
func (v *Service) UpdateBankAccount(ctx context.Context, s id.Scope, account string, p *BankAccountChange, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(BankAccounts.Prefix, s, account)
	needs := []db.Need{BankAccounts.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.update_bank_account", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := bankAccountIn(tx, s, key, account)
		if err != nil {
			return nil, err
		}
		b := &o.Body
		assign(&b.HolderType, p.HolderType)
		assign(&b.AccountType, p.AccountType)
		if p.Holder != nil {
			if b.Sealed, err = resealPerson(tx, v, s, b.Subject, fieldBank, b.Sealed, personDraft{}, func(to *sealedBank) { to.Holder = *p.Holder }); err != nil {
				return nil, err
			}
		}
		if p.Metadata != nil {
			b.Metadata = p.Metadata.Apply(b.Metadata)
		}
		if p.Default != nil && *p.Default != b.Default {
			have, _, err := bankDefaults.Get(tx, defaultKey(s, b.Currency))
			if err != nil {
				return nil, err
			}
			if !*p.Default {
				return nil, fault.Param("default_for_currency", "", "Make another bank account the default for %s instead.", b.Currency)
			}
			b.Default = true
			if err := v.replaceDefault(tx, o, have, r); err != nil {
				return nil, err
			}
		}
		if err := BankAccounts.Update(tx, o); err != nil {
			return nil, err
		}
		return show(BankAccounts, o), tell(tx, v, BankAccounts, o, "account.external_account.updated", By(r))
	})
}

func assign(to, value *string) {
	if value != nil {
		*to = *value
	}
}

func bankAccountIn(tx *db.Tx, s id.Scope, key int64, text string) (*object.Object[BankAccount], error) {
	o, ok, err := BankAccounts.Get(tx, s, key)
	if err == nil && (!ok || o.Body.Deleted) {
		err = missing(fault.NotFound, "id", "external account", text)
	}
	return o, err
}

// DeleteBankAccount removes a bank account; its number becomes unreadable. The
// default of a currency can only go as the last one.
func (v *Service) DeleteBankAccount(ctx context.Context, s id.Scope, account string, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(BankAccounts.Prefix, s, account)
	needs := []db.Need{BankAccounts.Need(s, key), event.Lane(s, key)}
	rest, _, err := BankAccounts.List(ctx, v.db, s, object.Range{Limit: maxBankAccounts, Where: map[string]any{"deleted": int64(0)}})
	if err != nil {
		return nil, err
	}
	return v.once(ctx, "vault.delete_bank_account", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := bankAccountIn(tx, s, key, account)
		if err != nil {
			return nil, err
		}
		if o.Body.Default {
			for _, other := range rest {
				if other.Key != key && other.Body.Currency == o.Body.Currency {
					return nil, fault.New(fault.Invalid, "", "You cannot delete the default external account for your default currency. Please make another external account the default using the `default_for_currency` param before deleting this one.")
				}
			}
			if _, ok, err := bankDefaults.Get(tx, defaultKey(s, o.Body.Currency)); err != nil {
				return nil, err
			} else if ok {
				bankDefaults.Delete(tx, defaultKey(s, o.Body.Currency))
			}
		}
		if err := tell(tx, v, BankAccounts, o, "account.external_account.deleted", By(r)); err != nil {
			return nil, err
		}
		o.Body.Deleted, o.Body.Default = true, false
		if err := eraseSubject(tx, s, o.Body.Subject); err != nil {
			return nil, err
		}
		if err := BankAccounts.Update(tx, o); err != nil {
			return nil, err
		}
		return show(BankAccounts, o), nil
	})
}

// maxBankAccounts bounds how many bank accounts a merchant may have.
const maxBankAccounts = 100

// BankData opens a bank account for a provider, outside of steps and right
// before the call. Errors: [ErrNoCard] where it was removed, or internal.
func (v *Service) BankData(ctx context.Context, s id.Scope, key int64) (out provider.BankAccount, err error) {
	o, ok, err := BankAccounts.Read(ctx, v.db, s, key)
	if err != nil || !ok {
		return out, ErrNoCard
	}
	opened, err := v.openBank(ctx, s, &o.Body.Bank)
	if err != nil {
		return out, err
	}
	if opened.Number == "" {
		return out, ErrNoCard
	}
	out = provider.BankAccount{Country: o.Body.Country, Routing: o.Body.Routing, Number: secret.NewText(opened.Number), Currency: o.Body.Currency}
	if opened.Holder != "" {
		out.Holder = secret.NewText(opened.Holder)
	}
	return out, nil
}

// openBank opens what is sealed of a bank account, past the keyring: the number
// is read for a payout alone.
func (v *Service) openBank(ctx context.Context, s id.Scope, b *Bank) (data sealedBank, err error) {
	sealed, ok, err := subjects.Read(ctx, v.db, at(s, b.Subject))
	if err != nil || !ok || len(sealed) == 0 {
		return data, err
	}
	subject, err := v.master.OpenSubject(sealed, identity(s, b.Subject))
	if err != nil {
		return data, err
	}
	return openData[sealedBank](subject, bound(fieldBank, s, b.Subject), b.Sealed)
}

// BankHolder is whose a bank account is; empty for one that was removed.
func (v *Service) BankHolder(ctx context.Context, s id.Scope, b *Bank) (string, error) {
	data, err := v.openBank(ctx, s, b)
	return data.Holder, err
}

// DefaultBank gives the default bank account of a currency as a step sees it; 0
// where there is none.
func (v *Service) DefaultBank(tx *db.Tx, s id.Scope, c money.Currency) (int64, error) {
	d, _, err := bankDefaults.Get(tx, defaultKey(s, c))
	return d.Account, err
}

// BankFailed notes that money came back from a bank account: nothing is paid out
// to it by itself any more.
func (v *Service) BankFailed(tx *db.Tx, s id.Scope, key int64) error {
	o, ok, err := BankAccounts.Get(tx, s, key)
	if err != nil || !ok || o.Body.Deleted || o.Body.Status == BankErrored {
		return err
	}
	o.Body.Status = BankErrored
	if err := BankAccounts.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, v, BankAccounts, o, "account.external_account.updated", event.Request{})
}

// DueBank names a currency in which an automatic payout is to be considered.
type DueBank struct {
	Scope    id.Scope
	Currency money.Currency
}

// DueBanks gives the defaults whose time has come, over all accounts.
func (v *Service) DueBanks(ctx context.Context, now time.Time, limit int) (list []DueBank, err error) {
	rows, err := qDueBanks.All(ctx, v.db, now.UnixMicro(), int64(limit))
	for _, r := range rows {
		if c, ok := money.CurrencyByNumeric(int(r.Key)); ok {
			list = append(list, DueBank{id.ScopeOf(r.Scope), c})
		}
	}
	return list, err
}

// TakeTurn gives the default bank account of a currency if its time has come in
// the step's eyes, and sets when it comes next; 0: not yet, or there is none.
func (v *Service) TakeTurn(tx *db.Tx, s id.Scope, c money.Currency, next time.Time) (int64, error) {
	d, ok, err := bankDefaults.Get(tx, defaultKey(s, c))
	if err != nil || !ok || d.Next.After(tx.Now()) {
		return 0, err
	}
	d.Next = next
	bankDefaults.Update(tx, defaultKey(s, c), d)
	return d.Account, nil
}

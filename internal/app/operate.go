package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/schema"
)

// Operator does what the person who runs Florin does by hand: accounts and API
// keys, on a database that others may be serving meanwhile.
type Operator struct {
	db        *db.DB
	merchants *merchant.Service
	claimed   bool
}

// Operate opens the database at an address and hands f an operator on it. It
// needs no master key: accounts and hashes of keys are not sealed. A database
// that is not there, or whose schema this Florin does not have, is refused.
func Operate(ctx context.Context, address string, log *slog.Logger, f func(*Operator) error) (err error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no database at %s: name the one that florin serve uses with --db or FLORIN_DB, or make one with florin migrate", path)
		}
	}
	d, err := db.Open(ctx, address, db.Options{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := sameSchema(ctx, d); err != nil {
		return err
	}
	return f(&Operator{db: d, merchants: merchant.New(d, merchant.Options{APIVersion: rest.Version})})
}

// sameSchema refuses a database that another Florin has migrated last, or none.
func sameSchema(ctx context.Context, d *db.DB) error {
	if err := d.CheckSchema(ctx, schema.Files); err != nil {
		return err
	}
	have, err := d.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	files, err := fs.Glob(schema.Files, "sqlite/*.sql") // as many as there are of PostgreSQL
	if err == nil && have < int64(len(files)) {
		err = fmt.Errorf("the database has schema %d, and this Florin needs %d: run florin migrate on it", have, len(files))
	}
	return err
}

// claim makes the keys of rows that follow unlike those of every other process
// on the database.
func (o *Operator) claim(ctx context.Context) (err error) {
	if !o.claimed {
		err = o.db.ClaimNode(ctx)
		o.claimed = err == nil
	}
	return err
}

// Account is a merchant's account, as it is shown to who runs Florin.
type Account struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	merchant.Account
}

func accountOf(o *object.Object[merchant.Account]) Account {
	return Account{merchant.Accounts.ID(o.Scope, o.Key), o.Created(), o.Body}
}

// AccountParams say what account to make. Country and currency may be written
// in small or in capital letters; a zero one gets a default.
type AccountParams struct {
	Name, Country, Currency, StatementDescriptor string
	// APIVersion is a version of Stripe's API; empty: the one that is implemented.
	APIVersion string
	Settings   AccountSettings
	// FeeBasisPoints and FeeFixed are what each payment costs the merchant;
	// FeeFixed is in minor units by currency. Nil: the defaults.
	FeeBasisPoints *int64
	FeeFixed       map[string]int64
	// Live asks for keys of live mode too.
	Live bool
}

// AccountSettings are merchant.Settings.
type AccountSettings = merchant.Settings

func (p AccountParams) merchant() merchant.Params {
	fees := merchant.DefaultFees()
	if p.FeeBasisPoints != nil {
		fees.BasisPoints = *p.FeeBasisPoints
	}
	if p.FeeFixed != nil {
		fees.Fixed = map[money.Currency]int64{}
		for c, n := range p.FeeFixed {
			fees.Fixed[money.Currency(strings.ToLower(c))] = n
		}
	}
	return merchant.Params{Name: p.Name, Country: strings.ToUpper(p.Country), DefaultCurrency: money.Currency(strings.ToLower(p.Currency)),
		StatementDescriptor: p.StatementDescriptor, APIVersion: p.APIVersion, Settings: &p.Settings, Fees: &fees}
}

// CreateAccount makes an account with its first keys.
func (o *Operator) CreateAccount(ctx context.Context, p AccountParams) (Account, []Key, error) {
	if _, known := apiversion.Parse(p.APIVersion); !known && p.APIVersion != "" {
		return Account{}, nil, fault.Param("api_version", "", "Invalid Stripe API version: %s", p.APIVersion)
	}
	if err := o.claim(ctx); err != nil {
		return Account{}, nil, err
	}
	made, issued, err := o.merchants.Open(ctx, p.merchant(), p.Live)
	if err != nil {
		return Account{}, nil, err
	}
	keys := make([]Key, len(issued))
	for i, k := range issued {
		keys[i] = issuedKey(k)
	}
	return accountOf(made), keys, nil
}

// accountsAtOnce share the transactions of CreateAccounts.
const accountsAtOnce = 256

// CreateAccounts makes n accounts of one name with what an account has by
// default, many at a time, and gives their secret keys of test mode in no order.
func (o *Operator) CreateAccounts(ctx context.Context, name string, n int) (secretKeys []string, err error) {
	if err := o.claim(ctx); err != nil || n < 1 {
		return nil, err
	}
	list := make([]string, n)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(n, accountsAtOnce) {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				_, keys, err := o.merchants.Open(ctx, merchant.Params{Name: name}, false)
				if err != nil {
					cancel(err)
					return
				}
				list[i] = keys[0].Plain
			}
		})
	}
	running.Wait()
	return list, context.Cause(ctx)
}

// Accounts lists all accounts, the oldest first.
func (o *Operator) Accounts(ctx context.Context) ([]Account, error) {
	list := []Account{}
	err := merchant.Accounts.Scan(ctx, o.db, func(a *object.Object[merchant.Account]) error {
		list = append(list, accountOf(a))
		return nil
	})
	slices.SortStableFunc(list, func(a, b Account) int { return a.Created.Compare(b.Created) })
	return list, err
}

// Account gives the account with an id; the only one there is where id is empty.
func (o *Operator) Account(ctx context.Context, id string) (Account, error) {
	found, err := o.account(ctx, id)
	if err != nil {
		return Account{}, err
	}
	return accountOf(found), nil
}

// errEnough ends a scan that has seen what it wanted to.
var errEnough = errors.New("enough")

func (o *Operator) account(ctx context.Context, id string) (found *object.Object[merchant.Account], err error) {
	if id != "" {
		key, ok := merchant.Accounts.Prefix.Parse(id)
		if ok {
			found, ok, err = merchant.Accounts.Read(ctx, o.db, merchant.Home(key), key)
		}
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "resource_missing", "There is no account %s. florin account list shows those there are.", id)
		}
		return found, err
	}
	n := 0
	err = merchant.Accounts.Scan(ctx, o.db, func(a *object.Object[merchant.Account]) error {
		found = a
		if n++; n > 1 {
			return errEnough
		}
		return nil
	})
	switch {
	case n > 1:
		return nil, errors.New("there are several accounts: name one with --account; florin account list shows them")
	case err == nil && n == 0:
		err = errors.New("there is no account yet: make one with florin account create, or let florin serve make the first one")
	}
	return found, err
}

// scope is one mode of an account.
func (o *Operator) scope(ctx context.Context, account string, live bool) (id.Scope, error) {
	a, err := o.account(ctx, account)
	if err != nil {
		return id.Scope{}, err
	}
	return id.Scope{Account: a.Key, Livemode: live}, nil
}

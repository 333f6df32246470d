package vault

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// cacheSize is how many opened data keys a process keeps, the latest used.
	cacheSize = 10_000
	// cacheLife bounds for how long a process goes on reading what another one
	// has erased.
	cacheLife = time.Minute
)

// keyring keeps opened data keys of persons, never of cards.
type keyring struct {
	mu      sync.Mutex
	entries map[db.Key]*list.Element
	used    *list.List // of ringEntry, the latest used first
}

type ringEntry struct {
	at      db.Key
	subject *secret.Subject
	until   time.Time
}

func newKeyring() *keyring {
	return &keyring{entries: map[db.Key]*list.Element{}, used: list.New()}
}

func (r *keyring) get(k db.Key, now time.Time) (*secret.Subject, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[k]
	if !ok {
		return nil, false
	}
	entry := e.Value.(ringEntry)
	if !now.Before(entry.until) {
		r.remove(e)
		return nil, false
	}
	r.used.MoveToFront(e)
	return entry.subject, true
}

func (r *keyring) put(k db.Key, s *secret.Subject, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.entries[k]; ok {
		r.remove(e)
	}
	r.entries[k] = r.used.PushFront(ringEntry{k, s, now.Add(cacheLife)})
	for r.used.Len() > cacheSize {
		r.remove(r.used.Back())
	}
}

func (r *keyring) drop(k db.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.entries[k]; ok {
		r.remove(e)
	}
}

func (r *keyring) remove(e *list.Element) {
	delete(r.entries, e.Value.(ringEntry).at)
	r.used.Remove(e)
}

// subject gives a person's opened data key, which is nil when it was erased.
func (v *Service) subject(ctx context.Context, s id.Scope, key int64) (*secret.Subject, error) {
	if subject, ok := v.ring.get(at(s, key), v.db.Clock().Now()); ok {
		return subject, nil
	}
	if err := v.openSubjects(ctx, s, []int64{key}); err != nil {
		return nil, err
	}
	subject, _ := v.ring.get(at(s, key), v.db.Clock().Now())
	return subject, nil
}

// openSubjects brings the data keys of several persons into the keyring in one
// read. Zero keys are passed over.
func (v *Service) openSubjects(ctx context.Context, s id.Scope, keys []int64) error {
	now := v.db.Clock().Now()
	var missing []db.Key
	for _, key := range keys {
		if _, ok := v.ring.get(at(s, key), now); !ok && key != 0 {
			missing = append(missing, at(s, key))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := subjects.ReadMany(ctx, v.db, missing)
	if err != nil {
		return err
	}
	for k, sealed := range rows {
		opened, err := v.master.OpenSubject(sealed, identity(s, k.ID))
		if err != nil && !errors.Is(err, secret.ErrErased) {
			return err
		}
		if err == nil {
			v.ring.put(k, opened, now)
		}
	}
	return nil
}

// CustomerPersonal opens the personal data of a customer, in whatever version.
// It is empty for one that was erased.
func (v *Service) CustomerPersonal(ctx context.Context, o *object.Object[Customer]) (Personal, error) {
	return openPerson[Personal](ctx, v, o.Scope, o.Key, fieldPersonal, o.Body.Sealed)
}

// BillingDetails opens the personal data of a payment method, in whatever
// version. It is empty for one that was erased.
func (v *Service) BillingDetails(ctx context.Context, o *object.Object[PaymentMethod]) (Billing, error) {
	return openPerson[Billing](ctx, v, o.Scope, o.Body.Subject, fieldBilling, o.Body.Sealed)
}

// TokenBilling opens the personal data of a token. It is empty for one that was
// erased.
func (v *Service) TokenBilling(ctx context.Context, o *object.Object[Token]) (Billing, error) {
	return openPerson[Billing](ctx, v, o.Scope, o.Body.Subject, fieldBilling, o.Body.Sealed)
}

func openPerson[T any](ctx context.Context, v *Service, s id.Scope, key int64, field string, sealed []byte) (data T, err error) {
	if len(sealed) == 0 {
		return data, nil
	}
	subject, err := v.subject(ctx, s, key)
	if err != nil {
		return data, err
	}
	return openData[T](subject, bound(field, s, key), sealed)
}

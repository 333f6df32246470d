package search

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service finds objects, and keeps the index.
type Service struct {
	db     *db.DB
	vault  *vault.Service
	master *secret.Master

	indexers []indexer
	batch    int // staleBatch, but in tests
}

// New makes the service. master makes the terms.
func New(d *db.DB, master *secret.Master, v *vault.Service) *Service {
	return &Service{db: d, vault: v, master: master, indexers: indexers, batch: staleBatch}
}

// noun is a kind of object that can be found.
type noun[T any, N comparable] struct {
	kind   *object.Kind[T, N]
	fields fields
	// documents says what can be asked of some objects, by key.
	documents func(context.Context, *Service, id.Scope, map[int64]*object.Object[T]) (map[int64]*document, error)
	statements
}

// statements are those of a noun's narrow rows.
type statements struct {
	some       *db.Query[foundKey]
	ofCustomer *db.Query[foundKey] // nil for customers, whose rows have no amount, currency and status either
	all        *db.Query[scopedKey]
}

func newNoun[T any, N comparable](k *object.Kind[T, N], f fields, documents func(context.Context, *Service, id.Scope, map[int64]*object.Object[T]) (map[int64]*document, error), some, ofCustomer *db.Query[foundKey], all *db.Query[scopedKey]) *noun[T, N] {
	return &noun[T, N]{kind: k, fields: f, documents: documents, statements: statements{some: some, ofCustomer: ofCustomer, all: all}}
}

var (
	customers = newNoun(vault.Customers, customerFields, one(customerDocument), someCustomers, nil, allCustomers)
	intents   = newNoun(payment.Intents, intentFields, one(intentDocument), someIntents, intentsOfCustomer, allIntents)
	charges   = newNoun(payment.Charges, chargeFields, chargeDocuments, someCharges, chargesOfCustomer, allCharges)
)

// Request is what is searched for.
type Request struct {
	Query string
	// Page is where to go on, as an earlier [Result] says; empty: at the newest.
	Page  string
	Limit int // above 0
	// Count asks how many there are in all.
	Count bool
}

// Result is one page, newest first.
type Result[T any] struct {
	Objects []*object.Object[T]
	// Next is the page after this; empty when there is none.
	Next string
	// Total is how many match in all, if that was asked for: at most 10,000.
	Total int
}

// Customers finds customers that are not deleted. A query that can't be read is
// refused at the parameter query, a page of another query at page.
func (v *Service) Customers(ctx context.Context, s id.Scope, r Request) (Result[vault.Customer], error) {
	return search(ctx, v, customers, s, r)
}

// Intents finds payment intents, and refuses as [Service.Customers].
func (v *Service) Intents(ctx context.Context, s id.Scope, r Request) (Result[payment.Intent], error) {
	return search(ctx, v, intents, s, r)
}

// Charges finds charges, and refuses as [Service.Customers].
func (v *Service) Charges(ctx context.Context, s id.Scope, r Request) (Result[payment.Charge], error) {
	return search(ctx, v, charges, s, r)
}

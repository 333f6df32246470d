package search

import (
	"strings"

	"github.com/florinpay/florin/internal/base/db"
)

// terms are the index: a row for each term of each object.
var terms = db.NewTable("search_term", "scope, term, key", "", func(*struct{}, *db.Fields) {}, db.AppendOnly())

// entries say which terms an object has, packed.
var entries = db.NewTable("search_entry", "scope, key", "terms", func(packed *[]byte, f *db.Fields) { db.Bytes(f, packed) })

// build is how far the index is built: nouns before Noun are, and of that noun
// all objects up to AtScope and AtKey. Objects from the key Until on were made
// by a Florin that notes what is stale, and need no building.
type build struct{ Noun, AtScope, AtKey, Until int64 }

var builds = db.NewTable("search_build", "scope, key", "noun, at_scope, at_key, until", func(b *build, f *db.Fields) {
	db.Int(f, &b.Noun)
	db.Int(f, &b.AtScope)
	db.Int(f, &b.AtKey)
	db.Int(f, &b.Until)
})

type foundKey struct{ Key int64 }

func (k *foundKey) fields(f *db.Fields) { db.Int(f, &k.Key) }

type scopedKey struct{ Scope, Key int64 }

func (k *scopedKey) fields(f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.Key)
}

// maxTerms is how many terms a statement asks for at once. What further ones
// would leave out is left out when the objects are compared.
const maxTerms = 3

// byTerms finds the objects that have one, two or three terms.
var byTerms = [maxTerms]*db.Query[foundKey]{termQuery(1), termQuery(2), termQuery(3)}

func termQuery(n int) *db.Query[foundKey] {
	also := strings.Repeat(" AND EXISTS (SELECT 1 FROM search_term o WHERE o.scope = t.scope AND o.term = ? AND o.key = t.key)", n-1)
	return db.NewQuery("objects of "+[]string{"a term", "two terms", "three terms"}[n-1],
		"SELECT t.key FROM search_term t WHERE t.scope = ? AND t.term = ? AND t.key > ? AND t.key < ?"+also+" ORDER BY t.key DESC LIMIT ?", (*foundKey).fields)
}

// These go over narrow rows, the newest first.
var (
	someCustomers = db.NewQuery("search all customers", "SELECT key FROM customer WHERE scope = ? AND key > ? AND key < ? AND deleted = 0 ORDER BY key DESC LIMIT ?", (*foundKey).fields)
	someIntents   = narrowed("payment_intent")
	someCharges   = narrowed("charge")

	intentsOfCustomer = ofCustomer("payment_intent")
	chargesOfCustomer = ofCustomer("charge")

	allCustomers = allOf("customer")
	allIntents   = allOf("payment_intent")
	allCharges   = allOf("charge")
)

func narrowed(table string) *db.Query[foundKey] {
	return db.NewQuery("search all of "+table, "SELECT key FROM "+table+" WHERE scope = ? AND key > ? AND key < ?"+
		" AND amount >= ? AND amount <= ? AND currency >= ? AND currency <= ? AND status >= ? AND status <= ? ORDER BY key DESC LIMIT ?", (*foundKey).fields)
}

func ofCustomer(table string) *db.Query[foundKey] {
	return db.NewQuery("search a customer's of "+table, "SELECT key FROM "+table+" WHERE scope = ? AND customer = ? AND customer > 0 AND key > ? AND key < ? ORDER BY key DESC LIMIT ?", (*foundKey).fields)
}

// allOf goes over the objects of all scopes, for whoever builds the index.
func allOf(table string) *db.Query[scopedKey] {
	return db.NewQuery("all of "+table+" to index", "SELECT scope, key FROM "+table+" WHERE (scope, key) > (?, ?) AND key < ? ORDER BY scope, key LIMIT ?", (*scopedKey).fields)
}

package vault

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// subjects are data keys, sealed under the master key. An empty one was erased.
var subjects = db.NewTable("subject_key", "scope, subject", "sealed", func(sealed *[]byte, f *db.Fields) { db.Bytes(f, sealed) })

// cards are card numbers.
var cards = db.NewTable("card", "scope, key", "sealed", func(sealed *[]byte, f *db.Fields) { db.Bytes(f, sealed) })

// cvcRow is a security code and when it must be gone.
type cvcRow struct {
	Sealed  []byte
	Expires time.Time
}

var cvcs = db.NewTable("card_cvc", "scope, key", "sealed, expires", func(r *cvcRow, f *db.Fields) {
	db.Bytes(f, &r.Sealed)
	db.Time(f, &r.Expires)
})

func at(s id.Scope, key int64) db.Key { return db.Key{Scope: s.Key(), ID: key} }

// Parts of a card in cardParts.
const (
	partSubject = 1
	partNumber  = 2
	partCVC     = 3
)

type cardPart struct {
	Part   int64
	Sealed []byte
}

// cardParts reads all that a provider call needs in one round trip.
var cardParts = db.NewQuery("card data",
	"SELECT CAST(1 AS BIGINT), sealed FROM subject_key WHERE scope = ? AND subject = ?"+
		" UNION ALL SELECT CAST(2 AS BIGINT), sealed FROM card WHERE scope = ? AND key = ?"+
		" UNION ALL SELECT CAST(3 AS BIGINT), sealed FROM card_cvc WHERE scope = ? AND key = ? AND expires > ?",
	func(p *cardPart, f *db.Fields) {
		db.Int(f, &p.Part)
		db.Bytes(f, &p.Sealed)
	})

type scopedKey struct{ Scope, Key int64 }

func (k *scopedKey) fields(f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.Key)
}

type keptCode struct {
	Scope, Key int64
	Expires    time.Time
}

// keptCodes are the security codes of all scopes, for the check that goes over
// all of them.
var keptCodes = db.NewQuery("security codes that are kept",
	"SELECT scope, key, expires FROM card_cvc WHERE scope > ? OR scope = ? AND key > ? ORDER BY scope, key LIMIT ?",
	func(k *keptCode, f *db.Fields) {
		db.Int(f, &k.Scope)
		db.Int(f, &k.Key)
		db.Time(f, &k.Expires)
	})

var (
	expiredCVCs = db.NewQuery("expired security codes", "SELECT scope, key FROM card_cvc WHERE expires <= ? ORDER BY expires LIMIT ?", (*scopedKey).fields)
	// qDueBanks looks over all scopes: whoever pays out does so for every account.
	qDueBanks = db.NewQuery("default bank accounts whose turn it is", "SELECT scope, key FROM bank_default WHERE next <= ? ORDER BY next LIMIT ?", (*scopedKey).fields)
	// ownedMethods are the payment methods that a customer has or had.
	ownedMethods = db.NewQuery("payment methods of an owner",
		"SELECT scope, key FROM payment_method WHERE scope = ? AND owner = ? AND owner > 0 AND key > ? ORDER BY key LIMIT ?", (*scopedKey).fields)
	newestMethods = db.NewQuery("newest payment methods of an owner",
		"SELECT scope, key FROM payment_method WHERE scope = ? AND owner = ? AND owner > 0 AND key < ? ORDER BY key DESC LIMIT ?", (*scopedKey).fields)
)

package vault

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
)

// Token is the body of a token: card data sent once, mostly by a browser, to be
// used once by a server.
type Token struct {
	Type     string `json:"t"` // "card", or [TypeCVC]
	Card     Card   `json:"c"`
	CardRow  int64  `json:"r"`
	Used     bool   `json:"u,omitempty"` // a payment method was made of it
	ClientIP string `json:"ip,omitempty"`
	// Subject is the key of the data key that Sealed is under; 0 for none. The
	// payment method made of the token takes both over.
	Subject int64  `json:"s,omitempty"`
	Sealed  []byte `json:"p,omitempty"` // Billing; empty when there is none
}

type tokenColumns struct{}

// Tokens are the API's tokens.
var Tokens = object.Define(object.Spec[Token, tokenColumns]{
	Name: "token", Prefix: "tok", Schema: 1, Table: "token",
	Fields: func(*tokenColumns, *db.Fields) {},
	Derive: func(*Token) tokenColumns { return tokenColumns{} },
})

// TokenInput describes a new token.
type TokenInput struct {
	Card     CardInput
	Billing  Billing
	ClientIP string
}

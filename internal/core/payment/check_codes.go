package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
)

// CheckCodes is the name of the check that no security code is kept beyond a
// definite outcome or its time to live.
const CheckCodes = "security codes"

// codeMargin is how long after its time a security code may still be there: the
// job that deletes them runs every minute, and takes some hundreds at a time.
const codeMargin = 5 * time.Minute

// codes notes the security codes that are kept, before the attempts are read,
// and reports those that are too old.
func (c *checker) codes() error {
	now := c.v.clock().Now()
	return vault.EachSealedCode(c.ctx, c.v.DB, func(k vault.SealedCode) error {
		c.sealed[owner{k.Scope.Key(), k.Card}] = 0
		if over := now.Sub(k.Expires); over > codeMargin {
			c.say(CheckCodes, k.Scope, "card_cvc", k.Card, "it is kept %s beyond its time", over.Truncate(time.Second))
		}
		return nil
	})
}

// paidWith notes that a card whose security code is kept has a definite outcome.
func (c *checker) paidWith(a *object.Object[Attempt]) {
	at := owner{a.Scope.Key(), a.Body.Card}
	// Where the payer is asked, the code is for the authorisation that follows.
	goesOn := a.Body.Next != 0 || a.Body.Operation == OpAuthenticate && a.Body.State != Declined
	if _, kept := c.sealed[at]; kept && a.Body.Card != 0 && !a.Body.Open() && !goesOn {
		c.sealed[at] = AttemptID(a.Key)
	}
}

// outlived reports the security codes that are kept although an attempt with
// their card is definite. The step that makes it so deletes the code, so a look
// after the attempts were read is the one that counts.
func (c *checker) outlived() error {
	for at, attempt := range c.sealed {
		if attempt == 0 {
			continue
		}
		s := id.ScopeOf(at.scope)
		kept, err := vault.CodeIsSealed(c.ctx, c.v.DB, s, at.key)
		if err != nil {
			return err
		}
		if kept {
			c.say(CheckCodes, s, "card_cvc", at.key, "it is kept although attempt %s is definite", Reference(s, attempt))
		}
	}
	return nil
}

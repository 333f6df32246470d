// Package vault keeps who pays and with what: customers, payment methods,
// tokens, and the card data behind them.
//
// # What is kept where
//
//	object body   what the API shows and nobody is identified by: brand, last
//	              four digits, expiry, fingerprint, metadata
//	sealed in it  personal data, under a data key of the customer or of the
//	              payment method (table subject_key)
//	table card    the card number and expiry, sealed under a data key of the
//	              card's own
//	table         the security code, sealed likewise; it lives from its arrival
//	card_cvc      to the first definite outcome, at most [CVCLife]
//
// A payment method with no personal data has no key for it either, so that the
// commonest payment costs one data key, not two.
//
// Card numbers and security codes are in clear in three places only: the
// request's [CardInput], the moment of sealing, and the [provider.Card] that
// [Service.CardData] gives right before a provider is called. All three print
// as a mask. No error of this package repeats a value that it refuses.
//
// # States
//
//	token           unused → used; a used one is refused
//	payment method  free → attached → detached; or free → used up, by a payment
//	                without a customer ([Service.UseUp]). The last two are final.
//	customer        there → deleted; either → erased
//
// # Invariants
//
//   - A token makes at most one payment method.
//   - A payment method is attached to one customer at most, once in its life.
//   - The same number has the same fingerprint within an account, and a
//     fingerprint means nothing without the master key.
//   - Erasing a customer makes its personal data, that of every payment method
//     it ever had, and their card numbers unreadable for good; objects, events
//     and books stay whole. Other processes may read them for [cacheLife] more.
//
// # Test cards
//
// In test mode "pm_card_visa" and "tok_visa" and their like name the cards of
// [TestCards]: whoever confirms or attaches with such a name gets a new payment
// method. In live mode they name nothing.
package vault

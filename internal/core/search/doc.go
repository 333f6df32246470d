// Package search finds customers, payment intents and charges by a query in
// the language of https://docs.stripe.com/search.
//
// # How it finds
//
// A query is answered in two moves. First candidates are taken from an index, a
// set that may be too large but lacks nothing; then every candidate is compared
// with the query as it is now. So an answer never shows what does not match,
// however old the index is, and what the index lags behind by is only that a
// new object, or a new value of an old one, is not found yet.
//
// Candidates come, whichever a query allows, from the terms that stand for an
// object (search_term); from the customer that it belongs to; or from its narrow
// row, by amount, status and currency. The time of creation is a range of keys
// and narrows all of them.
//
// # Terms
//
// A term is 63 bits of a MAC, under a key derived from the master key, over the
// account, the field and a value in small letters. Nothing that a person wrote
// stands in the index; who has the database alone can tell that two objects of
// an account have the same value somewhere, and not which. Fields that can be
// searched by parts (email, name, phone) have a term for every three
// consecutive characters of the value, so that ~ finds by any part of at least
// three; which objects really contain it is decided on the opened value.
// Objects of a deleted customer keep their own terms, the customer's go.
//
// # How the index is filled
//
// The step that changes an object notes in the object's own row that what the
// index has of it is stale (object.Spec.Index): no row more on the way of a
// payment, and nothing to miss, however steps of several nodes are ordered. A
// schedule of every node takes what is stale every half second, reads what
// belongs to it, and writes the terms in a step that holds the object's row and
// is given up if the object has changed since. An index that is not there, or
// of another format, is built from all objects in rounds; meanwhile searches
// that depend on it find less.
package search

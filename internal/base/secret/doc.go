// Package secret keeps card data and personal data unreadable to anyone who
// holds the database but not the key, and out of every log line.
//
// It stores nothing. Keys of subjects are handed out sealed and handed in
// sealed; which row they live in is their owner's business.
//
// # The hierarchy of keys
//
//	master key   florin.key or FLORIN_MASTER_KEY; never in the database
//	 ├─ seals    subject keys, one per customer (or per object without one)
//	 │            └─ each seals the fields that belong to that subject
//	 ├─ seals    small things that belong to nobody (provider credentials, …)
//	 └─ derives  HMAC keys by purpose, and the master key's public ID
//
// A [Master] is a Tink keyset of AES-256-GCM keys: the primary seals, every key
// opens. A [Subject] is one random AES-256-GCM key; its sealed form is stored
// beside whatever it protects. Opening a subject costs one decryption under the
// master and one key schedule; sealing a field under an opened subject costs a
// microsecond or so. Whoever opens the same subject often keeps it in a cache
// of their own, bounded, and drops it when the subject is erased.
//
// # Contexts
//
// Everything sealed is bound to a context: which table, which row, which field.
// The context isn't stored with the ciphertext, it is given again on opening,
// so a ciphertext copied into another row or column doesn't open. Build
// contexts with [Context], which can't confuse ("ab", "c") with ("a", "bc").
// The same holds for a subject's sealed key and the subject's identity. An
// empty context binds nothing and is refused.
//
// What this doesn't do: a ciphertext put back where it stood earlier still
// opens, so a rollback of one row goes unnoticed here; and the length of a
// ciphertext tells the length of what it hides.
//
// # Erasing a subject
//
// To erase a person, overwrite the subject's sealed key with nothing and keep
// the row. Everything sealed under it is then noise: bodies, events and books
// stay whole, byte for byte, and whoever reads a sealed field gets [ErrErased],
// not a failure. A sealed key of length zero means erased; it is never a reason
// to make a new key for the same subject, and a nil [Subject] refuses to seal.
//
// Three things lie outside this package and end with the erasing only if their
// owners see to it: opened subjects in caches, copies of the sealed key in
// backups (the erasure is complete when the last backup that holds it expires),
// and values of [Master.MAC] over the person's data, which must be deleted with
// their rows, since whoever holds the master key can test a guess against them.
//
// # Rotation
//
// [Master.Rotate] adds a primary and keeps the old keys, so nothing stored
// becomes unreadable. What was sealed before stays under the older key until
// its owner seals it anew: [Master.Stale] finds such rows by their first bytes,
// [Master.ResealSubject] moves a subject's key, and fields under that subject
// needn't be touched. A random nonce of 96 bits allows some four thousand
// million sealings per key before the odds of a repeat leave 2^-32; the only
// key that many seals meet is the master's, so rotate it before that.
//
// The first key of the set is more than a key that opens: the ID and all MACs
// derive from it (HKDF-SHA-256), because a fingerprint computed last year must
// still be found. Rotation therefore doesn't renew them, and a keyset without
// its first key is another master key. If the first key is known to someone
// who shouldn't know it, fingerprints can be tested against guesses by them;
// the cure is a new database, not a rotation.
//
// # Randomness and simulation
//
// Ciphertexts carry fresh nonces from the operating system and differ from run
// to run; no history that is compared between runs may hold one, nor a digest
// of one. What does show in answers, fingerprints above all, depends on the
// master key alone, and [GenerateFrom] makes that from a seed.
//
// # Redaction
//
// [Text] and [Bytes] hold a value that prints as [redacted] in every verb of
// fmt, in slog and in JSON, also inside other structs; Reveal gives the value.
// [Master] and [Subject] print no key material either.
package secret

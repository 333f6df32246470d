// Package heads keeps the heads of seals in a file outside the database.
//
// Seals (see package ledger) notice a change of what they cover, but not that
// all of them were made anew, or that the last ones are gone with what they
// covered. Who has a seal's head elsewhere notices that too. The file is only
// ever appended to: a line of JSON for each seal,
//
//	{"shard":0,"seal":1,"postings":2,"at":"2026-11-22T10:00:00Z","head":"…","sum":"…"}
//
// of each shard from its first seal on, without gaps. sum chains the lines: it
// is over the line and the sum before it. A line is written after its seal is
// durable. A last line without its line feed was being written when the
// machine stopped; it counts as not there. Anything else that is not as it was
// written is damage.
package heads

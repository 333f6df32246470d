// Package world runs the whole platform in one process, in virtual time, from
// one seed: API node, sandbox acquirer with its own book, and clients that
// retry, over connections in memory, with faults between them. The same seed
// gives the same history, so a failure can be seen again:
//
//	make simulate SEED=7
//
// A history is the list of what happened at the points where actors meet: a
// request sent and answered, a provider called and its outcome, an event
// written, an attempt's states. Ids in it are numbered by their first
// appearance; ciphertext and signatures are left out.
package world

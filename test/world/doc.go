// Package world runs the whole platform in one process, in virtual time, from
// one seed: several API nodes on one database, the sandbox acquirer with its
// own book, and clients that retry, over connections in memory. Everything that
// can go wrong between them goes wrong, and at rest the books must agree.
//
//	make simulate SEED=7
//
// Actors (requests that are served, jobs, clients, trains of the database) park
// where they meet the outside: before a step and when it is durable, before a
// provider is called and when it has answered, before a client sends and when it
// has its answer. One goes on at a time; the seed picks which, and what befalls
// it: a step that fails or whose answer is lost, a stall, a clock that jumps, a
// node that dies there. Time passes only when nobody can go on. So the same seed
// gives the same history, to the microsecond, and a failure can be seen again.
//
// A history is the ordered list of (virtual time, actor, point, what befell it,
// result), with keys and ids numbered by their first appearance; ciphertext and
// signatures are left out.
package world

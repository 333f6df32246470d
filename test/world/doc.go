// Package world runs the whole platform in one process, in virtual time, from
// one seed: several API nodes on one database, the sandbox acquirer and the bank
// with books of their own, clients that repeat their requests, payers who are
// asked to prove who they are, and servers that get webhooks, over connections in
// memory. Everything that can go wrong between them goes wrong, and at rest the
// books must agree.
//
//	make simulate SEED=7
//
// Actors (requests that are served, jobs, clients, receivers of webhooks, trains
// of the database) park where they meet the outside: before a step and when it is
// durable, before a provider is called and when it has answered, when a webhook
// comes, before a client sends and when it has its answer. One goes on at a time;
// the seed picks which, and what befalls it: a step that fails or whose answer is
// lost, a stall, a clock that jumps, a node that dies there, notices that come
// twice or in disorder. Time passes only when nobody can go on. So the same seed
// gives the same history, to the microsecond, and a failure can be seen again.
//
// A world that fails is made small: errands of clients and faults are left out
// as long as it fails, and what is left is printed as a command:
//
//	make simulate SEED=7 MASK=1fe.3ffffff.1
//
// A history is the ordered list of (virtual time, actor, point, what befell it,
// result), with keys and ids numbered by their first appearance; ciphertext and
// signatures are left out.
package world

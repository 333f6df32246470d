// Package bench measures a running Florin, and checks afterwards that what the
// clients were told is what Florin and the sandbox have in their books.
//
// So many connections each have one request under way. In a closed loop each
// sends its next request when the last one is answered: a server that stalls
// also keeps the clients from sending, so the latencies are those of what was
// sent. In an open loop errands are due at a rate of their own, and latency
// counts from the moment when each was due, so that waiting counts.
//
// Unless it is pointed at a server, [Run] starts what it measures: a sandbox, a
// server and a receiver of webhooks, each a process of its own, on a database
// that ends with the run.
package bench

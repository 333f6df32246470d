// Package bench measures a running Florin: so many clients, each of which sends
// its next request when the last one is answered, for a time or a number of
// requests. Afterwards it checks that what the clients were told is what Florin
// and the sandbox have in their books.
//
// It is a closed loop. A server that stalls also keeps the clients from sending,
// so the latencies are those of the requests that were sent, and say nothing of
// how long others would have waited that come at a rate of their own.
//
// Unless it is pointed at a server, [Run] starts what it measures: a sandbox and
// a server, each a process of its own, on a database that ends with the run.
package bench

// Package postgres starts a PostgreSQL server of a test's own and clears it
// away again.
//
// The server is the machine's installed one (initdb and postgres on PATH, or
// the newest under /usr/lib/postgresql), run on a new data directory in the
// temporary folder and on a free port of the loopback interface. It is set up
// as production should be where that decides what survives: data checksums,
// fsync and synchronous_commit on, UTF-8, the C collation.
//
// A [Server] can be stopped ([Server.Stop]), crashed ([Server.Kill]) and
// started again on what it left behind ([Server.Restart]). [Server.Close] ends
// it and deletes its directory. If the process that started it dies without
// having closed it, however suddenly, a watchdog does both.
package postgres

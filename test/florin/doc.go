// Package florintest runs the real binary for tests of the whole: it builds
// cmd/florin, starts it as a process of its own on a database of its own, and
// stops, kills and restarts it.
//
//	server := florintest.Start(t, florintest.Options{})
//	… talk to server.URL with server.SecretKey …
//	if err := server.Kill(); err != nil { … }
//	if err := server.Restart(ctx); err != nil { … }
//
// The database is a SQLite file in the test's folder, or, when FLORIN_TEST_DB
// holds the address of a PostgreSQL server, an empty database made there and
// dropped at the end. The server migrates it itself.
//
// What a program has written when it is stopped and when its test ends, its
// log, its data, its book, is searched for card data, which fails the test.
//
// The binary is built once per test process, without cgo, or taken from
// FLORIN_BIN. No process outlives its test, and none the test process, however
// suddenly that ends: a watchdog kills what is left.
package florintest

// Package leak looks for card data where none may be: in the files of
// databases, in logs, in replies and in the sandbox's book. It knows every card
// number that tests use, in every form in which one might be stored or printed
// by mistake, and the labels under which a security code travels.
//
// The places where evidence of tests ends call it: dbtest and florintest before
// a database goes, test/postgres before a server's folder goes, the clients of
// tests for every reply. A test whose evidence holds card data fails.
//
//	leak.CheckFiles(t, "test.db", "test.db-wal")
//	leak.CheckReply(t, "POST /v1/tokens", body)
//	hits, err := leak.Dir(folder)
//
// A [Hit] tells the file, the offset and the form, and shows no more of a
// number than may be shown. The package imports nothing of Florin's, so that
// the tests of every package can use it.
package leak

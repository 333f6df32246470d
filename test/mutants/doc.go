// Package mutants shows that the tests notice what they are there to notice.
// The code holds known-bad changes, each behind probe.Mutant("name"), which is
// never true in a release build. For each of them the package names the tests
// that fail when it is switched on; it runs them without the mutant, where they
// must pass, and with it, where they must fail:
//
//	go test -v -tags probe ./test/mutants              # the first killer of each mutant
//	FLORIN_MUTANTS=all go test -v -tags probe -timeout 30m ./test/mutants
//
// With -v it prints which test killed which mutant, and what that test said.
// When FLORIN_TEST_DB names a PostgreSQL server it runs the mutants of that
// engine, and no others.
//
// A mutant that survives is a hole in the tests: the test that is missing
// belongs into the package whose promise is broken.
package mutants

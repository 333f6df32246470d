// Package crash kills the real binary, at every kill point and at random
// moments, and checks what is left: that no payment which was acknowledged is
// lost, that none was made twice, that a repeated request gets the same answer,
// and that the books agree with what the acquirer says happened.
//
// The database is SQLite, or PostgreSQL when FLORIN_TEST_DB holds the address
// of a server. With the build tag probe the tests kill at kill points, without
// it at random:
//
//	FLORIN_KILLS  how many random kills of each kind (6)
//	FLORIN_SEED   repeats the random moments of a run, which prints its seed
//	FLORIN_CUTS   at how many frames of a log, from its end, every byte is cut at (1)
//	FLORIN_SYNCS  how many payments are watched under strace (6)
package crash

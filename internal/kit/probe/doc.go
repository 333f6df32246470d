// Package probe marks the places where a proof may interfere: kill points, at
// which a crash test ends the process, and mutants, known-bad changes that the
// tests must notice.
//
// In a release build every call is a constant no-op that the compiler removes.
// Built with -tags probe, the environment decides:
//
//	FLORIN_KILL=name[:n]   end the process with SIGKILL at the n-th visit of kill point name (default 1)
//	FLORIN_MUTANT=name     switch mutant name on
package probe

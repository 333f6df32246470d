// Package providertest is the conformance suite of the provider seam: every
// provider runs it against its own simulator.
//
//	func TestConformance(t *testing.T) { providertest.Run(t, harness) }
//
// Each case runs in two worlds: over sockets on loopback in real time, and
// over in-memory connections in the virtual time of testing/synctest, where
// time-outs cost nothing and equal seeds must give equal histories. Beside what
// a case checks itself, every outcome is held against the simulator's book when
// the case ends: what was Failed must not be in it, what was Approved must be
// there once, and no raw message may show card data.
package providertest

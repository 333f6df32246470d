// Package settle compares what the books say with what those say who hold the
// money: the reports of providers and the statements of banks.
//
// # Breaks
//
// A [Break] is a difference that nothing explains: money that is here and not
// there, the reverse, another amount, an outcome that nobody knows. Whoever finds
// one opens it, in the step in which it is found:
//
//	open      somebody has to look. It has an age, and may have an owner
//	resolved  it is explained: by what was found later, or by a person who says
//	          why, with evidence, and books what remains. Final: what is
//	          found again after that is another break
//
// A break whose difference stands in provider_clearing is resolved by a person
// only together with the postings that take it out of there, so that the balance of that
// account is at any time what is still to come plus what open breaks tell.
package settle

// Package settle compares what the books say with what those say who hold the
// money: the reports of providers and the statements of banks.
//
// # Reconciliation
//
// A run ([Service.Run]) makes items of the postings in provider_clearing and of
// what payouts move in bank, loads the files of providers, and compares the two
// with a [Matcher]. Each item has what remains of it; whatever is settled is taken
// from there in the step that posts it. So at any time
//
//	balance of provider_clearing = sum of what remains of its items
//
// and what remains of an old one has an open break. What a line tells of and the
// books do not have gets an item of nothing, so that there is a place for what is
// settled of it. [Check] compares all of that.
//
// A file's lines are kept before they are matched, under the file's digest; a
// line, an item and a deposit say how far they are, and each step looks before it
// writes. So a run can be broken off anywhere, and several may run at once.
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

// Package payout pays merchants out: from their available balance to a bank
// account of theirs, at their word or by schedule.
//
// # The life of a payout
//
//	pending     made; the money has left the available balance. Not yet sent
//	in_transit  the bank has it, or may have it
//	paid        it arrived; it may still come back
//	failed      it came back, or was never taken on; the money is back
//	canceled    called off before it was sent; the money is back
//
// # What is asked of the bank
//
// Each payout has one [Attempt], which goes the way of a payment's attempts:
//
//	queued    waits for its time; may still be called off
//	sending   written, and perhaps on its way, under a lease
//	unknown   it was sent and nobody knows what became of it. Left by evidence
//	          alone: inquiry, else replay within the bank's window
//	pending   the bank has it and will tell later. Left by inquiry
//	approved  it arrived. Left when the bank tells that it came back
//	declined  it came back, or was refused. Left only by the bank's word, when it
//	          is asked, that the money is at the account
//	failed    it certainly did not happen. Left only by a late success
//	canceled  it was called off. Final
//
// A step takes the attempt out of the queue and is durable before the bank hears
// of it. A payout is called failed on a definite outcome alone: the bank's word,
// or its not knowing the reference, said twice, the second time after its
// horizon. There is never a second attempt for a payout. What certainly was not
// sent, since the bank could not be reached, goes back into the queue.
//
// # The money
//
// When it is made: available / payout_in_transit, refused with
// balance_insufficient where less than that is free. When it arrives:
// payout_in_transit / bank. When it fails or is called off before: the reverse of
// the first. When it comes back later: bank / available. A payout that is taken
// back is another payout, of a negative amount, which moves bank / available when
// the bank has taken it back.
package payout

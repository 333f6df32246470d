// Package news takes what providers send unasked: their webhooks.
//
// # The life of a message
//
// A message is verified, and refused where its signature is not the provider's.
// What is the provider's is stored raw, card data masked, before it is
// acknowledged; a job applies it. So a message that was acknowledged is never
// lost, whatever ends the process, and one that was not comes again.
//
//	received  stored and acknowledged. Left by the job
//	applied   all that it tells was handed to those that it is about. Final
//	garbled   it is the provider's, and can't be understood. Final; a person may look
//	stuck     it could not be applied in all tries of the job. Final; a person may
//	          look
//
// Of the two last a break is opened. What is final is deleted some time later
// ([Service.Expire]).
//
// # Once
//
// The provider's own name of a message makes it one: what comes again is
// acknowledged and has no effect. What it tells is a [provider.Notice], and those
// have one effect by their own numbers, so that what is asked for in
// [provider.Provider]'s Notices, which is the safety net, and what is sent go one
// way. A message that comes again with another content opens a break.
package news

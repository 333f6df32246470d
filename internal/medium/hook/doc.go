// Package hook carries webhooks to merchants' servers over HTTP. It implements
// [webhook.Sender].
//
// Whoever may make an endpoint chooses where this process sends requests, so
// what it may reach is decided here, for each connection, on the address that
// is about to be dialled: a name that resolved to a public address when it was
// looked at and to a private one now is refused like any other.
//
//	live mode  public addresses only
//	test mode  also private networks and this machine, where developers' servers
//	           are; but no link-local ones, where clouds keep their secrets
//
// No redirect is followed and no proxy is used, since either would decide anew
// where a request goes.
package hook

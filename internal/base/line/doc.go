// Package line calls one HTTP/1.1 server over connections that it keeps: the
// way to whom it matters, for each request, whether it may have left.
//
// A call runs in the goroutine of its caller and has its connection for itself.
// [net/http.Transport] has two goroutines for each connection and hands every
// request and answer over between three, which costs more than what a payment
// provider is asked. What it can do and a line cannot: HTTP/2, proxies (those of
// the environment neither: requests here hold card data, and nobody between is
// to see them), redirects, cookies, compression, Expect.
//
// # What is known of a request
//
// Nothing of it is written before [Sent] is told. A request that changes
// something is written to one connection, once. So an error without Sent means
// that nothing left this process; with it, nobody knows how much did. Only a GET
// is sent a second time, over a new connection, where a kept one broke without a
// byte of an answer.
//
// A kept connection that the server has closed would make a request's fate
// unknown that need not be. So each is looked at right before it is used: is
// there something to read, which can only be the end or what nobody asked for,
// it is closed and another taken. And none is kept for longer than servers
// commonly wait.
package line

// Package push tells another machine something unasked: signed messages over
// HTTP, tried again until they are acknowledged, as providers' webhooks are.
// Simulators send by it, connectors read by it, and it can be told to do
// everything that a network and a careless sender do: see [Mode].
//
// # The signature
//
// A header
//
//	t=1764061080,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd
//
// holds the time of sending in seconds since 1970, and HMAC-SHA256 of
// "<t>.<body>" under the secret that both sides have, in hexadecimal digits. It
// is good for [Tolerance] before and after that time.
package push

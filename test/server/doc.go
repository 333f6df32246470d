// Package server holds tests of the real binary as those who run it meet it:
// TLS and proxies, the admin address, jobs by hand, and upgrades.
package server

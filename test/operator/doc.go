// Package operator does with the real binary what the person does who runs
// Florin: makes accounts and keys beside a running server, and configures.
package operator

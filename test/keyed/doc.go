// Package keyed tells whether a statement names the scope of every tenant's
// table that it touches, by equality: then a database that spreads its tables by
// scope answers it in one place. It knows the few forms of statements that this
// house has, and says so of any other rather than let it pass.
package keyed

// Package object keeps API objects as versions.
//
// The body of an object is a core struct, encoded compactly and stored once
// per change in one append-only table (scope, object, version). Each kind of
// object has a narrow table beside it: the columns that objects are looked up
// by, and the number of the latest version. Narrow columns are derived from
// the body in the same write, never set on their own, and [Kind.Check]
// compares them. Events, idempotent replies and timelines name (object,
// version), so they show an object as it was without storing it again.
//
// A body is stored as a schema number followed by JSON. A schema that changes
// its shape gets the next number and a function that reads the old one.
package object

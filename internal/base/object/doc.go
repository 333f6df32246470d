// Package object keeps API objects as versions.
//
// The body of an object is a core struct, encoded compactly. Each kind of object
// has a table of the latest versions: the body, the version's number, and the
// columns that objects are looked up by. These are derived from the body in the
// same write, never set on their own, and [Kind.Check] compares them. A version
// that is replaced goes to one append-only table for all kinds (scope, object,
// version), unless nobody asks for a kind's; of kinds that fade it is deleted once
// all that could ask for it is ([Fade]). Events, idempotent replies and
// timelines name (object, version), so they show an object as it was without
// storing it again.
//
// A body is stored as a schema number followed by CBOR. A schema that changes
// its shape gets the next number and a function that reads the old one.
package object

// Package db keeps rows on SQLite and on PostgreSQL behind one small API.
//
// # Steps and trains
//
// Every write is a [Step]: one atomic change, written as a pure function over
// a [Tx]. The function asks for rows by key, decides, and records inserts,
// updates and deletes. It does no input or output of its own, and it may run
// several times. Many concurrent steps ride in one database transaction, a
// train:
//
//  1. the rows that the waiting steps say they need are loaded in bulk, under
//     row locks taken in the order of their keys;
//  2. the steps run one after another over that cache. A step that asks for a
//     row which is not there yet is set aside, the rows asked for by all such
//     steps are loaded in one further round, and they run again;
//  3. a step that returns an error changes nothing: its changes are dropped
//     before they reach the train. What the others changed is merged, so a
//     balance that a hundred steps touch is written once;
//  4. all changes are written in bulk, one statement per table and kind, and
//     committed durably. Only then do the callers wake.
//
// Correctness does not rest on one process having one train: each train
// decides on rows that it holds locked, and nothing decided on is kept from
// one train to the next.
//
// A row that is not there can't be locked. What a step found absent is looked
// for once more when the train has all its locks, so it is absent for as long
// as whoever inserts it first gets a row that this step has got too: a step that
// hangs rows on an object gets the object.
//
// # Tables
//
// A [Table] is a set of rows under a [Key] of int64 parts, the first of which
// is the scope. A row is a Go struct whose columns are listed once, by a
// function over [Fields], from which binding, scanning and the statements of
// both engines come. Columns are int64 (BIGINT, also for times in microseconds
// UTC and for truth values), text, or bytes; there is no NULL.
//
// # Reads
//
// What decides nothing is read by a registered [Query] on read-only
// connections, which do not wait for writers.
package db

package main

import "errors"

// errRefused ends a step that changes nothing. Its caller is told; the train
// goes on.
var errRefused = errors.New("refused")

// errAgain says that rows which the step asked for are not loaded yet. The
// train loads them for all its steps at once and runs the step again.
var errAgain = errors.New("rows not loaded yet")

// book is what a step sees of the database. The steps are written once
// against it. The shapes compared differ only in what stands behind it: a
// statement per call inside a savepoint, or a cache of rows.
type book interface {
	// need announces the rows that the step is about to get.
	need(refs ...ref) error
	// get reads a row under its lock; false if there is none.
	get(r ref) (row, bool, error)
	// claim inserts a row unless its key exists; false if it does.
	claim(t *table, r *row) (bool, error)
	// insert adds a row whose key is known to be new.
	insert(t *table, r *row) error
	// update writes the changeable columns of a row got before.
	update(t *table, r *row) error
}

// step is one atomic change. With a cache behind the book it may run several
// times, so it draws no ids and no time of its own.
type step func(b book) error

// work is one step queued in a train.
type work struct {
	step step
	err  error
	done chan struct{}
}

// engine runs the steps of one train in one transaction. It puts errRefused
// into the work whose step was refused; an error means that the whole train
// failed, which ends the run.
type engine interface {
	run(batch []*work) error
	close() error
}

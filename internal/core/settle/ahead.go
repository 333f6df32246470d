package settle

import (
	"errors"

	"github.com/florinpay/florin/internal/base/db"
)

// ahead lets one step be under way while the next is prepared, so that a run that
// writes much uses two processors. Steps keep their order. The zero value but for
// its database is ready; whoever used it waits before they return.
type ahead struct {
	db      *db.DB
	running chan error // nil: nothing is
}

// run waits for what is under way, and then begins f.
func (a *ahead) run(f func() error) error {
	if err := a.wait(); err != nil {
		return err
	}
	if a.db.Serial() {
		return f()
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	a.running = done
	return nil
}

// wait gives the error of what is under way, once it has ended.
func (a *ahead) wait() error {
	if a.running == nil {
		return nil
	}
	err := <-a.running
	a.running = nil
	return err
}

// last adds to an error that of what is under way, once it has ended.
func (a *ahead) last(err *error) { *err = errors.Join(*err, a.wait()) }

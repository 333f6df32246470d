package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
)

// dbView shows a [DBBook] to one decision, and locks what it shows.
type dbView struct {
	tx     *db.Tx
	absent []string // references shown to have no row
	newest int64    // when the latest of what was shown was recorded
}

// row gets the row of a reference, and notes that it was looked at.
func (v *dbView) row(reference string) (entry, error) {
	e, ok, err := bookRows.Get(v.tx, entryKey(reference))
	switch {
	case err != nil:
		return entry{}, err
	case !ok:
		v.absent = append(v.absent, reference)
		return entry{Reference: reference}, nil
	case e.Reference != reference:
		return entry{}, fmt.Errorf("sandbox: the references %q and %q have one hash", e.Reference, reference)
	}
	v.newest = max(v.newest, e.Recorded)
	return e, nil
}

// Find implements [View].
func (v *dbView) Find(reference string) (Operation, bool, error) {
	e, err := v.row(reference)
	if err != nil {
		return Operation{}, false, err
	}
	return e.operation()
}

// Following implements [View]. All rows that it wants are asked for together,
// and also what follows those, at which decisions look one after another: each
// time that a row is missing costs the train a round, and its rounds are few.
func (v *dbView) Following(original string) ([]Operation, error) {
	e, err := v.row(original)
	if err != nil {
		return nil, err
	}
	references := strings.Fields(e.Following)
	ops := make([]Operation, len(references))
	var failed error
	for i, reference := range references {
		if ops[i], err = v.follower(reference); err != nil {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return ops, nil
}

func (v *dbView) follower(reference string) (Operation, error) {
	e, err := v.row(reference)
	if err != nil {
		return Operation{}, err
	}
	for next := range strings.FieldsSeq(e.Following) {
		if _, rowErr := v.row(next); rowErr != nil {
			err = rowErr
		}
	}
	if err != nil {
		return Operation{}, err
	}
	op, found, err := e.operation()
	if err == nil && !found {
		err = fmt.Errorf("sandbox: the book's row of %q is damaged", reference)
	}
	return op, err
}

// Told implements [View].
func (v *dbView) Told() (int64, error) {
	f, ok, err := feedRows.Get(v.tx, feedKey)
	if err == nil && !ok {
		err = errors.New("sandbox: the book does not say how many notices there are")
	}
	return f.Number, err
}

// record writes op, its place among what follows its original, and that what
// was not there when it was decided was not.
func (v *dbView) record(op Operation) error {
	if !validReference(op.Reference) || op.Original != "" && !validReference(op.Original) {
		return fmt.Errorf("sandbox: %q or %q is no reference", op.Reference, op.Original)
	}
	body, err := json.Marshal(op)
	if err != nil {
		return err
	}
	follows := op.follows()
	for _, reference := range []string{op.Original, op.Ends} {
		if reference == op.Ends && reference != "" || follows && reference == op.Original {
			if _, err := v.row(reference); err != nil {
				return err
			}
		}
	}
	slices.Sort(v.absent) // two nodes that insert the same rows wait for each other in one direction
	for _, reference := range v.absent {
		if err := v.change(reference, func(*entry) {}); err != nil {
			return err
		}
	}
	// Clocks of nodes differ; still it is listed after all that it was decided on.
	recorded := max(v.tx.NewKey(), v.newest+1)
	err = v.change(op.Reference, func(e *entry) {
		e.Recorded, e.Body = recorded, string(body)
		if !op.Due.IsZero() {
			e.Due = op.Due.UnixMilli()
		}
		if n := len(op.Notices); n > 0 {
			e.Notices = op.Notices[n-1].Number
		}
	})
	if err == nil && len(op.Notices) > 0 {
		feedRows.Update(v.tx, feedKey, feed{op.Notices[len(op.Notices)-1].Number})
	}
	if err == nil && op.Ends != "" {
		err = v.change(op.Ends, func(e *entry) { e.Due = 0 })
	}
	if err != nil || !follows {
		return err
	}
	return v.change(op.Original, func(e *entry) {
		e.Following = strings.TrimPrefix(e.Following+" "+op.Reference, " ")
	})
}

// change writes the row of a reference that was looked at.
func (v *dbView) change(reference string, f func(*entry)) error {
	k := entryKey(reference)
	e, ok, err := bookRows.Get(v.tx, k)
	if err != nil {
		return err
	}
	e.Reference = reference
	f(&e)
	if ok {
		bookRows.Update(v.tx, k, e)
	} else {
		bookRows.Insert(v.tx, k, e)
	}
	return nil
}

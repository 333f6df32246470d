package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// FileBook is a [Book] in one append-only file that one process holds. All of
// it is kept in memory too.
//
// Decisions are made one at a time in memory; their lines are written and
// synced together by whoever comes first while the others wait, so that
// concurrent operations share a sync. Where the disk is full, what was written of the
// lines is cut off again, those who wait for them are told so, and whoever comes next
// tries once more. When another write or a sync fails, nobody knows what the file holds:
// the book answers nothing any more, and opening it anew finds out.
type FileBook struct {
	file *os.File
	sync func() error // file.Sync, but in tests of what waits for it

	mu        sync.Mutex
	synced    sync.Cond
	ops       []Operation          // only ever appended to
	index     map[string]int       // reference: its place in ops
	following map[string][]int     // original: places of the approved operations that name it
	due       map[string]time.Time // reference: when something is due for it
	telling   []int                // places of the operations with notices
	told      int64                // number of the newest notice
	sum       uint32               // checksum of the newest line
	pending   []byte               // lines not yet handed to the file
	size      int64                // of the file, up to the last line that is durable
	durable   int                  // how many of ops are synced
	syncing   bool                 // somebody is writing; wait for synced
	err       error                // what broke the book, if something did
}

// ErrBookClosed is what a closed [FileBook] answers.
var ErrBookClosed = errors.New("sandbox: the book is closed")

// Apply implements [Book].
func (b *FileBook) Apply(_ context.Context, reference string, decide func(View) (Operation, error)) (Operation, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return Operation{}, false, b.err
	}
	if at, ok := b.index[reference]; ok {
		return b.ops[at], true, b.wait(at + 1)
	}
	op, err := decide(fileView{b})
	if err != nil {
		return Operation{}, false, err
	}
	if op.Reference != reference {
		at, ok := b.index[op.Reference]
		if !ok {
			return Operation{}, false, fmt.Errorf("sandbox: decided on %q under the reference %q", op.Reference, reference)
		}
		return b.ops[at], true, b.wait(at + 1)
	}
	line, sum, err := encodeLine(b.sum, op)
	if err != nil {
		return Operation{}, false, err
	}
	b.pending, b.sum = append(b.pending, line...), sum
	b.remember(op)
	return op, false, b.wait(len(b.ops))
}

// remember adds op to what is in memory.
func (b *FileBook) remember(op Operation) {
	at := len(b.ops)
	b.ops = append(b.ops, op)
	b.index[op.Reference] = at
	if op.follows() {
		b.following[op.Original] = append(b.following[op.Original], at)
	}
	if !op.Due.IsZero() {
		b.due[op.Reference] = op.Due
	}
	delete(b.due, op.Ends)
	if n := len(op.Notices); n > 0 {
		b.telling, b.told = append(b.telling, at), op.Notices[n-1].Number
	}
}

// wait returns when the first n operations are durable. b.mu is held, but not
// while writing.
func (b *FileBook) wait(n int) error {
	for b.durable < n && b.err == nil {
		if b.syncing {
			b.synced.Wait()
			continue
		}
		if err := b.commit(); err != nil {
			return err
		}
	}
	if b.durable >= n {
		return nil
	}
	return b.err
}

// commit writes and syncs whatever is pending, and fails if there is no room for it.
// b.mu is held on entry and return.
func (b *FileBook) commit() error {
	lines, n := b.pending, len(b.ops)
	b.pending, b.syncing = nil, true
	b.mu.Unlock()
	_, err := b.file.Write(lines)
	full := err != nil && noRoom(err) && b.file.Truncate(b.size) == nil
	if err == nil {
		err = b.sync()
	}
	b.mu.Lock()
	b.syncing = false
	defer b.synced.Broadcast()
	switch {
	case full:
		b.pending = append(lines, b.pending...)
		return fmt.Errorf("sandbox: there is no room for the book: %w", err)
	case err != nil:
		b.err = fmt.Errorf("sandbox: the book can't be written, and must be opened anew: %w", err)
	default:
		b.durable = n
		b.size += int64(len(lines))
	}
	return nil
}

// noRoom reports whether a write failed since the disk is full or may not be written to.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EROFS)
}

// Find implements [Book].
func (b *FileBook) Find(_ context.Context, reference string) (Operation, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return Operation{}, false, b.err
	}
	at, ok := b.index[reference]
	if !ok {
		return Operation{}, false, nil
	}
	// What is told must not be forgotten in a crash.
	return b.ops[at], true, b.wait(at + 1)
}

// Operations implements [Book].
func (b *FileBook) Operations(context.Context) iter.Seq2[Operation, error] {
	return func(yield func(Operation, error) bool) {
		b.mu.Lock()
		ops, err := b.ops, b.err
		if err == nil {
			err = b.wait(len(ops))
		}
		b.mu.Unlock()
		if err != nil {
			yield(Operation{}, err)
			return
		}
		for _, op := range ops {
			if !yield(op, nil) {
				return
			}
		}
	}
}

// Notices implements [Book].
func (b *FileBook) Notices(_ context.Context, after int64, limit int) ([]Notice, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	last := func(place int) int64 { list := b.ops[place].Notices; return list[len(list)-1].Number }
	from, _ := slices.BinarySearchFunc(b.telling, after+1, func(place int, number int64) int { return cmp.Compare(last(place), number) })
	var list []Notice
	durable := 0
	for _, place := range b.telling[from:] {
		if len(list) >= limit {
			break
		}
		list, durable = appendAfter(list, after, limit, b.ops[place].Notices), place+1
	}
	return list, b.wait(durable)
}

// Due implements [Book]. Few operations ever wait for something.
func (b *FileBook) Due(_ context.Context, now time.Time, limit int) ([]Operation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	var list []Operation
	for reference, due := range b.due {
		if !now.Before(due) {
			list = append(list, b.ops[b.index[reference]])
		}
	}
	slices.SortFunc(list, func(x, y Operation) int {
		return cmp.Or(x.Due.Compare(y.Due), cmp.Compare(x.Reference, y.Reference))
	})
	return list[:min(limit, len(list))], nil
}

// Close syncs what is pending and lets go of the file. Whatever comes later
// gets [ErrBookClosed].
func (b *FileBook) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(b.err, ErrBookClosed) {
		return nil
	}
	err := b.wait(len(b.ops))
	for b.syncing {
		b.synced.Wait()
	}
	b.err = ErrBookClosed
	return errors.Join(err, b.file.Close())
}

// fileView shows a book while its mutex is held.
type fileView struct{ b *FileBook }

// Find implements [View].
func (v fileView) Find(reference string) (Operation, bool, error) {
	at, ok := v.b.index[reference]
	if !ok {
		return Operation{}, false, nil
	}
	return v.b.ops[at], true, nil
}

// Told implements [View].
func (v fileView) Told() (int64, error) { return v.b.told, nil }

// Following implements [View].
func (v fileView) Following(original string) ([]Operation, error) {
	places := v.b.following[original]
	ops := make([]Operation, len(places))
	for i, at := range places {
		ops[i] = v.b.ops[at]
	}
	return ops, nil
}

package heads

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/florinpay/florin/internal/core/ledger"
)

// DamageError says where a heads file is not as it was written.
type DamageError struct {
	File string
	Line int64 // from 1
	Err  error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s: line %d is damaged: %v", e.File, e.Line, e.Err)
}
func (e *DamageError) Unwrap() error { return e.Err }

// position is how far a file was read.
type position struct {
	offset int64 // bytes of whole lines
	lines  int64
	sum    sum
	last   map[int64]tip // by shard
}

// tip is the last seal of a shard that a file has.
type tip struct {
	number int64
	head   ledger.Hash
}

// scan reads whole lines from where p stands and moves it past them. Each line
// is handed to f. torn tells of a last line without its end.
func (p *position) scan(name string, r io.Reader, f func(line) error) (torn bool, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return len(text) > 0, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return p.long(name, b)
		case err != nil:
			return false, err
		}
		l, after, err := decode(bytes.TrimSuffix(text, []byte("\n")), p.sum)
		if want := p.last[l.Shard].number + 1; err == nil && l.Seal != want {
			err = fmt.Errorf("it has seal %d of shard %d, not %d", l.Seal, l.Shard, want)
		}
		if err != nil {
			return false, &DamageError{name, p.lines + 1, err}
		}
		if err := f(l); err != nil {
			return false, err
		}
		p.offset, p.lines, p.sum = p.offset+int64(len(text)), p.lines+1, after
		p.last[l.Shard] = tip{l.Seal, ledger.Hash(l.Head)}
	}
}

// long tells what a line beyond all bounds is: torn, if the file ends without
// its end (a file that grew before its content was written may end in zeros), or
// damage.
func (p *position) long(name string, b *bufio.Reader) (torn bool, err error) {
	for {
		switch _, err := b.ReadSlice('\n'); {
		case errors.Is(err, io.EOF):
			return true, nil
		case err == nil:
			return false, &DamageError{name, p.lines + 1, errLine}
		case !errors.Is(err, bufio.ErrBufferFull):
			return false, err
		}
	}
}

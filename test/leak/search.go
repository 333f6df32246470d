package leak

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Hit is a place where card data stands.
type Hit struct {
	Where  string // the file, or what else was searched
	Offset int64  // of its first byte there
	Form   Form
	Masked string // the first six and last four digits of the number; for a security code its label
}

// String tells where and what, without the number.
func (h Hit) String() string {
	return fmt.Sprintf("%s at %d: %s, %s", h.Where, h.Offset, h.Masked, h.Form)
}

// maxHits bounds what is told of each form in one place: a table full of numbers
// is one mistake.
const maxHits = 5

// chunk is how much is searched at once: what fits a processor's cache.
const chunk = 256 << 10

// Search reads r to its end. where names it in the hits.
func Search(where string, r io.Reader) ([]Hit, error) {
	s := newScanner(where)
	defer s.release()
	for {
		n, err := r.Read(s.buf[s.kept+s.fresh:])
		s.took(n)
		if errors.Is(err, io.EOF) {
			return s.end(), nil
		}
		if err != nil {
			return s.end(), fmt.Errorf("search %s: %w", where, err)
		}
	}
}

// Bytes searches what is in memory.
func Bytes(where string, b []byte) []Hit {
	s := newScanner(where)
	defer s.release()
	_, _ = s.Write(b)
	return s.end()
}

// File searches one file; one that is not there has no hits.
func File(path string) ([]Hit, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Search(path, f)
}

// Dir searches every file below a folder. A file that goes meanwhile is passed
// over; a folder that is not there has no hits.
func Dir(path string) (hits []Hit, err error) {
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		found, err := File(name)
		hits = append(hits, found...)
		return err
	})
	return hits, err
}

// scanner searches a stream in chunks. The end of each chunk is kept before the
// next, so that what lies across a border is found.
type scanner struct {
	where string
	buf   []byte // kept bytes, then fresh ones
	kept  int    // of the last chunk, searched already
	fresh int
	at    int64 // offset of buf[0] in the stream
	hits  []Hit
	count map[Form]int
}

var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

func newScanner(where string) *scanner {
	return &scanner{where: where, buf: buffers.Get().(*[chunk]byte)[:], count: map[Form]int{}}
}

func (s *scanner) release() { buffers.Put((*[chunk]byte)(s.buf)) }

// Write implements [io.Writer]; it never fails.
func (s *scanner) Write(p []byte) (int, error) {
	whole := len(p)
	for len(p) > 0 {
		n := copy(s.buf[s.kept+s.fresh:], p)
		s.took(n)
		p = p[n:]
	}
	return whole, nil
}

// took counts n more bytes in buf, and searches it when it is full.
func (s *scanner) took(n int) {
	if s.fresh += n; s.kept+s.fresh == len(s.buf) {
		s.scan()
	}
}

func (s *scanner) end() []Hit {
	s.scan()
	return s.hits
}

// scan searches buf, tells of what ends in its fresh part (the rest was told
// before), and keeps its end.
func (s *scanner) scan() {
	b := s.buf[:s.kept+s.fresh]
	known().search(b, func(at, end int, form Form, masked string) {
		if end > s.kept && s.count[form] < maxHits {
			s.count[form]++
			s.hits = append(s.hits, Hit{s.where, s.at + int64(at), form, masked})
		}
	})
	keep := min(len(b), longest-1)
	copy(s.buf, b[len(b)-keep:])
	s.at += int64(len(b) - keep)
	s.kept, s.fresh = keep, 0
}

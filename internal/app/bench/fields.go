package bench

import (
	"bytes"
	"errors"
)

var errNotObject = errors.New("the answer is no JSON object")

// members goes over a JSON object and hands f each of its own members that is a
// string (what is between the quotes, escapes as they are), a number, true,
// false or null; objects and arrays are passed over. It reads what is well
// formed and refuses only what it can't follow: it is here to spare the client
// the full decoding of every answer.
func members(body []byte, f func(name, value []byte)) error {
	s := scanner{rest: body}
	if !s.take('{') {
		return errNotObject
	}
	if s.take('}') {
		return nil
	}
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return errNotObject
		}
		value, plain, ok := s.value()
		if !ok {
			return errNotObject
		}
		if plain {
			f(name, value)
		}
		if !s.take(',') {
			break
		}
	}
	if !s.take('}') {
		return errNotObject
	}
	return nil
}

// scanner is what is left of a JSON text.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	i := 0
	for i < len(s.rest) && (s.rest[i] == ' ' || s.rest[i] == '\n' || s.rest[i] == '\t' || s.rest[i] == '\r') {
		i++
	}
	s.rest = s.rest[i:]
}

// take passes over one character, if it comes next.
func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// text reads a string and gives what is between its quotes.
func (s *scanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	for from := 0; ; {
		i := bytes.IndexByte(s.rest[from:], '"')
		if i < 0 {
			return nil, false
		}
		end := from + i
		escapes := 0
		for escapes < end && s.rest[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			text := s.rest[:end]
			s.rest = s.rest[end+1:]
			return text, true
		}
		from = end + 1
	}
}

// value reads a value; plain tells that it is neither object nor array.
func (s *scanner) value() (value []byte, plain, ok bool) {
	s.space()
	if len(s.rest) == 0 {
		return nil, false, false
	}
	switch s.rest[0] {
	case '"':
		value, ok = s.text()
		return value, true, ok
	case '{', '[':
		return nil, false, s.skip()
	}
	end := bytes.IndexAny(s.rest, ",}] \n\t\r")
	if end <= 0 {
		return nil, false, false
	}
	value, s.rest = s.rest[:end], s.rest[end:]
	return value, true, true
}

// skip passes over an object or array with all that is in it.
func (s *scanner) skip() bool {
	for depth := 0; ; {
		i := bytes.IndexAny(s.rest, `"{}[]`)
		if i < 0 {
			return false
		}
		c := s.rest[i]
		if c == '"' {
			s.rest = s.rest[i:]
			if _, ok := s.text(); !ok {
				return false
			}
			continue
		}
		s.rest = s.rest[i+1:]
		if c == '{' || c == '[' {
			depth++
		} else if depth--; depth == 0 {
			return true
		}
	}
}

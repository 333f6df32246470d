package leak

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// pattern is one form of one number, as bytes.
type pattern struct {
	bytes  []byte
	form   Form
	masked string
}

// matcher finds many patterns in one pass, after Wu and Manber ("A fast
// algorithm for multi-pattern searching", 1994): it looks at the last few
// bytes of a window as long as the shortest pattern, and where no pattern has
// these, or not so near to its window's end, moves on by several bytes.
type matcher struct {
	window   int
	block    int // bytes that decide about a step: the more, the rarer each is, and the shorter the step
	shift    [1 << 16]uint8
	bucket   [1 << 16][]uint16 // patterns whose window ends with a block of that hash
	patterns []pattern
}

// hash is of the block of b that ends at end; four bytes must precede end.
func (m *matcher) hash(b []byte, end int) uint16 {
	return uint16(binary.LittleEndian.Uint32(b[end-4:]) >> (32 - 8*m.block) * 2654435761 >> 16)
}

func newMatcher(block int, patterns []pattern) *matcher {
	m := &matcher{window: len(patterns[0].bytes), block: block, patterns: patterns}
	for _, p := range patterns {
		m.window = min(m.window, len(p.bytes))
	}
	for i := range m.shift {
		m.shift[i] = uint8(m.window - block + 1)
	}
	for n, p := range patterns {
		padded := append(make([]byte, 4), p.bytes...)
		for end := block; end <= m.window; end++ {
			h := m.hash(padded, 4+end)
			m.shift[h] = min(m.shift[h], uint8(m.window-end))
		}
		h := m.hash(padded, 4+m.window)
		m.bucket[h] = append(m.bucket[h], uint16(n))
	}
	return m
}

// search gives each pattern that stands in b, with the offset.
func (m *matcher) search(b []byte, found func(at int, p *pattern)) {
	for end := m.window; end <= len(b); {
		h := m.hash(b, end)
		if s := m.shift[h]; s > 0 {
			end += int(s)
			continue
		}
		at := end - m.window
		for _, n := range m.bucket[h] {
			if p := &m.patterns[n]; bytes.HasPrefix(b[at:], p.bytes) {
				found(at, p)
			}
		}
		end++
	}
}

// labels are what stands before a security code on the wire, in JSON, in a form
// and in what fmt prints of a struct.
var labels = [][]byte{[]byte("cvc"), []byte("CVC")}

// between are what may stand between label and code: the end of a name in JSON
// (also in JSON within JSON) or in brackets, and what separates it from the
// value, plain or as a URL has it.
var between = []string{`\`, `"`, `'`, `]`, ` `, `:`, `=`, `%5D`, `%5d`, `%22`, `%20`, `%3A`, `%3a`, `%3D`, `%3d`, `+`}

const (
	maxBetween = 16 // bytes
	codeDigits = 3  // of a security code, at least
)

// searchCodes gives each security code that stands after its label: at is the
// label's offset, end the offset after the code's third digit.
func searchCodes(b []byte, found func(at, end int)) {
	for _, label := range labels {
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], label)
			if i < 0 {
				break
			}
			at += i
			if n := codeAfter(b[at+len(label):]); n > 0 {
				found(at, at+len(label)+n)
			}
		}
	}
}

// codeAfter gives the length of separators and digits at the beginning of b, or
// 0 when it is no code: "cvc_check" and "the cvc 123" are none.
func codeAfter(b []byte) int {
	separated := false
	i := 0
	for i < len(b) && i <= maxBetween {
		n := 0
		for _, s := range between {
			if len(b)-i >= len(s) && string(b[i:i+len(s)]) == s {
				n = len(s)
				separated = separated || strings.ContainsAny(s, ":=") || strings.HasPrefix(s, "%3")
				break
			}
		}
		if n == 0 {
			break
		}
		i += n
	}
	if !separated || len(b)-i < codeDigits {
		return 0
	}
	for _, c := range b[i : i+codeDigits] {
		if c < '0' || c > '9' {
			return 0
		}
	}
	return i + codeDigits
}

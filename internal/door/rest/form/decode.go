package form

import (
	"strings"
	"unicode/utf8"

	"github.com/florinpay/florin/internal/kit/fault"
)

// MaxIndex is the greatest index of a list. Names of more are taken as names,
// not as indexes: nothing is ever allocated by an index.
const MaxIndex = 1000

// Limits bound what one request may ask of the decoder.
type Limits struct {
	Bytes    int // of all sources together, as sent
	Keys     int // pairs, repeated ones counted each time
	Depth    int // segments of a key: a[b][c] has 3
	KeyBytes int // length of a key after unescaping
}

// DefaultLimits are those of the API's doors: 1 MiB, 1000 keys, 10 levels,
// keys of 512 bytes.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 20, Keys: 1000, Depth: 10, KeyBytes: 512}
}

// Decode reads sources, such as a request's query string and its body, into one
// tree whose root is a hash. The tree shares the sources' memory.
//
// Keys may be spelled a[b]=v, a[]=v, a[3]=v and a[][b]=v, with brackets raw or
// escaped. Elements spelled with an index come in index order, gaps closed;
// those spelled [] come after all before them. A hash in a list spelled
// a[][b]=1&a[][c]=2&a[][b]=3 ends where a key would repeat, as in Rack. Of a
// scalar given twice the last wins. A key without "=" has an empty value.
//
// An error is of kind Invalid: a limit exceeded, a text that is not UTF-8 or
// has a NUL (code invalid_characters), a key with stray brackets (code
// parameter_unknown), or a key used for two shapes (no code).
func Decode(limits Limits, sources ...string) (*Value, *fault.Error) {
	size, pairs := 0, 0
	for _, source := range sources {
		size += len(source)
		if source != "" {
			pairs += 1 + strings.Count(source, "&")
		}
	}
	if size > limits.Bytes {
		return nil, fault.New(fault.Invalid, "", "The request's parameters are too large: %d bytes, where at most %d are allowed.", size, limits.Bytes)
	}
	b := newBuilder(limits, pairs)
	for _, source := range sources {
		if err := b.source(source); err != nil {
			return nil, err
		}
	}
	b.root.settle()
	b.root.kind = Hash
	return b.root, nil
}

// source reads one string of pairs into the tree.
func (b *builder) source(source string) *fault.Error {
	for source != "" {
		var pair string
		pair, source, _ = strings.Cut(source, "&")
		if pair == "" {
			continue
		}
		if b.pairs++; b.pairs > b.limits.Keys {
			return fault.New(fault.Invalid, "", "The request has too many parameters: at most %d are allowed.", b.limits.Keys)
		}
		if err := b.pair(pair); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) pair(pair string) *fault.Error {
	rawKey, rawText, _ := strings.Cut(pair, "=")
	if len(rawKey) > 3*b.limits.KeyBytes {
		return b.longKey(rawKey)
	}
	key, bad := unescape(rawKey)
	if bad != "" {
		return fault.New(fault.Invalid, "invalid_characters", "The name of a parameter %s.", bad)
	}
	if len(key) > b.limits.KeyBytes {
		return b.longKey(key)
	}
	if err := b.split(key); err != nil {
		return err
	}
	text, bad := unescape(rawText)
	if bad != "" {
		return fault.Param(key, "invalid_characters", "The value of '%s' %s.", key, bad)
	}
	return b.put(key, text)
}

func (b *builder) longKey(key string) *fault.Error {
	return fault.New(fault.Invalid, "", "The name of a parameter is too long: it starts with '%s', and at most %d bytes are allowed.",
		strings.ToValidUTF8(key[:min(len(key), 40)], ""), b.limits.KeyBytes)
}

// split cuts key at its brackets into b.segments; an empty segment stands for
// []. A key whose brackets do not pair up names no parameter.
func (b *builder) split(key string) *fault.Error {
	b.segments = b.segments[:0]
	name, rest := key, ""
	if i := strings.IndexByte(key, '['); i >= 0 {
		name, rest = key[:i], key[i:]
	}
	malformed := name == "" || strings.IndexByte(name, ']') >= 0
	b.segments = append(b.segments, name)
	for rest != "" && !malformed {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 || strings.IndexByte(rest[1:end], '[') >= 0 {
			malformed = true
			break
		}
		if len(b.segments) == b.limits.Depth {
			return fault.Param(key, "", "The parameter '%s' is nested too deeply: at most %d levels are allowed.", key, b.limits.Depth)
		}
		b.segments = append(b.segments, rest[1:end])
		rest = rest[end+1:]
	}
	if malformed {
		return fault.Param(key, "parameter_unknown", "Received unknown parameter: %s", key)
	}
	return nil
}

// unescape undoes the form's escaping: "+" is a space, %XX a byte. bad says
// what is wrong with the text, for a sentence, and is empty when nothing is.
func unescape(s string) (text, bad string) {
	escaped, plain := false, true
	for i := range len(s) {
		switch c := s[i]; {
		case c == '%' || c == '+':
			escaped = true
		case c == 0 || c >= utf8.RuneSelf:
			plain = false
		}
	}
	if escaped {
		if s, bad = unescapeBytes(s); bad != "" {
			return "", bad
		}
		plain = false
	}
	switch {
	case plain:
	case !utf8.ValidString(s):
		return "", "is not valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "", "contains a NUL character"
	}
	return s, ""
}

func unescapeBytes(s string) (text, bad string) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) || hex(s[i+1]) > 15 || hex(s[i+2]) > 15 {
				return "", "has a percent sign that is not followed by two hexadecimal digits"
			}
			out = append(out, hex(s[i+1])<<4|hex(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), ""
}

// hex is the worth of a hexadecimal digit, and more than 15 for other bytes.
func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

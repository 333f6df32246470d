package rest

import "encoding/json"

// pretty encodes a value as Stripe shows JSON: with two spaces for each level, like
// [json.MarshalIndent]. That one scans what it has encoded once more, byte by byte,
// as if somebody else had.
func pretty(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return indent(make([]byte, 0, len(text)+len(text)/2), text), nil
}

// indent appends JSON without white space, with it.
func indent(to, text []byte) []byte {
	depth, begun := 0, 0 // what is not copied yet begins there
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if text[i+1] == c+2 { // the bracket that closes it
				i++
				continue
			}
			depth++
			to, begun = newline(append(to, text[begun:i+1]...), depth), i+1
		case ',':
			to, begun = newline(append(to, text[begun:i+1]...), depth), i+1
		case ':':
			to, begun = append(append(to, text[begun:i+1]...), ' '), i+1
		case '}', ']':
			depth--
			to, begun = newline(append(to, text[begun:i]...), depth), i
		}
	}
	return append(to, text[begun:]...)
}

const spaces = "                                "

func newline(to []byte, depth int) []byte {
	to = append(to, '\n')
	for n := 2 * depth; n > 0; n -= len(spaces) {
		to = append(to, spaces[:min(n, len(spaces))]...)
	}
	return to
}

package form

import "strconv"

// The getters below follow a path from a value and read what is there. Their
// second result tells whether a value of that type is there at all; an empty
// text is a request to clear the parameter, which [Value.Cleared] tells from
// an absent one. On a tree that was validated a value that is neither present
// nor cleared is absent.

// String is the text at path. Present is true for an empty text too.
func (v *Value) String(path ...string) (text string, present bool) {
	at := v.Get(path...)
	return at.Text(), at.Kind() == Scalar
}

// Cleared tells whether path holds an empty text: present, so as to unset.
func (v *Value) Cleared(path ...string) bool {
	at := v.Get(path...)
	return at.Kind() == Scalar && at.text == ""
}

// Has tells whether anything is at path, an empty text included.
func (v *Value) Has(path ...string) bool { return v.Get(path...) != nil }

// Int64 is the integer at path.
func (v *Value) Int64(path ...string) (n int64, present bool) {
	return ParseInteger(v.Get(path...).Text())
}

// Bool is the boolean at path.
func (v *Value) Bool(path ...string) (value, present bool) {
	return ParseBool(v.Get(path...).Text())
}

// Strings are the texts of the list at path, elements of other kinds left out.
// An empty text in place of a list, which clears it, is a present list of none.
func (v *Value) Strings(path ...string) (texts []string, present bool) {
	at := v.Get(path...)
	switch {
	case at.Kind() == Scalar && at.text == "":
		return []string{}, true
	case at.Kind() != List:
		return nil, false
	}
	texts = make([]string, 0, len(at.fields))
	for i := range at.fields {
		if e := at.fields[i].value; e.kind == Scalar {
			texts = append(texts, e.text)
		}
	}
	return texts, true
}

// ParseInteger reads an integer as the API writes them: decimal, with at most a
// minus sign, within 64 bits.
func ParseInteger(text string) (int64, bool) {
	if text == "" || text[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// ParseBool reads a boolean as the API writes them. Older Python clients send
// a capital.
func ParseBool(text string) (value, ok bool) {
	switch text {
	case "true", "True":
		return true, true
	case "false", "False":
		return false, true
	}
	return false, false
}

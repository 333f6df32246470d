package keyed

import (
	"fmt"
	"regexp"
	"strings"
)

// word is a piece of a statement: a name, number, text or sign, or, where open is
// set, what stands between brackets.
type word struct {
	text string // names and keywords in lower case; "?" for every parameter
	in   []word
	open bool
}

func (w word) name() bool { return !w.open && w.text != "" && nameForm.MatchString(w.text) }

var (
	pieces   = regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'|\$\d+|::\w+(?:\[\])?|[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*|\.\*)?|\d+|<>|<=|>=|!=|\S`)
	nameForm = regexp.MustCompile(`^[a-z_]\w*(\.([a-z_]\w*|\*))?$`)
)

// split makes words of a statement. Casts and comments are left out.
func split(sql string) ([]word, error) {
	stack := [][]word{nil}
	for _, p := range pieces.FindAllString(sql, -1) {
		top := len(stack) - 1
		switch {
		case strings.HasPrefix(p, "--"), strings.HasPrefix(p, "::"):
		case p == "(":
			stack = append(stack, nil)
		case p == ")":
			if top == 0 {
				return nil, fmt.Errorf("a bracket too many")
			}
			stack[top-1] = append(stack[top-1], word{in: stack[top], open: true})
			stack = stack[:top]
		case p[0] == '$':
			stack[top] = append(stack[top], word{text: "?"})
		case p[0] == '\'':
			stack[top] = append(stack[top], word{text: "''"})
		default:
			stack[top] = append(stack[top], word{text: strings.ToLower(p)})
		}
	}
	if len(stack) > 1 {
		return nil, fmt.Errorf("a bracket is not closed")
	}
	return stack[0], nil
}

// find gives the place of the first of some keywords in a list, or its length.
func find(list []word, keywords ...string) int {
	for i, w := range list {
		for _, k := range keywords {
			if w.text == k {
				return i
			}
		}
	}
	return len(list)
}

// after cuts a list behind a keyword and before the next of its like; nil if the
// keyword is not there.
func after(list []word, keyword string) []word {
	at := find(list, keyword)
	if at == len(list) {
		return nil
	}
	rest := list[at+1:]
	return rest[:find(rest, "from", "using", "set", "where", "group", "having", "order", "limit", "for", "union", "returning")]
}

package search

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/florinpay/florin/internal/kit/fault"
)

const (
	// maxQuery is how many bytes a query may have, as the API's document says.
	maxQuery = 5000
	// maxClauses is how many clauses Stripe's documentation allows.
	maxClauses = 10
	// minPart is how many characters ~ needs.
	minPart = 3
)

// operator is how a clause compares.
type operator string

const (
	is           operator = ":"
	contains     operator = "~"
	above        operator = ">"
	below        operator = "<"
	aboveOrEqual operator = ">="
	belowOrEqual operator = "<="
)

// clause is one condition of a query.
type clause struct {
	field  string // as in the list of fields; "metadata" for metadata
	key    string // of metadata
	op     operator
	raw    string // the value as it is written
	text   string // the same in small letters
	number int64
	null   bool
	negate bool
}

// query is a parsed query: all of its clauses have to hold, or any.
type query struct {
	clauses []clause
	any     bool
}

// parser reads a query from left to right.
type parser struct {
	noun string
	in   string
	all  fields
}

// parse reads a query about objects of a noun that have fields. What is wrong
// is a fault at the parameter query.
func parse(noun string, all fields, text string) (query, error) {
	if len(text) > maxQuery {
		return query{}, bad("The search query is longer than %d characters.", maxQuery)
	}
	p := &parser{noun: noun, in: strings.TrimSpace(text), all: all}
	var q query
	joined := "" // AND or OR, once one was written
	for first := true; p.in != ""; first = false {
		word := ""
		if !first {
			word = p.conjunction()
		}
		if word != "" && joined != "" && word != joined {
			return query{}, bad("A search query can't combine AND with OR.")
		}
		// Clauses that nothing stands between are joined by AND.
		if !first && word == "" {
			word = "AND"
			if joined == "OR" {
				return query{}, bad("A search query can't combine AND with OR.")
			}
		}
		if word != "" {
			joined = word
		}
		c, err := p.clause()
		if err != nil {
			return query{}, err
		}
		if q.clauses = append(q.clauses, c); len(q.clauses) > maxClauses {
			return query{}, bad("A search query can have at most %d clauses.", maxClauses)
		}
		if p.in = strings.TrimLeft(p.in, " \t\r\n"); p.in == "" {
			break
		}
	}
	if len(q.clauses) == 0 {
		return query{}, unreadable()
	}
	q.any = joined == "OR"
	return q, nil
}

func bad(format string, args ...any) *fault.Error { return fault.Param("query", "", format, args...) }

func unreadable() *fault.Error {
	return bad("We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for other fields.")
}

// conjunction takes AND or OR, in any letters, off the input.
func (p *parser) conjunction() string {
	for _, word := range []string{"AND", "OR"} {
		n := len(word)
		if len(p.in) > n && strings.EqualFold(p.in[:n], word) && strings.ContainsRune(" \t\r\n", rune(p.in[n])) {
			p.in = strings.TrimLeft(p.in[n:], " \t\r\n")
			return word
		}
	}
	return ""
}

func (p *parser) clause() (c clause, err error) {
	c.negate = p.skip("-")
	if c.field, err = p.name(); err != nil {
		return c, err
	}
	spec, ok := p.all[c.field]
	switch {
	case p.in == "" || !strings.Contains(":~<>[", p.in[:1]):
		return c, unreadable()
	case !ok:
		return c, bad("Field `%s` is an unsupported search field for resource `%ss`. See https://docs.stripe.com/search for a list of supported fields.", c.field, p.noun)
	}
	if c.field == metadataField {
		if c.key, err = p.metadataKey(); err != nil {
			return c, err
		}
	}
	if c.op, err = p.operator(); err != nil {
		return c, err
	}
	if err := p.value(&c); err != nil {
		return c, err
	}
	return c, p.suits(&c, spec)
}

func (p *parser) skip(prefix string) (found bool) {
	p.in, found = strings.CutPrefix(p.in, prefix)
	return found
}

// name is a field's name: letters, digits, dots and underscores.
func (p *parser) name() (string, error) {
	n := 0
	for n < len(p.in) && (p.in[n] >= 'a' && p.in[n] <= 'z' || p.in[n] >= 'A' && p.in[n] <= 'Z' || p.in[n] >= '0' && p.in[n] <= '9' || p.in[n] == '_' || p.in[n] == '.') {
		n++
	}
	if n == 0 {
		return "", unreadable()
	}
	name := p.in[:n]
	p.in = p.in[n:]
	return name, nil
}

func (p *parser) metadataKey() (string, error) {
	if !p.skip("[") {
		return "", unreadable()
	}
	key, err := p.quoted()
	if err != nil {
		return "", err
	}
	if !p.skip("]") || key == "" {
		return "", unreadable()
	}
	return key, nil
}

func (p *parser) operator() (operator, error) {
	for _, op := range []operator{aboveOrEqual, belowOrEqual, is, contains, above, below} {
		if p.skip(string(op)) {
			return op, nil
		}
	}
	return "", unreadable()
}

// quoted is a text in double or single quotes, in which a backslash takes the
// next character as it is.
func (p *parser) quoted() (string, error) {
	if p.in == "" || p.in[0] != '"' && p.in[0] != '\'' {
		return "", unreadable()
	}
	quote := p.in[0]
	var out strings.Builder
	for i := 1; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == quote:
			p.in = p.in[i+1:]
			return out.String(), nil
		case c == '\\' && i+1 < len(p.in):
			i++
			out.WriteByte(p.in[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", unreadable()
}

// value is a quoted text, or a bare word: a number, null, or a text without
// spaces.
func (p *parser) value(c *clause) (err error) {
	if p.in != "" && (p.in[0] == '"' || p.in[0] == '\'') {
		c.raw, err = p.quoted()
		c.text = strings.ToLower(c.raw)
		return err
	}
	n := strings.IndexAny(p.in, " \t\r\n")
	if n < 0 {
		n = len(p.in)
	}
	word := p.in[:n]
	p.in = p.in[n:]
	if word == "" || strings.ContainsAny(word, "\"'()") {
		return unreadable()
	}
	c.null = strings.EqualFold(word, "null")
	c.raw, c.text = word, strings.ToLower(word)
	return nil
}

// suits refuses what a field can't be asked, and reads its number.
func (p *parser) suits(c *clause, f field) (err error) {
	name := c.field
	switch {
	case !utf8.ValidString(c.text) || !utf8.ValidString(c.key):
		return unreadable()
	case c.null && c.op != is:
		return bad("The value null can only be searched for with `:`.")
	case c.null:
		return nil
	case c.op == contains && f.kind != part:
		return bad("The field `%s` does not support the operator `~`: it can only be matched exactly.", name)
	case c.op == contains && utf8.RuneCountInString(c.text) < minPart:
		return bad("The value for a substring search (`~`) must have at least %d characters.", minPart)
	case c.op != is && c.op != contains && f.kind != numeric:
		return bad("The field `%s` does not support the operator `%s`: it is no number.", name, c.op)
	case f.kind == numeric:
		if c.number, err = strconv.ParseInt(c.text, 10, 64); err != nil {
			return bad("The field `%s` is a number, which `%s` is not.", name, clip(c.text))
		}
	}
	return nil
}

func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

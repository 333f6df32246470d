package keyed

import (
	"fmt"
	"slices"
	"strings"
)

// Column is the one that every tenant's table is spread by.
const Column = "scope"

// Check lists what keeps a statement from being answered in one place. tenant
// tells which tables belong to tenants.
func Check(sql string, tenant func(table string) bool) []string {
	words, err := split(sql)
	if err != nil {
		return []string{err.Error()}
	}
	c := &checker{tenant: tenant}
	c.statement(words)
	return c.problems
}

type checker struct {
	tenant   func(string) bool
	problems []string
}

func (c *checker) say(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// harmless are the beginnings of what touches no table.
var harmless = []string{"begin", "commit", "rollback", "pragma"}

func (c *checker) statement(words []word) {
	if len(words) == 0 || slices.Contains(harmless, words[0].text) {
		return
	}
	switch words[0].text {
	case "select":
		c.query(words, nil)
	case "insert":
		c.insert(words)
	case "update":
		c.update(words)
	case "delete":
		c.delete(words)
	default:
		c.say("a statement that begins with %q is not known here", words[0].text)
	}
}

// insert is of rows that carry their scope.
func (c *checker) insert(words []word) {
	if len(words) < 5 || words[1].text != "into" || !words[2].name() || !words[3].open {
		c.say("this form of INSERT is not known here")
		return
	}
	table := words[2].text
	if c.tenant(table) && !names(words[3].in, Column) {
		c.say("a row of %s is written without its scope", table)
	}
	switch words[4].text {
	case "values":
	case "select":
		c.query(words[4:], nil)
	default:
		c.say("this form of INSERT is not known here")
	}
	if at := find(words, "conflict"); at < len(words) && find(words, "nothing") == len(words) {
		c.say("what is done where a row is there is not known here")
	}
}

func (c *checker) update(words []word) {
	set := after(words, "set")
	for i, w := range set {
		if strings.TrimPrefix(w.text, alias(words[1:])+".") == Column && i+1 < len(set) && set[i+1].text == "=" && (i == 0 || set[i-1].text == ",") {
			c.say("a row is moved to another scope")
		}
	}
	c.subqueries(set, nil)
	sources := append([]word{}, words[1:find(words, "set")]...)
	if from := after(words, "from"); from != nil {
		sources = append(append(sources, word{text: ","}), from...)
	}
	c.sources(sources, words, nil)
}

func (c *checker) delete(words []word) {
	if find(words, "from") == len(words) {
		c.say("this form of DELETE is not known here")
	}
	sources := append([]word{}, after(words, "from")...)
	if using := after(words, "using"); using != nil {
		sources = append(append(sources, word{text: ","}), using...)
	}
	c.sources(sources, words, nil)
}

// query is a SELECT. outer are the sources around it that are keyed.
func (c *checker) query(words []word, outer map[string]bool) {
	if at := find(words, "union", "intersect", "except"); at+2 < len(words) {
		if words[at].text != "union" || words[at+1].text != "all" {
			c.say("%s is not known here", words[at].text)
			return
		}
		c.query(words[:at], outer)
		c.query(words[at+2:], outer)
		return
	}
	c.sources(after(words, "from"), words, outer)
}

// alias is the name that the first source of a list goes by.
func alias(list []word) string {
	switch {
	case len(list) > 2 && list[1].text == "as":
		return list[2].text
	case len(list) > 1 && list[1].name() && !reserved[list[1].text]:
		return list[1].text
	case len(list) > 0:
		return list[0].text
	}
	return ""
}

var reserved = map[string]bool{"join": true, "inner": true, "left": true, "cross": true, "on": true, "set": true, "where": true, "as": true, "order": true, "limit": true, "values": true, "from": true, "using": true}

// source is a table, or a list of rows that came with the statement.
type source struct {
	table string
	given bool // rows that carry their scope
}

// sources looks at what a statement reads or changes.
func (c *checker) sources(list, words []word, outer map[string]bool) {
	found, conditions := map[string]source{}, [][]word{after(words, "where")}
	for len(list) > 0 {
		end := find(list, ",", "join")
		one := list[:end]
		list = list[min(end+1, len(list)):]
		if on := find(one, "on"); on < len(one) {
			conditions = append(conditions, one[on+1:])
			one = one[:on]
		}
		for len(one) > 0 && (one[len(one)-1].text == "left" || one[len(one)-1].text == "inner") {
			one = one[:len(one)-1]
		}
		c.source(one, found)
	}
	keyed := equalities(conditions, found, outer)
	for name, s := range found {
		if c.tenant(s.table) && !keyed[name] {
			c.say("%s is not looked into by scope", s.table)
		}
	}
	slices.Sort(c.problems)
	inside := map[string]bool{}
	for _, of := range []map[string]bool{outer, keyed} {
		for name, is := range of {
			inside[name] = is
		}
	}
	c.subqueries(words, inside)
}

// source notes one source of a statement.
func (c *checker) source(one []word, found map[string]source) {
	switch {
	case len(one) == 0:
	case len(one) >= 4 && one[0].text == "unnest" && one[1].open && one[2].text == "as" && len(one) == 5 && one[4].open:
		found[one[3].text] = source{given: names(one[4].in, Column)}
	case one[0].name() && len(one) <= 3:
		found[alias(one)] = source{table: one[0].text}
	default:
		c.say("a source of rows is not known here")
	}
}

// names reports whether a list of columns has one of a name.
func names(list []word, column string) bool {
	return slices.ContainsFunc(list, func(w word) bool { return w.text == column })
}

// subqueries looks at the SELECTs between brackets, however deep.
func (c *checker) subqueries(words []word, outer map[string]bool) {
	for _, w := range words {
		switch {
		case w.open && len(w.in) > 0 && w.in[0].text == "select":
			c.query(w.in, outer)
		case w.open:
			c.subqueries(w.in, outer)
		}
	}
}

// equalities gives the sources whose scope must be a parameter, or that of another
// such source. A condition that is one of several choices says nothing.
func equalities(conditions [][]word, found map[string]source, outer map[string]bool) map[string]bool {
	keyed, pairs := map[string]bool{}, [][2]string{}
	for name, s := range found {
		keyed[name] = s.given
	}
	for _, all := range conditions {
		if find(all, "or") < len(all) {
			continue
		}
		for len(all) > 0 {
			end := find(all, "and")
			one := all[:end]
			all = all[min(end+1, len(all)):]
			if len(one) != 3 || one[1].text != "=" {
				continue
			}
			left, right := scopeOf(one[0], found), scopeOf(one[2], found)
			switch {
			case left != "" && one[2].text == "?":
				keyed[left] = true
			case right != "" && one[0].text == "?":
				keyed[right] = true
			case left != "" && right != "":
				pairs = append(pairs, [2]string{left, right})
			}
		}
	}
	for range pairs { // as often as one may lead to the next
		for _, p := range pairs {
			if keyed[p[0]] || outer[p[0]] && !has(found, p[0]) {
				keyed[p[1]] = true
			}
			if keyed[p[1]] || outer[p[1]] && !has(found, p[1]) {
				keyed[p[0]] = true
			}
		}
	}
	return keyed
}

func has(found map[string]source, name string) bool {
	_, ok := found[name]
	return ok
}

// scopeOf gives the source whose scope a word is, or "".
func scopeOf(w word, found map[string]source) string {
	if w.open {
		return ""
	}
	if of, column, dotted := strings.Cut(w.text, "."); dotted {
		if column == Column {
			return of
		}
		return ""
	}
	if w.text == Column && len(found) == 1 {
		for name := range found {
			return name
		}
	}
	return ""
}

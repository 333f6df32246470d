package spec

import (
	"net/url"
	"strings"
)

// route is a node of the tree of path segments.
type route struct {
	literals   map[string]*route
	parameter  *route // for a {name}, whatever the name
	operations [len(methods)]*Operation
}

// maxNames is how many parameters a path can have at most.
const maxNames = 4

// pathNames lists the parameters of a path such as /v1/charges/{charge}.
func pathNames(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "{") {
			names = append(names, segment[1:len(segment)-1])
		}
	}
	return names
}

func (r *route) add(op *Operation) {
	for segment := range strings.SplitSeq(op.Path[1:], "/") {
		if segment[0] == '{' {
			if r.parameter == nil {
				r.parameter = &route{}
			}
			r = r.parameter
			continue
		}
		next := r.literals[segment]
		if next == nil {
			if r.literals == nil {
				r.literals = map[string]*route{}
			}
			next = &route{}
			r.literals[segment] = next
		}
		r = next
	}
	r.operations[methodIndex(op.Method)] = op
}

func methodIndex(method string) int {
	for i := range methods {
		if methods[i] == method {
			return i
		}
	}
	return -1
}

// Lookup finds the operation of method and path, and the values of the path's
// parameters by name. path is as sent, still escaped (url.URL.EscapedPath); the
// values are unescaped and never empty. A segment that is spelled out in the
// document goes before a parameter: GET /v1/charges/search is a search. There is no
// operation for a path with a slash at its end.
func Lookup(method, path string) (*Operation, map[string]string, bool) {
	m := methodIndex(method)
	if m < 0 || !strings.HasPrefix(path, "/") {
		return nil, nil, false
	}
	var values [maxNames]string
	op := loaded().routes.match(m, path[1:], &values, 0)
	if op == nil {
		return nil, nil, false
	}
	if len(op.names) == 0 {
		return op, nil, true
	}
	byName := make(map[string]string, len(op.names))
	for i, name := range op.names {
		byName[name] = values[i]
	}
	return op, byName, true
}

// match finds the operation that rest leads to from r. n of values are taken.
func (r *route) match(method int, rest string, values *[maxNames]string, n int) *Operation {
	segment, rest, more := strings.Cut(rest, "/")
	if segment == "" {
		return nil
	}
	if next := r.literals[segment]; next != nil {
		if op := next.end(method, rest, more, values, n); op != nil {
			return op
		}
	}
	if r.parameter == nil || n == maxNames {
		return nil
	}
	value, err := url.PathUnescape(segment)
	if err != nil {
		return nil
	}
	values[n] = value
	return r.parameter.end(method, rest, more, values, n+1)
}

func (r *route) end(method int, rest string, more bool, values *[maxNames]string, n int) *Operation {
	if more {
		return r.match(method, rest, values, n)
	}
	return r.operations[method]
}

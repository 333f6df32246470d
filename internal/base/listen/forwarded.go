package listen

import (
	"net/http"
	"net/netip"
	"strings"
)

// hearsay is what the headers of a request say of its way here. Anybody can
// write them.
type hearsay struct {
	anything   bool // any of the headers is there
	https      bool // some header says that it came by https
	plain      bool // some header says of some part of the way that it was not https
	xForwarded []netip.Addr
	forwarded  []netip.Addr // by the standard header; an address that is not told is the zero one
}

// heard reads X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239).
func heard(h http.Header) (said hearsay) {
	if values := h["X-Forwarded-For"]; len(values) > 0 {
		said.anything = true
		said.xForwarded = []netip.Addr{}
		for entry := range strings.SplitSeq(strings.Join(values, ","), ",") {
			said.xForwarded = append(said.xForwarded, ipOf(strings.TrimSpace(entry)))
		}
	}
	if values := h["X-Forwarded-Proto"]; len(values) > 0 {
		said.anything = true
		for entry := range strings.SplitSeq(strings.Join(values, ","), ",") {
			said.scheme(strings.TrimSpace(entry))
		}
	}
	if values := h["Forwarded"]; len(values) > 0 {
		said.anything = true
		said.forwarded = []netip.Addr{}
		for _, element := range forwardedElements(strings.Join(values, ",")) {
			said.forwarded = append(said.forwarded, ipOf(element["for"]))
			if scheme, ok := element["proto"]; ok {
				said.scheme(scheme)
			}
		}
	}
	return said
}

func (s *hearsay) scheme(scheme string) {
	if strings.EqualFold(scheme, "https") {
		s.https = true
	} else {
		s.plain = true
	}
}

// forwardedElements reads a Forwarded header: elements separated by commas,
// each of name=value pairs separated by semicolons, values bare or quoted. Names
// are in small letters. An element that is not written so is empty, as is all
// that follows a quote which does not end.
func forwardedElements(text string) (elements []map[string]string) {
	element, good := map[string]string{}, true
	end := func() {
		if !good {
			element = map[string]string{}
		}
		elements = append(elements, element)
		element, good = map[string]string{}, true
	}
	for text != "" {
		var pair string
		var separator byte
		pair, separator, text = cutPair(text)
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		name = strings.ToLower(name)
		if _, twice := element[name]; name != "" || ok {
			value, clean := unquoted(value)
			good = good && ok && clean && !twice
			element[name] = value
		}
		if separator == ',' {
			end()
		}
	}
	end()
	return elements
}

// cutPair cuts text at the first comma or semicolon outside quotes.
func cutPair(text string) (pair string, separator byte, rest string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';'):
			return text[:i], c, text[i+1:]
		}
	}
	return text, 0, ""
}

// unquoted gives the value of a quoted string, or a bare one as it is.
func unquoted(value string) (text string, clean bool) {
	if !strings.ContainsAny(value, `"\`) {
		return value, true
	}
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	var b strings.Builder
	inner := value[1 : len(value)-1]
	for i := 0; i < len(inner); i++ {
		switch {
		case inner[i] == '"':
			return "", false
		case inner[i] == '\\' && i+1 == len(inner):
			return "", false
		case inner[i] == '\\':
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String(), true
}

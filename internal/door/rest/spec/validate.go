package spec

import (
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

// Validate checks a request's parameters against what the operation takes. The
// error is of kind Invalid and names the parameter in bracket form. In each
// hash unknown parameters come first, then wrong values in the order sent, then
// missing ones.
//
// Validate settles in tree what the form leaves open: a hash with numbers for
// names becomes a hash, a list loses the gaps between its indexes.
func (op *Operation) Validate(tree *form.Value) *fault.Error {
	c := checker{}
	return c.hash(op.Params, tree)
}

// maxPath is how deep a checker keeps names; the form's decoder allows less.
const maxPath = 16

// checker walks a tree and remembers the way to where it is, so that nothing
// is spelled out before there is an error.
type checker struct {
	path  [maxPath]string
	depth int
}

// param spells the way to where the checker is, and on to name if there is one.
func (c *checker) param(name string) string {
	var b strings.Builder
	for i, part := range c.path[:c.depth] {
		appendPart(&b, i, part)
	}
	if name != "" {
		appendPart(&b, c.depth, name)
	}
	return b.String()
}

func appendPart(b *strings.Builder, i int, part string) {
	if i == 0 {
		b.WriteString(part)
		return
	}
	b.WriteByte('[')
	b.WriteString(part)
	b.WriteByte(']')
}

// within checks the child of the value at hand called name.
func (c *checker) within(name string, p *Param, v *form.Value) *fault.Error {
	if c.depth == maxPath {
		return fault.Param(c.param(""), "", "The parameter '%s' is nested too deeply.", c.param(""))
	}
	c.path[c.depth] = name
	c.depth++
	err := c.value(p, v)
	c.depth--
	return err
}

func (c *checker) value(p *Param, v *form.Value) *fault.Error {
	switch {
	case v.Kind() == form.Scalar:
		return c.scalar(p, v.Text())
	case p.Type&Metadata != 0 && v.AsHash():
		return c.metadata(v)
	case p.Type&Map != 0 && v.AsHash():
		return c.elements(p.Element, v)
	case p.Type&Hash != 0 && v.Kind() == form.Hash:
		return c.hash(p, v)
	case p.Type&List != 0 && v.AsList():
		return c.elements(p.Element, v)
	case p.Type&List != 0:
		return c.notList(v)
	}
	return c.invalid(p, "")
}

// notList says that a hash stands where a list belongs, and why if its names
// were meant as indexes.
func (c *checker) notList(v *form.Value) *fault.Error {
	param := c.param("")
	for name := range v.All() {
		if len(name) < 12 && strings.Trim(name, "0123456789") == "" {
			return fault.Param(param, "", "Invalid array: the index %s is not between 0 and %d", name, form.MaxIndex)
		}
	}
	return fault.Param(param, "", "Invalid array")
}

func (c *checker) elements(p *Param, v *form.Value) *fault.Error {
	for i := range v.Len() {
		name, e := v.At(i)
		if err := c.within(name, p, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) hash(p *Param, v *form.Value) *fault.Error {
	var unknown []string
	var first *fault.Error
	for i := range v.Len() {
		name, value := v.At(i)
		if f := p.Field(name); f == nil {
			unknown = append(unknown, name)
		} else if first == nil {
			first = c.within(f.Name, f.Param, value)
		}
	}
	switch {
	case unknown != nil:
		return c.unknown(unknown)
	case first != nil:
		return first
	}
	for i := range p.Fields {
		if f := &p.Fields[i]; f.Required && v.Field(f.Name) == nil {
			param := c.param(f.Name)
			return fault.Param(param, "parameter_missing", "Missing required param: %s.", param)
		}
	}
	return nil
}

// unknown names parameters that are not there. A message holds some at most.
func (c *checker) unknown(names []string) *fault.Error {
	const most = 20
	params := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		params = append(params, c.param(name))
	}
	noun := "parameter"
	if len(params) > 1 {
		noun = "parameters"
	}
	return fault.Param(params[0], "parameter_unknown", "Received unknown %s: %s", noun, strings.Join(params, ", "))
}

// metadata checks v against https://docs.stripe.com/api/metadata.
func (c *checker) metadata(v *form.Value) *fault.Error {
	const maxKey, maxValue = 40, 500
	if v.Len() > form.MaxMetadata {
		return fault.Param(c.param(""), "", "Metadata can have up to %d keys, but you passed in %d keys.", form.MaxMetadata, v.Len())
	}
	for i := range v.Len() {
		key, value := v.At(i)
		text := value.Text()
		switch {
		case value.Kind() != form.Scalar:
			return fault.Param(c.param(key), "", "Invalid string")
		case key == "" || strings.ContainsAny(key, "[]"):
			return fault.Param(c.param(""), "", "Metadata keys can't be empty or contain square brackets. Invalid key: %s", clip(key))
		case longer(key, maxKey):
			return fault.Param(c.param(key), "", "Metadata keys can have up to %d characters, but you passed in a key that is %d characters. Invalid key: %s",
				maxKey, length(key), clip(key))
		case longer(text, maxValue):
			return fault.Param(c.param(key), "", "Metadata values can have up to %d characters, but you passed in a value that is %d characters. Invalid value: %s",
				maxValue, length(text), clip(text))
		}
	}
	return nil
}

func (c *checker) scalar(p *Param, text string) *fault.Error {
	if text == "" {
		if p.Type&Clearable != 0 || p.Type&Hash != 0 && len(p.Fields) == 0 {
			return nil // a hash of no fields has no other spelling
		}
		param := c.param("")
		return fault.Param(param, "parameter_invalid_empty", "You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; "+
			"however '%s' cannot be unset. You should remove '%s' from your request or supply a non-empty value.", param, param, param)
	}
	if !p.takes(text) {
		return c.invalid(p, text)
	}
	if p.MaxLength > 0 && longer(text, p.MaxLength) {
		return fault.Param(c.param(""), "", "Invalid string: %s; must be at most %d characters", ends(text), p.MaxLength)
	}
	return nil
}

// takes tells whether a text that is not empty is of one of p's types.
func (p *Param) takes(text string) bool {
	if p.Type&Text != 0 && (len(p.Enum) == 0 || p.Type&Open != 0 || slices.Contains(p.Enum, text)) {
		return true
	}
	if p.Type&Integer != 0 {
		if _, ok := form.ParseInteger(text); ok {
			return true
		}
	}
	if p.Type&Boolean != 0 {
		if _, ok := form.ParseBool(text); ok {
			return true
		}
	}
	return p.Type&Decimal != 0 && isDecimal(text)
}

// invalid says that a value is of none of p's types. text is empty for a hash
// or list.
func (c *checker) invalid(p *Param, text string) *fault.Error {
	param, shown := c.param(""), ""
	if text != "" {
		shown = ": " + clip(text)
	}
	switch {
	case len(p.Enum) > 0 && text != "":
		return fault.Param(param, "", "Invalid %s: must be one of %s", param, orList(p.Enum))
	case p.Type&Integer != 0:
		return fault.Param(param, "parameter_invalid_integer", "Invalid integer%s", shown)
	case p.Type&Boolean != 0:
		return fault.Param(param, "", "Invalid boolean%s", shown)
	case p.Type&Decimal != 0:
		return fault.Param(param, "", "Invalid decimal%s", shown)
	case p.Type&List != 0:
		return fault.Param(param, "", "Invalid array")
	case p.Type&(Hash|Map) != 0:
		return fault.Param(param, "", "Invalid hash")
	}
	return fault.Param(param, "", "Invalid string")
}

package spec

// tables.bin is a row of unsigned varints (encoding/binary) around one blob of
// text. A "text" below is an index into the strings, a "param" and a "shape"
// into theirs; an optional one is 0 for none and otherwise the index plus 1.
//
//	layout   0; a NUL first also tells version control that the file is no text
//	totals   fields of all params, enum values of all params, edges and targets of all shapes
//	strings  count, each one's length, then the blob
//	params   count, then each:
//	           type; if Text: max length, count and texts of the enum;
//	           if Hash: count and (text<<1 | required, param) by name;
//	           if List or Map: param of the element
//	         A param refers only to params before it.
//	shapes   count, then each: text of its resource's name, optional;
//	           count of edges and each: text, count of targets and shapes
//	ops      count, then each: method, text of the path, text of the id,
//	           flags, param, shape, optional

// The flags of an operation.
const (
	flagMultipart = 1 << iota
	flagDeprecated
)

var methods = [...]string{"GET", "POST", "DELETE"}

// reader takes varints off packed tables. The tables are part of the program
// and tested to be what gen writes, so damage is not looked for.
type reader struct {
	data    string
	strings []string
}

func (r *reader) next() int {
	n := 0
	for shift := 0; ; shift += 7 {
		c := r.data[0]
		r.data = r.data[1:]
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (r *reader) text() string { return r.strings[r.next()] }

// unpack reads packed tables. Strings share the memory of packed.
func unpack(packed string) ([]Operation, []Param, []shape) {
	r := &reader{data: packed}
	r.next() // the layout, of which there is one
	fields, enums := make([]Field, r.next()), make([]string, r.next())
	edges, targets := make([]edge, r.next()), make([]*shape, r.next())
	r.readStrings()
	params := r.readParams(fields, enums)
	shapes := r.readShapes(edges, targets)
	return r.readOperations(params, shapes), params, shapes
}

func (r *reader) readStrings() {
	r.strings = make([]string, r.next())
	lengths := make([]int, len(r.strings))
	for i := range lengths {
		lengths[i] = r.next()
	}
	for i, n := range lengths {
		r.strings[i], r.data = r.data[:n], r.data[n:]
	}
}

func (r *reader) readParams(fields []Field, enums []string) []Param {
	params := make([]Param, r.next())
	for i := range params {
		p := &params[i]
		p.Type = Type(r.next())
		if p.Type&Text != 0 {
			p.MaxLength = r.next()
			p.Enum, enums = cut(enums, r.next())
			for j := range p.Enum {
				p.Enum[j] = r.text()
			}
		}
		if p.Type&Hash != 0 {
			p.Fields, fields = cut(fields, r.next())
			for j := range p.Fields {
				name := r.next()
				p.Fields[j] = Field{r.strings[name>>1], name&1 != 0, &params[r.next()]}
			}
		}
		if p.Type&(List|Map) != 0 {
			p.Element = &params[r.next()]
		}
	}
	return params
}

func (r *reader) readShapes(edges []edge, targets []*shape) []shape {
	shapes := make([]shape, r.next())
	for i := range shapes {
		s := &shapes[i]
		if name := r.next(); name > 0 {
			s.name = r.strings[name-1]
		}
		s.edges, edges = cut(edges, r.next())
		for j := range s.edges {
			s.edges[j].name = r.text()
			s.edges[j].targets, targets = cut(targets, r.next())
			for k := range s.edges[j].targets {
				s.edges[j].targets[k] = &shapes[r.next()]
			}
		}
	}
	return shapes
}

func (r *reader) readOperations(params []Param, shapes []shape) []Operation {
	operations := make([]Operation, r.next())
	for i := range operations {
		op := &operations[i]
		op.Method = methods[r.next()]
		op.Path, op.ID = r.text(), r.text()
		flags := r.next()
		op.Multipart, op.Deprecated = flags&flagMultipart != 0, flags&flagDeprecated != 0
		op.Params = &params[r.next()]
		if answer := r.next(); answer > 0 {
			op.answer = &shapes[answer-1]
		}
		op.names = pathNames(op.Path)
	}
	return operations
}

// cut splits off the first n of from. What is split off cannot grow into the
// rest.
func cut[T any](from []T, n int) (first, rest []T) { return from[:n:n], from[n:] }

package spec

// The operations below are not in the API's document. Some are Stripe's own
// that it is silent about, since only Stripe's tools call them; others are
// Florin's. They are validated and routed like all others, and left out by
// [All], which goes through the document.

// extension describes such an operation. Parameters are texts unless another
// type is given.
type extension struct {
	id, method, path string
	params           []Field // sorted by name
}

var text = &Param{Type: Text}

// extensions are in the order of their paths.
var extensions = []extension{
	// What the command line of Stripe begins listen and logs tail with. It sends
	// more than is used here: where it forwards to is its own business.
	{"PostStripecliSessions", "POST", "/v1/stripecli/sessions", []Field{
		{Name: "device_name", Param: text},
		{Name: "filters", Param: text},
		{Name: "forward_connect_to_url", Param: text},
		{Name: "forward_thin_connect_to_url", Param: text},
		{Name: "forward_thin_to_url", Param: text},
		{Name: "forward_to_url", Param: text},
		{Name: "websocket_feature", Param: text},
		{Name: "websocket_features", Param: &Param{Type: List, Element: text}},
	}},
}

func (t *tables) extend() {
	for _, e := range extensions {
		op := &Operation{ID: e.id, Method: e.method, Path: e.path, Params: &Param{Type: Hash, Fields: e.params}, extension: true, names: pathNames(e.path)}
		t.byID[op.ID] = op
		t.routes.add(op)
	}
}

// Documented reports whether the API's document has the operation.
func (op *Operation) Documented() bool { return !op.extension }

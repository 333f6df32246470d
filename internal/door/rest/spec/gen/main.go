// Command gen writes ../tables.bin, the tables of package spec, from the
// OpenAPI document that the module github.com/stripe/stripe-mock carries. It is
// run by "go generate" in the package's directory.
package main

import (
	"fmt"
	"os"

	"github.com/stripe/stripe-mock/embedded"
)

func main() {
	packed, err := generate(embedded.OpenAPISpec)
	if err == nil {
		err = os.WriteFile("tables.bin", packed, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// generate makes the tables of a document. Equal documents give equal bytes.
func generate(document []byte) ([]byte, error) {
	doc, err := parse(document)
	if err != nil {
		return nil, err
	}
	p := &packer{params: map[string]int{}, strings: map[string]int{}}
	s := &shaper{doc: doc, byName: map[string]int{}}
	for _, r := range doc.routes() {
		op, err := operation(r, p, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.op.ID, err)
		}
		p.operations = append(p.operations, op)
	}
	if p.shapes, err = s.finish(); err != nil {
		return nil, err
	}
	return p.pack(), nil
}

func operation(r routed, p *packer, s *shaper) (operationRow, error) {
	row := operationRow{method: r.method, path: r.path, id: r.op.ID, deprecated: r.op.Deprecated, answer: -1}
	root, multipart, err := r.op.params()
	if err != nil {
		return row, err
	}
	row.multipart = multipart
	tree, err := convert("", root)
	if err != nil {
		return row, err
	}
	row.params = p.param(tree)
	if answer := r.op.Responses["200"].Content["application/json"].Schema; answer != nil {
		row.answer, err = s.root(answer)
	}
	return row, err
}

package rest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/id"
)

// node is a tree of the fields to expand.
type node map[string]node

// expansion turns "latest_charge.customer" and the like into a tree.
func expansion(paths []string) node {
	root := node{}
	for _, path := range paths {
		at := root
		for name := range strings.SplitSeq(path, ".") {
			if at[name] == nil {
				at[name] = node{}
			}
			at = at[name]
		}
	}
	return root
}

// view is how objects are seen while one answer is rendered: what is expanded,
// and at which versions.
type view struct {
	s      *Server
	ctx    context.Context
	scope  id.Scope
	now    time.Time // of the answer
	expand node      // at the object being rendered
	secret bool      // the caller holds a secret key
	reply  bool      // it is the reply to what made or changed the object that is shown
	past   bool      // what was deleted is shown whole, for the event of its deletion
	// version is the one whose lists are included unasked.
	version apiversion.Version

	pins map[int64]int64 // object → version; others are shown as they are now
	// tx, if set, reads within a step, only to note in shown what is touched.
	tx    *db.Tx
	shown []object.Ref
}

// within is the view of what stands in a field.
func (v *view) within(field string) *view {
	child := *v
	child.expand = v.expand[field]
	return &child
}

// wants tells whether a list is shown that only those see who expand it, or
// whose version always has it. field is written "charge.refunds".
func (v *view) wants(field string) bool {
	_, name, _ := strings.Cut(field, ".")
	_, wanted := v.expand[name]
	return wanted || v.version.Includes(field)
}

// load reads an object that is expanded.
func load[T any, N comparable](v *view, k *object.Kind[T, N], key int64) (o *object.Object[T], err error) {
	var ok bool
	version, pinned := v.pins[key]
	switch {
	case v.tx != nil:
		o, ok, err = k.Get(v.tx, v.scope, key)
	case pinned:
		o, ok, err = k.ReadVersion(v.ctx, v.s.DB, v.scope, object.Ref{Key: key, Version: version})
	default:
		o, ok, err = k.Read(v.ctx, v.s.DB, v.scope, key)
	}
	if err == nil && !ok {
		err = fmt.Errorf("%s %d is named but missing", k.Name, key)
	}
	if err == nil && v.tx != nil {
		v.shown = append(v.shown, o.Ref())
	}
	return o, err
}

// ref shows an object that stands in field: its id, or itself when expanded;
// nil when there is none.
func ref[T any, N comparable](v *view, field string, k *object.Kind[T, N], key int64, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	if key == 0 {
		return nil, nil
	}
	if _, wanted := v.expand[field]; !wanted {
		return k.ID(v.scope, key), nil
	}
	o, err := load(v, k, key)
	if err != nil {
		return nil, err
	}
	child := v.within(field)
	out, err := render(child, o)
	v.shown = child.shown
	return out, err
}

// noun is a kind of object as answers know it.
type noun struct {
	// render shows an *object.Object of the kind.
	render func(v *view, main any) (any, error)
	// load reads one version.
	load func(v *view, r object.Ref) (any, error)
}

// nounOf makes the noun of a kind.
func nounOf[T any, N comparable](k *object.Kind[T, N], render func(*view, *object.Object[T]) (any, error)) noun {
	return noun{
		render: func(v *view, main any) (any, error) {
			o, ok := main.(*object.Object[T])
			if !ok {
				return nil, fmt.Errorf("%s can't be shown from a %T", k.Name, main)
			}
			return render(v, o)
		},
		load: func(v *view, r object.Ref) (any, error) {
			o, ok, err := k.ReadVersion(v.ctx, v.s.DB, v.scope, r)
			if err == nil && !ok {
				err = fmt.Errorf("%s %d has no version %d", k.Name, r.Key, r.Version)
			}
			return o, err
		},
	}
}

// view is how the caller of a read sees objects: as they are now.
func (s *Server) view(c *call) *view {
	return &view{s: s, ctx: c.ctx, scope: c.scope, now: s.DB.Clock().Now(), expand: expansion(c.expand), secret: c.key.Secret, version: c.included()}
}

// text is nil for an empty string: Stripe's nullable fields are null, not "".
func text[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// metadata is never null on the wire.
func metadata(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

package rest

import (
	"math"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// list is Stripe's envelope of a page.
type list struct {
	Object  string `json:"object"`
	URL     string `json:"url"`
	HasMore bool   `json:"has_more"`
	Data    []any  `json:"data"`
}

const (
	defaultLimit = 10
	maxLimit     = 100
)

// page reads limit, starting_after, ending_before and created. exists tells
// whether a cursor names an object of the list's kind.
func page(f *form.Value, prefix id.Prefix, noun string, exists func(key int64) (bool, error)) (object.Range, error) {
	r := object.Range{Limit: defaultLimit}
	if n, ok := f.Int64("limit"); ok {
		if n < 1 || n > maxLimit {
			return r, fault.Param("limit", "parameter_invalid_integer", "Invalid limit: %d. It must be between 1 and %d.", n, maxLimit)
		}
		r.Limit = int(n)
	}
	if err := created(f, &r); err != nil {
		return r, err
	}
	after, hasAfter := f.String("starting_after")
	before, hasBefore := f.String("ending_before")
	if hasAfter && hasBefore {
		return r, fault.Param("starting_after", "", "You cannot use both starting_after and ending_before.")
	}
	switch {
	case hasAfter:
		key, err := cursor(prefix, noun, "starting_after", after, exists)
		if err != nil {
			return r, err
		}
		if r.Before == 0 || key < r.Before {
			r.Before = key
		}
	case hasBefore:
		key, err := cursor(prefix, noun, "ending_before", before, exists)
		if err != nil {
			return r, err
		}
		r.After, r.Oldest = max(r.After, key), true
	}
	return r, nil
}

func cursor(prefix id.Prefix, noun, param, text string, exists func(int64) (bool, error)) (int64, error) {
	key, ok := prefix.Parse(text)
	if ok {
		var err error
		if ok, err = exists(key); err != nil {
			return 0, err
		}
	}
	if !ok {
		return 0, fault.Missing(fault.Invalid, param, noun, clip(text))
	}
	return key, nil
}

// created narrows a range by the time of creation: an integer, or a hash of
// gt, gte, lt, lte, in seconds since 1970. Keys are made in the order of time,
// so that a range of times is a range of keys.
func created(f *form.Value, r *object.Range) error {
	at := f.Get("created")
	if at == nil {
		return nil
	}
	if n, ok := f.Int64("created"); ok && at.Kind() == form.Scalar {
		r.After, r.Before = second(n)-1, secondAfter(n)
		return nil
	}
	for name, set := range map[string]func(int64){
		"gte": func(n int64) { r.After = max(r.After, second(n)-1) },
		"gt":  func(n int64) { r.After = max(r.After, secondAfter(n)-1) },
		"lt":  func(n int64) { r.Before = lower(r.Before, second(n)) },
		"lte": func(n int64) { r.Before = lower(r.Before, secondAfter(n)) },
	} {
		if n, ok := f.Int64("created", name); ok {
			set(n)
		}
	}
	return nil
}

// lastSecond is later than any key is made.
const lastSecond = 1 << 32

// second is the first key that can have been made in a second. Seconds before
// the first and after the last possible key are brought within bounds.
func second(unix int64) int64 {
	return max(1, id.Floor(time.Unix(min(max(unix, 0), lastSecond), 0)))
}

// secondAfter is the first key that can have been made after a second.
func secondAfter(unix int64) int64 { return second(min(unix, lastSecond) + 1) }

func lower(have, bound int64) int64 {
	if have == 0 {
		return bound
	}
	return min(have, bound)
}

// listOf answers a list of one kind.
func listOf[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], where map[string]any, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	r, err := page(c.form, k.Prefix, k.Name, func(key int64) (bool, error) {
		_, ok, err := k.Read(c.ctx, s.DB, c.scope, key)
		return ok, err
	})
	if err != nil {
		return nil, err
	}
	r.Where = where
	objects, more, err := k.List(c.ctx, s.DB, c.scope, r)
	if err != nil {
		return nil, err
	}
	out := list{Object: "list", URL: c.op.Path, HasMore: more, Data: make([]any, 0, len(objects))}
	v := s.view(c).within("data")
	for _, o := range objects {
		shown, err := render(v, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}

// retrieve answers one object named in the path.
func retrieve[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], param string, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	o, err := named(s, c, k, param)
	if err != nil {
		return nil, err
	}
	return render(s.view(c), o)
}

// named reads the object that a part of the path names.
func named[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], param string) (*object.Object[T], error) {
	key, ok := k.Prefix.Parse(c.path[param])
	if ok {
		o, ok, err := k.Read(c.ctx, s.DB, c.scope, key)
		if ok || err != nil {
			return o, err
		}
	}
	return nil, fault.Missing(fault.NotFound, param, k.Name, clip(c.path[param]))
}

// keyOf reads an id in a parameter, zero when it is absent. Whether the object
// is there is for the core to say.
func keyOf[T any, N comparable](c *call, k *object.Kind[T, N], path ...string) (int64, error) {
	text, ok := c.form.String(path...)
	if !ok || text == "" {
		return 0, nil
	}
	key, shard, ok := k.Prefix.ParseShard(text)
	if !ok || shard != c.scope.Shard() {
		return 0, fault.Missing(fault.Invalid, path[len(path)-1], k.Name, clip(text))
	}
	return key, nil
}

// pathKey reads an id in the path.
func pathKey[T any, N comparable](c *call, k *object.Kind[T, N], param string) (int64, error) {
	key, shard, ok := k.Prefix.ParseShard(c.path[param])
	if !ok || shard != c.scope.Shard() {
		return 0, fault.Missing(fault.NotFound, param, k.Name, clip(c.path[param]))
	}
	return key, nil
}

// filter adds to where, as column, the object that a parameter names, if it is
// given. One that is not there is refused: an empty list would hide a mistake.
func filter[T any, N comparable](s *Server, c *call, where map[string]any, k *object.Kind[T, N], param, column string) error {
	key, err := keyOf(c, k, param)
	if err != nil || key == 0 {
		return err
	}
	_, ok, err := k.Read(c.ctx, s.DB, c.scope, key)
	if err == nil && !ok {
		err = fault.Missing(fault.Invalid, param, k.Name, k.ID(c.scope, key))
	}
	where[column] = key
	return err
}

// listThose answers a list of those objects of one kind that keep passes: what
// no column is narrowed by. It reads as many pages as it takes to fill one.
func listThose[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], where map[string]any, keep func(*object.Object[T]) bool, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	return listWithin(s, c, k, where, 0, math.MaxInt64, keep, render)
}

// listWithin is listThose among the keys between after and before.
func listWithin[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], where map[string]any, after, before int64, keep func(*object.Object[T]) bool, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	return listBy(s, c, k, render, func(r object.Range) (found []*object.Object[T], more bool, err error) {
		r.After, r.Before = max(r.After, after), lower(r.Before, before)
		limit := r.Limit
		r.Where, r.Limit = where, maxLimit
		for {
			page, rest, err := k.List(c.ctx, s.DB, c.scope, r)
			if err != nil {
				return nil, false, err
			}
			if r.Oldest {
				slices.Reverse(page)
			}
			for _, o := range page {
				if keep(o) {
					found = append(found, o)
				}
				if r.Oldest {
					r.After = o.Key
				} else {
					r.Before = o.Key
				}
			}
			if len(found) > limit || !rest {
				break
			}
		}
		if more = len(found) > limit; more {
			found = found[:limit]
		}
		if r.Oldest {
			slices.Reverse(found)
		}
		return found, more, nil
	})
}

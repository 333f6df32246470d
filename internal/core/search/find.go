package search

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// maxTotal is up to where matches are counted, as in the API's document.
	maxTotal = 10_000
	// maxCompared is how many candidates one page may cost. A page that would
	// cost more ends there, and the next one goes on.
	maxCompared = 20_000
	// maxCounted is how many candidates counting may cost.
	maxCounted = 200_000
	// chunk is how many candidates are taken at once, growing to the most.
	chunk, maxChunk = 32, 512
	// lastSecond is later than any key is made.
	lastSecond = 1 << 32
	// highest sorts after every name of a currency or a status.
	highest = "~"
)

func search[T any, N comparable](ctx context.Context, v *Service, n *noun[T, N], s id.Scope, r Request) (out Result[T], err error) {
	q, err := parse(n.kind.Name, n.fields, r.Query)
	if err != nil {
		return out, err
	}
	before, err := v.cursor(n.kind.Name, s, r)
	if err != nil {
		return out, err
	}
	stopped, err := walk(ctx, v, n, s, q, before, maxCompared, func(o *object.Object[T]) bool {
		if len(out.Objects) == r.Limit {
			return false
		}
		out.Objects = append(out.Objects, o)
		return true
	})
	if err != nil {
		return out, err
	}
	switch {
	case stopped != 0 && len(out.Objects) == r.Limit:
		out.Next = v.page(n.kind.Name, s, r.Query, out.Objects[r.Limit-1].Key)
	case stopped != 0:
		out.Next = v.page(n.kind.Name, s, r.Query, stopped)
	}
	if r.Count {
		_, err = walk(ctx, v, n, s, q, math.MaxInt64, maxCounted, func(*object.Object[T]) bool {
			out.Total++
			return out.Total < maxTotal
		})
	}
	return out, err
}

// walk shows visit the matching objects below a key, newest first, until it
// wants no more or so many candidates were compared. It gives the key at which
// it stopped, 0 at the end.
func walk[T any, N comparable](ctx context.Context, v *Service, n *noun[T, N], s id.Scope, q query, before int64, most int, visit func(*object.Object[T]) bool) (stopped int64, err error) {
	sources := v.sources(s, n.kind.Name, n.fields, n.statements, q)
	for size := chunk; ; size = min(2*size, maxChunk) {
		keys, more, err := candidates(ctx, v.db, sources, before, size)
		if err != nil {
			return 0, err
		}
		objects, err := n.kind.ReadMany(ctx, v.db, s, keys)
		if err != nil {
			return 0, err
		}
		documents, err := n.documents(ctx, v, s, objects)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			if d, ok := documents[key]; ok && q.matches(d) && !visit(objects[key]) {
				return key, nil
			}
		}
		if !more {
			return 0, nil
		}
		before = keys[len(keys)-1]
		if most -= len(keys); most <= 0 {
			return before, nil
		}
	}
}

// source is a statement that gives candidates below a key.
type source struct {
	query *db.Query[foundKey]
	args  func(before int64, limit int64) []any
}

// candidates joins what the sources have below a key, newest first, and tells
// whether there is more.
func candidates(ctx context.Context, d *db.DB, sources []source, before int64, size int) (keys []int64, more bool, err error) {
	horizon := int64(0) // below it, a source that was cut off may have more
	for _, src := range sources {
		rows, err := src.query.All(ctx, d, src.args(before, int64(size))...)
		if err != nil {
			return nil, false, err
		}
		if len(rows) == size {
			more = true
			horizon = max(horizon, rows[size-1].Key)
		}
		for _, r := range rows {
			keys = append(keys, r.Key)
		}
	}
	slices.SortFunc(keys, func(a, b int64) int { return int(min(1, max(-1, b-a))) })
	keys = slices.Compact(keys)
	return slices.DeleteFunc(keys, func(k int64) bool { return k < horizon }), more, nil
}

// narrowing is what clauses say of an object's narrow row and key.
type narrowing struct {
	after, before    int64 // keys, both excluded
	low, high        int64 // amount
	currency, status [2]string
	customer         int64
	terms            []int64
}

// sources are statements that together give every object for which q holds.
func (v *Service) sources(s id.Scope, noun string, all fields, st statements, q query) (list []source) {
	if !q.any {
		return []source{v.source(s, noun, all, st, q.clauses)}
	}
	for _, c := range q.clauses {
		list = append(list, v.source(s, noun, all, st, []clause{c}))
	}
	return list
}

func (v *Service) source(s id.Scope, noun string, all fields, st statements, clauses []clause) source {
	w := narrowing{before: math.MaxInt64, high: math.MaxInt64, low: math.MinInt64, currency: [2]string{"", highest}, status: [2]string{"", highest}}
	for i := range clauses {
		w.terms = append(w.terms, v.wanted(s, noun, all[clauses[i].field], &clauses[i])...)
		w.narrow(s, &clauses[i])
	}
	scope := s.Key()
	switch {
	case len(w.terms) > 0:
		chosen := spread(w.terms, maxTerms)
		return source{byTerms[len(chosen)-1], func(before, limit int64) []any {
			args := []any{scope, chosen[0], w.after, min(before, w.before)}
			for _, t := range chosen[1:] {
				args = append(args, t)
			}
			return append(args, limit)
		}}
	case w.customer != 0:
		return source{st.ofCustomer, func(before, limit int64) []any {
			return []any{scope, w.customer, w.after, min(before, w.before), limit}
		}}
	}
	return source{st.some, func(before, limit int64) []any {
		args := []any{scope, w.after, min(before, w.before)}
		if st.ofCustomer != nil {
			args = append(args, w.low, w.high, w.currency[0], w.currency[1], w.status[0], w.status[1])
		}
		return append(args, limit)
	}}
}

// spread takes at most n of a list, evenly.
func spread(list []int64, n int) []int64 {
	if len(list) <= n {
		return list
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = list[i*(len(list)-1)/(n-1)]
	}
	return out
}

func (w *narrowing) narrow(s id.Scope, c *clause) {
	if c.negate || c.null {
		return
	}
	switch c.field {
	case "created":
		w.narrowCreated(c)
	case "amount":
		if c.op == is || c.op == above || c.op == aboveOrEqual {
			w.low = max(w.low, c.number)
		}
		if c.op == is || c.op == below || c.op == belowOrEqual {
			w.high = min(w.high, c.number)
		}
	case "currency":
		w.currency = [2]string{c.text, c.text}
	case "status":
		w.status = [2]string{c.text, c.text}
	case "customer":
		if key, shard, ok := vault.Customers.Prefix.ParseShard(c.raw); ok && shard == s.Shard() {
			w.customer = key
		}
	}
}

// narrowCreated makes a range of keys of a range of seconds.
func (w *narrowing) narrowCreated(c *clause) {
	n := min(max(c.number, -1), lastSecond)
	first, next := floor(n), floor(n+1)
	if c.op == is || c.op == aboveOrEqual {
		w.after = max(w.after, first-1)
	}
	if c.op == above {
		w.after = max(w.after, next-1)
	}
	if c.op == is || c.op == belowOrEqual {
		w.before = min(w.before, next)
	}
	if c.op == below {
		w.before = min(w.before, first)
	}
}

// floor is the first key that can have been made in a second.
func floor(unix int64) int64 { return max(1, id.Floor(time.Unix(max(unix, 0), 0))) }

// page names the place below a key in the result of a query.
func (v *Service) page(noun string, s id.Scope, query string, key int64) string {
	token := binary.BigEndian.AppendUint64(nil, uint64(key))
	return base64.RawURLEncoding.EncodeToString(append(token, v.seal(noun, s, query, token)...))
}

func (v *Service) seal(noun string, s id.Scope, query string, token []byte) []byte {
	return v.master.MAC("search.page", secret.Context(strconv.FormatInt(s.Key(), 10), noun, query, string(token)))[:8]
}

// cursor reads what page wrote.
func (v *Service) cursor(noun string, s id.Scope, r Request) (int64, error) {
	if r.Page == "" {
		return math.MaxInt64, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(r.Page)
	if err != nil || len(raw) != 16 || !slices.Equal(raw[8:], v.seal(noun, s, r.Query, raw[:8])) {
		return 0, fault.Param("page", "", "Invalid page: it must be the next_page of an earlier answer to the same query.")
	}
	return int64(binary.BigEndian.Uint64(raw)), nil
}

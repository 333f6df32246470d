package db

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// engineWords are what the engines do not agree on, or what makes a statement
// depend on when and where it runs. Texts of queries do without.
var engineWords = regexp.MustCompile(`(?i)\b(I?LIKE|GLOB|NOW|CURRENT_\w+|RANDOM|DATETIME|FOR UPDATE|NULLS|COLLATE|RETURNING)\b|::`)

// CheckStatements prepares every statement of every registered table and
// query on this database and reports those that do not fit its schema or use
// words that the engines do not agree on. Nothing is executed.
func (d *DB) CheckStatements(ctx context.Context) error {
	registry.Lock()
	tables, queries := slices.Clone(registry.tables), slices.Clone(registry.queries)
	registry.Unlock()
	var all []error
	for _, t := range tables {
		for _, sql := range d.engine.statements(t) {
			if err := d.engine.prepare(ctx, sql); err != nil {
				all = append(all, fmt.Errorf("table %s: %w", t.name, err))
			}
		}
	}
	for _, q := range queries {
		if word := engineWords.FindString(q.sql); word != "" {
			all = append(all, fmt.Errorf("query %q: the engines do not agree on %s", q.name, word))
		}
		if err := d.engine.prepare(ctx, d.engine.rebind(q.sql)); err != nil {
			all = append(all, fmt.Errorf("query %q: %w", q.name, err))
		}
	}
	return errors.Join(all...)
}

// Statement is a text that a handle may send to its database.
type Statement struct {
	Name string // of the query, or of the table after "table "
	SQL  string
}

// Statements are those of every registered table, as both engines make them,
// and query.
func Statements() (list []Statement) {
	registry.Lock()
	defer registry.Unlock()
	for _, t := range registry.tables {
		for _, sql := range slices.Concat((*sqlite)(nil).statements(t), (*postgres)(nil).statements(t)) {
			list = append(list, Statement{"table " + t.name, sql})
		}
	}
	for _, q := range registry.queries {
		list = append(list, Statement{q.name, q.sql})
	}
	return list
}

// Plan is how SQLite would run a registered query.
type Plan struct {
	Name, SQL string
	Steps     []string // none: the query is not about this schema
}

// Plans asks SQLite how it would run every registered query. It goes by the
// indexes there are, not by how many rows there happen to be.
func (d *DB) Plans(ctx context.Context) (plans []Plan, err error) {
	registry.Lock()
	queries := slices.Clone(registry.queries)
	registry.Unlock()
	if _, ok := d.base().engine.(*sqlite); !ok {
		return nil, errors.New("db: only SQLite tells its plans without values")
	}
	for _, q := range queries {
		p := Plan{Name: q.name, SQL: q.sql}
		if d.base().engine.prepare(ctx, q.sql) != nil {
			plans = append(plans, p)
			continue
		}
		err := d.read(ctx, func(r reader) error {
			return r.query(ctx, "EXPLAIN QUERY PLAN "+q.sql, []columnKind{intColumn, intColumn, intColumn, textColumn}, nil, func(values []value) error {
				p.Steps = append(p.Steps, values[3].text)
				return nil
			})
		})
		if err != nil {
			return nil, fmt.Errorf("query %q: %w", q.name, err)
		}
		plans = append(plans, p)
	}
	return plans, nil
}

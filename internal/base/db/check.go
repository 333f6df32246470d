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

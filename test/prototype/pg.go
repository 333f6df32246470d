package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// pgSetup makes the tables and their first rows in an empty schema.
func pgSetup(ctx context.Context, dsn string, scopes int) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, s := range append([]string{"DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public"}, schema(false)...) {
		if _, err := c.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	for _, r := range seed(scopes) {
		if _, err := c.Exec(ctx, balance.insertSQL("$"), pgArgs(r.v[:len(balance.ints)], nil, false)...); err != nil {
			return err
		}
	}
	_, err = c.Exec(ctx, "CHECKPOINT")
	return err
}

// pgConnect opens a train's connection. Bulk statements join small arrays to
// large tables by key; the planner, which may have seen the tables empty,
// must not keep a plan that reads a table whole. Nor must it plan anew each
// time, as it does for short arrays, which it guesses to be longer in a plan
// for all lengths: that nearly doubled the server's CPU of a train of one.
func pgConnect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	for _, off := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan", "jit"} {
		cfg.RuntimeParams[off] = "off"
	}
	cfg.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	return pgx.ConnectConfig(ctx, cfg)
}

func pgArgs(ints []int64, blob []byte, hasBlob bool) []any {
	args := make([]any, 0, len(ints)+1)
	for _, v := range ints {
		args = append(args, v)
	}
	if hasBlob {
		args = append(args, blob)
	}
	return args
}

// scanRow reads a row of t, whose columns come in the table's order.
func scanRow(s interface{ Scan(...any) error }, t *table, r *row) error {
	var dst [maxInts + 1]any
	for i := range t.ints {
		dst[i] = &r.v[i]
	}
	n := len(t.ints)
	if t.blob != "" {
		dst[n] = &r.blob
		n++
	}
	return s.Scan(dst[:n]...)
}

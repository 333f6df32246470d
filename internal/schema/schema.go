// Package schema holds the tables of both engines as numbered DDL files.
//
// A change to the schema is a new file in both folders, with the same number.
// SQLite's tables are STRICT; PostgreSQL's ids are int8 and its texts compare
// by byte (COLLATE "C"), so that both engines sort alike.
package schema

import "embed"

// Files are the DDL files: sqlite/NNNN_name.sql and postgres/NNNN_name.sql.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS

package db

import "github.com/florinpay/florin/internal/kit/id"

// UseNode has a handle make keys as a node that it has not claimed, so that a
// test can let two handles make the same ones.
func (d *DB) UseNode(node int64) { d.ids = id.NewGenerator(d.clock, node) }

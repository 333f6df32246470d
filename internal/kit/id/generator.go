package id

import (
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

const (
	nodeBits = 10
	seqBits  = 8
	// MaxNode is the largest node number a [Generator] takes.
	MaxNode = 1<<nodeBits - 1
)

// epoch is where the 40 bits of milliseconds begin; they last until 2058.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// Generator makes row keys. Keys of one generator rise strictly; two
// generators with different nodes never make the same key. When more than 256
// keys are asked for within a millisecond, or the clock steps back, it runs
// ahead of the clock rather than repeat itself.
type Generator struct {
	clock clock.Clock
	node  int64

	mu   sync.Mutex
	last int64 // milliseconds<<seqBits | sequence of the newest key
}

// NewGenerator makes keys on behalf of node, a number that no other running
// process on the same database uses (modulo 1024).
func NewGenerator(c clock.Clock, node int64) *Generator {
	return &Generator{clock: c, node: node & MaxNode}
}

// Next gives a new key, greater than all before it.
func (g *Generator) Next() int64 {
	now := (g.clock.Now().UnixMilli() - epoch) << seqBits
	g.mu.Lock()
	g.last = max(now, g.last+1)
	tick := g.last
	g.mu.Unlock()
	return tick>>seqBits<<(nodeBits+seqBits) | g.node<<seqBits | tick&(1<<seqBits-1)
}

// Node gives the number of the node that made a key.
func Node(key int64) int64 { return key >> seqBits & MaxNode }

// Time tells when key was made, to the millisecond.
func Time(key int64) time.Time {
	return time.UnixMilli(key>>(nodeBits+seqBits) + epoch).UTC()
}

// Floor is the smallest key that can have been made at t or later: a range of
// creation times is a range of keys.
func Floor(t time.Time) int64 {
	return max(0, t.UnixMilli()-epoch) << (nodeBits + seqBits)
}

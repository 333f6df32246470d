package db

import (
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/florinpay/florin/internal/kit/id"
)

// UseNode has a handle make keys as a node that it has not claimed, so that a
// test can let two handles make the same ones.
func (d *DB) UseNode(node int64) { d.ids = id.NewGenerator(d.clock, node) }

// OnDisk has SQLite databases that are opened from now on lie on a disk of the test's.
func OnDisk(t *testing.T, disk vfs.VFSFilename) {
	registerVFS()
	vfs.Register(vfsName, unmapped{disk})
	t.Cleanup(func() { vfs.Register(vfsName, unmapped{vfs.Find("")}) })
}

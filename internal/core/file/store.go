package file

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// chunks are the parts of contents, sealed. Number 0 is the sealed data key.
var chunks = db.NewTable("file_chunk", "scope, upload, number", "sealed", func(sealed *[]byte, f *db.Fields) { db.Bytes(f, sealed) })

func chunkKey(s id.Scope, upload, number int64) db.Key {
	return db.Key{Scope: s.Key(), ID: upload, Sub: number}
}

type place struct{ Scope, Key int64 }

func (p *place) fields(f *db.Fields) {
	db.Int(f, &p.Scope)
	db.Int(f, &p.Key)
}

type numbered struct{ Number int64 }

var (
	// qExpired and qStranded look over all scopes: retention is one rule for all.
	qExpired  = db.NewQuery("files that have expired", "SELECT scope, key FROM file WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?", (*place).fields)
	qStranded = db.NewQuery("uploads that never became a file", "SELECT scope, upload FROM file_upload WHERE made <= ? ORDER BY made LIMIT ?", (*place).fields)
	qChunks   = db.NewQuery("chunks of an upload", "SELECT number FROM file_chunk WHERE scope = ? AND upload = ? ORDER BY number DESC LIMIT ?",
		func(n *numbered, f *db.Fields) { db.Int(f, &n.Number) })
)

// uploads are those under way: their row goes in the step that makes the file.
var uploads = db.NewTable("file_upload", "scope, upload", "made", func(t *time.Time, f *db.Fields) { db.Time(f, t) })

func uploadKey(s id.Scope, upload int64) db.Key { return db.Key{Scope: s.Key(), ID: upload} }

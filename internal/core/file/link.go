package file

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
)

// Link is the body of a link to a file.
type Link struct {
	File     int64             `json:"file"`
	Expires  time.Time         `json:"expires,omitzero"` // zero: with the file
	Metadata map[string]string `json:"metadata,omitempty"`
	Origin   string            `json:"origin,omitempty"` // Florin's address as its maker reached it
}

// Expired reports whether the link works no more at a time.
func (l *Link) Expired(now time.Time) bool { return !l.Expires.IsZero() && !now.Before(l.Expires) }

// Links are the links.
var Links = object.Define(object.Spec[Link, struct{ File int64 }]{
	Name: "file_link", Prefix: "link", Schema: 1, Table: "file_link", Columns: "file",
	Fields:  func(c *struct{ File int64 }, f *db.Fields) { db.Int(f, &c.File) },
	Derive:  func(l *Link) struct{ File int64 } { return struct{ File int64 }{l.File} },
	Filters: []string{"file"},
})

package file

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
)

// ChunkSize is how many bytes of a file are in one row.
const ChunkSize = 256 << 10

// File is the body of a file.
type File struct {
	Purpose  string    `json:"purpose"`
	Name     string    `json:"name,omitempty"` // as it was uploaded
	Type     string    `json:"type,omitempty"` // pdf, png, …
	Size     int64     `json:"size"`           // bytes
	Chunks   int64     `json:"chunks"`
	Upload   int64     `json:"upload"`           // key that the chunks and the data key are under
	Sum      []byte    `json:"sum"`              // SHA-256 of the content, keyed
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Gone     bool      `json:"gone,omitempty"`   // the content is deleted
	Origin   string    `json:"origin,omitempty"` // Florin's address as the uploader reached it
	LinkOnly int64     `json:"link,omitempty"`   // made along with it
}

type fileColumns struct {
	Purpose string
	Expires time.Time
}

// Files are the files.
var Files = object.Define(object.Spec[File, fileColumns]{
	Name: "file", Prefix: "file", Schema: 1, Table: "file", Columns: "purpose, expires",
	Fields: func(c *fileColumns, f *db.Fields) {
		db.Text(f, &c.Purpose)
		db.Time(f, &c.Expires)
	},
	Derive: func(b *File) fileColumns {
		if b.Gone {
			return fileColumns{Purpose: b.Purpose}
		}
		return fileColumns{b.Purpose, b.Expires}
	},
	Filters: []string{"purpose"},
})

// purpose says what may be uploaded for it.
type purpose struct {
	most  int64         // bytes
	life  time.Duration // zero: for ever
	types []string      // what is accepted; none: anything
}

var (
	documents = []string{"pdf", "png", "jpg"}
	anything  = []string{"pdf", "png", "jpg", "gif", "csv", "docx", "xls", "xlsx"}
)

// MaxSize is the size of the largest file of any purpose.
const MaxSize = 16 << 20

// purposes are those of files that merchants upload, with the limits of
// https://docs.stripe.com/file-upload.
var purposes = map[string]purpose{
	"account_requirement":          {10 << 20, 0, documents},
	"additional_verification":      {10 << 20, 0, documents},
	"business_icon":                {512 << 10, 0, []string{"png", "jpg", "gif"}},
	"business_logo":                {512 << 10, 0, []string{"png", "jpg", "gif"}},
	"customer_signature":           {4 << 20, 0, documents},
	"dispute_evidence":             {5 << 20, 270 * 24 * time.Hour, documents},
	"identity_document":            {MaxSize, 0, documents},
	"issuing_regulatory_reporting": {10 << 20, 0, anything},
	"pci_document":                 {10 << 20, 0, []string{"pdf"}},
	"platform_terms_of_service":    {10 << 20, 0, []string{"pdf", "docx"}},
	"tax_document_user_upload":     {10 << 20, 0, anything},
	"terminal_android_apk":         {MaxSize, 0, nil},
	"terminal_reader_splashscreen": {2 << 20, 0, []string{"png", "jpg", "gif"}},
	"terminal_wifi_certificate":    {64 << 10, 0, nil},
	"terminal_wifi_private_key":    {64 << 10, 0, nil},
}

// Purposes are the purposes that files are uploaded for, by name.
func Purposes() []string { return slices.Sorted(maps.Keys(purposes)) }

// check gives the type of a content, and refuses what its purpose does not take.
func check(forWhat, name string, content []byte) (typ string, p purpose, err error) {
	p, ok := purposes[forWhat]
	if !ok {
		return "", p, fault.Param("purpose", "", "Invalid purpose: must be one of %s", strings.Join(Purposes(), ", "))
	}
	typ = typeOf(name, content)
	switch {
	case len(content) == 0:
		return "", p, fault.Param("file", "", "The file is empty.")
	case int64(len(content)) > p.most:
		return "", p, fault.Param("file", "file_too_large", "A file with the purpose %s can have at most %d bytes.", forWhat, p.most)
	case len(p.types) > 0 && !slices.Contains(p.types, typ):
		return "", p, fault.Param("file", "invalid_file_type", "A file with the purpose %s must be one of: %s.", forWhat, strings.Join(p.types, ", "))
	}
	return typ, p, nil
}

// marks are how files of a type begin.
var marks = []struct{ begins, typ string }{
	{"%PDF-", "pdf"}, {"\x89PNG\r\n\x1a\n", "png"}, {"\xff\xd8\xff", "jpg"}, {"GIF87a", "gif"}, {"GIF89a", "gif"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"},
}

// typeOf is what a content is: by how it begins, and for formats that begin like
// others, or like nothing, by the file's name.
func typeOf(name string, content []byte) string {
	for _, m := range marks {
		if bytes.HasPrefix(content, []byte(m.begins)) {
			return m.typ
		}
	}
	typ := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	zipped := bytes.HasPrefix(content, []byte("PK\x03\x04"))
	switch {
	case zipped && (typ == "docx" || typ == "xlsx" || typ == "apk"):
		return typ
	case !zipped && typ == "csv" && !bytes.Contains(content, []byte{0}):
		return typ
	}
	return ""
}

// MediaType is the Internet media type of a file's content.
func (f *File) MediaType() string {
	if known, ok := mediaTypes[f.Type]; ok {
		return known
	}
	return "application/octet-stream"
}

var mediaTypes = map[string]string{
	"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "csv": "text/csv; charset=utf-8", "xls": "application/vnd.ms-excel",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

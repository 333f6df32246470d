// Package archive keeps a backup in one file: a compressed tar of sections, each
// a series of chunks, and at its end a manifest with the digest of each section.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

const (
	manifestName = "manifest.json"
	partRecord   = "FLORIN.part" // of an entry: what the chunk is a part of
	format       = 1
	maxManifest  = 1 << 20
)

// Manifest says what a backup holds.
type Manifest struct {
	Florin string    `json:"florin"` // "backup"
	Format int       `json:"format"`
	Build  string    `json:"build"` // name of the Florin that made it
	Made   time.Time `json:"made"`
	// MasterKey is the id of the key that seals the database. The key itself is
	// in no backup.
	MasterKey string    `json:"master_key"`
	Sections  []Section `json:"sections"`
}

// Section is one of the things in a backup.
type Section struct {
	Name   string    `json:"name"`
	Dump   db.Dumped `json:"dump,omitzero"` // of a database
	Chunks int       `json:"chunks"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"` // of the parts' names and their bytes
}

// Section gives the section with a name.
func (m *Manifest) Section(name string) (Section, bool) {
	i := slices.IndexFunc(m.Sections, func(s Section) bool { return s.Name == name })
	if i < 0 {
		return Section{}, false
	}
	return m.Sections[i], true
}

// digest is what a section's chunks come to.
type digest struct {
	sum    hash.Hash
	chunks int
	bytes  int64
}

func newDigest() *digest { return &digest{sum: sha256.New()} }

// chunk counts a chunk, whose bytes are to follow.
func (d *digest) chunk(part string, size int64) {
	fmt.Fprintf(d.sum, "%d:%s:%d:", len(part), part, size)
	d.chunks++
	d.bytes += size
}

func (d *digest) hex() string { return hex.EncodeToString(d.sum.Sum(nil)) }

// Writer makes a backup's file. It has its name only once it is whole.
type Writer struct {
	path, draft string
	file        *os.File
	zip         *gzip.Writer
	tar         *tar.Writer
	m           Manifest
}

// Create begins a backup at a path where nothing is.
func Create(path string, m Manifest) (*Writer, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is something at %s already", path)
	}
	draft := path + ".part"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m.Florin, m.Format = "backup", format
	return &Writer{path: path, draft: draft, file: f, zip: z, tar: tar.NewWriter(z), m: m}, nil
}

// Section writes what fill hands over as one section. fill also tells of which
// dump it is, if it is of a database.
func (w *Writer) Section(name string, fill func(add db.Dump) (db.Dumped, error)) error {
	d := newDigest()
	dump, err := fill(func(part string, chunk []byte) error {
		d.chunk(part, int64(len(chunk)))
		d.sum.Write(chunk)
		return w.entry(fmt.Sprintf("%s/%06d", name, d.chunks), part, chunk)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.m.Sections = append(w.m.Sections, Section{name, dump, d.chunks, d.bytes, d.hex()})
	return nil
}

func (w *Writer) entry(name, part string, content []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: w.m.Made, Format: tar.FormatPAX}
	if part != "" {
		h.PAXRecords = map[string]string{partRecord: part}
	}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

// Finish writes the manifest, makes the file durable and gives it its name. It
// tells the file's size.
func (w *Writer) Finish() (m Manifest, size int64, err error) {
	text, err := json.MarshalIndent(w.m, "", "  ")
	if err == nil {
		err = w.entry(manifestName, "", append(text, '\n'))
	}
	if err == nil {
		err = errors.Join(w.tar.Close(), w.zip.Close(), w.file.Sync())
	}
	if info, problem := w.file.Stat(); problem == nil {
		size = info.Size()
	}
	if err = errors.Join(err, w.file.Close()); err == nil {
		err = os.Rename(w.draft, w.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(w.path))
	}
	return w.m, size, err
}

// Drop gives up on a backup that is not finished.
func (w *Writer) Drop() {
	_ = w.file.Close()
	_ = os.Remove(w.draft)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reader goes through the entries of a file.
type reader struct {
	file *os.File
	zip  *gzip.Reader
	tar  *tar.Reader
}

func open(path string) (*reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s is no backup of Florin, or is damaged: %w", path, err), f.Close())
	}
	return &reader{f, z, tar.NewReader(z)}, nil
}

func (r *reader) close() error { return errors.Join(r.zip.Close(), r.file.Close()) }

// Check reads a backup to its end and compares every digest. It gives what the
// manifest says.
func Check(path string) (m Manifest, err error) {
	r, err := open(path)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	have := map[string]*digest{}
	whole := false
	for {
		h, err := r.tar.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && whole {
			err = errors.New("something follows the manifest")
		}
		if err == nil && h.Name == manifestName {
			whole = true
			if m, err = decodeManifest(r.tar, h.Size); err == nil {
				continue
			}
		}
		if err == nil {
			err = count(have, h, r.tar)
		}
		if err != nil {
			return m, fmt.Errorf("the backup %s is damaged: %w", path, err)
		}
	}
	if _, err := io.Copy(io.Discard, r.zip); err != nil { // reads the checksum at its end
		return m, fmt.Errorf("the backup %s is damaged: %w", path, err)
	}
	if !whole {
		return m, fmt.Errorf("the backup %s has no manifest: it was cut off, or is none", path)
	}
	return m, compare(path, m, have)
}

func count(have map[string]*digest, h *tar.Header, body io.Reader) error {
	name, _, _ := strings.Cut(h.Name, "/")
	d := have[name]
	if d == nil {
		d = newDigest()
		have[name] = d
	}
	if h.Name != fmt.Sprintf("%s/%06d", name, d.chunks+1) {
		return fmt.Errorf("%s is out of order", h.Name)
	}
	d.chunk(h.PAXRecords[partRecord], h.Size)
	_, err := io.Copy(d.sum, body)
	return err
}

func compare(path string, m Manifest, have map[string]*digest) error {
	if len(have) > len(m.Sections) {
		return fmt.Errorf("the backup %s is damaged: it holds more than its manifest says", path)
	}
	for _, s := range m.Sections {
		d := have[s.Name]
		if d == nil {
			d = newDigest()
		}
		if d.hex() != s.SHA256 || d.bytes != s.Bytes || d.chunks != s.Chunks {
			return fmt.Errorf("the backup %s is damaged: %s is not what its manifest says", path, s.Name)
		}
	}
	return nil
}

func decodeManifest(r io.Reader, size int64) (m Manifest, err error) {
	if size > maxManifest {
		return m, errors.New("the manifest is too long")
	}
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return m, fmt.Errorf("the manifest can't be read: %w", err)
	}
	if m.Florin != "backup" {
		return m, errors.New("the manifest is not that of a backup")
	}
	if m.Format != format {
		return m, fmt.Errorf("it has format %d, and this Florin knows %d", m.Format, format)
	}
	return m, nil
}

// Read hands the chunks of one section to f, by a source that gives them in
// their order. The file has to have been checked.
func Read(path, section string, f func(db.Source) error) (err error) {
	r, err := open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	return f(func() (string, io.Reader, error) {
		for {
			h, err := r.tar.Next()
			switch {
			case errors.Is(err, io.EOF):
				return "", nil, nil
			case err != nil:
				return "", nil, err
			case strings.HasPrefix(h.Name, section+"/"):
				return h.PAXRecords[partRecord], r.tar, nil
			}
		}
	})
}

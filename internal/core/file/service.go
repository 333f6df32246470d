package file

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service keeps files.
type Service struct {
	DB     *db.DB
	Keys   *idem.Keys
	Master *secret.Master
}

// Upload is a new file.
type Upload struct {
	Purpose, Name string
	Content       []byte
	Origin        string
	// Link, if set, is made along with the file.
	Link *Link
}

// perStep is how many chunks one step writes.
const perStep = 4

func bound(s id.Scope, upload, number int64) []byte {
	return secret.Context("file", strconv.FormatInt(s.Key(), 10), strconv.FormatInt(upload, 10), strconv.FormatInt(number, 10))
}

// Create keeps a file. The reply shows it.
func (v *Service) Create(ctx context.Context, s id.Scope, u *Upload, r *idem.Request) (*idem.Reply, error) {
	typ, p, err := check(u.Purpose, u.Name, u.Content)
	if err != nil {
		return nil, err
	}
	if u.Link != nil && u.Link.Expired(v.DB.Clock().Now()) {
		return nil, pastExpiry("file_link_data[expires_at]")
	}
	upload := v.DB.IDs().Next()
	n, err := v.write(ctx, s, upload, u.Content)
	if err != nil {
		return nil, err
	}
	body := File{Purpose: u.Purpose, Name: u.Name, Type: typ, Size: int64(len(u.Content)), Chunks: n, Upload: upload, Origin: u.Origin,
		Sum: v.Master.MAC("file", u.Content)}
	reply, err := v.once(ctx, "file.create", s, r, []db.Need{uploads.Need(uploadKey(s, upload))}, func(tx *db.Tx) (*idem.Reply, error) {
		if _, ok, err := uploads.Get(tx, uploadKey(s, upload)); err != nil {
			return nil, err
		} else if !ok {
			return nil, errors.New("file: the upload took longer than a day")
		}
		uploads.Delete(tx, uploadKey(s, upload))
		key := tx.NewKey()
		if p.life > 0 {
			body.Expires = tx.Now().Add(p.life)
		}
		if u.Link != nil {
			link := *u.Link
			link.File, link.Origin = key, u.Origin
			made, err := Links.Insert(tx, s, tx.NewKey(), link)
			if err != nil {
				return nil, err
			}
			body.LinkOnly = made.Key
		}
		o, err := Files.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		return shown(Files, o), nil
	})
	if err == nil && reply.Replayed {
		return reply, v.drop(ctx, s, upload) // what was uploaded again is not needed
	}
	return reply, err
}

func pastExpiry(param string) error {
	return fault.Param(param, "", "A link must expire in the future.")
}

// write seals and writes a content, and tells how many chunks it is.
func (v *Service) write(ctx context.Context, s id.Scope, upload int64, content []byte) (int64, error) {
	subject, key, err := v.Master.NewSubject(bound(s, upload, 0))
	if err != nil {
		return 0, err
	}
	rows := [][]byte{key}
	for at := 0; at < len(content); at += ChunkSize {
		sealed, err := subject.Seal(content[at:min(at+ChunkSize, len(content))], bound(s, upload, int64(len(rows))))
		if err != nil {
			return 0, err
		}
		rows = append(rows, sealed)
	}
	for from := 0; from < len(rows); from += perStep {
		some := rows[from:min(from+perStep, len(rows))]
		var needs []db.Need
		for i := range some {
			needs = append(needs, chunks.Need(chunkKey(s, upload, int64(from+i))))
		}
		err := v.DB.Run(ctx, db.Step{Name: "file.write", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
			if from == 0 {
				uploads.Insert(tx, uploadKey(s, upload), tx.Now())
			}
			for i, row := range some {
				chunks.Insert(tx, chunkKey(s, upload, int64(from+i)), row)
			}
			return nil
		}})
		if err != nil {
			return 0, err
		}
	}
	return int64(len(rows) - 1), nil
}

// Content hands a file's content to f, a chunk at a time. It tells the file
// before; errors: 404 for one that is not there, or whose time is over.
func (v *Service) Content(ctx context.Context, s id.Scope, key int64, begin func(*object.Object[File]) error, f func([]byte) error) error {
	o, ok, err := Files.Read(ctx, v.DB, s, key)
	if err != nil {
		return err
	}
	if !ok || o.Body.Gone || !o.Body.Expires.IsZero() && !v.DB.Clock().Now().Before(o.Body.Expires) {
		return fault.Missing(fault.NotFound, "file", "file", Files.ID(s, key))
	}
	b := &o.Body
	sealed, ok, err := chunks.Read(ctx, v.DB, chunkKey(s, b.Upload, 0))
	if err == nil && !ok {
		err = fmt.Errorf("file %d has no data key", key)
	}
	if err != nil {
		return err
	}
	subject, err := v.Master.OpenSubject(sealed, bound(s, b.Upload, 0))
	if err != nil {
		return err
	}
	for n := int64(1); n <= b.Chunks; n++ {
		row, ok, err := chunks.Read(ctx, v.DB, chunkKey(s, b.Upload, n))
		if err == nil && !ok {
			err = fmt.Errorf("file %d has no chunk %d", key, n)
		}
		if err != nil {
			return err
		}
		plain, err := subject.Open(row, bound(s, b.Upload, n))
		if err != nil {
			return err
		}
		if n == 1 {
			if err := begin(o); err != nil {
				return err
			}
		}
		if err := f(plain); err != nil {
			return err
		}
	}
	return nil
}

// CreateLink makes a link to a file.
func (v *Service) CreateLink(ctx context.Context, s id.Scope, l Link, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "file.link", s, r, []db.Need{Files.Need(s, l.File)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Files.Get(tx, s, l.File)
		switch {
		case err != nil:
			return nil, err
		case !ok || o.Body.Gone:
			return nil, fault.Missing(fault.Invalid, "file", "file", Files.ID(s, l.File))
		case l.Expired(tx.Now()):
			return nil, pastExpiry("expires_at")
		}
		made, err := Links.Insert(tx, s, tx.NewKey(), l)
		if err != nil {
			return nil, err
		}
		return shown(Links, made), nil
	})
}

// LinkChange is what may be changed of a link. Expires counts if Set.
type LinkChange struct {
	Set      bool
	Now      bool // it expires at once
	Expires  time.Time
	Metadata func(map[string]string) (map[string]string, error)
}

// UpdateLink changes a link. One that has expired can't be changed.
func (v *Service) UpdateLink(ctx context.Context, s id.Scope, key int64, c LinkChange, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "file.update_link", s, r, []db.Need{Links.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Links.Get(tx, s, key)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, fault.Missing(fault.NotFound, "link", "file_link", Links.ID(s, key))
		case o.Body.Expired(tx.Now()):
			return nil, fault.New(fault.Invalid, "", "The link %s has expired, and can't be changed any more.", Links.ID(s, key))
		}
		if c.Set {
			if o.Body.Expires = c.Expires; c.Now {
				o.Body.Expires = tx.Now()
			} else if o.Body.Expired(tx.Now()) {
				return nil, pastExpiry("expires_at")
			}
		}
		if o.Body.Metadata, err = c.Metadata(o.Body.Metadata); err != nil {
			return nil, err
		}
		if err := Links.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(Links, o), nil
	})
}

// macLen is how many bytes of a MAC are in a link's address: 128 bits.
const macLen = 16

// Token is the part of a link's address that nobody can guess.
func (v *Service) Token(s id.Scope, link int64) string {
	raw := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(s.Key())), uint64(link))
	return base64.RawURLEncoding.EncodeToString(append(raw, v.Master.MAC("file.link", raw)[:macLen]...))
}

// Follow gives the file that a link leads to, if the link works.
func (v *Service) Follow(ctx context.Context, token string) (s id.Scope, file int64, err error) {
	gone := fault.New(fault.NotFound, "", "There is no such link, or it has expired.")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 16+macLen || subtle.ConstantTimeCompare(raw[16:], v.Master.MAC("file.link", raw[:16])[:macLen]) != 1 {
		return s, 0, gone
	}
	s = id.ScopeOf(int64(binary.BigEndian.Uint64(raw)))
	o, ok, err := Links.Read(ctx, v.DB, s, int64(binary.BigEndian.Uint64(raw[8:])))
	if err != nil {
		return s, 0, err
	}
	if !ok || o.Body.Expired(v.DB.Clock().Now()) {
		return s, 0, gone
	}
	return s, o.Body.File, nil
}

// once runs an operation that is one step, under its idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need, decide func(*db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: append(needs, r.Ticket().Need(s)), Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	}})
	return reply, err
}

func shown[T any, N comparable](k *object.Kind[T, N], o *object.Object[T]) *idem.Reply {
	return &idem.Reply{Kind: k.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

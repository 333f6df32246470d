package file

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var scope = id.Scope{Account: 7}

func open(t *testing.T) (*Service, *clock.Fixed) {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return &Service{DB: dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c}), Keys: &idem.Keys{Sealer: master}, Master: master}, c
}

func content(n int) []byte {
	return append([]byte("%PDF-"), bytes.Repeat([]byte("secret words "), n/13)...)
}

func (v *Service) whole(t *testing.T, key int64) ([]byte, error) {
	t.Helper()
	var all []byte
	err := v.Content(t.Context(), scope, key, func(*object.Object[File]) error { return nil }, func(part []byte) error {
		all = append(all, part...)
		return nil
	})
	return all, err
}

// rows are how many rows hold parts of contents, of which none is in the clear.
func (v *Service) rows(t *testing.T, upload int64) int {
	t.Helper()
	list, err := qChunks.All(t.Context(), v.DB, scope.Key(), upload, int64(1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if sealed, _, err := chunks.Read(t.Context(), v.DB, chunkKey(scope, upload, c.Number)); err != nil || bytes.Contains(sealed, []byte("secret words")) {
			t.Errorf("chunk %d is in the clear, or %v", c.Number, err)
		}
	}
	return len(list)
}

func TestContentsComeAndGo(t *testing.T) {
	v, c := open(t)
	for _, size := range []int{100, ChunkSize - 5, ChunkSize, 5*ChunkSize + 1} {
		want := content(size)
		r, err := v.Create(t.Context(), scope, &Upload{Purpose: "dispute_evidence", Name: "a.pdf", Content: want}, nil)
		if err != nil || r.Error != nil {
			t.Fatal(r, err)
		}
		o := r.Main.(*object.Object[File])
		if got, err := v.whole(t, o.Key); err != nil || !bytes.Equal(got, want) || o.Body.Type != "pdf" {
			t.Errorf("%d bytes: %d came back, %v", len(want), len(got), err)
		}
		if n := v.rows(t, o.Body.Upload); int64(n) != o.Body.Chunks+1 {
			t.Errorf("%d rows of %d chunks", n, o.Body.Chunks)
		}
		link, err := v.CreateLink(t.Context(), scope, Link{File: o.Key}, nil)
		if err != nil || link.Error != nil {
			t.Fatal(link, err)
		}
		token := v.Token(scope, link.Shown[0].Key)
		if s, key, err := v.Follow(t.Context(), token); err != nil || s != scope || key != o.Key {
			t.Errorf("%v %d %v", s, key, err)
		}
		c.Advance(270*24*time.Hour - time.Second)
		if n, err := v.Expire(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("%d too early, %v", n, err)
		}
		c.Advance(time.Second)
		if _, err := v.whole(t, o.Key); fault.KindOf(err) != fault.NotFound {
			t.Errorf("its time is over: %v", err)
		}
		if n, err := v.Expire(t.Context(), 10); n != 1 || err != nil || v.rows(t, o.Body.Upload) != 0 {
			t.Errorf("%d expired, %v", n, err)
		}
		if n, err := v.Expire(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("%d again, %v", n, err)
		}
	}
}

// What a process that died has uploaded is deleted after a day.
func TestStrandedUploadsGo(t *testing.T) {
	v, c := open(t)
	upload := v.DB.IDs().Next()
	if _, err := v.write(t.Context(), scope, upload, content(2*ChunkSize)); err != nil {
		t.Fatal(err)
	}
	c.Advance(uploadLife - time.Second)
	if n, err := v.Expire(t.Context(), 10); n != 0 || err != nil || v.rows(t, upload) != 3 {
		t.Errorf("%d, %v, %d rows", n, err, v.rows(t, upload))
	}
	c.Advance(time.Second)
	if n, err := v.Expire(t.Context(), 10); n != 1 || err != nil || v.rows(t, upload) != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestDamagedContentsAreRefused(t *testing.T) {
	v, _ := open(t)
	r, err := v.Create(t.Context(), scope, &Upload{Purpose: "pci_document", Name: "a.pdf", Content: content(3 * ChunkSize)}, nil)
	if err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	o := r.Main.(*object.Object[File])
	err = v.DB.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
		one, _, err := chunks.Get(tx, chunkKey(scope, o.Body.Upload, 1))
		two, _, err2 := chunks.Get(tx, chunkKey(scope, o.Body.Upload, 2))
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		chunks.Update(tx, chunkKey(scope, o.Body.Upload, 1), two)
		chunks.Update(tx, chunkKey(scope, o.Body.Upload, 2), one)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.whole(t, o.Key); err == nil {
		t.Errorf("chunks that changed places gave %d bytes", len(got))
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ purpose, name, content, typ, param string }{
		{"dispute_evidence", "a", "%PDF-1.7", "pdf", ""}, {"dispute_evidence", "a.exe", "\x89PNG\r\n\x1a\n", "png", ""},
		{"business_logo", "a.png", "GIF89a", "gif", ""}, {"tax_document_user_upload", "a.XLSX", "PK\x03\x04", "xlsx", ""},
		{"tax_document_user_upload", "a.csv", "a,b", "csv", ""}, {"tax_document_user_upload", "a.csv", "a\x00b", "", "file"},
		{"dispute_evidence", "a.pdf", "no pdf", "", "file"}, {"dispute_evidence", "a.pdf", "", "", "file"}, {"nothing", "a.pdf", "%PDF-", "", "purpose"},
		{"terminal_wifi_certificate", "a.pem", "anything", "", ""},
	} {
		typ, _, err := check(c.purpose, c.name, []byte(c.content))
		e, _ := fault.As(err)
		if typ != c.typ && err == nil || (e == nil) != (c.param == "") || e != nil && e.Param != c.param {
			t.Errorf("%+v: %q %v", c, typ, err)
		}
	}
}

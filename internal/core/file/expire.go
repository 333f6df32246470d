package file

import (
	"context"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// uploadLife is how long an upload may take from its first chunk to its file.
const uploadLife = 24 * time.Hour

// Expire deletes the content of files whose time is over, and of uploads that
// never became a file, at most limit of each. It tells how many it deleted.
func (v *Service) Expire(ctx context.Context, limit int) (n int, problems error) {
	now := v.DB.Clock().Now()
	expired, err := qExpired.All(ctx, v.DB, now.UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, at := range expired {
		problems = errors.Join(problems, v.end(ctx, id.ScopeOf(at.Scope), at.Key))
	}
	stranded, err := qStranded.All(ctx, v.DB, now.Add(-uploadLife).UnixMicro(), int64(limit))
	for _, at := range stranded {
		problems = errors.Join(problems, v.drop(ctx, id.ScopeOf(at.Scope), at.Key))
	}
	return len(expired) + len(stranded), errors.Join(problems, err)
}

// end deletes the content of a file, and then notes that it is gone.
func (v *Service) end(ctx context.Context, s id.Scope, key int64) error {
	o, ok, err := Files.Read(ctx, v.DB, s, key)
	if err != nil || !ok {
		return err
	}
	if err := v.delete(ctx, s, o.Body.Upload); err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "file.end", Scope: s.Key(), Needs: []db.Need{Files.Need(s, key)}, Do: func(tx *db.Tx) error {
		o, ok, err := Files.Get(tx, s, key)
		if err != nil || !ok || o.Body.Gone {
			return err
		}
		o.Body.Gone = true
		return Files.Update(tx, o)
	}})
}

// drop forgets an upload that became no file.
func (v *Service) drop(ctx context.Context, s id.Scope, upload int64) error {
	if err := v.delete(ctx, s, upload); err != nil {
		return err
	}
	k := uploadKey(s, upload)
	return v.DB.Run(ctx, db.Step{Name: "file.drop", Scope: s.Key(), Needs: []db.Need{uploads.Need(k)}, Do: func(tx *db.Tx) error {
		_, ok, err := uploads.Get(tx, k)
		if err == nil && ok {
			uploads.Delete(tx, k)
		}
		return err
	}})
}

// deletePage is how many chunks one step deletes.
const deletePage = 16

// delete removes an upload's chunks, the data key, without which nothing of the
// rest can be read, last: until then the work that is left can be found.
func (v *Service) delete(ctx context.Context, s id.Scope, upload int64) error {
	for {
		page, err := qChunks.All(ctx, v.DB, s.Key(), upload, int64(deletePage))
		if err != nil || len(page) == 0 {
			return err
		}
		var needs []db.Need
		for _, c := range page {
			needs = append(needs, chunks.Need(chunkKey(s, upload, c.Number)))
		}
		err = v.DB.Run(ctx, db.Step{Name: "file.delete", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (errs error) {
			for _, c := range page {
				_, ok, err := chunks.Get(tx, chunkKey(s, upload, c.Number))
				if errs = errors.Join(errs, err); ok && err == nil {
					chunks.Delete(tx, chunkKey(s, upload, c.Number))
				}
			}
			return errs
		}})
		if err != nil {
			return err
		}
	}
}

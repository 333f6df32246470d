package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/app/heads"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
)

const (
	// sealEvery is how often postings are sealed.
	sealEvery = 10 * time.Second
	// sealGrace is how long sealing may take when the process ends.
	sealGrace = 5 * time.Second
	// conflictPause is how long the log rests before it repeats that a heads file
	// and the database don't belong together.
	conflictPause = 10 * time.Minute
)

// headsFile is where the heads of seals are kept: in the file that was named,
// else beside the master key's.
func headsFile(named, address, masterKeyFile string) string {
	const name = "florin.heads"
	switch {
	case named != "":
		return named
	case masterKeyFile != "":
		return filepath.Join(filepath.Dir(masterKeyFile), name)
	}
	return beside(address, name)
}

// sealing seals postings and keeps the heads.
type sealing struct {
	db     *db.DB
	log    *slog.Logger
	sealer *ledger.Sealer

	mu    sync.Mutex
	heads *heads.Exporter
	quiet time.Time // until when conflicts are not told again
}

func newSealing(d *db.DB, c Config) *sealing {
	return &sealing{db: d, log: c.Logger, sealer: ledger.NewSealer(d), heads: heads.New(d, headsFile(c.Heads, c.DB, c.MasterKeyFile), c.Logger)}
}

// run seals what there is and keeps the heads of what is sealed, by whomever.
func (s *sealing) run(ctx context.Context) error {
	_, err := s.sealer.Run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.heads.Run(ctx)
	_, conflict := errors.AsType[*heads.ConflictError](kept)
	_, damage := errors.AsType[*heads.DamageError](kept)
	if conflict || damage {
		if now := s.db.Clock().Now(); now.Before(s.quiet) {
			kept = nil
		} else {
			s.quiet = now.Add(conflictPause)
		}
	}
	return errors.Join(err, kept)
}

// close seals what this process leaves behind. What it does not get done, the
// next start or another process does.
func (s *sealing) close() error {
	s.sealer.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), sealGrace)
	defer cancel()
	if err := s.run(ctx); err != nil {
		s.log.Warn("not all postings are sealed", "error", err)
	}
	return nil
}

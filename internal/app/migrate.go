package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/schema"
)

// Migrate brings the schema of the database at address up to date and tells
// its version.
func Migrate(ctx context.Context, address string, log *slog.Logger) (version int64, err error) {
	d, err := db.Open(ctx, address, db.Options{Logger: log})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx, schema.Files); err != nil {
		return 0, err
	}
	return d.SchemaVersion(ctx)
}

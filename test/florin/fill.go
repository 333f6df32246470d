//go:build unix

package florintest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
)

// Fill runs "florin bench --fill" on the server's database, which nobody serves
// meanwhile, until its first account has so many payments. The database may be one
// that was never served.
func (s *Server) Fill(ctx context.Context, payments uint64) error {
	cmd := exec.CommandContext(ctx, s.bin, "bench", "--into="+s.DB, "--fill="+strconv.FormatUint(payments, 10))
	cmd.Dir, cmd.Env = s.Dir, append(environment(), "FLORIN_SECRET_KEY="+s.SecretKey)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("florin bench --fill: %w\n%s", err, tail(said.String(), 4<<10))
	}
	return nil
}

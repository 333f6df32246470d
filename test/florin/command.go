//go:build unix

package florintest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// Command runs another florin command on the server's database, in its folder
// and with its master key, whether the server runs or not, and gives what it
// prints. An exit status other than 0 is an error.
func (s *Server) Command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.bin, append([]string{args[0], "--db=" + s.DB}, args[1:]...)...)
	cmd.Dir, cmd.Env = s.Dir, append(environment(), "FLORIN_MASTER_KEY_FILE="+s.KeyFile())
	var out, logged bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &logged
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("florin %s: %w\n%s", args[0], err, &logged)
	}
	return out.Bytes(), nil
}

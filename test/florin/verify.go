//go:build unix

package florintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
)

// Report is what "florin verify --json" says.
type Report struct {
	OK       bool      `json:"ok"`
	Findings []Finding `json:"findings"`
	// Seals say how far the books are sealed.
	Seals struct {
		Sealed    int64  `json:"sealed"`   // postings
		Unsealed  int64  `json:"unsealed"` // postings
		HeadsFile string `json:"heads_file"`
		Heads     int64  `json:"heads"`   // in the file
		Missing   bool   `json:"missing"` // the file is not there
	} `json:"seals"`
}

// Finding is a row of the books that breaks an invariant.
type Finding struct {
	Check    string `json:"check"`
	Account  int64  `json:"account"`
	Livemode bool   `json:"livemode"`
	Table    string `json:"table"`
	Key      int64  `json:"key"`
	Problem  string `json:"problem"`
}

// Verify runs "florin verify" on the server's database, whether the server runs
// or not. It is an error when the books could not be checked, or when the exit
// status does not fit the report; what is broken is in the report. args are added
// to the command line.
func (s *Server) Verify(ctx context.Context, args ...string) (Report, error) {
	var r Report
	cmd := exec.CommandContext(ctx, s.bin, append([]string{"verify", "--json", "--db=" + s.DB}, args...)...)
	cmd.Dir, cmd.Env = s.Dir, environment()
	var out, logged bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &logged
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		return r, fmt.Errorf("florin verify: %w\n%s", err, &logged)
	}
	if bad := json.Unmarshal(out.Bytes(), &r); bad != nil {
		return r, fmt.Errorf("florin verify: %w: no report in %q\n%s", errors.Join(err, bad), &out, &logged)
	}
	if r.OK != (err == nil) || r.OK != (len(r.Findings) == 0) {
		return r, fmt.Errorf("florin verify: ok is %t with %d findings, exit: %v", r.OK, len(r.Findings), err)
	}
	return r, nil
}

//go:build unix

package florintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/florinpay/florin/internal/provider/sandbox"
)

// SandboxOptions say how a sandbox is started.
type SandboxOptions struct {
	// Seed and Faults: random faults, per thousand operations.
	Seed   uint64
	Faults int
	// Tags are build tags.
	Tags []string
}

// Sandbox is a "florin sandbox": the acquirer as a process of its own.
type Sandbox struct {
	*Program
	// Book is the path of its book. It can be read when the sandbox does not run.
	Book string
}

// StartSandbox starts a sandbox and waits until it answers. At the end of the
// test it is killed.
func StartSandbox(tb testing.TB, o SandboxOptions) *Sandbox {
	tb.Helper()
	s := NewSandbox(tb, o)
	if err := s.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// PushSecret signs what a sandbox sends that was told to: see [Sandbox.PushTo].
const PushSecret = "a secret of the sandbox and the server"

// PushTo begins a sandbox that was not begun yet, and has it send what it tells
// unasked to a server, whose environment has FLORIN_SANDBOX_SECRET set to
// [PushSecret].
func (s *Sandbox) PushTo(ctx context.Context, server *Server) error {
	s.args = append(s.args, "--push-to="+server.URL+"/providers/sandbox/test/notifications", "--secret="+PushSecret)
	return s.Restart(ctx) // the server knows the address
}

// NewSandbox is [StartSandbox], but for the start.
func NewSandbox(tb testing.TB, o SandboxOptions) *Sandbox {
	tb.Helper()
	s := &Sandbox{Book: filepath.Join(tb.TempDir(), "sandbox.book")}
	s.Program = newProgram(tb, Binary(tb, o.Tags...), []string{"sandbox", "--book=" + s.Book,
		"--seed=" + strconv.FormatUint(o.Seed, 10), "--faults=" + strconv.Itoa(o.Faults)}, nil, filepath.Dir(s.Book))
	return s
}

// Operations asks for everything in the book, oldest first.
func (s *Sandbox) Operations(ctx context.Context) (list []sandbox.Operation, err error) {
	body, err := s.ask(ctx, http.MethodGet, "/book", nil)
	if err != nil {
		return nil, err
	}
	for lines := json.NewDecoder(bytes.NewReader(body)); ; {
		var op sandbox.Operation
		if err := lines.Decode(&op); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("the sandbox's book: %w", err)
		}
		list = append(list, op)
	}
}

// AddFault has the sandbox do something wrong.
func (s *Sandbox) AddFault(ctx context.Context, f sandbox.Fault) error {
	body, err := json.Marshal(f)
	if err == nil {
		_, err = s.ask(ctx, http.MethodPost, "/faults", body)
	}
	return err
}

// ClearFaults takes back all faults that were added.
func (s *Sandbox) ClearFaults(ctx context.Context) error {
	_, err := s.ask(ctx, http.MethodDelete, "/faults", nil)
	return err
}

func (s *Sandbox) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := health.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("sandbox: %s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, err
}

//go:build unix

package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// ran is a command that has ended.
type ran struct {
	t      testing.TB
	out    string
	err    string
	status int
}

// command makes a command in a folder, without settings of this process.
func command(ctx context.Context, t testing.TB, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, florintest.Binary(t), args...)
	cmd.Dir = dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FLORIN_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// florin runs a command to its end.
func florin(t testing.TB, dir string, env []string, args ...string) *ran {
	t.Helper()
	cmd := command(t.Context(), t, dir, env, args...)
	var out, logged bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &logged
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return &ran{t, out.String(), logged.String(), cmd.ProcessState.ExitCode()}
}

func (r *ran) ok() *ran {
	r.t.Helper()
	if r.status != 0 {
		r.t.Fatalf("exit status %d\n%s%s", r.status, r.out, r.err)
	}
	return r
}

// into reads the answer to a command with --json.
func (r *ran) into(v any) {
	r.t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.ok().out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		r.t.Fatalf("%v in %s", err, r.out)
	}
	if _, err := dec.Token(); err != io.EOF {
		r.t.Fatalf("more than one value: %s", r.out)
	}
}

// key is an API key as commands show it.
type key struct {
	ID          string            `json:"id"`
	Account     string            `json:"account"`
	Livemode    bool              `json:"livemode"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Last4       string            `json:"last4"`
	Created     time.Time         `json:"created"`
	Expires     *time.Time        `json:"expires"`
	Permissions map[string]string `json:"permissions"`
	Plain       string            `json:"key"`
	Rolled      *key              `json:"rolled"`
}

// account is an account as commands show it.
type account struct {
	ID         string         `json:"id"`
	Created    time.Time      `json:"created"`
	Name       string         `json:"name"`
	Country    string         `json:"country"`
	Currency   string         `json:"default_currency"`
	Descriptor string         `json:"statement_descriptor"`
	Version    string         `json:"api_version"`
	Settings   map[string]any `json:"settings"`
	Fees       struct {
		BasisPoints int              `json:"basis_points"`
		Fixed       map[string]int64 `json:"fixed"`
		Dispute     map[string]int64 `json:"dispute"`
	} `json:"fees"`
	Payouts struct {
		Interval string `json:"interval"`
	} `json:"payouts"`
	Keys []key `json:"keys"`
}

// plain gives the plain text of an account's first key of a kind and a mode.
func (a account) plain(t testing.TB, kind string, live bool) string {
	t.Helper()
	for _, k := range a.Keys {
		if k.Kind == kind && k.Livemode == live && k.Plain != "" {
			return k.Plain
		}
	}
	t.Fatalf("no %s key in %+v", kind, a.Keys)
	return ""
}

// answer is what a server says to a request.
type answer struct {
	status int
	body   struct {
		ID    string
		Data  []struct{ ID string }
		Error struct{ Type, Code, Message string }
	}
	text string
}

func ask(t testing.TB, s *florintest.Server, key, method, path, form string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, text: string(text)}
	if err := errors.Join(err, json.Unmarshal(text, &a.body)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return a
}

// eventually asks until the answer has a status; a server may believe a key for
// a second after it has ended.
func eventually(t testing.TB, s *florintest.Server, key, path string, status int) answer {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		a := ask(t, s, key, http.MethodGet, path, "")
		if a.status == status {
			return a
		}
		if time.Now().After(end) {
			t.Fatalf("%s is answered with %d, want %d: %s", path, a.status, status, a.text)
		}
	}
}

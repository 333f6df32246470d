//go:build linux

package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// TestNothingButTheBinary starts the server where there is no other file: no shell, no
// libraries, no time zones, no certificates, not even a folder for what is temporary,
// as in a container made of the binary alone. It makes its database, says its key, and
// takes a payment.
func TestNothingButTheBinary(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be put into another root")
	}
	root := t.TempDir()
	binary, err := os.ReadFile(florintest.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "florin"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, "/florin", "serve", "--listen", "127.0.0.1:0")
	server.Path, server.Err = "/florin", nil
	server.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	server.Env, server.Dir = []string{}, "/"
	var said saying
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	at, key := said.until(t, `http://localhost:[1-9][0-9]*`), said.until(t, `sk_test_[0-9A-Za-z]+`)
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "return_url": {"https://shop.example"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/v1/payment_intents", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(key, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(a.Body)
	_ = a.Body.Close()
	if err != nil || a.StatusCode != http.StatusOK || !strings.Contains(string(text), `"status": "succeeded"`) {
		t.Errorf("%d %s %v\n%s", a.StatusCode, text, err, said.text())
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v\n%s", err, said.text())
	}
}

// saying is what a process says.
type saying struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *saying) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *saying) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// until waits until something is said, and gives it.
func (s *saying) until(t *testing.T, pattern string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if found := regexp.MustCompile(pattern).FindString(s.text()); found != "" {
			return found
		}
	}
	t.Fatalf("it says nothing like %s:\n%s", pattern, s.text())
	return ""
}

package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/app"
)

// Keys are shown once, at the start that makes them. A start that can't listen
// must not have made them.
func TestAddressTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	path := filepath.Join(t.TempDir(), "florin.db")
	s := &serveCommand{Listen: ln.Addr().String(), DB: "sqlite:" + path, Sandbox: "embedded", ProviderTimeout: time.Second,
		KeepMessages: app.MinKeepMessages, KeepIdempotencyKeys: app.MinKeepIdempotencyKeys, KeepEvents: app.MinKeepEvents, MaxWait: time.Second, MaxRequests: 1}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it listens where another one does")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
	}
}

func TestServeBounds(t *testing.T) {
	for name, change := range map[string]func(*serveCommand){
		"--provider-timeout":                func(s *serveCommand) { s.ProviderTimeout = time.Millisecond },
		"--keep-idempotency-keys 23h59m59s": func(s *serveCommand) { s.KeepIdempotencyKeys = 24*time.Hour - time.Second },
		"--keep-idempotency-keys 0s":        func(s *serveCommand) { s.KeepIdempotencyKeys = 0 },
		"--keep-events 719h0m0s":            func(s *serveCommand) { s.KeepEvents = 719 * time.Hour },
		"--keep-events -1h0m0s":             func(s *serveCommand) { s.KeepEvents = -time.Hour },
		"--keep-messages":                   func(s *serveCommand) { s.KeepMessages = time.Hour },
		"--max-wait":                        func(s *serveCommand) { s.MaxWait = 0 },
		"--max-requests":                    func(s *serveCommand) { s.MaxRequests = 0 },
		"--rate-limit":                      func(s *serveCommand) { s.RateLimit = math.NaN() },
		"--rate-limit -1":                   func(s *serveCommand) { s.RateLimit = -1 },
		"--rate-burst":                      func(s *serveCommand) { s.RateBurst = -1 },
	} {
		s := &serveCommand{ProviderTimeout: time.Second, KeepMessages: app.MinKeepMessages, KeepIdempotencyKeys: app.MinKeepIdempotencyKeys,
			KeepEvents: app.MinKeepEvents, MaxWait: time.Second, MaxRequests: 1, RateLimit: 0.5}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		change(s)
		if err := s.check(); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:8420": true, "localhost:0": true, "[::1]:80": true, "127.9.9.9:1": true,
		"0.0.0.0:8420": false, ":8420": false, "10.0.0.1:80": false, "example.com:80": false, "8420": false, "": false,
	} {
		if err := loopback(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
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
	s := &serveCommand{Listen: ln.Addr().String(), DB: "sqlite:" + path, Sandbox: "embedded", ProviderTimeout: time.Second}
	if err := s.Run(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it listens where another one does")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
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

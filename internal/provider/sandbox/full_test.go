//go:build unix

package sandbox

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDisk: what there is no room for is answered to nobody, and is in the book once
// there is.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.book")
	b := openBook(t, path)
	record(t, b, "good")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(View) (Operation, error) {
		return Operation{Reference: "late", State: Approved, Code: codeApproved}, nil
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = uint64(info.Size()) + 20 // a part of a line
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		t.Fatal(err)
	}
	_, _, first := b.Apply(t.Context(), "late", decide)
	_, _, found := b.Find(t.Context(), "late")
	_, good, kept := b.Find(t.Context(), "good")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(first, syscall.EFBIG) || !errors.Is(found, syscall.EFBIG) || !good || kept != nil {
		t.Errorf("while there is no room: %v, %v, %t %v", first, found, good, kept)
	}
	for _, reference := range []string{"late", "good"} {
		if _, there, err := b.Find(t.Context(), reference); !there || err != nil {
			t.Errorf("%s, once there is room: %t %v", reference, there, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	again := openBook(t, path)
	if n := len(again.ops); n != 2 {
		t.Errorf("%d operations after opening anew", n)
	}
}

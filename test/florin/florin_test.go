//go:build unix

package florintest

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// beOrphan makes the test binary start a server and end without cleaning up.
const beOrphan = "FLORINTEST_ORPHAN"

func pay(t *testing.T, s *Server) int {
	t.Helper()
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"},
		"automatic_payment_methods[enabled]": {"true"}, "automatic_payment_methods[allow_redirects]": {"never"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/payment_intents", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(s.SecretKey, "")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := health.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// sound fails the test unless the books are in order.
func sound(t *testing.T, s *Server) {
	t.Helper()
	r, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK {
		t.Errorf("the books are broken: %+v", r.Findings)
	}
}

func TestServerLivesThroughStopKillAndRestart(t *testing.T) {
	s := Start(t, Options{})
	address := s.URL
	for _, end := range []func() error{s.Stop, s.Kill, s.Stop} {
		if status := pay(t, s); status != http.StatusOK {
			t.Fatalf("a payment is answered with %d", status)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if s.Running() {
			t.Fatal("it runs on")
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.URL != address {
		t.Errorf("it moved from %s to %s", address, s.URL)
	}
	if err := s.Restart(t.Context()); err != nil { // it runs: stopped first
		t.Fatal(err)
	}
	sound(t, s) // while it runs
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
	if _, err := os.Stat(s.KeyFile()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.Log(), listening); n != 5 {
		t.Errorf("the log tells of %d runs, want 5", n)
	}
}

func TestSandboxProcess(t *testing.T) {
	box := StartSandbox(t, SandboxOptions{})
	s := Start(t, Options{Sandbox: box.URL})
	if status := pay(t, s); status != http.StatusOK {
		t.Fatalf("a payment is answered with %d", status)
	}
	if err := box.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := box.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	operations, err := box.Operations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) != 1 || operations[0].Amount != 2000 {
		t.Errorf("the book of the killed sandbox holds %+v, want the one sale", operations)
	}
	if err := box.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestStartTellsWhyNot(t *testing.T) {
	s := New(t, Options{Args: []string{"--master-key-file=/no/such/file"}})
	err := s.Restart(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v, want one that shows the program's own words", err)
	}
	exit := new(exec.ExitError)
	if err := s.Wait(t.Context()); !errors.As(err, &exit) {
		t.Errorf("its end is %v, want an exit status", err)
	}
}

func TestEnvironmentOfOneRun(t *testing.T) {
	s := New(t, Options{})
	if err := s.Restart(t.Context(), "FLORIN_MASTER_KEY_FILE=/no/such/file"); err == nil {
		t.Fatal("the environment did not reach the program")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatalf("the environment of the last run is still there: %v", err)
	}
}

// TestKillWhileItStarts: one goroutine may kill what another waits for.
func TestKillWhileItStarts(t *testing.T) {
	s := New(t, Options{})
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() { ready <- s.Ready(t.Context()) }()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ready // it may have been ready just before
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyTellsFromFailure(t *testing.T) {
	s := New(t, Options{})
	if r, err := s.Verify(t.Context()); err == nil {
		t.Errorf("a database that was never served is reported as %+v", r)
	}
}

// TestNothingOutlivesTheTestProcess: a test process that is killed leaves
// neither server nor folder.
func TestNothingOutlivesTheTestProcess(t *testing.T) {
	if os.Getenv(beOrphan) != "" {
		s := Start(t, Options{})
		fmt.Printf("orphan %d %s\n", s.last().cmd.Process.Pid, s.bin)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesTheTestProcess$")
	cmd.Env = append(environment(), beOrphan+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid, bin string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "orphan "); ok {
			pid, bin, _ = strings.Cut(rest, " ")
		} else {
			t.Log(lines.Text())
		}
	}
	_ = cmd.Wait() // it killed itself
	process, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("no server was started: %v", err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, left := os.Stat(bin)
		if !lives(process) && errors.Is(left, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("server %d lives: %t; the binary is there: %t", process, lives(process), left == nil)
		}
	}
}

// lives reports whether a process is there and has not ended; one that nobody
// collects counts as ended.
func lives(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(err, os.ErrNotExist) // no /proc here
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/test/postgres"
)

// beMain makes the test binary behave as the command.
const beMain = "FLORIN_WITH_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), beMain+"=1", variable+"=postgres://somewhere.else/")
	return cmd
}

func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestRuns(t *testing.T) {
	t.Parallel()
	needServer(t)
	cmd := command("--", "sh", "-c", `echo "$FLORIN_TEST_DB"; cat; exit 7`)
	cmd.Stdin = strings.NewReader("passed on\n")
	out, err := cmd.Output()
	if got := code(err); got != 7 {
		t.Errorf("exit code %d (%v), want the command's 7", got, err)
	}
	address, rest, _ := strings.Cut(string(out), "\n")
	if rest != "passed on\n" {
		t.Errorf("the command's input came out as %q", rest)
	}
	gone(t, address)
}

func TestPassesSignals(t *testing.T) {
	t.Parallel()
	needServer(t)
	cmd := command("--", "sh", "-c", `trap 'exit 9' TERM; echo "$FLORIN_TEST_DB"; while :; do sleep 0.05; done`)
	address := begin(t, cmd)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(cmd.Wait()); got != 9 {
		t.Errorf("exit code %d, want 9 from the command's own handling of the signal", got)
	}
	gone(t, address)
}

func TestCommandKilled(t *testing.T) {
	t.Parallel()
	needServer(t)
	if got, want := code(command("--", "sh", "-c", "kill -KILL $$").Run()), 128+int(syscall.SIGKILL); got != want {
		t.Errorf("exit code %d, want %d", got, want)
	}
}

// TestParentDies: what "go run" leaves when it is terminated ends by itself.
func TestParentDies(t *testing.T) {
	t.Parallel()
	needServer(t)
	inner := command("--", "sh", "-c", `echo "$FLORIN_TEST_DB"; exec sleep 60`)
	parent := exec.Command("sh", "-c", `"$0" "$@" & wait`, inner.Path, "--", "sh", "-c", inner.Args[4])
	parent.Env = inner.Env
	address := begin(t, parent)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if !answers(address) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the server runs on after its starter's parent died")
		}
	}
	_ = parent.Wait() // returns when the last holder of its output has ended
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	needServer(t)
	cases := []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "usage:"},
		{[]string{"--nonsense", "true"}, exitUsage, "nonsense"},
		{[]string{"--", "/no/such/program"}, exitServer, "/no/such/program"},
	}
	for _, c := range cases {
		cmd := command(c.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if got := code(cmd.Run()); got != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%q: exit code %d, %q; want %d and %q", c.args, got, stderr.String(), c.code, c.says)
		}
	}
}

// begin starts the command and reads the address that it prints first.
func begin(t *testing.T, cmd *exec.Cmd) (address string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the command printed no address: %v", err)
	}
	address = strings.TrimSpace(line)
	if !answers(address) {
		t.Fatalf("no server at %s while the command runs", address)
	}
	return address
}

func gone(t *testing.T, address string) {
	t.Helper()
	if answers(address) {
		t.Errorf("the server at %s still runs", address)
	}
}

func answers(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func needServer(t *testing.T) {
	t.Helper()
	if _, err := postgres.Installed(); err != nil {
		t.Skip(err)
	}
}

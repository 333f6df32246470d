//go:build unix

package crash

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// traced is one system call of a traced process. Times are microseconds since
// 1970, by one clock for all tracers. strace notes the start before it lets the
// call begin and the end before it lets the process go on, so that an end is
// never noted too early, nor a start too late.
type traced struct {
	name       string
	file       string // what the first argument's descriptor is: a path, or "TCP:[a->b]"
	data       string // beginning of what was read or written, as strace escapes it
	start, end int64
	result     int64
}

func (c *traced) sync() bool { return c.name == "fsync" || c.name == "fdatasync" }

func (c *traced) write() bool {
	return c.name == "write" || c.name == "pwrite64" || c.name == "writev" || c.name == "pwritev" || c.name == "pwritev2" || c.name == "sendto"
}

func (c *traced) read() bool { return c.name == "read" || c.name == "recvfrom" }

// watchedCalls are the calls that are traced.
const watchedCalls = "read,recvfrom,write,writev,pwrite64,pwritev,pwritev2,sendto,fsync,fdatasync"

// tracer is a strace that is attached to processes.
type tracer struct {
	cmd  *exec.Cmd
	out  string
	said *bytes.Buffer
	done chan struct{}
}

// trace attaches strace to processes and to what they will start, and shows so
// many bytes of what they read and write. Where there is no strace, or where it may not attach, the test is skipped.
func trace(t *testing.T, show int, pids ...int) *tracer {
	t.Helper()
	program, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is missing, so nothing shows here that replies wait for syncs: run make setup, or install strace")
	}
	tr := &tracer{out: filepath.Join(t.TempDir(), "trace"), said: &bytes.Buffer{}, done: make(chan struct{})}
	args := []string{"-f", "-ttt", "-T", "-yy", "-s", strconv.Itoa(show), "-e", "trace=" + watchedCalls, "-e", "signal=none", "-o", tr.out}
	for _, pid := range pids {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	tr.cmd = exec.Command(program, args...)
	said, err := tr.cmd.StderrPipe()
	if err == nil {
		err = tr.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.stop)
	if err := tr.attached(said, len(pids)); err != nil {
		t.Skipf("strace can't attach to a process here, so nothing shows that replies wait for syncs: %v", err)
	}
	return tr
}

// attached waits until strace has said of each process that it is attached.
func (tr *tracer) attached(said io.Reader, count int) error {
	lines := make(chan string)
	go func() {
		defer close(tr.done)
		defer close(lines)
		for s := bufio.NewScanner(said); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-time.After(time.Second): // nobody waits any more
			}
		}
	}()
	limit := time.After(20 * time.Second)
	for count > 0 {
		select {
		case line, ok := <-lines:
			if !ok {
				return fmt.Errorf("it ended: %s", tr.said)
			}
			fmt.Fprintln(tr.said, line)
			if strings.Contains(line, " attached") {
				count--
			}
		case <-limit:
			return fmt.Errorf("within 20 s: %s", tr.said)
		}
	}
	return nil
}

// stop detaches. The processes go on.
func (tr *tracer) stop() {
	if tr.cmd.ProcessState != nil {
		return
	}
	_ = tr.cmd.Process.Signal(os.Interrupt)
	<-tr.done
	_ = tr.cmd.Wait() // it ends by the signal
}

// calls detaches and gives what was traced, in the order in which it ended.
func (tr *tracer) calls(t *testing.T) []traced {
	t.Helper()
	tr.stop()
	f, err := os.Open(tr.out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, err := parseTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

var (
	traceLine = regexp.MustCompile(`^(\d+) +(\d+)\.(\d{6}) (.*)$`)
	callBegin = regexp.MustCompile(`^(\w+)\((?:\d+<((?:->|[^<>])*)>)?(?:, )?(.*)$`)
	callEnd   = regexp.MustCompile(`^(.*)\) += (-?\d+|\?)[^<]*(?:<(\d+)\.(\d{6})>)?$`)
	resumed   = regexp.MustCompile(`^<\.\.\. (\w+) resumed>(.*)$`)
	quoted    = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

const unfinished, detached = " <unfinished ...>", " <detached ...>"

// parseTrace reads strace's output.
func parseTrace(r io.Reader) (calls []traced, err error) {
	open := map[string]*traced{} // by thread: begun and not ended
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := traceLine.FindStringSubmatch(lines.Text())
		if m == nil {
			return nil, fmt.Errorf("this is no line of strace's: %.200q", lines.Text())
		}
		thread, at, text := m[1], micros(m[2], m[3]), m[4]
		if strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "strace:") {
			continue
		}
		var c *traced
		if again := resumed.FindStringSubmatch(text); again != nil {
			if c = open[thread]; c == nil || c.name != again[1] {
				continue // it was begun before strace was there
			}
			delete(open, thread)
			text = again[2]
		} else {
			begin := callBegin.FindStringSubmatch(text)
			if begin == nil {
				return nil, fmt.Errorf("this is no system call: %.200q", text)
			}
			c = &traced{name: begin[1], file: begin[2], start: at}
			text = begin[3]
		}
		if q := quoted.FindStringSubmatch(text); q != nil {
			c.data = q[1]
		}
		switch {
		case strings.HasSuffix(text, unfinished):
			open[thread] = c
			continue
		case strings.HasSuffix(text, detached):
			continue // strace left before it ended
		}
		end := callEnd.FindStringSubmatch(text)
		if end == nil {
			return nil, fmt.Errorf("this is no end of a system call: %.200q", text)
		}
		c.result, _ = strconv.ParseInt(end[2], 10, 64) // "?": it never returned
		c.end = at
		if end[3] != "" && c.start == at {
			c.end = at + micros(end[3], end[4])
		}
		calls = append(calls, *c)
	}
	return calls, lines.Err()
}

func micros(seconds, fraction string) int64 {
	s, _ := strconv.ParseInt(seconds, 10, 64) // digits, by the pattern
	f, _ := strconv.ParseInt(fraction, 10, 64)
	return s*1_000_000 + f
}

//go:build unix && !probe

package crash

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A trace as strace writes it: two threads, calls that others interrupt, one
// that began before strace was there, some that never ended.
const sampleTrace = `
101 1700000000.000100 read(26<TCP:[127.0.0.1:8420->127.0.0.1:35530]>, "P", 1) = 1 <0.000010>
101 1700000000.000150 read(26<TCP:[127.0.0.1:8420->127.0.0.1:35530]>,  <unfinished ...>
102 1700000000.000160 <... fsync resumed>) = 0 <0.000500>
101 1700000000.000170 <... read resumed>"OST /v1/refunds HTTP/1.1\r\nIdempotency-Key: k-1\r\n", 4096) = 50 <0.000020>
101 1700000000.000180 read(26<TCP:[127.0.0.1:8420->127.0.0.1:35530]>, 0xc000, 4096) = -1 EAGAIN (Resource temporarily unavailable) <0.000004>
102 1700000000.000200 pwrite64(22</tmp/x (1)/f.db-wal>, "\0\0) = 1 <", 24, 383192) = 24 <0.000015>
102 1700000000.000300 fdatasync(22</tmp/x (1)/f.db-wal> <unfinished ...>
101 1700000000.000350 write(3<anon_inode:[eventfd]>, "\1\0", 8) = 8 <0.000005>
102 1700000000.000900 <... fdatasync resumed>) = 0 <0.000600>
101 1700000000.001000 write(26<TCP:[127.0.0.1:8420->127.0.0.1:35530]>, "HTTP/1.1 200 OK\r\n"..., 3000) = 3000 <0.000040>
102 1700000000.001100 read(5, "x", 1) = ?
101 1700000000.001150 read(26<TCP:[127.0.0.1:8420->127.0.0.1:35530]>,  <detached ...>
102 1700000000.001200 +++ killed by SIGKILL +++
`

func TestTraceIsUnderstood(t *testing.T) {
	calls, err := parseTrace(strings.NewReader(strings.TrimSpace(sampleTrace)))
	if err != nil {
		t.Fatal(err)
	}
	const second, tcp, wal = 1_700_000_000_000_000, "TCP:[127.0.0.1:8420->127.0.0.1:35530]", "/tmp/x (1)/f.db-wal"
	want := []traced{
		{"read", tcp, "P", second + 100, second + 110, 1},
		{"read", tcp, `OST /v1/refunds HTTP/1.1\r\nIdempotency-Key: k-1\r\n`, second + 150, second + 170, 50},
		{"read", tcp, "", second + 180, second + 184, -1},
		{"pwrite64", wal, `\0\0) = 1 <`, second + 200, second + 215, 24},
		{"write", "anon_inode:[eventfd]", `\1\0`, second + 350, second + 355, 8},
		{"fdatasync", wal, "", second + 300, second + 900, 0},
		{"write", tcp, `HTTP/1.1 200 OK\r\n`, second + 1000, second + 1040, 3000},
		{"read", "", "x", second + 1100, second + 1100, 0},
	}
	if diff := cmp.Diff(want, calls, cmp.AllowUnexported(traced{})); diff != "" {
		t.Fatal(diff)
	}
	log := func(file string) bool { return strings.HasSuffix(file, "-wal") }
	judged := func(change func([]traced)) verdict {
		changed := append([]traced(nil), calls...)
		change(changed)
		list := stories(changed, "8420", nil, log)
		if len(list) != 1 || list[0].key != "k-1" || list[0].from != second+170 {
			t.Fatalf("%+v", list)
		}
		return list[0].verdict
	}
	for _, c := range []struct {
		name   string
		want   verdict
		change func([]traced)
	}{
		{"in order", proven, func([]traced) {}},
		{"the sync ends after the reply begins", broken, func(c []traced) { c[5].end = second + 1001 }},
		{"the sync begins before the write ends", broken, func(c []traced) { c[5].start = second + 214 }},
		{"the sync fails", broken, func(c []traced) { c[5].result = -1 }},
		{"the sync is of another file", broken, func(c []traced) { c[5].file = "/tmp/other" }},
		{"the write is older than the request", broken, func(c []traced) { c[3].start, c[3].end = second+50, second+60 }},
		{"more is written after the sync", unclear, func(c []traced) { c[4] = traced{"pwrite64", wal, "", second + 950, second + 960, 24} }},
	} {
		if got := judged(c.change); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, line := range []string{"no trace", "1 2.000003 what is this", "1 2.000003 read(3, \"\", 1"} {
		if calls, err := parseTrace(strings.NewReader(line)); err == nil {
			t.Errorf("%q is understood as %v", line, calls)
		}
	}
}

package heads

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/ledger"
)

func TestExport(t *testing.T) {
	b := newBench(t)
	e := b.exporter("heads")
	b.export(e)
	b.check("heads", State{Missing: true}) // nothing to keep, no file
	b.seals(2, 7, 8)
	b.export(e)
	text := b.text("heads")
	b.check("heads", State{Lines: 4})
	for i, want := range []string{`{"shard":7,"seal":1,"postings":1,"at":"2026-11-22T12:00:00Z","head":"`, `{"shard":7,"seal":2,`, `{"shard":8,"seal":1,`, `{"shard":8,"seal":2,`} {
		if l := strings.Split(text, "\n")[i]; !strings.HasPrefix(l, want) {
			t.Errorf("line %d is %s", i+1, l)
		}
	}
	b.export(e)
	again := b.exporter("heads") // as after a restart
	b.export(again)
	if b.text("heads") != text {
		t.Errorf("nothing was new, and it became %s", b.text("heads"))
	}
	b.seals(1, 8)
	b.export(again)
	b.export(e)
	if now := b.text("heads"); !strings.HasPrefix(now, text) || strings.Count(now, "\n") != 5 {
		t.Errorf("it became %s", now)
	}
	b.check("heads", State{Lines: 5})
	if i, err := os.Stat(b.file("heads")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i.Mode(), err)
	}
}

// More heads than are written at a time.
func TestExportOfMany(t *testing.T) {
	b := newBench(t)
	b.seals(6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
		33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
		65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96)
	b.export(b.exporter("heads"))
	b.check("heads", State{Lines: 6 * 96})
}

// Every node's file has the seals of all, and several may share one.
func TestSeveralNodes(t *testing.T) {
	b := newBench(t)
	one, two := b.exporter("one"), b.exporter("two")
	shared := []*Exporter{b.exporter("shared"), b.exporter("shared"), b.exporter("shared")}
	for range 5 {
		b.seals(2, 7, 8, 9)
		b.export(one)
		var wg sync.WaitGroup
		for _, e := range shared {
			wg.Go(func() {
				if err := e.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.export(two)
	for _, name := range []string{"one", "two", "shared"} {
		b.check(name, State{Lines: 30})
		if strings.Count(b.text(name), "\n") != 30 {
			t.Errorf("%s: %s", name, b.text(name))
		}
	}
}

// A last line that was not finished counts as not there, wherever it was cut,
// and is cut off when more is written.
func TestTornLine(t *testing.T) {
	b := newBench(t)
	b.seals(3, 7)
	b.export(b.exporter("heads"))
	whole := b.text("heads")
	keep := strings.LastIndex(whole[:len(whole)-1], "\n") + 1
	for cut := keep + 1; cut < len(whole); cut += 7 {
		b.write("heads", whole[:cut])
		b.check("heads", State{Lines: 2, Torn: true})
		b.export(b.exporter("heads"))
		if got := b.text("heads"); got != whole {
			t.Fatalf("cut at %d, it became %s", cut, got)
		}
	}
	b.write("heads", whole[:keep]+strings.Repeat("\x00", 100_000))
	b.check("heads", State{Lines: 2, Torn: true})
	b.export(b.exporter("heads"))
	if b.text("heads") != whole {
		t.Errorf("it became %q", b.text("heads"))
	}
	b.write("heads", whole[:100]) // the first and only line
	b.check("heads", State{Torn: true})
	b.export(b.exporter("heads"))
	if b.text("heads") != whole {
		t.Errorf("it became %q", b.text("heads"))
	}
}

// Anything else that is not as it was written is damage: it is named, and
// nothing is appended.
func TestDamagedFile(t *testing.T) {
	b := newBench(t)
	b.seals(4, 7)
	b.export(b.exporter("heads"))
	whole := b.text("heads")
	lines := strings.SplitAfter(whole, "\n")[:4]
	type damage struct {
		text string
		line int64
	}
	cases := map[string]damage{
		"line deleted":      {lines[0] + lines[2] + lines[3], 2},
		"lines swapped":     {lines[0] + lines[2] + lines[1] + lines[3], 2},
		"line twice":        {lines[0] + lines[0], 2},
		"first deleted":     {lines[1], 1},
		"empty line":        {whole + "\n", 5},
		"rubbish":           {whole + "rubbish\n", 5},
		"long rubbish":      {lines[0] + strings.Repeat("x", 200_000) + "\n", 2},
		"torn in between":   {lines[0] + lines[1][:80] + lines[2], 2},
		"spelt differently": {strings.Replace(whole, `"seal":1`, `"seal": 1`, 1), 1},
		"another number":    {strings.Replace(whole, `"seal":2`, `"seal":3`, 1), 2},
	}
	for at := 0; at < len(whole)-len(lines[3]); at += 37 {
		if whole[at] != '\n' {
			cases[fmt.Sprintf("byte %d", at)] = damage{whole[:at] + string(whole[at]^1) + whole[at+1:], int64(strings.Count(whole[:at], "\n")) + 1}
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b.write("heads", c.text)
			b.t = t
			b.check("heads", State{Lines: c.line - 1}, fmt.Sprintf("line %d is damaged", c.line))
			err := b.exporter("heads").Run(t.Context())
			if d, ok := errors.AsType[*DamageError](err); !ok || d.Line != c.line {
				t.Errorf("the exporter says %v", err)
			}
			if b.text("heads") != c.text {
				t.Error("the exporter changed the file")
			}
		})
	}
}

// A database that lacks what the file has is named, and its heads are not kept.
func TestCutAndReplacedChains(t *testing.T) {
	for name, c := range map[string]struct {
		sql   []string
		want  string
		after bool // more is sealed after the change
	}{
		"tail cut": {[]string{"DELETE FROM seal WHERE shard = 7 AND number > 2",
			"UPDATE seal_chain SET number = 2, head = (SELECT head FROM seal WHERE shard = 7 AND number = 2) WHERE shard = 7"},
			"seal 3 of shard 7, of 2026-11-22 12:00:02, is missing: the database was cut or restored", false},
		"tail cut and made anew": {[]string{"DELETE FROM seal WHERE shard = 7 AND number > 2", "UPDATE seal_mark SET number = 2 WHERE scope = 14",
			"UPDATE seal_chain SET number = 2, head = (SELECT head FROM seal WHERE shard = 7 AND number = 2) WHERE shard = 7"},
			"seal 3 of shard 7 is another than the one in", true},
		"all made anew over another amount": {[]string{"UPDATE posting SET amount = 99 WHERE scope = 14 AND number = 1", "DELETE FROM seal WHERE shard = 7",
			"DELETE FROM seal_mark WHERE scope = 14", "DELETE FROM seal_chain WHERE shard = 7"},
			"seal 1 of shard 7 is another than the one in", true},
		"all removed": {[]string{"DELETE FROM seal", "DELETE FROM seal_mark", "DELETE FROM seal_chain WHERE shard = 7"},
			"seal 1 of shard 7, of 2026-11-22 12:00:00, is missing", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.seals(4, 7)
			running := b.exporter("heads")
			b.export(running)
			text := b.text("heads")
			for _, sql := range c.sql {
				b.behind(sql)
			}
			if c.after {
				b.clock.Advance(time.Hour) // all accounts are looked at again
				b.seals(2, 7)
			}
			b.check("heads", State{Lines: 4}, c.want)
			for name, e := range map[string]*Exporter{"running": running, "restarted": b.exporter("heads")} {
				if _, ok := errors.AsType[*ConflictError](e.Run(t.Context())); !ok {
					t.Errorf("the %s exporter does not notice", name)
				}
			}
			if got := b.text("heads"); got != text {
				t.Errorf("the file was changed: %s", got)
			}
		})
	}
}

// A file that was moved away is begun anew with all heads.
func TestFileMovedAway(t *testing.T) {
	b := newBench(t)
	e := b.exporter("heads")
	b.seals(2, 7)
	b.export(e)
	before := b.text("heads")
	if err := os.Rename(b.file("heads"), b.file("old")); err != nil {
		t.Fatal(err)
	}
	b.seals(1, 7)
	b.export(e)
	if now := b.text("heads"); !strings.HasPrefix(now, before) || strings.Count(now, "\n") != 3 {
		t.Errorf("it is %s", now)
	}
	b.check("old", State{Lines: 2})
}

// The file and the database may be written to while they are compared.
func TestCheckUnderWay(t *testing.T) {
	b := newBench(t)
	e := b.exporter("heads")
	var checking sync.WaitGroup
	done := make(chan struct{})
	checking.Go(func() {
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			default:
			}
			if _, err := Check(t.Context(), b.db, b.file("heads"), func(f ledger.Finding) { t.Error(f) }); err != nil {
				t.Error(err)
			}
		}
	})
	for range 40 {
		b.seals(1, 7, 8)
		b.export(e)
	}
	close(done)
	checking.Wait()
	b.check("heads", State{Lines: 80})
}

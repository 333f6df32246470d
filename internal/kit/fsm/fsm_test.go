package fsm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type row = Row[string, string]

func door() *Table[string, string] {
	return New("door",
		row{"closed", "open", "opened"},
		row{"opened", "close", "closed"},
		row{"closed", "brick up", "wall"},
		row{"opened", "knock", "opened"},
	)
}

func TestNextAndCan(t *testing.T) {
	d := door()
	for _, c := range []struct {
		from, on, to string
		ok           bool
	}{
		{"closed", "open", "opened", true},
		{"opened", "close", "closed", true},
		{"closed", "brick up", "wall", true},
		{"opened", "knock", "opened", true},
		{"opened", "open", "", false},
		{"wall", "open", "", false},
		{"window", "open", "", false},
		{"closed", "", "", false},
	} {
		if to, ok := d.Next(c.from, c.on); to != c.to || ok != c.ok {
			t.Errorf("Next(%q, %q) = %q, %v; want %q, %v", c.from, c.on, to, ok, c.to, c.ok)
		}
		if ok := d.Can(c.from, c.on); ok != c.ok {
			t.Errorf("Can(%q, %q) = %v, want %v", c.from, c.on, ok, c.ok)
		}
	}
}

func TestFinal(t *testing.T) {
	d := door()
	for state, want := range map[string]bool{"closed": false, "opened": false, "wall": true, "window": true} {
		if got := d.Final(state); got != want {
			t.Errorf("Final(%q) = %v, want %v", state, got, want)
		}
	}
}

func TestDuplicateRowPanics(t *testing.T) {
	for name, again := range map[string]row{
		"another target": {"closed", "open", "wall"},
		"the same row":   {"closed", "open", "opened"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				said, _ := recover().(string)
				for _, part := range []string{"door", "closed", "open"} {
					if !strings.Contains(said, part) {
						t.Errorf("panic %q does not name %q", said, part)
					}
				}
			}()
			New("door", row{"closed", "open", "opened"}, again)
		})
	}
}

func TestRowsAreCopies(t *testing.T) {
	rows := []row{{"closed", "open", "opened"}}
	d := New("door", rows...)
	rows[0].From = "changed by the maker"
	got := d.Rows()
	got[0].To = "changed by a reader"
	if diff := cmp.Diff([]row{{"closed", "open", "opened"}}, d.Rows()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !d.Final("changed by the maker") || d.Final("closed") {
		t.Error("the machine follows its maker's slice")
	}
}

func TestMermaid(t *testing.T) {
	want := `stateDiagram-v2
    closed --> opened: open
    opened --> closed: close
    closed --> wall: brick up
    opened --> opened: knock
`
	if diff := cmp.Diff(want, door().Mermaid()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// writeJSON writes one JSON value, for programs.
func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// moment spells a time for people, in UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func mode(livemode bool) string {
	if livemode {
		return "live"
	}
	return "test"
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// writeTable aligns what rows writes.
func writeTable(out io.Writer, rows func(row func(cells ...any))) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows(func(cells ...any) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			// What people named must not move the cursor or break the table.
			fmt.Fprint(w, strings.Map(printable, fmt.Sprint(cell)))
		}
		fmt.Fprintln(w)
	})
	return w.Flush()
}

package admin

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed *.html
var files embed.FS

// pages are the templates: each page with the frame around it.
var pages = template.Must(template.New("").Funcs(template.FuncMap{"moment": moment, "span": span, "ago": ago, "lag": lag, "short": short}).ParseFS(files, "*.html"))

// moment spells a time, in UTC; a dash for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span spells a duration with as much as one wants to know of it.
func span(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprint(d.Milliseconds(), " ms")
	case d < time.Minute:
		return fmt.Sprint(int(d.Seconds()), " s")
	case d < time.Hour:
		return parts(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return parts(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return parts(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

func parts(n int, unit string, rest int, smaller string) string {
	if rest == 0 {
		return fmt.Sprint(n, " ", unit)
	}
	return fmt.Sprint(n, " ", unit, " ", rest, " ", smaller)
}

// ago spells how long before, or after, now a time is.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return "–"
	case d >= 0:
		return span(d) + " ago"
	default:
		return "in " + span(-d)
	}
}

// lag spells by how much a run is overdue; a run is never to the millisecond.
func lag(d time.Duration) string {
	if d < time.Second {
		return ""
	}
	return span(d) + " overdue"
}

// short is the beginning of a text, of at most n bytes.
func short(n int, text string) string {
	if len(text) > n {
		text = strings.ToValidUTF8(text[:n], "")
	}
	return text
}

// show renders a page whole before anything of it is sent.
func (s *site) show(w http.ResponseWriter, name string, v any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		s.Log.Error("admin page", "page", name, "error", err)
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes())
}

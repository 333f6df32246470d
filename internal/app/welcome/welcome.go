// Package welcome is what a browser sees at the root: that Florin runs, and
// what to do next, in the reader's language.
package welcome

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"

	"golang.org/x/text/language"

	"github.com/florinpay/florin/internal/base/listen"
)

//go:embed page.html messages
var files embed.FS

// catalogue holds the page's messages by language.
type catalogue struct {
	matcher  language.Matcher
	messages []map[string]string
}

// languages that the page is translated into; the first is for everybody else.
var languages = []language.Tag{language.English, language.SimplifiedChinese}

func load() (*catalogue, error) {
	c := &catalogue{matcher: language.NewMatcher(languages)}
	for _, tag := range languages {
		text, err := files.ReadFile("messages/" + tag.String() + ".json")
		if err != nil {
			return nil, err
		}
		var m map[string]string
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, err
		}
		c.messages = append(c.messages, m)
	}
	return c, nil
}

// New makes the page's handler.
func New() (http.Handler, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, at := language.MatchStrings(c.matcher, r.Header.Get("Accept-Language"))
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Language")
		scheme := "http"
		if listen.PeerOf(r).HTTPS {
			scheme = "https"
		}
		_ = page.Execute(w, map[string]any{"Language": languages[at].String(), "M": c.messages[at], "Scheme": scheme, "Host": r.Host})
	}), nil
}

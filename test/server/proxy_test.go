//go:build unix

package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// Whether a card's number may come depends on what a proxy says only where the
// proxy is trusted. What is refused leaves nothing behind: florintest searches
// for it.
func TestProxies(t *testing.T) {
	t.Parallel()
	trusting := florintest.Start(t, florintest.Options{Args: []string{"--trusted-proxies=127.0.0.1,10.0.0.0/8"}})
	wary := florintest.Start(t, florintest.Options{})
	for name, c := range map[string]struct {
		s       *florintest.Server
		headers []string
		status  int
	}{
		"from here":                        {trusting, nil, http.StatusOK},
		"the proxy says https":             {trusting, []string{"X-Forwarded-For", "192.0.2.9", "X-Forwarded-Proto", "https"}, http.StatusOK},
		"the proxy says http":              {trusting, []string{"X-Forwarded-For", "192.0.2.9", "X-Forwarded-Proto", "http"}, http.StatusForbidden},
		"the proxy says nothing of it":     {trusting, []string{"X-Forwarded-For", "192.0.2.9"}, http.StatusForbidden},
		"the proxy says http, standard":    {trusting, []string{"Forwarded", "for=192.0.2.9;proto=http"}, http.StatusForbidden},
		"who is no proxy says http":        {wary, []string{"X-Forwarded-For", "192.0.2.9", "X-Forwarded-Proto", "http"}, http.StatusOK},
		"who is no proxy says it standard": {wary, []string{"Forwarded", "for=192.0.2.9;proto=http"}, http.StatusOK},
	} {
		r := clientOf(t, c.s, nil).token(c.headers...)
		if r.status != c.status {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
		if c.status == http.StatusForbidden && (!strings.Contains(r.text, "plain HTTP") || !strings.Contains(r.text, `"param": "card[cvc]"`)) {
			t.Errorf("%s: %s", name, r.text)
		}
	}
	for _, s := range []*florintest.Server{trusting, wary} {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
}

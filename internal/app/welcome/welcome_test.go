package welcome

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	page, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]string{
		"":                        "Florin is running",
		"de":                      "Florin is running",
		"zh-CN,zh;q=0.9,en;q=0.8": "Florin 正在运行",
	} {
		r := httptest.NewRequest(http.MethodGet, "http://shop.example:8420/", nil)
		r.Host = `shop.example:8420"><script>`
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		body := w.Body.String()
		if !strings.Contains(body, want) || !strings.Contains(body, "http://shop.example:8420") || strings.Contains(body, "<script>") {
			t.Errorf("%q: %s", accept, body)
		}
	}
}

// The command on the page uses the scheme that the page came by.
func TestPageOverTLS(t *testing.T) {
	page, err := New()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://shop.example/", nil))
	if !strings.Contains(w.Body.String(), "curl https://shop.example/") {
		t.Error(w.Body)
	}
}

// Every language has every message.
func TestCataloguesAreComplete(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range c.messages {
		for key := range c.messages[0] {
			if m[key] == "" {
				t.Errorf("%s lacks %q", languages[i], key)
			}
		}
	}
}

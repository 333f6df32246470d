//go:build unix

package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// caller asks a server what curl would ask it.
type caller struct {
	t *testing.T
	s *florintest.Server
}

// reply is an answer, its body as text and as JSON.
type reply struct {
	t      *testing.T
	asked  string
	status int
	header http.Header
	text   string
	body   any
}

// curl does what "curl URL -u KEY: -d DATA …" does: data is sent as it is
// written, joined by &, in a POST; without data it is a GET.
func (c caller) curl(path string, data ...string) *reply {
	c.t.Helper()
	method, header := http.MethodGet, map[string]string{}
	if len(data) > 0 {
		method, header["Content-Type"] = http.MethodPost, "application/x-www-form-urlencoded"
	}
	return c.ask(c.s.SecretKey, method, path, strings.Join(data, "&"), header)
}

// ask sends any request; without a key, no authorization.
func (c caller) ask(key, method, path, body string, header map[string]string) *reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if key != "" {
		req.SetBasicAuth(key, "")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := http.Client{Transport: leak.Watched(c.t, nil)}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	r := &reply{t: c.t, asked: method + " " + path, status: resp.StatusCode, header: resp.Header, text: string(text)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		lines := json.NewDecoder(strings.NewReader(r.text))
		lines.UseNumber()
		if err := lines.Decode(&r.body); err != nil {
			c.t.Errorf("%s is answered with what is no JSON: %v\n%s", r.asked, err, text)
		}
	}
	return r
}

// at is what stands at a path such as "data.0.id"; nil when there is nothing.
func (r *reply) at(path string) any {
	at := r.body
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(v) {
				return nil
			}
			at = v[n]
		default:
			return nil
		}
	}
	return at
}

func (r *reply) str(path string) string {
	r.t.Helper()
	text, ok := r.at(path).(string)
	if !ok {
		r.t.Fatalf("%s: %s is %v\n%s", r.asked, path, r.at(path), r.text)
	}
	return text
}

// is checks the status and what stands at some paths.
func (r *reply) is(status int, want map[string]any) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s is answered with %d, want %d\n%s", r.asked, r.status, status, r.text)
	}
	for path, value := range want {
		if got := r.at(path); fmt.Sprint(got) != fmt.Sprint(value) {
			r.t.Errorf("%s: %s is %v, want %v\n%s", r.asked, path, got, value, r.text)
		}
	}
	return r
}

package rest

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/leak"
)

// png is a picture as far as its beginning goes.
const png = "\x89PNG\r\n\x1a\n picture"

// multi is a multipart form with a file, and its content type.
func multi(name, content string, fields ...string) (form, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	part, _ := w.CreateFormFile("file", name)
	_, _ = part.Write([]byte(content))
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// uploaded uploads a file.
func (h *harness) uploaded(name, content string, fields ...string) *answered {
	h.t.Helper()
	form, typ := multi(name, content, fields...)
	return h.send("POST", "/v1/files", form, "Content-Type", typ)
}

func (h *harness) file() string {
	h.t.Helper()
	return h.uploaded("a.png", png, "purpose", "dispute_evidence").ok().str("id")
}

// fetched is the answer to a request whose answer is no JSON.
func (h *harness) fetched(method, url, key string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := local(httptest.NewRequestWithContext(h.t.Context(), method, url, nil))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	if strings.HasPrefix(r.URL.Path, linksPath) {
		h.server.ServeLink(w, r)
	} else {
		h.handler.ServeHTTP(w, r)
	}
	leak.CheckReply(h.t, url, w.Body.Bytes())
	return w
}

var _ = shows("PostFiles", scenario{
	prepare: func(*harness) sent {
		form, typ := multi("receipt.png", png, "purpose", "dispute_evidence", "file_link_data[create]", "true", "file_link_data[metadata][a]", "b")
		return sent{form: form, headers: []string{"Content-Type", typ}}
	},
	want:  map[string]any{"object": "file", "purpose": "dispute_evidence", "filename": "receipt.png", "type": "png", "size": len(png), "links.data.0.metadata.a": "b"},
	shows: map[string]any{"data.0.filename": "receipt.png"},
	fails: []refusedRequest{
		{"no file", func(*harness, sent) sent { return sent{form: "purpose=dispute_evidence&file=x"} }, 400, ""},
		{"of another type", func(*harness, sent) sent {
			form, typ := multi("a.txt", "text", "purpose", "dispute_evidence")
			return sent{form: form, headers: []string{"Content-Type", typ}}
		}, 400, "invalid_file_type"},
		{"too large", func(*harness, sent) sent {
			form, typ := multi("a.png", png+strings.Repeat("x", 600<<10), "purpose", "business_icon")
			return sent{form: form, headers: []string{"Content-Type", typ}}
		}, 400, "file_too_large"},
		{"an unknown parameter among parts", func(*harness, sent) sent {
			form, typ := multi("a.png", png, "purpose", "dispute_evidence", "colour", "red")
			return sent{form: form, headers: []string{"Content-Type", typ}}
		}, 400, "parameter_unknown"},
	},
})

var _ = shows("GetFiles", scenario{
	prepare: func(h *harness) sent { h.file(); h.file(); return sent{form: "limit=3&purpose=dispute_evidence"} },
	want:    map[string]any{"object": "list", "data.0.object": "file"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"purpose": "pci_document", "starting_after": h.file(), "ending_before": h.file()}
	},
})

var _ = shows("GetFilesFile", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.file()}} },
	want:    map[string]any{"object": "file", "type": "png"},
})

var _ = shows("PostFileLinks", scenario{
	prepare: func(h *harness) sent { return sent{form: "metadata[a]=b&expires_at=4000000000&file=" + h.file()} },
	want:    map[string]any{"object": "file_link", "expired": false, "expires_at": 4000000000, "metadata.a": "b"},
	shows:   map[string]any{"data.0.metadata.a": "b"},
	fails: []refusedRequest{
		{"no file", sending("file=file_none"), 400, "resource_missing"},
		{"in the past", func(h *harness, _ sent) sent { return sent{form: "expires_at=1&file=" + h.file()} }, 400, ""},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"file": "file_none", "expires_at": "4000000001"}
	},
})

// link makes a link to a new file.
func (h *harness) link() *answered {
	h.t.Helper()
	return h.post("/v1/file_links", "file="+h.file()).ok()
}

var _ = shows("GetFileLinks", scenario{
	prepare: func(h *harness) sent { h.link(); h.link(); return sent{form: "limit=3&expired=false"} },
	want:    map[string]any{"object": "list", "data.0.object": "file_link"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"expired": "true", "file": h.file(), "starting_after": h.link().str("id"), "ending_before": h.link().str("id")}
	},
})

var _ = shows("GetFileLinksLink", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.link().str("id")}} },
	want:    map[string]any{"object": "file_link"},
})

var _ = shows("PostFileLinksLink", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.link().str("id")}, form: "expires_at=now&metadata[a]=b"}
	},
	shows:  map[string]any{"expired": true, "url": nil, "metadata.a": "b"},
	values: func(*harness, sent) map[string]string { return map[string]string{"expires_at": "4000000000"} },
	fails: []refusedRequest{{"expired", func(h *harness, s sent) sent {
		h.post("/v1/file_links/"+s.in[0], "expires_at=now").ok()
		return s
	}, 400, ""}},
})

// A content comes back as it was, to those who may have it and for as long as
// they may.
func TestContents(t *testing.T) {
	h := newHarness(t)
	content := png + strings.Repeat("0123456789abcdef", 40_000) // of three chunks
	made := h.uploaded(`C:\dir\e"vil.png`, content, "purpose", "dispute_evidence").ok()
	validate(t, "file", made.text)
	complete(t, "file", made.text)
	url := made.str("url")
	got := h.fetched("GET", url, testSecretKey)
	if got.Code != 200 || got.Body.String() != content || got.Header().Get("Content-Type") != "image/png" || got.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v, %d bytes", got.Code, got.Header(), got.Body.Len())
	}
	for key, status := range map[string]int{"": 401, testPublishableKey: 401, otherSecretKey: 404} {
		if got := h.fetched("GET", url, key); got.Code != status || strings.Contains(got.Body.String(), "PNG") {
			t.Errorf("%q: %d %s", key, got.Code, got.Body)
		}
	}
	link := h.post("/v1/file_links", "file="+made.str("id")).ok()
	validate(t, "file_link", link.text)
	complete(t, "file_link", link.text)
	at := link.str("url")
	if got := h.fetched("GET", at, ""); got.Code != 200 || got.Body.String() != content {
		t.Errorf("by the link: %d, %d bytes", got.Code, got.Body.Len())
	}
	for _, bad := range []string{at + "x", at[:len(at)-1], at[:strings.LastIndex(at, "/")+1], strings.Replace(at, "/links/A", "/links/B", 1)} {
		if got := h.fetched("GET", bad, ""); got.Code != 404 {
			t.Errorf("%s: %d", bad, got.Code)
		}
	}
	h.post("/v1/file_links/"+link.str("id"), "expires_at=now").ok()
	if got := h.fetched("GET", at, ""); got.Code != 404 || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("an expired link: %d %s", got.Code, got.Body)
	}
	h.get("/v1/file_links/" + link.str("id") + "?expand[]=file").ok().has(map[string]any{"file.object": "file", "url": nil, "expired": true})
}

// A file that is uploaded again under its key is there once, and another one is
// refused.
func TestUploadsAreIdempotent(t *testing.T) {
	h := newHarness(t)
	form, typ := multi("a.png", png, "purpose", "dispute_evidence")
	first := h.send("POST", "/v1/files", form, "Content-Type", typ, "Idempotency-Key", "k").ok()
	again := h.send("POST", "/v1/files", form, "Content-Type", typ, "Idempotency-Key", "k").ok()
	if string(first.text) != string(again.text) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s and %s", first.text, again.text)
	}
	other, typ := multi("a.png", png+"!", "purpose", "dispute_evidence")
	h.send("POST", "/v1/files", other, "Content-Type", typ, "Idempotency-Key", "k").is(http.StatusBadRequest).has(map[string]any{"error.type": "idempotency_error"})
	if n := len(h.get("/v1/files").ok().at("data").([]any)); n != 1 {
		t.Errorf("%d files", n)
	}
	if n, err := h.server.File.Expire(context.Background(), 100); n != 0 || err != nil {
		t.Errorf("%d uploads were left, %v", n, err)
	}
}

package contract

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Before is the newest of the older documents that a version is not older than:
// what a client of that version was written for.
func Before(tb testing.TB, version string) *Document {
	tb.Helper()
	for i := len(OlderVersions) - 1; i >= 0; i-- {
		if OlderVersions[i] <= version {
			return Older(tb, OlderVersions[i])
		}
	}
	tb.Fatalf("there is no document as old as %s", version)
	return nil
}

// Watched passes requests on and holds each answer against a document.
func (d *Document) Watched(tb testing.TB, through http.RoundTripper) http.RoundTripper {
	return watched{tb, d, through}
}

type watched struct {
	tb       testing.TB
	document *Document
	through  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	w.tb.Helper()
	reply, err := w.through.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reply.Body)
	if closed := reply.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	for _, v := range w.document.Violations(r.Method, r.URL.Path, reply.StatusCode, body) {
		w.tb.Errorf("%s %s at %s: %s\n%s", r.Method, r.URL.Path, w.document.Version, v, body)
	}
	reply.Body = io.NopCloser(bytes.NewReader(body))
	return reply, nil
}

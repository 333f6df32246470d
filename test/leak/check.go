package leak

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// CheckFiles fails the test if one of the files holds card data. Files that are
// not there are passed over.
func CheckFiles(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		hits, err := File(path)
		report(tb, hits, err)
	}
}

// CheckDir fails the test if a file below one of the folders holds card data.
func CheckDir(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		hits, err := Dir(path)
		report(tb, hits, err)
	}
}

// CheckDatabase fails the test if the database at an address holds card data;
// see [Database]. It is for the end of a test, so it does not go by the test's
// context.
func CheckDatabase(tb testing.TB, address string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	hits, err := Database(ctx, address)
	report(tb, hits, err)
}

// CheckReply fails the test if what a client received holds card data. asked
// says to what it was the reply.
func CheckReply(tb testing.TB, asked string, reply []byte) {
	tb.Helper()
	report(tb, Bytes("the reply to "+asked, reply), nil)
}

func report(tb testing.TB, hits []Hit, err error) {
	tb.Helper()
	for _, h := range hits {
		tb.Errorf("card data: %s", h)
	}
	if err != nil {
		tb.Errorf("the search for card data: %v", err)
	}
}

// Watched is a way to a server that searches the body and the headers of every
// reply before the client gets it. through is nil for the usual way.
func Watched(tb testing.TB, through http.RoundTripper) http.RoundTripper {
	if through == nil {
		through = http.DefaultTransport
	}
	return watched{tb, through}
}

type watched struct {
	tb      testing.TB
	through http.RoundTripper
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
	var head bytes.Buffer
	_ = reply.Header.Write(&head) // to memory
	asked := r.Method + " " + r.URL.Path
	CheckReply(w.tb, asked, head.Bytes())
	CheckReply(w.tb, asked, body)
	reply.Body = io.NopCloser(bytes.NewReader(body))
	return reply, nil
}

// Package inbound is where providers send what they tell unasked:
//
//	POST /providers/{provider}/{endpoint}/notifications
//
// The endpoint is the connection to the provider: test for those of test mode. A
// message is acknowledged with 204 once it is stored; what is not
// acknowledged comes again. 401 refuses a signature that is not good, 413 more
// than [news.MaxBody] bytes, 404 nobody known; of these nothing is kept.
package inbound

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Server takes messages.
type Server struct {
	News  *news.Service
	Clock clock.Clock
	Log   *slog.Logger
}

// root is where the paths begin.
const root = "/providers/"

// Path is where a source's messages come in.
func Path(from news.From) string {
	return root + from.Provider + "/" + from.Endpoint + "/notifications"
}

// Mount adds the door to mux.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.HandleFunc("POST "+root+"{provider}/{endpoint}/notifications", s.receive)
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, news.MaxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		http.Error(w, "the message is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the sender left in the middle of its message
	}
	from := news.From{Provider: r.PathValue("provider"), Endpoint: r.PathValue("endpoint")}
	header := r.Header
	err = s.News.Receive(r.Context(), from, news.Push{Header: header.Get, Body: body, At: s.Clock.Now()})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, news.ErrUnsigned):
		http.Error(w, "the signature is not good", http.StatusUnauthorized)
	case errors.Is(err, news.ErrUnknown):
		http.Error(w, "there is nothing here", http.StatusNotFound)
	default:
		s.Log.Error("a provider's message could not be stored; it is to come again", "provider", from.Provider, "error", strings.ToValidUTF8(err.Error(), "?"))
		http.Error(w, "the message could not be stored", http.StatusServiceUnavailable)
	}
}

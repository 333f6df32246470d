package rest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

// What the command line of Stripe needs for listen and logs tail: a session,
// which is asked for with an API key, and a websocket, which is opened with the
// session's id. The protocol is that of https://github.com/stripe/stripe-cli.

var stripecliRoutes = map[string]route{
	"PostStripecliSessions": {startSession, merchant.Events, merchant.Write},
}

const (
	// SocketPath is where [Server.Sockets] is to be found.
	SocketPath = "/stripecli/subscribe"

	featureEvents = "webhooks"
	featureLogs   = "request_logs"

	// sessionLife bounds for how long whoever knows a session's id may use it.
	sessionLife = 12 * time.Hour
	// reconnectDelay is after how many seconds the command line connects anew,
	// unprompted, so that no middlebox grows tired of the connection.
	reconnectDelay = 120
	// maxFrame is the most bytes of a frame from the command line, which sends
	// along what the merchant's server said.
	maxFrame = 1 << 20
	// writeGrace is how long a frame may take to be sent.
	writeGrace = 10 * time.Second
)

// session is what a session's id says, under a MAC: no node has to remember it.
type session struct {
	Scope   int64     `json:"s"`
	Feature string    `json:"f"`
	Filters string    `json:"l,omitempty"`
	Device  string    `json:"d,omitempty"`
	Default string    `json:"v"` // the API version of the account
	Ends    time.Time `json:"e"`
	Nonce   string    `json:"n"`
}

type shownSession struct {
	DefaultVersion string `json:"default_version"`
	DisplayWarning bool   `json:"display_connect_filter_warning"`
	LatestVersion  string `json:"latest_version"`
	ReconnectDelay int    `json:"reconnect_delay"`
	Secret         string `json:"secret"`
	Feature        string `json:"websocket_authorized_feature"`
	WebsocketID    string `json:"websocket_id"`
	WebsocketURL   string `json:"websocket_url"`
}

func startSession(s *Server, c *call) (any, error) {
	feature, err := featureOf(c)
	if err != nil {
		return nil, err
	}
	device, _ := c.form.String("device_name")
	filters, _ := c.form.String("filters")
	if _, err := parseFilters(filters); err != nil {
		return nil, err
	}
	version := versionOf(&c.key.Account.Body).String()
	n := session{Scope: c.scope.Key(), Feature: feature, Filters: filters, Device: clip(device), Default: version,
		Ends: s.DB.Clock().Now().Add(sessionLife), Nonce: rand.Text()}
	token, err := s.sessionID(n)
	if err != nil {
		return nil, err
	}
	scheme := "ws"
	if listen.PeerOf(c.http).HTTPS {
		scheme = "wss"
	}
	return shownSession{
		DefaultVersion: version, LatestVersion: apiversion.Default().String(), ReconnectDelay: reconnectDelay, Secret: s.sessionSecret(n).Reveal(),
		Feature: feature, WebsocketID: token, WebsocketURL: scheme + "://" + c.http.Host + SocketPath + "/" + merchant.Accounts.ID(merchant.Home(c.scope.Account), c.scope.Account),
	}, nil
}

// featureOf is what the session is for. Newer command lines ask for several at
// once, of which Florin has one: the other is thin events.
func featureOf(c *call) (string, error) {
	wanted, _ := c.form.Strings("websocket_features")
	if one, ok := c.form.String("websocket_feature"); ok {
		wanted = append(wanted, one)
	}
	for _, f := range []string{featureEvents, featureLogs} {
		if slices.Contains(wanted, f) {
			return f, nil
		}
	}
	return "", fault.Param("websocket_features", "", "Florin has the features %s (snapshot events) and %s, and no thin events. You asked for %s.", featureEvents, featureLogs, clip(strings.Join(wanted, ", ")))
}

func (s *Server) sessionID(n session) (string, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(s.Master.MAC("stripecli.session", body), body...)), nil
}

// sessionSecret signs what is forwarded: the same for every session of a device
// and an account, so that it can stand in a configuration.
func (s *Server) sessionSecret(n session) hidden.Text {
	return hidden.NewText("whsec_" + hex.EncodeToString(s.Master.MAC("stripecli.secret", secret.Context(strconv.FormatInt(n.Scope, 10), n.Device))))
}

// readSession reads what sessionID wrote, and is false for anything else and
// for a session that has ended.
func (s *Server) readSession(token string) (n session, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	const size = 32
	if err != nil || len(raw) <= size || !hidden.NewText(string(raw[:size])).Equal(hidden.NewText(string(s.Master.MAC("stripecli.session", raw[size:])))) {
		return n, false
	}
	if err := json.Unmarshal(raw[size:], &n); err != nil {
		return n, false
	}
	return n, s.DB.Clock().Now().Before(n.Ends)
}

// Sockets answers the websockets of the command line. They end when ctx does.
func (s *Server) Sockets(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := s.readSession(r.Header.Get("Websocket-Id"))
		if feature := r.URL.Query().Get("websocket_feature"); !ok || feature != "" && feature != n.Feature {
			// The command line knows these words and asks for a new session.
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","message":"Unknown WebSocket ID."}}` + "\n"))
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has answered
		}
		conn.SetReadLimit(maxFrame)
		s.converse(ctx, conn, n)
	})
}

// socket is one websocket of a session.
type socket struct {
	*session
	scope  id.Scope
	server *Server
	conn   *websocket.Conn
}

// converse serves a socket until either side has enough.
func (s *Server) converse(ctx context.Context, conn *websocket.Conn, n session) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := &socket{session: &n, scope: id.ScopeOf(n.Scope), server: s, conn: conn}
	heard := func([]byte) {}
	var speak func(context.Context) error
	if n.Feature == featureEvents {
		f := s.commandLines.follow(n.Nonce, s.DB.Clock().Now())
		heard = f.heard
		speak = func(ctx context.Context) error { return k.forward(ctx, f) }
	} else {
		lines, leave, err := s.commandLines.tail(k.scope, n.Filters)
		if err != nil {
			return // the filters were read before the session was made
		}
		defer leave()
		speak = func(ctx context.Context) error { return k.report(ctx, lines) }
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer cancel()
		for {
			_, frame, err := conn.Read(ctx)
			if err != nil {
				return
			}
			heard(frame)
		}
	})
	err := speak(ctx)
	if err != nil && ctx.Err() == nil {
		s.Log.Warn("a session of the command line was broken off", "error", err)
	}
	_ = conn.Close(websocket.StatusGoingAway, "")
	cancel()
	reading.Wait()
}

// send sends one frame.
func (k *socket) send(ctx context.Context, frame any) error {
	text, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeGrace)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, text)
}

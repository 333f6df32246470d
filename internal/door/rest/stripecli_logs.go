package rest

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

// tailDepth is how many requests wait for a slow reader. What is beyond is left
// out: nobody's payment waits for those who look on.
const tailDepth = 1000

// tail is somebody who looks on as requests are answered, by this node.
type tail struct {
	scope   id.Scope
	filters logFilters
	lines   chan logLine
}

// logFilters are those of logs tail, as the command line sends them. What is
// not among them narrows nothing.
type logFilters struct {
	Accounts  []string `json:"filter_account"`
	Addresses []string `json:"filter_ip_address"`
	Methods   []string `json:"filter_http_method"`
	Paths     []string `json:"filter_request_path"`
	Outcomes  []string `json:"filter_request_status"`
	Sources   []string `json:"filter_source"`
	Codes     []string `json:"filter_status_code"`
	Classes   []string `json:"filter_status_code_type"`
}

func parseFilters(text string) (f logFilters, err error) {
	if text == "" {
		return f, nil
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fault.Param("filters", "", "The filters are not JSON as the command line sends it.")
	}
	return f, nil
}

// logLine is what is told of a request: no parameter, no header, no key.
type logLine struct {
	Created  int64     `json:"created_at"`
	Livemode bool      `json:"livemode"`
	Method   string    `json:"method"`
	Request  string    `json:"request_id"`
	Status   int       `json:"status"`
	URL      string    `json:"url"`
	Error    *logError `json:"error,omitempty"`

	client string
}

type logError struct {
	Type        string `json:"type"`
	Charge      string `json:"charge"`
	Code        string `json:"code"`
	DeclineCode string `json:"decline_code"`
	Message     string `json:"message"`
	Param       string `json:"param"`
}

// tail begins to look on.
func (l *commandLines) tail(s id.Scope, filters string) (<-chan logLine, func(), error) {
	f, err := parseFilters(filters)
	if err != nil {
		return nil, nil, err
	}
	t := &tail{scope: s, filters: f, lines: make(chan logLine, tailDepth)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tails == nil {
		l.tails = map[*tail]bool{}
	}
	l.tails[t] = true
	l.looking.Add(1)
	return t.lines, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.tails, t)
		l.looking.Add(-1)
	}, nil
}

// tell tells those who look on of a request that was answered.
func (l *commandLines) tell(c *call, now time.Time) {
	if l.looking.Load() == 0 || c.key.Account == nil {
		return
	}
	line := logLine{Created: now.Unix(), Livemode: c.scope.Livemode, Method: c.http.Method, Request: c.id, Status: c.status,
		URL: plainPath(c.http.URL.Path), client: listen.PeerOf(c.http).Client.String()}
	if e := c.failed; e != nil {
		line.Error = &logError{e.Type, e.Charge, e.Code, e.DeclineCode, e.Message, e.Param}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range l.tails {
		if t.scope == c.scope && t.filters.pass(&line) {
			select {
			case t.lines <- line:
			default:
			}
		}
	}
}

// plainPath is a path without what has no place in one: a number as long as a
// card's, or a secret.
func plainPath(path string) string {
	parts := strings.Split(clip(path), "/")
	for i, p := range parts {
		if cardLike(p) || strings.Contains(p, "_secret_") || strings.HasPrefix(p, "sk_") || strings.HasPrefix(p, "rk_") {
			parts[i] = hidden.Redacted
		}
	}
	return strings.Join(parts, "/")
}

func (f *logFilters) pass(line *logLine) bool {
	outcome := "SUCCEEDED"
	if line.Status >= 400 {
		outcome = "FAILED"
	}
	among := func(list []string, value string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, value) })
	}
	return among(f.Methods, line.Method) && among(f.Paths, line.URL) && among(f.Outcomes, outcome) && among(f.Sources, "API") &&
		among(f.Codes, strconv.Itoa(line.Status)) && among(f.Classes, strconv.Itoa(line.Status/100)+"XX") && among(f.Addresses, line.client)
}

// requestLog is a frame of logs tail.
type requestLog struct {
	Type    string `json:"type"`
	Payload string `json:"event_payload"`
	ID      string `json:"request_log_id"`
}

// report sends the lines of the session's account as they come.
func (k *socket) report(ctx context.Context, lines <-chan logLine) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-lines:
			payload, err := json.Marshal(line)
			if err != nil {
				return err
			}
			if err := k.send(ctx, requestLog{"request_log_event", string(payload), "resp_" + strings.TrimPrefix(line.Request, "req_")}); err != nil {
				return err
			}
		}
	}
}

//go:build unix

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// client talks to a server as a careful merchant does: each request has a key,
// and one that got no answer is sent again under its key until it gets one.
type client struct {
	url, secret string
	http        http.Client
	// urls, if set, are those of several servers, which are asked in turn.
	urls []string
	turn atomic.Int64
	// broken counts requests that were begun and got no answer, or one that tells
	// of a failure.
	broken atomic.Int64

	answered, retried atomic.Int64
}

func newClient(s *florintest.Server) *client {
	return &client{url: s.URL, secret: s.SecretKey, http: http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}}}
}

// call is a request that changes something. Its key is also the metadata by
// which what it made is found again.
type call struct {
	Key, Path string
	Form      url.Values
	Answer    answer
}

type answer struct {
	Status   int
	Body     string
	Replayed bool
}

// acknowledged reports whether the answer tells that something was done, or
// that a card was declined.
func (a answer) acknowledged() bool {
	return a.Status == http.StatusOK || a.Status == http.StatusPaymentRequired
}

// thing is what the tests read of any object of the API.
type thing struct {
	ID             string `json:"id"`
	Object         string `json:"object"`
	Status         string `json:"status"`
	Amount         int64  `json:"amount"`
	AmountReceived int64  `json:"amount_received"`
	AmountRefunded int64  `json:"amount_refunded"` // of a charge
	Currency       string `json:"currency"`
	PaymentIntent  string `json:"payment_intent"` // of a refund or charge
	LatestCharge   string `json:"latest_charge"`
	PaymentMethod  string `json:"payment_method"` // of an intent
	NextAction     struct {
		Redirect struct {
			URL string `json:"url"`
		} `json:"redirect_to_url"`
	} `json:"next_action"`
	Metadata map[string]string `json:"metadata"`
}

// thing gives the object that the answer shows, also where a decline shows one.
func (a answer) thing() (thing, error) {
	var body struct {
		thing
		Error *struct {
			PaymentIntent thing `json:"payment_intent"`
			SetupIntent   thing `json:"setup_intent"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		return thing{}, fmt.Errorf("%d %q: %w", a.Status, a.Body, err)
	}
	if body.Error != nil && body.Error.SetupIntent.ID != "" {
		return body.Error.SetupIntent, nil
	}
	if body.Error != nil {
		return body.Error.PaymentIntent, nil
	}
	return body.thing, nil
}

// errLeak: an answer held card data.
var errLeak = errors.New("card data")

const (
	// knock is the pause before a server that does not answer is tried again.
	knock = 20 * time.Millisecond
	// longBusy is after how long a call that is refused as busy is taken for
	// stuck: its first sending was killed, and its lease has to end.
	longBusy = 300 * time.Millisecond
)

// do sends a call until it is answered. Busy and unavailable are no answers:
// nothing is recorded under the key then. It calls stuck when the key is busy
// for long.
func (c *client) do(ctx context.Context, l *call, stuck func()) (answer, error) {
	var busy time.Time // since when
	for pause := knock; ; c.retried.Add(1) {
		a, err := c.try(ctx, http.MethodPost, l.Path, l.Form, l.Key)
		switch {
		case err == nil && a.Status != http.StatusConflict && a.Status != http.StatusTooManyRequests && a.Status != http.StatusServiceUnavailable:
			c.answered.Add(1)
			return a, nil
		case errors.Is(err, errLeak):
			return a, err
		case ctx.Err() != nil:
			return a, fmt.Errorf("%s under %s: no answer: %w (last: %d %.200s, %v)", l.Path, l.Key, ctx.Err(), a.Status, a.Body, err)
		case err != nil:
			pause = knock
		case busy.IsZero():
			busy = time.Now()
		default:
			pause = min(2*pause, 20*knock)
			if time.Since(busy) > longBusy {
				stuck()
			}
		}
		_ = sleep(ctx, pause) // the next try says why it ended
	}
}

func (c *client) try(ctx context.Context, method, path string, form url.Values, key string) (answer, error) {
	to := c.url
	if len(c.urls) > 0 {
		to = c.urls[int(c.turn.Add(1))%len(c.urls)]
	}
	req, err := http.NewRequestWithContext(ctx, method, to+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(c.secret, "")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			c.broken.Add(1)
		}
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusInternalServerError {
		c.broken.Add(1)
	}
	for _, hit := range leak.Bytes("the reply to "+method+" "+path, body) {
		return answer{}, fmt.Errorf("%w: %s", errLeak, hit)
	}
	return answer{resp.StatusCode, string(body), resp.Header.Get("Idempotent-Replayed") == "true"}, err
}

// get reads something, trying until the server answers.
func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	for {
		a, err := c.try(ctx, http.MethodGet, path, nil, "")
		switch {
		case err == nil && a.Status == http.StatusOK:
			return []byte(a.Body), nil
		case errors.Is(err, errLeak):
			return nil, err
		case err == nil && a.Status != http.StatusTooManyRequests && a.Status != http.StatusServiceUnavailable:
			return nil, fmt.Errorf("GET %s: %d %s", path, a.Status, a.Body)
		}
		if sleep(ctx, 20*time.Millisecond) != nil {
			return nil, fmt.Errorf("GET %s: %w", path, errors.Join(ctx.Err(), err))
		}
	}
}

func (c *client) retrieve(ctx context.Context, path string) (o thing, err error) {
	body, err := c.get(ctx, path)
	if err == nil {
		err = json.Unmarshal(body, &o)
	}
	return o, err
}

// list gives all objects of a list, which a filter such as "&customer=cus_…" may
// narrow.
func (c *client) list(ctx context.Context, path string, filter ...string) (all []thing, err error) {
	for after := strings.Join(filter, ""); ; {
		body, err := c.get(ctx, path+"?limit=100"+after)
		if err != nil {
			return nil, err
		}
		var page struct {
			Data    []thing `json:"data"`
			HasMore bool    `json:"has_more"`
		}
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&page); err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		all = append(all, page.Data...)
		if !page.HasMore || len(page.Data) == 0 {
			return all, nil
		}
		after = strings.Join(filter, "") + "&starting_after=" + page.Data[len(page.Data)-1].ID
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What a server tells of itself comes from its admin listener.

// private is where a server that was started says that its admin listener is.
var private = regexp.MustCompile(`Metrics, profiles and jobs are at (https?://\S+)`)

// trains is how many transactions a server has committed, and how many steps
// rode in them. Both are zero where it does not tell.
type trains struct{ trains, steps int64 }

// askTrains reads a server's metrics.
func askTrains(ctx context.Context, admin string) (t trains, err error) {
	if admin == "" {
		return t, nil
	}
	var text strings.Builder
	if err := fetch(ctx, admin+"/metrics", &text); err != nil {
		return t, err
	}
	return trains{metric(text.String(), "florin_db_trains_total"), metric(text.String(), "florin_db_steps_total")}, nil
}

// metric gives the value of a counter without labels, zero if there is none.
func metric(text, name string) int64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return int64(n)
			}
		}
	}
	return 0
}

// profile writes a server's CPU profile of the next seconds to a file.
func profile(ctx context.Context, admin, file string, d time.Duration) (err error) {
	if admin == "" {
		return errors.New("the server has no admin listener to be profiled at")
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return fetch(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", admin, max(1, int(d.Seconds()))), f)
}

func fetch(ctx context.Context, url string, to io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", req.URL.Path, resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

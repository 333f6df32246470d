package bank

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/florinpay/florin/internal/provider"
)

// activityPatience bounds the reading of a whole book.
const activityPatience = 10 * time.Minute

// activity reads the book from a time on. An answer that is cut short is an
// error, since its last chunk is missing.
func (c *connector) activity(ctx context.Context, since time.Time, each func(provider.Operation) error) error {
	ctx, cancel := context.WithTimeout(ctx, activityPatience)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("bank: activity: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	query := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+bookPath+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("bank: activity: %w", err)
	}
	r.Close = true
	if err := r.Write(conn); err != nil {
		return fmt.Errorf("bank: activity: %w", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return fmt.Errorf("bank: activity: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("bank: activity: answered with status %d", answer.StatusCode)
	}
	for lines := json.NewDecoder(answer.Body); ; {
		var line json.RawMessage
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errors.New("bank: activity: the list is not whole")
		}
		t, err := decodeTransfer(line)
		if err != nil {
			return fmt.Errorf("bank: activity: %w", err)
		}
		if t.Time.Before(since) {
			continue
		}
		if err := each(t.told()); err != nil {
			return err
		}
	}
}

// told is the transfer as the seam has it.
func (t Transfer) told() provider.Operation {
	op := provider.Operation{Kind: provider.KindPayout, Reference: t.Reference, Original: t.Original, Amount: t.amount(),
		Status: statuses[t.State], Reason: t.Code, At: t.Time, Mark: t.Mark, Last4: t.Last4, Instant: t.Instant}
	if t.Original != "" {
		op.Kind = provider.KindTakeBack
	}
	return op
}

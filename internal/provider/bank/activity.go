package bank

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/provider"
)

// activityPatience bounds the reading of a whole book.
const activityPatience = 10 * time.Minute

// activity reads the book from a time on. An answer that is cut short is an
// error, since its last chunk is missing.
func (c *connector) activity(ctx context.Context, since time.Time, each func(provider.Operation) error) error {
	ctx, cancel := context.WithTimeout(ctx, activityPatience)
	defer cancel()
	query := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}
	status, answer, err := c.line.Open(ctx, line.Request{Method: http.MethodGet, Path: bookPath + "?" + query.Encode()})
	if err != nil {
		return fmt.Errorf("bank: activity: %w", err)
	}
	defer answer.Close()
	if status != http.StatusOK {
		return fmt.Errorf("bank: activity: answered with status %d", status)
	}
	for lines := json.NewDecoder(answer); ; {
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

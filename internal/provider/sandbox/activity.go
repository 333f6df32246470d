package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// activityPatience bounds the reading of a whole book.
const activityPatience = 10 * time.Minute

// told are the kinds that Activity tells of.
var told = map[Kind]provider.OperationKind{
	Authorize: provider.KindAuthorize, Sale: provider.KindSale, Increment: provider.KindIncrement, Capture: provider.KindCapture,
	Refund: provider.KindRefund, Reversal: provider.KindReversal,
}

// activity reads the book from a time on. An answer that is cut short is an
// error, since its last chunk is missing.
func (c *connector) activity(ctx context.Context, since time.Time, each func(provider.Operation) error) error {
	ctx, cancel := context.WithTimeout(ctx, activityPatience)
	defer cancel()
	query := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}
	status, answer, err := c.wire.Open(ctx, line.Request{Method: http.MethodGet, Path: bookPath + "?" + query.Encode()})
	if err != nil {
		return fmt.Errorf("sandbox: activity: %s", redact([]byte(err.Error())))
	}
	defer answer.Close()
	if status != http.StatusOK {
		return fmt.Errorf("sandbox: activity: answered with status %d", status)
	}
	for lines := json.NewDecoder(answer); ; {
		var line json.RawMessage
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errors.New("sandbox: activity: the list is not whole")
		}
		op, err := decodeOperation(line)
		if err != nil {
			return fmt.Errorf("sandbox: activity: %w", err)
		}
		if told[op.Kind] == "" || strings.HasPrefix(op.Reference, ownPrefix) || op.Time.Before(since) {
			continue
		}
		if err := each(op.told()); err != nil {
			return err
		}
	}
}

// told is the operation as the seam has it.
func (op Operation) told() provider.Operation {
	out := op.outcome()
	return provider.Operation{
		Kind: told[op.Kind], Reference: op.Reference, Original: op.Original, Amount: money.New(op.Amount, money.Currency(op.Currency)),
		Status: out.Status, Reason: out.Reason, At: op.Time, Mark: op.Mark, More: op.More, Brand: op.Brand, Last4: op.Last4,
	}
}

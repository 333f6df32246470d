package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// Count is how many payments and refunds one side has, and how much they are.
type Count struct {
	Payments int64 `json:"payments"`
	Taken    int64 `json:"taken"` // minor units
	Refunds  int64 `json:"refunds"`
	Returned int64 `json:"returned"` // minor units
}

// Check is what was compared after a run. What could not be looked at is nil.
type Check struct {
	// Acknowledged is what the clients were told, warm-up and all.
	Acknowledged Count `json:"acknowledged"`
	// Unsure are requests that failed in a way that leaves open what became of
	// them. So many payments and refunds more may be there than were acknowledged.
	UnsurePayments int64 `json:"unsure_payments"`
	UnsureRefunds  int64 `json:"unsure_refunds"`
	// Florin is what its API lists as succeeded, of this run alone.
	Florin *Count `json:"florin"`
	// Sandbox is what its book has as approved, without what was stored before.
	Sandbox *Count `json:"sandbox"`
	// Findings is what "florin verify" says; nil: it was not asked.
	Findings *[]app.Finding `json:"findings"`
	// Problems are what does not fit; empty if all is right.
	Problems []string `json:"problems"`
}

// acknowledged adds up what the clients were told, by the key of the object.
func (l *load) acknowledged(c *Check) (payments, refunds map[int64]int64) {
	payments, refunds = map[int64]int64{}, map[int64]int64{}
	for _, client := range l.clients {
		for _, r := range client.told.payments {
			c.note(payments, "payment", r)
			c.Acknowledged.Payments++
			c.Acknowledged.Taken += r.amount
		}
		for _, r := range client.told.refunds {
			c.note(refunds, "refund", r)
			c.Acknowledged.Refunds++
			c.Acknowledged.Returned += r.amount
		}
		c.UnsurePayments += client.told.unsurePayments
		c.UnsureRefunds += client.told.unsureRefunds
	}
	return payments, refunds
}

func (c *Check) note(all map[int64]int64, what string, r receipt) {
	if _, twice := all[r.key]; twice {
		c.Problems = append(c.Problems, fmt.Sprintf("two clients were told of %s %d", what, r.key))
	}
	all[r.key] = r.amount
}

// books is where the check reads Florin's side of a run.
type books struct {
	http     http.Client
	url      string
	accounts []*account
	// before are the newest payment intent and refund that each account had before
	// the run, by path.
	before []map[string]string
	// alone: nobody else uses the accounts, so what was not acknowledged is not
	// anybody else's either.
	alone bool
}

// readers is how many accounts are read at once.
const readers = 16

const (
	intentsPath = "/v1/payment_intents"
	refundsPath = "/v1/refunds"
)

// newBooks notes what the first account has before a run. The others are made
// for the run, and what an earlier one left in them is known from its check.
func newBooks(ctx context.Context, url string, accounts []*account, alone bool) (*books, error) {
	b := &books{url: url, accounts: accounts, alone: alone}
	b.http = http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: readers}}
	for _, path := range []string{intentsPath, refundsPath} {
		page, err := b.page(ctx, accounts[0], path, 1, "")
		if err != nil {
			return nil, err
		}
		accounts[0].note(path, page)
	}
	for _, a := range accounts {
		b.before = append(b.before, maps.Clone(a.newest))
	}
	return b, nil
}

// note keeps the newest object of a list, given its first page.
func (a *account) note(path string, first listPage) {
	if a.newest == nil {
		a.newest = map[string]string{}
	}
	if len(first.Data) > 0 {
		a.newest[path] = first.Data[0].ID
	}
}

// listed is what is read of a payment intent or refund in a list.
type listed struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Received *int64 `json:"amount_received"` // of an intent
}

type listPage struct {
	Data    []listed `json:"data"`
	HasMore bool     `json:"has_more"`
}

func (b *books) page(ctx context.Context, a *account, path string, limit int, after string) (p listPage, err error) {
	address := fmt.Sprintf("%s%s?limit=%d", b.url, path, limit)
	if after != "" {
		address += "&starting_after=" + after
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return p, err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	resp, err := b.http.Do(req)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return p, fmt.Errorf("GET %s: %s: %s", path, resp.Status, text)
	}
	return p, json.NewDecoder(resp.Body).Decode(&p)
}

// compare lists what Florin made since before, in all accounts, and holds it
// against what was acknowledged: each must have succeeded, over the amount that
// was asked for.
func (b *books) compare(ctx context.Context, c *Check, path string, prefix id.Prefix, told map[int64]int64) (count, sum int64, err error) {
	missing := len(told)
	var mu sync.Mutex
	see := func(o listed) {
		mu.Lock()
		defer mu.Unlock()
		amount := o.Amount
		if o.Received != nil {
			amount = *o.Received
		}
		key, _ := prefix.Parse(o.ID)
		want, known := told[key]
		succeeded := o.Status == "succeeded"
		if known {
			missing--
		}
		if known && (!succeeded || amount != want) {
			c.problem("%s was acknowledged with %d; it is %s with %d", o.ID, want, o.Status, amount)
		}
		if succeeded && (known || b.alone) {
			count++
			sum += amount
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var next atomic.Int64
	for range min(readers, len(b.accounts)) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(b.accounts)); i = next.Add(1) - 1 {
				if err := b.list(ctx, b.accounts[i], path, b.before[i][path], see); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	running.Wait()
	if missing > 0 {
		c.problem("%d that were acknowledged are not in %s", missing, path)
	}
	return count, sum, context.Cause(ctx)
}

// list goes over what an account has since before the run.
func (b *books) list(ctx context.Context, a *account, path, before string, see func(listed)) error {
	for after := ""; ; {
		page, err := b.page(ctx, a, path, 100, after)
		if err != nil {
			return err
		}
		if after == "" {
			a.note(path, page)
		}
		for _, o := range page.Data {
			if o.ID == before {
				return nil
			}
			see(o)
		}
		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		after = page.Data[len(page.Data)-1].ID
	}
}

// mostProblems are listed; a broken run could have as many as payments.
const mostProblems = 20

func (c *Check) problem(format string, args ...any) {
	if len(c.Problems) < mostProblems {
		c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
	}
}

// florin reads Florin's side.
func (b *books) florin(ctx context.Context, c *Check, payments, refunds map[int64]int64) (err error) {
	var have Count
	if have.Payments, have.Taken, err = b.compare(ctx, c, intentsPath, payment.Intents.Prefix, payments); err != nil {
		return err
	}
	if have.Refunds, have.Returned, err = b.compare(ctx, c, refundsPath, payment.Refunds.Prefix, refunds); err != nil {
		return err
	}
	c.Florin = &have
	return nil
}

// addBook adds the approved operations in the book of the sandbox at url.
func (c *Count) addBook(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/book", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox's book: %s", resp.Status)
	}
	for lines := json.NewDecoder(bufio.NewReader(resp.Body)); ; {
		var op sandbox.Operation
		if err := lines.Decode(&op); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("the sandbox's book: %w", err)
		}
		switch {
		case op.State != sandbox.Approved:
		case op.Kind == sandbox.Sale || op.Kind == sandbox.Capture:
			c.Payments++
			c.Taken += op.Amount
		case op.Kind == sandbox.Refund:
			c.Refunds++
			c.Returned += op.Amount
		}
	}
}

// subtract takes away what was there before a run.
func (c *Count) subtract(o Count) {
	c.Payments -= o.Payments
	c.Taken -= o.Taken
	c.Refunds -= o.Refunds
	c.Returned -= o.Returned
}

// judge compares the sums. Where no request is unsure all sides are the same;
// else Florin and the sandbox may have so many more.
func (c *Check) judge() {
	for _, side := range []struct {
		name string
		have *Count
	}{{"Florin", c.Florin}, {"the sandbox", c.Sandbox}} {
		if side.have == nil {
			continue
		}
		a := c.Acknowledged
		c.within(side.name, "payments", side.have.Payments, a.Payments, c.UnsurePayments)
		c.within(side.name, "refunds", side.have.Refunds, a.Refunds, c.UnsureRefunds)
		if c.UnsurePayments == 0 && side.have.Taken != a.Taken {
			c.problem("%s took %d, acknowledged are %d", side.name, side.have.Taken, a.Taken)
		}
		if c.UnsureRefunds == 0 && side.have.Returned != a.Returned {
			c.problem("%s returned %d, acknowledged are %d", side.name, side.have.Returned, a.Returned)
		}
	}
	if c.Findings != nil {
		for _, f := range *c.Findings {
			c.problem("florin verify: %s %s %d: %s", f.Check, f.Table, f.Key, f.Problem)
		}
	}
}

func (c *Check) within(side, what string, have, acknowledged, unsure int64) {
	if have < acknowledged || have > acknowledged+unsure {
		c.problem("%s has %d %s, acknowledged are %d (%d more are unsure)", side, have, what, acknowledged, unsure)
	}
}

//go:build unix

package crash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/postgres"
)

// watched is a server under strace with all that its promises rest on: its
// database, a PostgreSQL server of its own if that is the engine, and the
// sandbox with its book.
type watched struct {
	server  *florintest.Server
	box     *florintest.Sandbox
	tracers []*tracer
	// log tells whether a file is the database's write-ahead log.
	log func(file string) bool
}

// watch starts all of them. mutant, if any, is switched on in the server.
func watch(t *testing.T, mutant string) *watched {
	t.Helper()
	w := &watched{box: florintest.StartSandbox(t, florintest.SandboxOptions{})}
	o := florintest.Options{Sandbox: w.box.URL}
	if mutant != "" {
		o.Tags, o.Env = []string{"probe"}, []string{"FLORIN_MUTANT=" + mutant}
	}
	if florintest.Postgres() {
		pg := postgres.ForTest(t, postgres.Options{})
		o.DB = pg.URL()
		// Before the server connects: each connection is a process of PostgreSQL's.
		w.tracers = append(w.tracers, trace(t, 16, family(t, pg)...))
		w.log = func(file string) bool { return strings.Contains(file, "/pg_wal/") }
	} else {
		w.log = func(file string) bool { return strings.HasSuffix(file, ".db-wal") }
	}
	w.server = florintest.Start(t, o)
	w.tracers = append(w.tracers, trace(t, 1024, w.server.PID()), trace(t, 16<<10, w.box.PID()))
	return w
}

// family gives a PostgreSQL server's processes.
func family(t *testing.T, pg *postgres.Server) []int {
	t.Helper()
	pids, err := pg.Processes()
	if err != nil || len(pids) < 3 {
		t.Fatalf("the processes of PostgreSQL are %v, %v", pids, err)
	}
	return pids
}

// calls gives what was traced, of all processes.
func (w *watched) calls(t *testing.T) (all []traced) {
	t.Helper()
	for _, tr := range w.tracers {
		all = append(all, tr.calls(t)...)
	}
	return all
}

// pay makes payments of every sort, one request after another for each of some
// clients, and gives how many requests were acknowledged. Each request's key is
// in its header, and so in the trace.
func (w *watched) pay(ctx context.Context, t *testing.T, tag string, clients, each int) (acknowledged map[string]bool) {
	t.Helper()
	acknowledged = map[string]bool{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for n := range clients {
		group.Go(func() {
			c := newClient(w.server)
			for i := range each {
				for k, s := range sales(i) {
					key := fmt.Sprintf("%s-%d-%d-%d", tag, n, i, k)
					a, err := c.try(ctx, http.MethodPost, strings.ReplaceAll(s.path, "{id}", s.intent.ID), s.form(), key)
					if err != nil || !a.acknowledged() {
						t.Errorf("%s: %d %s, %v", key, a.Status, a.Body, err)
						return
					}
					if o, err := a.thing(); err == nil && o.Object == "payment_intent" {
						s.intent.ID = o.ID
					}
					mu.Lock()
					acknowledged[key] = true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return acknowledged
}

// sale is a request of a short story about one payment.
type sale struct {
	path   string
	form   func() url.Values
	intent *thing
}

// sales gives a story: paid at once and given back; made, declined and canceled;
// reserved and captured in part.
func sales(n int) []*sale {
	intent := &thing{}
	create := func(capture, card string) *sale {
		return &sale{"/v1/payment_intents", func() url.Values { return creating(2000+n, "usd", capture, card).form(nil) }, intent}
	}
	refund := &sale{"/v1/refunds", func() url.Values { return url.Values{"payment_intent": {intent.ID}, "amount": {"300"}} }, &thing{}}
	on := func(verb string, form url.Values) *sale {
		return &sale{"/v1/payment_intents/{id}/" + verb, func() url.Values { return form }, intent}
	}
	switch n % 3 {
	case 0:
		return []*sale{create("automatic", "pm_card_visa"), refund}
	case 1:
		return []*sale{create("automatic", ""), on("confirm", url.Values{"payment_method": {"pm_card_chargeDeclined"}}), on("cancel", nil)}
	}
	return []*sale{create("manual", "pm_card_mastercard"), on("capture", url.Values{"amount_to_capture": {"1500"}})}
}

// story is what the trace tells of one acknowledged request.
type story struct {
	key string
	// from is when all was known that the reply tells of: when the acquirer's
	// answer had been read, or the request where the acquirer was not asked. reply
	// is when the first byte of the reply was about to be written.
	from, reply int64
	verdict     verdict
}

type verdict string

const (
	// proven: all that was written to the log in between was synced in between.
	proven verdict = "proven"
	// unclear: something was written and synced in between, and more was written
	// after that sync: another step's, unless it is a mistake.
	unclear verdict = "unclear"
	// broken: nothing was written in between and then synced.
	broken verdict = "broken"
)

// incoming is a request that is being read.
type incoming struct {
	text string
	end  int64 // of the last read
}

var keyHeader = regexp.MustCompile(`(?i)Idempotency-Key: ([\w-]+)`)

// stories tells the requests that a server on port answered, from the calls of
// all processes. references are the names under which the acquirer knows what
// the requests asked of it, by key.
func stories(calls []traced, port string, references map[string]string, log func(string) bool) (list []story) {
	open := map[string]*incoming{} // by connection
	heard := map[string]int64{}    // when the acquirer's first answer about a reference had been read
	var logged []traced            // writes and syncs of the log
	byTime(calls, func(c traced) {
		switch {
		case log(c.file):
			logged = append(logged, c)
		case !strings.HasPrefix(c.file, "TCP"):
		case c.read() && strings.HasPrefix(c.data, "HTTP/1.1 200"):
			if m := named.FindStringSubmatch(c.data); m != nil && heard[m[1]] == 0 {
				heard[m[1]] = c.end
			}
		case !strings.Contains(c.file, ":"+port+"->"):
		case c.read() && c.result > 0:
			if open[c.file] == nil {
				open[c.file] = &incoming{}
			}
			open[c.file].text += c.data // a request may come in pieces
			open[c.file].end = c.end
		case c.write() && open[c.file] != nil:
			in := open[c.file]
			delete(open, c.file)
			if key := keyHeader.FindStringSubmatch(in.text); key != nil && strings.HasPrefix(in.text, "POST /v1/") {
				list = append(list, story{key: key[1], from: max(in.end, heard[references[key[1]]]), reply: c.start})
			}
		}
	})
	for i := range list {
		list[i].judge(logged)
	}
	return list
}

// named finds the reference in an answer of the acquirer's, as strace shows it.
var named = regexp.MustCompile(`\\"reference\\":\\"([\w:-]+)\\"`)

// judge looks at what happened to the log in between.
func (s *story) judge(logged []traced) {
	var written, covered int64 // ends of the last write, and of the last one that a sync covers
	for _, w := range logged {
		if !w.write() || w.start < s.from || w.start > s.reply {
			continue
		}
		written = max(written, w.end)
		for _, c := range logged {
			if c.sync() && c.result == 0 && c.start >= w.end && c.end <= s.reply {
				covered = max(covered, w.end)
			}
		}
	}
	switch {
	case covered == 0:
		s.verdict = broken
	case covered == written:
		s.verdict = proven
	default:
		s.verdict = unclear
	}
}

// byTime gives the calls in the order in which they are to be looked at: reads
// when they have ended, all else when it begins.
func byTime(calls []traced, f func(traced)) {
	at := func(c traced) int64 {
		if c.read() {
			return c.end
		}
		return c.start
	}
	slices.SortStableFunc(calls, func(a, b traced) int { return cmp.Compare(at(a), at(b)) })
	for _, c := range calls {
		f(c)
	}
}

// references gives the acquirer's names of what was asked of it, by the key of
// the request that asked.
func (w *watched) references(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	d := reader(t, w.server.DB)
	defer func() { _ = d.Close() }()
	names := map[string]string{}
	err := payment.Attempts.Scan(ctx, d, func(a *object.Object[payment.Attempt]) error {
		names[a.Body.Request.IdempotencyKey] = payment.Reference(a.Scope, payment.AttemptID(a.Key))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// observe runs the payments and gives the stories of those that came one after
// another, and of those that came at once, and what was wrong with the book.
func observe(t *testing.T, mutant string) (alone, together []story, book []error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	w := watch(t, mutant)
	acknowledged := w.pay(ctx, t, "alone", 1, inThrees(t, "FLORIN_SYNCS", 6))
	for key := range w.pay(ctx, t, "together", 6, inThrees(t, "FLORIN_SYNCS", 6)/3) {
		acknowledged[key] = true
	}
	if t.Failed() {
		t.FailNow()
	}
	operations, err := w.box.Operations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	references := w.references(ctx, t)
	calls := w.calls(t)
	u, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stories(calls, u.Port(), references, w.log) {
		if !acknowledged[s.key] {
			t.Errorf("the trace has a request %s that was not acknowledged", s.key)
		}
		delete(acknowledged, s.key)
		if strings.HasPrefix(s.key, "alone") {
			alone = append(alone, s)
		} else {
			together = append(together, s)
		}
	}
	for key := range acknowledged {
		t.Errorf("the trace does not show the request %s", key)
	}
	return alone, together, booked(calls, operations, filepath.Base(w.box.Book))
}

// booked checks of each operation of the sandbox that its line in the book was
// written and synced before the first byte of its answer.
func booked(calls []traced, operations []sandbox.Operation, book string) (wrong []error) {
	var lines, syncs, answers []traced
	byTime(calls, func(c traced) {
		switch {
		case strings.HasSuffix(c.file, "/"+book) && c.write():
			lines = append(lines, c)
		case strings.HasSuffix(c.file, "/"+book) && c.sync() && c.result == 0:
			syncs = append(syncs, c)
		case strings.HasPrefix(c.file, "TCP") && c.write() && strings.HasPrefix(c.data, "HTTP/1.1 200"):
			answers = append(answers, c)
		}
	})
	for _, op := range operations {
		line, answer := mentioning(lines, op.Reference), mentioning(answers, op.Reference)
		if line == nil || answer == nil {
			wrong = append(wrong, fmt.Errorf("the trace shows no line or no answer for %s", op.Reference))
			continue
		}
		synced := false
		for _, s := range syncs {
			synced = synced || s.start >= line.end && s.end <= answer.start
		}
		if !synced {
			wrong = append(wrong, fmt.Errorf("%s was answered before its line was synced", op.Reference))
		}
	}
	return wrong
}

// mentioning is the first call whose data names a reference.
func mentioning(calls []traced, reference string) *traced {
	for i := range calls {
		if strings.Contains(calls[i].data, reference) {
			return &calls[i]
		}
	}
	return nil
}

// inThrees reads a count from the environment and makes it a multiple of three.
func inThrees(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n := otherwise
	if text := os.Getenv(name); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(errors.Join(fmt.Errorf("%s", name), err))
		}
	}
	return max(3, n/3*3)
}

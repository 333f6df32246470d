package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/test/leak"
)

var scope = id.Scope{Account: 7}

// plain renders an event as little more than its id.
type plain struct{}

func (plain) RenderEvent(_ context.Context, e *event.Event, version string, _ int) ([]byte, error) {
	return json.Marshal(map[string]any{"id": event.Prefix.Format(e.Scope, e.Key), "lane": e.Lane, "seq": e.Seq, "api_version": version, "micro": e.At.UnixMicro()})
}

// got is one request that a receiver got.
type got struct {
	At       time.Time
	Happened time.Time
	URL      string
	Event    string
	Lane     int64
	Seq      int64
	Skipped  []int64
	Header   map[string]string
	Answered bool // 2xx, in time
}

// receiver is the merchants' servers, all of them: what they got, and how they
// answer.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex
	all    []got
	answer func(ctx context.Context, g got) (int, error)
}

func (r *receiver) Send(ctx context.Context, q Request) (Answer, error) {
	var body struct {
		ID        string
		Lane, Seq int64
		Micro     int64
	}
	g := got{At: time.Now(), URL: q.URL, Header: map[string]string{}}
	for _, h := range q.Header {
		g.Header[h[0]] = h[1]
	}
	if err := json.Unmarshal(q.Body, &body); err != nil {
		r.t.Error(err)
	}
	g.Event, g.Lane, g.Seq, g.Happened = body.ID, body.Lane, body.Seq, time.UnixMicro(body.Micro)
	if g.Header["Florin-Sequence"] != strconv.FormatInt(g.Seq, 10) {
		r.t.Errorf("event %d of its lane came with the headers %v", g.Seq, g.Header)
	}
	if list := g.Header["Florin-Skipped"]; list != "" {
		for n := range strings.SplitSeq(list, ",") {
			seq, err := strconv.ParseInt(n, 10, 64)
			if err != nil {
				r.t.Errorf("Florin-Skipped: %s", list)
			}
			g.Skipped = append(g.Skipped, seq)
		}
	}
	status, err := r.answer(ctx, g)
	g.Answered = err == nil && status/100 == 2 && time.Since(g.At) < Timeout
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, g)
	return Answer{Status: status, Body: []byte("thanks")}, err
}

func (r *receiver) list() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

type notices struct {
	mu   sync.Mutex
	list []Notice
}

func (n *notices) EndpointDisabled(_ context.Context, one Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, one)
	return nil
}

// node is a service as one process has it.
func node(t *testing.T, address string, master *secret.Master, r *receiver) *Service {
	t.Helper()
	d := dbtest.OpenAt(t, address, db.Options{Logger: leak.Logger(t)})
	return &Service{DB: d, Keys: &idem.Keys{Sealer: master}, Sealer: master, Renderer: plain{}, Sender: r, Notifier: &notices{}, Log: slog.New(slog.DiscardHandler)}
}

func newMaster(t *testing.T) *secret.Master {
	t.Helper()
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return master
}

// bubble runs f in virtual time, in a year that keys can tell.
func bubble(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		f(t)
	})
}

func (v *Service) endpoint(t *testing.T, url string, types ...string) int64 {
	t.Helper()
	reply, err := v.Create(t.Context(), scope, &Params{URL: &url, Events: types}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Main.(*object.Object[Endpoint]).Key
}

// happen writes an event of a type in a lane.
func (v *Service) happen(t *testing.T, lane int64, typ string) {
	t.Helper()
	err := v.DB.Run(t.Context(), db.Step{Name: "happen", Scope: scope.Key(), Do: func(tx *db.Tx) error {
		return event.Append(tx, event.Event{Scope: scope, Key: tx.NewKey(), Lane: lane, Type: typ, Kind: "thing", Object: object.Ref{Key: lane, Version: 1}})
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// faithful checks what the receivers got against the promise: per endpoint and lane
// nothing is sent after it was acknowledged, and nothing goes past an event that
// is not acknowledged without naming it.
func faithful(t *testing.T, all []got) (acknowledged map[string]int) {
	t.Helper()
	acked := map[string]bool{}
	acknowledged = map[string]int{}
	key := func(g got, seq int64) string { return fmt.Sprintf("%s lane %d event %d", g.URL, g.Lane, seq) }
	for _, g := range all {
		if acked[key(g, g.Seq)] {
			t.Errorf("%s: sent again after it was acknowledged", key(g, g.Seq))
		}
		var open []int64
		for seq := int64(1); seq < g.Seq; seq++ {
			if !acked[key(g, seq)] {
				open = append(open, seq)
			}
		}
		if !slices.Equal(open, g.Skipped) {
			t.Errorf("%s: it goes past %v and names %v", key(g, g.Seq), open, g.Skipped)
		}
		if g.Answered {
			acked[key(g, g.Seq)] = true
			acknowledged[g.URL]++
		}
	}
	return acknowledged
}

// runs is how many seeds a test tries: FLORIN_RUNS, or what is few enough for
// every day.
func runs(few uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("FLORIN_RUNS"), 10, 16); err == nil {
		return n
	}
	return few
}

// A receiver fails, hangs, answers late, and comes back; two processes serve it, and
// one of them dies and comes back. It gets every event, none again after it has
// acknowledged it, and those that went past others are marked. What another
// receiver gets is not held up.
func TestEveryEventArrives(t *testing.T) {
	few := uint64(2)
	if dbtest.Postgres() {
		few = 1 // a poll costs a round trip there, and time in here is mostly polls
	}
	for seed := range runs(few) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { everyEventArrives(t, seed, 40, 3) })
		})
	}
}

func everyEventArrives(t *testing.T, seed uint64, lanes, each int) {
	random := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	well := time.Now().Add(7 * time.Minute)
	r := &receiver{t: t, answer: func(ctx context.Context, g got) (int, error) {
		if g.URL == "http://good.example/" || time.Now().After(well) {
			time.Sleep(20 * time.Millisecond)
			return 200, nil
		}
		switch roll(6) {
		case 0:
			return 500, nil
		case 1:
			return 0, errors.New("connection refused")
		case 2: // it hangs
			<-ctx.Done()
			return 0, ctx.Err()
		case 3: // it answers late
			time.Sleep(Timeout + time.Second)
			return 200, nil
		}
		time.Sleep(time.Duration(roll(9000)) * time.Millisecond)
		return 204, nil
	}}
	address, master := dbtest.Address(t), newMaster(t)
	one, two := node(t, address, master, r), node(t, address, master, r)
	one.endpoint(t, "http://good.example/", All)
	one.endpoint(t, "http://bad.example/", All)
	first, second := one.Start(), two.Start()
	for range each {
		for lane := range lanes {
			[]*Service{one, two}[roll(2)].happen(t, int64(lane+1), "thing.changed")
			time.Sleep(time.Duration(roll(3000)) * time.Millisecond)
		}
		// A process dies: what it holds is held until the lease ends.
		_, err := two.claim(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	second = two.Start()
	time.Sleep(18 * time.Minute)
	for _, run := range []*Runner{first, second} {
		if err := run.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := r.list()
	count := faithful(t, all)
	for _, url := range []string{"http://good.example/", "http://bad.example/"} {
		if count[url] != lanes*each {
			t.Errorf("%s got %d of %d events", url, count[url], lanes*each)
		}
	}
	past, late := 0, time.Duration(0)
	for _, g := range all {
		if len(g.Skipped) > 0 {
			past++
		}
		if g.URL == "http://good.example/" {
			late = max(late, g.At.Sub(g.Happened))
		}
	}
	t.Logf("%d requests for %d deliveries, %d past others; the good receiver waited %v at most", len(all), 2*lanes*each, past, late)
	if past == 0 || late > lease+2*poll {
		t.Errorf("nothing went past anything, or a slow receiver held up the other")
	}
}

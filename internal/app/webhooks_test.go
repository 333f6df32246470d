package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

// generous is a provider that approves whatever it is asked.
func generous() provider.Provider {
	yes := provider.Outcome{Status: provider.Approved, ID: "p_1", Code: "00", AuthorizationCode: "A1B2C3", CVCCheck: "pass"}
	return provider.Provider{
		Name: "generous", Traits: provider.Traits{Timeout: time.Second, Horizon: time.Second, ReplayWindow: time.Hour},
		Authorize: func(context.Context, provider.AuthorizeRequest) provider.Outcome { return yes },
		Reverse: func(context.Context, provider.ReverseRequest) provider.Finding {
			return provider.Finding{Answer: provider.Found, Outcome: yes}
		},
	}
}

// mortal is a node that can die: from then on it reaches neither the database
// nor a receiver.
type mortal struct {
	dead  atomic.Bool
	app   *App
	mu    sync.Mutex
	lines []net.Conn
}

var errDead = errors.New("the node is dead")

func (m *mortal) Step(_ context.Context, s db.Step, run func(db.Step) error) error {
	if m.dead.Load() {
		return errDead
	}
	err := run(s)
	if m.dead.Load() {
		return errDead // the answer is lost
	}
	return err
}

func (m *mortal) Read(context.Context) error {
	if m.dead.Load() {
		return errDead
	}
	return nil
}

// through dials for this node.
func (m *mortal) through(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if m.dead.Load() {
			return nil, errDead
		}
		line, err := dial(ctx, network, address)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.lines = append(m.lines, line)
		return line, err
	}
}

func (m *mortal) die(t *testing.T) {
	m.dead.Store(true)
	m.mu.Lock()
	for _, line := range m.lines {
		_ = line.Close()
	}
	m.mu.Unlock()
	_ = m.app.Close(context.WithoutCancel(t.Context())) // its goroutines end; there is nothing that it could tidy up
}

// request is what the merchant's server got.
type request struct {
	at      time.Time
	event   string
	lane    string
	seq     int64
	skipped []int64
}

// merchantServer fails, hangs, answers late, breaks off, and is well after a while.
type merchantServer struct {
	t      *testing.T
	well   time.Time
	mu     sync.Mutex
	random *rand.Rand
	got    []request
}

func (s *merchantServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID   string
		Data struct {
			Object struct {
				ID            string
				PaymentIntent string `json:"payment_intent"`
			}
		}
	}
	text, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(text, &body); err != nil {
		s.t.Errorf("%v in %s", err, text)
	}
	one := request{at: time.Now(), event: body.ID, lane: cmp.Or(body.Data.Object.PaymentIntent, body.Data.Object.ID), skipped: sequences(s.t, r.Header.Get("Florin-Skipped"))}
	one.seq = sequences(s.t, r.Header.Get("Florin-Sequence"))[0]
	s.mu.Lock()
	s.got = append(s.got, one)
	mood := 9
	if time.Now().Before(s.well) {
		mood = s.random.IntN(10)
	}
	s.mu.Unlock()
	switch mood {
	case 0, 1:
		w.WriteHeader(http.StatusInternalServerError)
	case 2: // it hangs
		<-r.Context().Done()
	case 3: // it answers late
		time.Sleep(webhook.Timeout + time.Second)
	case 4: // it breaks off
		panic(http.ErrAbortHandler)
	default:
		time.Sleep(time.Duration(mood) * 40 * time.Millisecond)
	}
}

func sequences(t *testing.T, list string) (seqs []int64) {
	if list == "" {
		return nil
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Errorf("numbers %q", list)
		}
		seqs = append(seqs, n)
	}
	return seqs
}

// payments is how many are made: FLORIN_RUNS, or few enough for every day.
func payments() int {
	if n, err := strconv.Atoi(os.Getenv("FLORIN_RUNS")); err == nil {
		return n
	}
	return 60
}

// Two nodes make payments; the merchant's server fails, hangs, answers late and
// comes back; one of the nodes dies in the middle of it and is started again. Every
// event arrives; none arrives again after its acknowledgement was recorded; and
// what goes past others names them.
func TestEveryPaymentIsTold(t *testing.T) {
	address, key := dbtest.Address(t), config(t, "").MasterKeyFile
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)))
		everyPaymentIsTold(t, address, key, payments())
	})
}

func everyPaymentIsTold(t *testing.T, address, key string, count int) {
	began := time.Now()
	server := &merchantServer{t: t, well: began.Add(5 * time.Minute), random: rand.New(rand.NewPCG(1, 2))}
	pipe := providertest.NewPipe()
	receiving := &http.Server{Handler: server, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = receiving.Serve(pipe) }()
	defer func() { _ = receiving.Close() }()
	root := dbtest.OpenAt(t, address, db.Options{})
	boot := func() *mortal {
		m := &mortal{}
		a, err := New(t.Context(), Config{DB: address, Database: root.Facade(clock.System{}, m), MasterKeyFile: key, Heads: t.TempDir() + "/heads",
			SecretKey: "sk_test_webhookproof0001", Provider: generous(), WebhookDial: m.through(pipe.Dial), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		m.app = a
		a.Start()
		return m
	}
	nodes := []*mortal{boot(), boot()}
	who, err := nodes[0].app.Merchant.Authenticate(t.Context(), "sk_test_webhookproof0001")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://merchant.example/hook"
	made, err := nodes[0].app.Webhooks.Create(t.Context(), who.Scope, &webhook.Params{URL: &url, Events: []string{webhook.All}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := made.Main.(*object.Object[webhook.Endpoint]).Key
	for i := range count {
		if i == count/3 || i == count*2/3 { // wherever it is at
			nodes[i%2].die(t)
			nodes[i%2] = boot()
		}
		reply, err := nodes[i%2].app.Payment.Create(t.Context(), who.Scope, payment.CreateParams{Amount: money.New(2000, "usd"), CaptureMethod: "automatic", Method: "pm_card_visa", Confirm: true},
			&idem.Request{ID: fmt.Sprint("req_", i), Key: fmt.Sprint("pay ", i)})
		if err != nil || reply.Error != nil {
			t.Fatal(reply, err)
		}
		time.Sleep(3 * time.Minute / time.Duration(count))
	}
	time.Sleep(time.Until(server.well) + 7*time.Minute)
	asPromised(t, nodes[0].app, who.Scope, endpoint, server.got, count)
	if err := webhook.Check(t.Context(), root, func(_ id.Scope, _ int64, problem string) { t.Error(problem) }); err != nil {
		t.Error(err)
	}
	for _, m := range nodes {
		if err := m.app.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	_ = receiving.Close()
	synctest.Wait()
}

// asPromised compares what the server got with what happened and with what is
// recorded.
func asPromised(t *testing.T, a *App, s id.Scope, endpoint int64, got []request, payments int) {
	t.Helper()
	type place struct {
		lane int64
		seq  int64
	}
	recorded, places := map[place]time.Time{}, map[string]place{}
	lanes := map[int64]int{}
	r := object.Range{Limit: 100}
	for more := true; more; {
		var list []*event.Event
		var err error
		if list, more, err = event.List(t.Context(), a.DB, s, r); err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			at := place{e.Lane, e.Seq}
			places[event.Prefix.Format(s, e.Key)] = at
			lanes[e.Lane]++
			found, err := a.Webhooks.OfEvent(t.Context(), s, e.Key)
			if err != nil || len(found) != 1 || found[0].State != webhook.Delivered || found[0].Endpoint != endpoint {
				t.Fatalf("%s %s: %+v, %v", e.Type, event.Prefix.Format(s, e.Key), found, err)
			}
			last := found[0].Attempts[len(found[0].Attempts)-1]
			recorded[at] = last.At.Add(last.Took)
			r.Before = e.Key
		}
	}
	slices.SortStableFunc(got, func(a, b request) int { return a.at.Compare(b.at) })
	arrived, past := map[place]bool{}, 0
	for _, q := range got {
		at, ok := places[q.event]
		if !ok || at.seq != q.seq {
			t.Fatalf("the server got %+v, which is %v", q, at)
		}
		if q.at.After(recorded[at]) {
			t.Errorf("%s came at %v, after its acknowledgement was recorded at %v", q.event, q.at, recorded[at])
		}
		var open []int64
		for seq := int64(1); seq < q.seq; seq++ {
			if recorded[place{at.lane, seq}].After(q.at) {
				open = append(open, seq)
			}
		}
		if !slices.Equal(open, q.skipped) {
			t.Errorf("number %d of %s went past %v and named %v", q.seq, q.lane, open, q.skipped)
		}
		if len(open) > 0 {
			past++
		}
		arrived[at] = true
	}
	if len(arrived) != len(places) || len(lanes) < payments || past == 0 {
		t.Errorf("%d of %d events in %d lanes arrived; %d went past others", len(arrived), len(places), len(lanes), past)
	}
	t.Logf("%d payments, %d events, %d requests, %d of which went past others and named them", payments, len(places), len(got), past)
}

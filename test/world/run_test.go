package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/door/inbound"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/leak"
)

// birth is when every world begins: soon before a day ends, so that what is done
// then is done in it. Virtual time begins in the year 2000; row
// keys begin in 2024.
var birth = time.Date(2026, 1, 1, 23, 56, 0, 0, time.UTC)

// world is one run.
type world struct {
	seed    uint64
	random  *rand.Rand // the scheduler's, and that of whoever is alone at work
	focus   string     // the operation that this seed is after
	without mask       // what is left out of it
	made    plan
	planted planted
	history *history
	turns   *scheduler
	hits    hits

	address  string // of the database
	db       *db.DB
	book     *sandbox.FileBook
	sim      *sandbox.Simulator
	wire     *providertest.Pipe // to the sandbox
	bank     *bank.Simulator
	ledger   *bank.Book
	course   *course
	minutes  *shifted // the bank's clock
	bankWire *providertest.Pipe
	mail     *mail
	account  string // the merchant's, and its bank accounts by what they are for
	banks    map[string]string
	client   *http.Client
	stopSim  context.CancelFunc

	calm                          bool // nothing befalls anybody any more
	focused, faults, hooks, drawn int
	crashes, jumps                int
	skewed                        bool // clocks differ by more than they may

	mu       sync.Mutex
	nodes    []*node // the present life of each
	started  []int
	clocks   []*shifted
	answers  map[string]answer
	problems []string

	stalls atomic.Int64   // actors that are held up
	boots  sync.WaitGroup // nodes that are starting
	lives  sync.WaitGroup // what dead nodes leave behind, and servers
}

// outcome is what a run leaves.
type outcome struct {
	history  *history
	problems []string
	hits     *hits
}

// run makes a world of a seed and lets it come to rest.
func run(t *testing.T, seed uint64) (out outcome) { return runWithout(t, seed, mask{}) }

// runWithout leaves something out of what happens in it.
func runWithout(t *testing.T, seed uint64, without mask, further ...func(*world)) (out outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(birth))
		w := newWorld(t, seed, without)
		w.live()
		w.rest()
		w.check()
		for _, check := range further {
			check(w)
		}
		w.end()
		out = outcome{w.history, w.problems, &w.hits}
	})
	return out
}

func newWorld(t *testing.T, seed uint64, without mask) *world {
	t.Helper()
	w := &world{seed: seed, random: rand.New(rand.NewPCG(seed, 1)), history: newHistory(birth), answers: map[string]answer{}, without: without, banks: map[string]string{}, course: newCourse()}
	at, round, turn := focusOf(seed)
	w.focus, w.made = at.op, w.plan(at, round)
	w.made.turn = turn
	w.mail = &mail{w: w}
	w.turns = newScheduler(w)
	dir := folder(t)
	w.address = "sqlite:" + filepath.Join(dir, "world.db")
	if err := copyTemplate(t, strings.TrimPrefix(w.address, "sqlite:")); err != nil {
		t.Fatal(err)
	}
	var err error
	w.db, err = db.Open(t.Context(), w.address, db.Options{Serial: true, Depart: w.depart})
	if err != nil {
		t.Fatal(err)
	}
	if w.book, err = sandbox.OpenFileBook(filepath.Join(dir, "book")); err != nil {
		t.Fatal(err)
	}
	if w.ledger, err = openBank(t, filepath.Join(dir, "bank.db")); err != nil {
		t.Fatal(err)
	}
	rate := 60
	if without.outside {
		rate = 0
	}
	w.minutes = &shifted{course: w.course, late: 1}
	w.bank, w.bankWire = bank.NewSimulator(w.ledger, w.minutes), providertest.NewPipe()
	w.bank.OnFault(w.bounced)
	w.bank.PushTo(w.pushes(bank.Name, "payout push"))
	w.sim = sandbox.NewSimulator(w.book, sandbox.Options{Clock: w.course, Deposit: w.deposit, Seed: seed, FaultRate: rate, FaultDelay: w.made.longest(), OnFault: w.wrong,
		Push: w.pushes(sandbox.Name, "push"), PushAll: w.random.IntN(2) == 0})
	w.wire = providertest.NewPipe()
	for range w.made.nodes {
		w.nodes, w.started, w.clocks = append(w.nodes, nil), append(w.started, 0), append(w.clocks, &shifted{course: w.course, late: w.made.late()})
	}
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableKeepAlives: true}}
	return w
}

// folder is where a world keeps its files: in memory where the machine has such
// a place, since what is proven here is not the disk.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "florin-world-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var bankTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "florin-bank-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "bank.db")
	b, err := bank.OpenBook(context.Background(), "sqlite:"+path, db.Options{Clock: clock.At(birth)})
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// openBank opens a new book of the bank's.
func openBank(t *testing.T, path string) (*bank.Book, error) {
	content, err := bankTemplate()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return bank.OpenBook(t.Context(), "sqlite:"+path, db.Options{Serial: true})
}

func copyTemplate(t *testing.T, path string) error {
	content, err := os.ReadFile(strings.TrimPrefix(dbtest.SQLite(t), "sqlite:"))
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// depart holds a train until its turn comes, so that others may join it.
func (w *world) depart() {
	w.turns.park(&parked{name: "train", place: atTrain})
}

// wrong is told what went wrong at the sandbox.
func (w *world) wrong(kind sandbox.Kind, reference string, mode sandbox.Mode) {
	if c := (cell{mishap(mode), string(kind)}); impossible[c] == "" {
		w.hits.count(c.fault, c.op)
	}
	w.history.add("sandbox %s %s !! %s", kind, reference, mode)
}

// pushSecret signs what providers send unasked.
const pushSecret = "world push"

// pushRate is how many of a thousand messages of a provider go wrong.
const pushRate = 150

// pushes says where a provider sends to what it tells unasked: to whichever node
// is up.
func (w *world) pushes(name, op string) push.Options {
	rate := pushRate
	delay := 20 * time.Second
	switch {
	case w.without.outside:
		rate = 0
	case len(w.made.pushes) == 1: // what its seed needs
		rate, delay = 1000, 3*time.Minute
	}
	return push.Options{URL: "http://providers.invalid" + inbound.Path(news.From{Provider: name, Endpoint: "test"}), Secret: pushSecret,
		Seed: w.seed, FaultRate: rate, FaultDelay: delay, Modes: w.made.pushes,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			at := time.Since(birth).Milliseconds() // messages that go at once go to one node, in whatever order
			return w.dial(ctx, network, fmt.Sprintf("n%d.invalid:80", at%int64(len(w.nodes))))
		},
		OnFault: func(id string, mode push.Mode) {
			w.hits.count(mishap(mode), op)
			w.history.add("%s %s !! %s", op, words(id), mode)
		}}
}

// words sets the parts of a message's name apart, so that ids show.
func words(id string) string {
	for _, prefix := range []string{"op_", "tr_"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			return prefix[:2] + " " + rest
		}
	}
	return id
}

// bounced is told what went wrong at the bank.
func (w *world) bounced(reference string, mode bank.Mode) {
	w.hits.count(mishap(mode), "payout")
	w.history.add("bank %s !! %s", reference, mode)
}

// dial connects a client to a node, if it is up.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address == "sandbox.invalid:80" { // its pages, for payers
		return w.wire.Dial(ctx, network, address)
	}
	var i int
	if _, err := fmt.Sscanf(address, "n%d.invalid", &i); err != nil {
		return nil, err
	}
	w.mu.Lock()
	n := w.nodes[i]
	w.mu.Unlock()
	if n == nil || !n.up.Load() || n.dead.Load() {
		return nil, fmt.Errorf("n%d refuses the connection", i)
	}
	return n.pipe.Dial(ctx, network, address)
}

// aDay is by how much the bank goes ahead once in a while, and again in the end:
// what was on its way has arrived then, and what is to come back does.
const aDay = 25 * time.Hour

// furnish makes what the merchant has before it begins: endpoints for webhooks
// and bank accounts. Nothing else happens for a while, so that clocks that
// differ do not make what follows older.
func (w *world) furnish() {
	w.mail.listen()
	w.account = str(w.ask(0, "/v1/account")["id"])
	for _, number := range bankAccounts {
		w.banks[number] = w.must("bank-"+number, "/v1/accounts/"+w.account+"/external_accounts", url.Values{"external_account[object]": {"bank_account"},
			"external_account[country]": {"US"}, "external_account[currency]": {"usd"}, "external_account[routing_number]": {"110000000"},
			"external_account[account_number]": {number}}).id()
	}
	time.Sleep(maxJump + 10*time.Second)
}

// bankAccounts are good, unknown to the bank, and closed later.
var bankAccounts = []string{"000123456789", "000111111116", "000000005559"}

// must sends a request that can't fail.
func (w *world) must(key, path string, form url.Values) answer {
	got := w.send(http.MethodPost, 0, "first", answer{key: key, path: path, form: form})
	if got.status != http.StatusOK {
		w.fail("%s: %d %s", path, got.status, got.text)
	}
	return got
}

// ask reads something.
func (w *world) ask(node int, path string) map[string]any {
	return w.send(http.MethodGet, node, "-", answer{path: path}).body
}

// live starts everything and lets the clients do what they want to.
func (w *world) live() {
	go w.turns.run()
	sim, stop := context.WithCancel(context.Background())
	w.lives.Go(func() {
		if err := w.sim.Serve(sim, w.wire); err != nil {
			w.fail("the sandbox: %v", err)
		}
	})
	w.lives.Go(func() {
		if err := w.bank.Serve(sim, w.bankWire); err != nil {
			w.fail("the bank: %v", err)
		}
	})
	w.stopSim = stop
	w.calm = true
	for i := range w.nodes {
		w.boot(i, 0)
		w.boots.Wait()
		if i == 0 {
			w.furnish()
		}
	}
	w.calm = false
	w.inject()
	if !w.made.settles {
		w.lives.Go(func() {
			time.Sleep(w.made.morning)
			w.minutes.jump(aDay)
		})
	}
	var busy sync.WaitGroup
	for i := range clients {
		busy.Go(w.newClient(i).run)
	}
	busy.Wait()
	if w.made.hasty {
		time.Sleep(time.Minute) // what was late comes late
	}
	if w.made.settles {
		w.evening()
	}
}

// rest lets nothing befall anybody any more, has every key answered that a
// client gave up, and waits until nothing is left to do.
func (w *world) rest() {
	w.turns.park(&parked{name: "calm", place: atClient})
	w.calm = true
	w.sim.Calm()
	w.bank.Calm()
	w.boots.Wait()
	if !w.made.settles {
		w.minutes.jump(2 * aDay)
	}
	w.answerAll()
	w.untilQuiet(3) // what comes later has come
	if w.made.settles {
		w.mornings()
	}
}

// untilQuiet waits until nothing is left to do, so many times.
func (w *world) untilQuiet(times int) {
	quiet := 0
	for range 240 {
		if quiet++; !w.quiet() {
			quiet = 0
		}
		if quiet == times {
			return
		}
		time.Sleep(10 * time.Second)
	}
	w.fail("work is left after forty minutes")
}

// verify has the books verified, with the heads of seals that the node which
// ended last has kept.
func (w *world) verify() {
	books := app.Books{DB: w.address}
	if last := w.headsOf(len(w.nodes) - 1); exists(last) {
		books.Heads = last
	}
	report, err := app.Examine(context.Background(), books, slog.New(slog.DiscardHandler))
	if err != nil {
		w.fail("verify: %v", err)
	}
	for _, f := range report.Findings {
		w.fail("verify: %+v", f)
	}
	if n := report.Sealing.Unsealed; n != 0 {
		w.fail("%d postings are not sealed", n)
	}
}

// headsOf is the heads file of a node.
func (w *world) headsOf(i int) string {
	return fmt.Sprintf("%s.heads.%d", strings.TrimPrefix(w.address, "sqlite:"), i)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// stall holds up whoever is at work.
func (w *world) stall(d time.Duration) {
	w.stalls.Add(1)
	time.Sleep(d)
	w.stalls.Add(-1)
}

// end stops everything, and has the books verified.
func (w *world) end() {
	for w.stalls.Load() > 0 { // an operator's patience with a node that is to end is less
		time.Sleep(time.Second)
	}
	for _, n := range w.nodes {
		if err := n.shut(); err != nil {
			w.fail("%s does not end: %v", n.name, err)
		}
	}
	w.stopSim()
	w.lives.Wait()
	time.Sleep(2 * maxStall) // what a dead node's job was at, and nobody waited for any more
	w.client.CloseIdleConnections()
	w.search() // while the database's log is there
	if err := w.db.Close(); err != nil {
		w.fail("closing: %v", err)
	}
	w.turns.end()
	w.verify()
	if err := errors.Join(w.book.Close(), w.ledger.Close()); err != nil {
		w.fail("the books: %v", err)
	}
	w.search()
}

// search looks for card data in all that the world has written: database, log,
// book.
func (w *world) search() {
	hits, err := leak.Dir(filepath.Dir(strings.TrimPrefix(w.address, "sqlite:")))
	if err != nil {
		w.fail("the search for card data: %v", err)
	}
	for _, h := range hits {
		w.fail("card data: %s", h)
	}
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem(format, args...)
}

// problem notes what should not be. w.mu is held.
func (w *world) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

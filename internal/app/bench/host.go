package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
)

// host is what was started for the run: folder, database, sandbox, server.
type host struct {
	config  Config
	dir     string
	address string // the database's
	drop    func(context.Context) error
	// accounts are the merchants; the first is the one with most, or all, payments.
	accounts []*account
	sandbox  *process
	server   *process
	receiver *process // nil: there are no webhooks
	filled   *Filled  // before anything was started; nil: the run does not want it
	// postmaster is the process of a PostgreSQL server on this machine, or zero.
	postmaster int
}

// raise makes a place for the books, with the accounts of the run and what it
// wants to be stored before. When it fails nothing is left.
func raise(ctx context.Context, c Config) (h *host, err error) {
	h = &host{config: c, accounts: []*account{{key: "sk_test_" + rand.Text()}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.clear(ctx))
			h = nil
		}
	}()
	if h.dir, err = os.MkdirTemp(c.Dir, "florin-bench-"); err != nil {
		return h, err
	}
	if h.dir, err = filepath.Abs(h.dir); err != nil {
		return h, err
	}
	if err := h.database(ctx); err != nil {
		return h, err
	}
	if c.Fill > 0 {
		if h.filled, err = h.fill(ctx); err != nil {
			return h, err
		}
	}
	if err := h.merchants(ctx); err != nil {
		return h, err
	}
	if c.Webhooks != WebhooksNone {
		h.receiver, err = start(ctx, c.Clock, c.Binary, h.dir, "bench", []string{"--receive=127.0.0.1:0"}, nil)
	}
	return h, err
}

// begin starts a sandbox and a server.
func (h *host) begin(ctx context.Context) (err error) {
	c := h.config
	if h.sandbox, err = start(ctx, c.Clock, c.Binary, h.dir, "sandbox", []string{"--listen=127.0.0.1:0", "--book=" + h.bookFile()}, nil); err != nil {
		return err
	}
	// The database's address may hold a password, which others could read on a
	// command line.
	h.server, err = start(ctx, c.Clock, c.Binary, h.dir, "serve", []string{"--listen=127.0.0.1:0", "--sandbox=" + h.sandbox.url, "--admin-listen=127.0.0.1:0"},
		[]string{"FLORIN_DB=" + h.address, "FLORIN_SECRET_KEY=" + h.accounts[0].key, "FLORIN_PUBLISHABLE_KEY=pk_test_" + rand.Text()})
	return err
}

// merchants makes the accounts of the run, as "florin account create" does but
// many at a time. The server makes the first one of an empty database itself.
func (h *host) merchants(ctx context.Context) error {
	if h.config.Merchants == 1 {
		return nil
	}
	have := 1
	if h.filled == nil {
		have = 0
		if _, err := app.Migrate(ctx, h.address, h.config.Log); err != nil {
			return err
		}
	}
	h.accounts = h.accounts[:have]
	progress(h.config, fmt.Sprintf("making %d accounts", h.config.Merchants-have))
	return app.Operate(ctx, h.address, h.config.Log, func(o *app.Operator) error {
		keys, err := o.CreateAccounts(ctx, "Merchant", h.config.Merchants-have)
		for _, key := range keys {
			h.accounts = append(h.accounts, &account{key: key})
		}
		return err
	})
}

func (h *host) bookFile() string   { return filepath.Join(h.dir, "sandbox.db") }
func (h *host) sqliteFile() string { return filepath.Join(h.dir, "florin.db") }
func (h *host) postgres() bool     { return h.config.DB != "" }

// database makes a place for the books: a file in the folder, or a schema.
func (h *host) database(ctx context.Context) (err error) {
	if !h.postgres() {
		h.address = "sqlite:" + h.sqliteFile()
		return nil
	}
	if !h.config.BesideBooks {
		if err := refuseBooks(ctx, h.config); err != nil {
			return err
		}
	}
	h.address, h.drop, err = db.Scratch(ctx, h.config.DB, "florin_bench_"+strings.ToLower(rand.Text()[:10]))
	return err
}

// fill stores payments with the keys, and in the places, that the server and the
// sandbox are going to use.
func (h *host) fill(ctx context.Context) (*Filled, error) {
	key := filepath.Join(h.dir, "florin.key")
	if _, err := secret.CreateFile(key); err != nil {
		return nil, err
	}
	done, err := Fill(ctx, Filling{
		DB: h.address, Book: h.bookFile(), SecretKey: h.accounts[0].key, PublishableKey: "pk_test_" + rand.Text(), MasterKeyFile: key,
		Payments: h.config.Fill, Progress: h.config.Progress, Log: h.config.Log, Clock: h.config.Clock,
	})
	return &done, err
}

// refuseBooks keeps a benchmark from loading, by mistake, the server on which
// somebody's books are.
func refuseBooks(ctx context.Context, c Config) error {
	d, err := db.Open(ctx, c.DB, db.Options{Logger: c.Log})
	if err != nil {
		return err
	}
	n, err := d.SchemaVersion(ctx)
	if err = errors.Join(err, d.Close()); err == nil && n > 0 {
		err = errors.New("the database holds books: name another, or say --beside-books (they are left alone, but their server is loaded)")
	}
	return err
}

// watch ends the run when one of the processes does.
func (h *host) watch(cancel context.CancelCauseFunc, over <-chan struct{}) {
	for _, p := range []*process{h.sandbox, h.server, h.receiver} {
		if p == nil {
			continue
		}
		go func() {
			select {
			case <-p.exited:
				cancel(p.ended())
			case <-over:
			}
		}()
	}
}

// stop ends sandbox and server in good order, the server first.
func (h *host) stop() (err error) {
	for _, p := range []**process{&h.server, &h.sandbox} {
		err = errors.Join(err, h.end(p))
	}
	return err
}

func (h *host) end(p **process) (err error) {
	if *p != nil {
		err = (*p).stop(h.config.Clock)
	}
	*p = nil
	return err
}

// clear ends the processes and removes everything, also when ctx is over.
func (h *host) clear(ctx context.Context) error {
	err := errors.Join(h.stop(), h.end(&h.receiver))
	if h.drop != nil {
		err = errors.Join(err, h.drop(context.WithoutCancel(ctx)))
		h.drop = nil
	}
	if h.dir != "" {
		err = errors.Join(err, os.RemoveAll(h.dir))
	}
	return err
}

// verify checks the books as "florin verify" does.
func (h *host) verify(ctx context.Context) (*[]app.Finding, error) {
	findings, err := app.Verify(ctx, h.address, h.config.Log)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if findings == nil {
		findings = []app.Finding{}
	}
	return &findings, nil
}

// reading is what everything has used up to a moment.
type reading struct {
	processes  map[string]spent
	processors processors
	known      bool // processors is
	trains
	stored
}

// stored is how many bytes there are.
type stored struct {
	database int64 // SQLite: the file; PostgreSQL: all files of the database
	book     int64 // of the sandbox
	log      int64 // written to the write-ahead log of a PostgreSQL server so far
}

// read takes a reading.
func (h *host) read(ctx context.Context) (r reading, err error) {
	r.processes = h.spent()
	r.processors, r.known = ofProcessors()
	if r.trains, err = askTrains(ctx, h.server.admin); err != nil {
		return r, err
	}
	r.stored, err = h.stored(ctx)
	return r, err
}

// processNames are all that may be looked at, in the order of the report.
var processNames = []string{"client", "serve", "sandbox", "receiver", "postgres"}

// spent is what each process has used. Besides those that were started it looks
// at this one, and at the PostgreSQL server where that is on this machine.
func (h *host) spent() map[string]spent {
	all := map[string]spent{}
	if s, err := ofProcess(os.Getpid(), false); err == nil {
		all["client"] = s
	}
	for name, p := range map[string]*process{"serve": h.server, "sandbox": h.sandbox, "receiver": h.receiver} {
		if p == nil {
			continue
		}
		if s, err := ofProcess(p.cmd.Process.Pid, false); err == nil {
			all[name] = s
		}
	}
	if h.postmaster != 0 {
		if s, err := ofTree(h.postmaster); err == nil {
			all["postgres"] = s
		}
	}
	return all
}

func (h *host) stored(ctx context.Context) (s stored, err error) {
	s.book = sqliteSize(h.bookFile())
	if !h.postgres() {
		s.database = sqliteSize(h.sqliteFile())
		return s, nil
	}
	u, err := db.MeasureServer(ctx, h.address, func(backend int) {
		if pid, ok := postmaster(backend); ok && local(h.config.DB) {
			h.postmaster = pid
		}
	})
	s.database, s.log = u.Bytes, u.Log
	return s, err
}

// local reports whether the address of a PostgreSQL server is this machine.
func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	name := u.Hostname()
	if name == "" {
		name = u.Query().Get("host")
	}
	ip := net.ParseIP(name)
	return name == "" || name == "localhost" || strings.HasPrefix(name, "/") || ip != nil && ip.IsLoopback()
}

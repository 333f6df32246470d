//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/test/leak"
)

// The write-ahead log is searched for card data too, and the server reuses its
// files: each checkpoint renames those that it needs no more. So a file is
// searched soon after it is full, and walKept keeps that many until then.
const (
	walKept     = "1GB"
	searchPause = time.Second
)

// walSearch searches the files of a server's write-ahead log as they fill up.
type walSearch struct {
	server *Server
	stop   chan struct{}
	done   chan struct{}

	mu   sync.Mutex // guards what is below
	next int64      // number of the first file that was not searched; 0 before the first
	hits []leak.Hit
	err  error
}

// searchLog begins to search the log of a server that runs.
func searchLog(s *Server) *walSearch {
	w := &walSearch{server: s, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.stop:
				return
			case <-time.After(searchPause):
				w.search()
			}
		}
	}()
	return w
}

// end stops the search, which may go on no more while the folder is deleted,
// and gives what was found. What is left of the log is for who stops it.
func (w *walSearch) end() ([]leak.Hit, error) {
	close(w.stop)
	<-w.done
	return w.hits, w.err
}

// reached is the number of the first file that was not searched.
func (w *walSearch) reached() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// search goes over the files that are full and were not searched.
func (w *walSearch) search() {
	current, err := w.server.walFile()
	if err != nil {
		return // it is down, or too busy to answer; next time
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(w.server.data(), "pg_wal", "????????????????????????"))
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	slices.Sort(files)
	for _, file := range files {
		number, err := walNumber(filepath.Base(file))
		if err != nil || number < w.next || number >= current {
			continue // searched, being written, or an old one under a name to come
		}
		if w.next != 0 && number != w.next {
			w.err = errors.Join(w.err, fmt.Errorf("the files %d to %d of the server's log were gone before they were searched for card data", w.next, number-1))
		}
		hits, err := leak.File(file)
		w.hits, w.err = append(w.hits, hits...), errors.Join(w.err, err)
		w.next = number + 1
	}
}

// walFile is the number of the log's file that is being written.
func (s *Server) walFile() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var name string
	if err := conn.QueryRow(ctx, "SELECT pg_walfile_name(pg_current_wal_lsn())").Scan(&name); err != nil {
		return 0, err
	}
	return walNumber(name)
}

// walNumber counts a file of the log from its name: time line, and then the
// place in the log in units of 4 GB and of 16 MB.
func walNumber(name string) (int64, error) {
	if len(name) != 24 {
		return 0, os.ErrInvalid
	}
	high, err := strconv.ParseInt(name[8:16], 16, 64)
	low, err2 := strconv.ParseInt(name[16:], 16, 64)
	return high<<8 + low, errors.Join(err, err2)
}

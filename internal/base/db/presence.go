package db

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// A process that serves a PostgreSQL database holds an advisory lock under the
// number of its node, on a connection of its own. The server lets go of it when
// the process ends, however it ends, so that others need not wait for its leases.
const (
	presenceClass = 0x464C4F // of the locks: "FLO"
	// metaPresence, plus a node's number, is the key of the meta row that says
	// that the node holds such a lock while it lives.
	metaPresence = 1 << 20

	presencePulse = time.Second
	// presencePatience is how long the server waits for a machine that is silent,
	// in seconds.
	presencePatience = "4"
)

var attending = NewQuery("nodes that show their presence", "SELECT key FROM meta WHERE scope = 0 AND key > ? AND key <= ?",
	func(key *int64, f *Fields) { Int(f, key) })

// Attend shows on PostgreSQL that this process lives, until stop is called. It
// needs the number that [DB.ClaimNode] gave. SQLite has one process.
func (d *DB) Attend() (stop func()) {
	p, ok := d.engine.(*postgres)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			if err := d.attend(ctx, p); err != nil && ctx.Err() == nil {
				d.log.Warn("the database does not hold this process's sign of life; trying again", "error", err)
			}
			_ = clock.System{}.Sleep(ctx, presencePulse/4)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// attend holds the lock for as long as the connection lasts.
func (d *DB) attend(ctx context.Context, p *postgres) error {
	config := p.config.Copy()
	config.RuntimeParams["application_name"] = "florin presence"
	config.RuntimeParams["tcp_keepalives_idle"], config.RuntimeParams["tcp_keepalives_interval"] = "1", "1"
	config.RuntimeParams["tcp_keepalives_count"] = presencePatience
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}()
	node := d.node()
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock_shared($1::int4, $2::int4)", presenceClass, node); err != nil {
		return err
	}
	if err := d.present(ctx, node, true); err != nil {
		return err
	}
	for {
		if (clock.System{}).Sleep(ctx, presencePulse) != nil {
			return d.present(context.WithoutCancel(ctx), node, false)
		}
		ping, cancel := context.WithTimeout(ctx, 3*presencePulse)
		err := c.Ping(ping)
		cancel()
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (d *DB) node() int64 { return id.Node(d.ids.Next()) }

// present notes that a node shows its presence, or that it has gone in order.
func (d *DB) present(ctx context.Context, node int64, yes bool) error {
	k := Key{ID: metaPresence + node}
	return d.Run(ctx, Step{Name: "db.presence", Needs: []Need{metas.Need(k)}, Do: func(tx *Tx) error {
		_, there, err := metas.Get(tx, k)
		switch {
		case err != nil:
			return err
		case yes && !there:
			metas.Insert(tx, k, meta{Number: tx.Now().UnixMicro()})
		case !yes && there:
			metas.Delete(tx, k)
		}
		return nil
	}})
}

// Gone lists the nodes that showed their presence and do not any more. One that
// has lost its connection may be among them for a moment.
func (d *DB) Gone(ctx context.Context) (nodes []int64, err error) {
	p, ok := d.engine.(*postgres)
	if !ok {
		return nil, nil
	}
	known, err := attending.All(ctx, d, int64(metaPresence), int64(metaPresence+id.MaxNode))
	if err != nil || len(known) == 0 {
		return nil, err
	}
	alive, err := p.present(ctx)
	for _, key := range known {
		if !alive[key-metaPresence] {
			nodes = append(nodes, key-metaPresence)
		}
	}
	return nodes, err
}

func (p *postgres) present(ctx context.Context) (nodes map[int64]bool, err error) {
	rows, err := p.pool.Query(ctx, `SELECT objid::int8 FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::int8::oid AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, presenceClass)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	nodes = map[int64]bool{}
	for _, node := range list {
		nodes[node] = true
	}
	return nodes, err
}

// Bury forgets nodes that are gone, once nothing of theirs is left to be taken
// over.
func (d *DB) Bury(ctx context.Context, nodes []int64) (err error) {
	for _, node := range nodes {
		err = errors.Join(err, d.present(ctx, node, false))
	}
	return err
}

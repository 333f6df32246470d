package heads

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
)

// CheckHeads is the rule that the database has every seal that a heads file has.
const CheckHeads = "heads"

// checkBatch is how many lines are looked up at a time.
const checkBatch = 500

// State is what a heads file was found to be.
type State struct {
	Missing bool  // there is no such file
	Torn    bool  // it ends within a line, which counts as not there
	Lines   int64 // heads that it has
}

// Check compares a heads file with the database, and reports seals that the
// database lacks or has otherwise: of each shard the first. It reads the file
// ahead of the database, so that both may be written to meanwhile, and in
// bounded memory. Damage of the file is reported too.
func Check(ctx context.Context, d *db.DB, file string, report func(ledger.Finding)) (State, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return State{Missing: true}, nil
	}
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	c := &comparison{ctx: ctx, db: d, file: file, report: report, wrong: map[int64]bool{}}
	p := position{last: map[int64]tip{}}
	torn, err := p.scan(file, f, c.add)
	damage, damaged := errors.AsType[*DamageError](err)
	if err != nil && !damaged {
		return State{}, err
	}
	if err := c.flush(); err != nil {
		return State{}, err
	}
	c.end(p)
	if damaged {
		report(ledger.Finding{Check: CheckHeads, Table: "heads file", Key: damage.Line, Problem: damage.Error()})
	}
	return State{Torn: torn, Lines: p.lines}, nil
}

// comparison is one run of [Check].
type comparison struct {
	ctx     context.Context
	db      *db.DB
	file    string
	report  func(ledger.Finding)
	batch   []line
	wrong   map[int64]bool // shards that were reported
	missing []line         // the first of each shard that the database lacks
}

func (c *comparison) add(l line) error {
	c.batch = append(c.batch, l)
	if len(c.batch) < checkBatch {
		return nil
	}
	return c.flush()
}

func (c *comparison) flush() error {
	names := make([]ledger.SealName, len(c.batch))
	for i, l := range c.batch {
		names[i] = ledger.SealName{Shard: l.Shard, Number: l.Seal}
	}
	found, err := ledger.HeadsOf(c.ctx, c.db, names)
	if err != nil {
		return err
	}
	for i, l := range c.batch {
		head, ok := found[names[i]]
		switch {
		case c.wrong[l.Shard]:
			continue
		case !ok:
			c.missing = append(c.missing, l)
		case head != ledger.Hash(l.Head):
			c.find(l, fmt.Sprintf("seal %d of shard %d is another than the one in %s: the chain was replaced from there on", l.Seal, l.Shard, c.file))
		default:
			continue
		}
		c.wrong[l.Shard] = true
	}
	c.batch = c.batch[:0]
	return nil
}

// end reports the chains that are cut, now that it is known what they had.
func (c *comparison) end(p position) {
	for _, l := range c.missing {
		c.find(l, fmt.Sprintf("seal %d of shard %d, of %s, is missing: the database was cut or restored, and %s goes up to seal %d",
			l.Seal, l.Shard, l.At.Format("2006-01-02 15:04:05"), c.file, p.last[l.Shard].number))
	}
}

func (c *comparison) find(l line, problem string) {
	c.report(ledger.Finding{Check: CheckHeads, Table: "seal", Key: l.Seal, Problem: problem})
}

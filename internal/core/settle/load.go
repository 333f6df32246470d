package settle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// lookBack is how many days before the newest file's a file may still come that
// was not there.
const lookBack = 14

// load fetches the files of a provider that are not here, and keeps their lines. A
// file that is not whole is left for the next time, and a break tells of it.
func (v *Service) load(ctx context.Context, p provider.Provider, house id.Scope, zone *time.Location) error {
	have, err := qFiles.All(ctx, v.DB, p.Name, "")
	if err != nil {
		return err
	}
	known, newest := map[string]bool{}, ""
	for _, f := range have {
		known[f.Name] = f.Whole
		newest = max(newest, f.Day)
	}
	after := ""
	if day, err := time.Parse(time.DateOnly, newest); err == nil {
		after = day.AddDate(0, 0, -lookBack).Format(time.DateOnly)
	}
	list, err := p.Reports.List(ctx, zone, after)
	if err != nil {
		return err
	}
	q := &quick{Service: v, of: p}
	for _, f := range list {
		if known[f.Name] {
			continue
		}
		err := v.loadFile(ctx, p, f, house, q)
		note := ""
		switch {
		case errors.Is(err, provider.ErrReport):
			v.Log.Warn("a report is not loaded", "provider", p.Name, "file", f.Name, "error", err)
			note = err.Error()
		case errors.Is(err, errOvertaken):
			continue // it tells of the file, too
		case err != nil:
			return err
		}
		if err := v.tellFile(ctx, house, p.Name, f.Name, note); err != nil {
			return err
		}
	}
	return nil
}

// tellFile opens a break about a file that can't be loaded, or explains it.
func (v *Service) tellFile(ctx context.Context, house id.Scope, from, name, problem string) error {
	return v.DB.Run(ctx, db.Step{Name: "settle.file_told", Scope: house.Key(), Do: func(tx *db.Tx) error {
		if problem == "" {
			return v.Explain(tx, house, string(Timing), name, from, "the file has come")
		}
		_, err := open(tx, house, Break{Type: Timing, Subject: name, Provider: from, File: name, Note: problem})
		return err
	}})
}

// spooled is a file that was fetched.
type spooled struct {
	*os.File
	digest string
}

func spool(ctx context.Context, p provider.Provider, f provider.ReportFile) (_ *spooled, err error) {
	body, err := p.Reports.Fetch(ctx, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	file, err := os.CreateTemp("", "florin-report-*")
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	s := &spooled{File: file}
	if _, err := io.Copy(io.MultiWriter(file, sum), body); err != nil {
		return nil, errors.Join(err, s.drop())
	}
	s.digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

func (s *spooled) drop() error { return errors.Join(s.Close(), os.Remove(s.Name())) }

// loadFile fetches a file, reads it once to see that it is whole, and then keeps
// its lines. A file that is here already is left as it is: its digest is its key.
func (v *Service) loadFile(ctx context.Context, p provider.Provider, f provider.ReportFile, house id.Scope, q *quick) (err error) {
	s, err := spool(ctx, p, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.drop()) }()
	key := hashed(p.Name, s.digest)
	have, ok, err := files.Read(ctx, v.DB, fileKey(key))
	if err != nil || ok && have.Whole {
		return err
	}
	count := int64(0)
	if err := s.read(p, func(provider.ReportLine) error { count++; return nil }); err != nil {
		return err
	}
	told, err := sheetsOf(p, s)
	if err != nil {
		return err
	}
	row := file{Provider: p.Name, Name: f.Name, Day: f.Day, Revision: int64(f.Version), Statement: f.Statement, Digest: s.digest, Lines: count}
	probe.Point("settle.fetched")
	if err := v.begin(ctx, key, row); err != nil {
		return err
	}
	probe.Point("settle.begun")
	replaced, err := v.supersede(ctx, row)
	if err == nil {
		err = q.prepare(ctx)
	}
	if err != nil {
		return err
	}
	if err := v.keep(ctx, p, key, s, replaced, q); err != nil {
		return err
	}
	if err := v.keepSheets(ctx, house, told); err != nil {
		return err
	}
	probe.Point("settle.kept")
	return v.DB.Run(ctx, db.Step{Name: "settle.whole", Do: func(tx *db.Tx) error {
		row, ok, err := files.Get(tx, fileKey(key))
		if err != nil || !ok || row.Whole {
			return err
		}
		row.Whole, row.Loaded = true, tx.Now()
		files.Update(tx, fileKey(key), row)
		return nil
	}})
}

func (s *spooled) read(p provider.Provider, f func(provider.ReportLine) error) error {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return p.Reports.Read(s, f)
}

func (v *Service) begin(ctx context.Context, key int64, row file) error {
	return v.DB.Run(ctx, db.Step{Name: "settle.file", Needs: []db.Need{files.Need(fileKey(key))}, Do: func(tx *db.Tx) error {
		have, ok, err := files.Get(tx, fileKey(key))
		switch {
		case err != nil:
			return err
		case ok && (have.Digest != row.Digest || have.Provider != row.Provider):
			return fmt.Errorf("settle: the files %q and %q have one key", have.Name, row.Name)
		case !ok:
			files.Insert(tx, fileKey(key), row)
		}
		return nil
	}})
}

// keep writes the lines of a file, from where a run was broken off. replaced are
// those of versions before that stand in the books: what says the same as one of
// them is no news. What is as the books have it is matched at once.
func (v *Service) keep(ctx context.Context, p provider.Provider, key int64, s *spooled, replaced map[told]int, q *quick) (err error) {
	of, _, err := files.Read(ctx, v.DB, fileKey(key))
	if err != nil {
		return err
	}
	kept, number := of.Kept, int64(0)
	list := make([]keyedLine, 0, some)
	steps := ahead{db: v.DB}
	defer steps.last(&err)
	flush := func() error {
		chunk, after := list, kept
		kept, list = kept+int64(len(list)), make([]keyedLine, 0, some)
		return steps.run(func() error { return v.keepSome(ctx, key, after, chunk) })
	}
	if err := s.read(p, func(l provider.ReportLine) error {
		row := keyedLine{key, l.Number, line{Provider: p.Name, Kind: l.Kind, Reference: l.Reference, Text: l.Text, Batch: l.Batch, Gross: l.Gross, Fee: l.Fee,
			Net: l.Net, Currency: l.Currency, At: l.At.UTC().Truncate(time.Microsecond)}}
		if len(replaced) > 0 {
			if name := row.told(); replaced[name] > 0 {
				replaced[name]--
				row.State = gone
			}
		}
		if number++; number <= of.Kept {
			return nil
		}
		if row.State == unmatched {
			q.match(&row)
		}
		if list = append(list, row); len(list) < some {
			return nil
		}
		return flush()
	}); err != nil {
		return err
	}
	return flush()
}

// keepSome writes the lines of a file that come after so many. How many there are
// stands in the file's row, so that none has to be looked for. A line that has an
// item is matched with it, if that is still to be had.
func (v *Service) keepSome(ctx context.Context, key, after int64, list []keyedLine) error {
	needs := append(make([]db.Need, 0, len(list)+1), files.Need(fileKey(key)))
	for _, l := range list {
		if l.Item != 0 {
			needs = append(needs, items.Need(itemKey(l.ItemScope, l.Item)))
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.lines", Needs: needs, Do: func(tx *db.Tx) error {
		of, ok, err := files.Get(tx, fileKey(key))
		switch {
		case err != nil:
			return err
		case !ok || of.Kept != after:
			return errOvertaken
		}
		of.Kept += int64(len(list))
		files.Update(tx, fileKey(key), of)
		for _, l := range list {
			if err := takeItem(tx, &l.line); err != nil {
				return err
			}
			lines.Insert(tx, lineKey(l.File, l.Number), l.line)
		}
		return nil
	}})
}

// takeItem matches a line that is new with its item, if it has one. What needs more
// than that is left for later.
func takeItem(tx *db.Tx, l *line) error {
	if l.Item == 0 {
		return nil
	}
	at := itemKey(l.ItemScope, l.Item)
	i, ok, err := items.Get(tx, at)
	switch {
	case err != nil:
		return err
	case !ok || i.State != unmatched || i.Break != 0:
		l.State, l.ItemScope, l.Item = unmatched, 0, 0
		return nil
	}
	i.State = matched
	items.Update(tx, at, i)
	return nil
}

// told is what a line says.
type told struct {
	kind             provider.LineKind
	reference, batch string
	gross, fee, net  int64
	currency         money.Currency
}

func (k *line) told() told {
	t := told{k.Kind, k.Reference, k.Batch, k.Gross, k.Fee, k.Net, k.Currency}
	if k.Kind == provider.LineDeposit {
		t.gross, t.fee = 0, 0 // which say how it stands
	}
	return t
}

// supersede takes the lines of earlier versions of a file out of the way, all but
// those that stand in the books already, which it gives.
func (v *Service) supersede(ctx context.Context, of file) (map[told]int, error) {
	stand := map[told]int{}
	if of.Revision <= 1 {
		return stand, nil
	}
	have, err := qFiles.All(ctx, v.DB, of.Provider, "")
	if err != nil {
		return nil, err
	}
	for _, f := range have {
		if f.Day != of.Day || f.Statement != of.Statement || f.Revision >= of.Revision {
			continue
		}
		for after := int64(0); ; {
			rows, err := qLinesOf.All(ctx, v.DB, f.Key, after, int64(some))
			if err != nil {
				return nil, err
			}
			if probe.Mutant("settle.superseded-counts") {
				rows = nil
			}
			if err := v.withdraw(ctx, rows, stand); err != nil {
				return nil, err
			}
			if len(rows) < some {
				break
			}
			after = rows[len(rows)-1].Number
		}
	}
	return stand, nil
}

// withdraw frees what lines were matched with, and counts those that can't be
// withdrawn any more. A deposit that was paid is compared with its lines anew.
func (v *Service) withdraw(ctx context.Context, rows []keyedLine, stand map[told]int) error {
	for _, r := range rows {
		paid := r.Kind == provider.LineDeposit && r.State == matched
		if r.Settled || paid {
			stand[r.told()]++
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.supersede", Do: func(tx *db.Tx) (missing error) {
		for _, r := range rows { // all are tried, so that what they want is loaded together
			if err := v.withdrawOne(tx, r); err != nil {
				missing = err
			}
		}
		return missing
	}})
}

func (v *Service) withdrawOne(tx *db.Tx, r keyedLine) error {
	l, ok, err := lines.Get(tx, lineKey(r.File, r.Number))
	switch {
	case err != nil:
		return err
	case !ok || l.State == gone:
		return nil
	case l.Kind == provider.LineDeposit && l.State == matched:
		l.Settled = false
	case l.Settled:
		return nil
	default:
		l.State = gone
		if err := v.release(tx, &l); err != nil {
			return err
		}
	}
	lines.Update(tx, lineKey(r.File, r.Number), l)
	return nil
}

// release frees the item of a line that does not count any more.
func (v *Service) release(tx *db.Tx, l *line) error {
	if l.Item == 0 {
		return nil
	}
	at := itemKey(l.ItemScope, l.Item)
	i, ok, err := items.Get(tx, at)
	if err != nil || !ok {
		return err
	}
	i.State = unmatched
	if i.Amount == 0 {
		i.State = closed
	}
	if err := v.explain(tx, l.ItemScope, &i, "another version of the file tells otherwise"); err != nil {
		return err
	}
	items.Update(tx, at, i)
	l.ItemScope, l.Item = 0, 0
	return nil
}

// explain resolves the break about an item, if it is open. The caller stores the
// item.
func (v *Service) explain(tx *db.Tx, scope int64, i *item, why string) error {
	if i.Break == 0 {
		return nil
	}
	o, ok, err := breakOf(tx, scope, i.Break)
	if err != nil || !ok || o.Body.State != Open {
		return err
	}
	i.Break = 0
	return end(tx, o, Resolution{By: itself, Why: why})
}

func breakOf(tx *db.Tx, scope, key int64) (*object.Object[Break], bool, error) {
	return Breaks.Get(tx, id.ScopeOf(scope), key)
}

package settle

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// What became of a line, or of an item.
const (
	unmatched int64 = 0 // nothing was found yet
	matched   int64 = 1
	gone      int64 = 2 // of a line: another version of its file has it, or another line undoes it
	closed    int64 = 3 // of an item: nothing is looked for any more
)

// file is a file that was loaded.
type file struct {
	Whole     bool // all lines are there
	Provider  string
	Name, Day string
	Revision  int64
	Statement bool
	Digest    string // SHA-256, hexadecimal
	Lines     int64
	Kept      int64 // how many of the lines are kept, the first ones
	Loaded    time.Time
}

func (r *file) fields(f *db.Fields) {
	db.Bool(f, &r.Whole)
	db.Text(f, &r.Provider)
	db.Text(f, &r.Name)
	db.Text(f, &r.Day)
	db.Int(f, &r.Revision)
	db.Bool(f, &r.Statement)
	db.Text(f, &r.Digest)
	db.Int(f, &r.Lines)
	db.Int(f, &r.Kept)
	db.Time(f, &r.Loaded)
}

// line is a line of a file as it is kept.
type line struct {
	Provider  string
	Kind      provider.LineKind
	Reference string
	Text      string
	Batch     string
	Gross     int64
	Fee       int64
	Net       int64
	Currency  money.Currency
	At        time.Time
	State     int64
	Settled   bool
	ItemScope int64
	Item      int64
}

func (r *line) fields(f *db.Fields) {
	db.Text(f, &r.Provider)
	db.Text(f, &r.Kind)
	db.Text(f, &r.Reference)
	db.Text(f, &r.Text)
	db.Text(f, &r.Batch)
	db.Int(f, &r.Gross)
	db.Int(f, &r.Fee)
	db.Int(f, &r.Net)
	db.Text(f, &r.Currency)
	db.Time(f, &r.At)
	db.Int(f, &r.State)
	db.Bool(f, &r.Settled)
	db.Int(f, &r.ItemScope)
	db.Int(f, &r.Item)
}

// keyedLine is a line with its place.
type keyedLine struct {
	File, Number int64
	line
}

func (k *keyedLine) fields(f *db.Fields) {
	db.Int(f, &k.File)
	db.Int(f, &k.Number)
	k.line.fields(f)
}

func (k *keyedLine) report() Line {
	return Line{k.File, k.Number, provider.ReportLine{Number: k.Number, Kind: k.Kind, Reference: k.Reference, Text: k.Text, Batch: k.Batch,
		Gross: k.Gross, Fee: k.Fee, Net: k.Net, Currency: k.Currency, At: k.At}}
}

// item is what a report or a statement is to tell of.
type item struct {
	Account   ledger.Account // provider_clearing, or bank
	Txn       int64          // key of the transaction or the movement
	Provider  string
	Kind      provider.LineKind
	Reference string
	Currency  money.Currency
	Amount    int64 // 0 for what a line tells of and the books do not have
	Remaining int64 // what of it is not settled
	At        time.Time
	State     int64
	Break     int64 // the latest about it; 0: none
}

func (r *item) fields(f *db.Fields) {
	db.Int(f, &r.Account)
	db.Int(f, &r.Txn)
	db.Text(f, &r.Provider)
	db.Text(f, &r.Kind)
	db.Text(f, &r.Reference)
	db.Text(f, &r.Currency)
	db.Int(f, &r.Amount)
	db.Int(f, &r.Remaining)
	db.Time(f, &r.At)
	db.Int(f, &r.State)
	db.Int(f, &r.Break)
}

type keyedItem struct {
	Scope, Key int64
	item
}

func (k *keyedItem) fields(f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.Key)
	k.item.fields(f)
}

// Summary is what of the money at a provider is explained, ISO minor units
// without signs.
type Summary struct {
	Provider string
	Currency money.Currency
	Total    int64     // all that the books have had there
	Matched  int64     // what a report tells of as the books have it
	Awaiting int64     // what no report has to tell of yet
	Broken   int64     // what open breaks are about
	At       time.Time // when it was counted
}

func (r *Summary) fields(f *db.Fields) {
	db.Text(f, &r.Provider)
	db.Text(f, &r.Currency)
	db.Int(f, &r.Total)
	db.Int(f, &r.Matched)
	db.Int(f, &r.Awaiting)
	db.Int(f, &r.Broken)
	db.Time(f, &r.At)
}

// Whole is all of the money, in the units of [Summary.Explained].
const Whole = 10_000

// Explained is the share of the money that was due to be told of which is told of
// as the books have it, in hundredths of a per cent, rounded down; all of nothing is
// [Whole].
func (r *Summary) Explained() int64 {
	due := r.Total - r.Awaiting
	switch {
	case due <= 0:
		return Whole
	case due > math.MaxInt64/Whole:
		return r.Matched / (due / Whole)
	}
	return r.Matched * Whole / due
}

const (
	lineColumns  = "provider, kind, reference, note, batch, gross, fee, net, currency, at, state, settled, item_scope, item"
	itemColumns  = "account, txn, provider, kind, reference, currency, amount, remaining, at, state, break_key"
	sheetColumns = "provider, account, currency, day, number, page, opened, opening, closing"
	fileColumns  = "state, provider, name, day, revision, statement, digest, lines, kept, loaded"
)

// files and lines belong to providers and so to no scope: a file tells of all
// accounts.
var (
	files     = db.NewTable("settle_file", "scope, key", fileColumns, (*file).fields)
	lines     = db.NewTable("settle_line", "scope, file, number", lineColumns, (*line).fields)
	items     = db.NewTable("settle_item", "scope, key", itemColumns, (*item).fields)
	cursors   = db.NewTable("settle_cursor", "scope, account", "number", func(n *int64, f *db.Fields) { db.Int(f, n) })
	summaries = db.NewTable("settle_summary", "scope, key", "provider, currency, total, matched, awaiting, broken, at", (*Summary).fields)
	sheets    = db.NewTable("settle_sheet", "scope, chain, hash", sheetColumns, (*sheet).fields)
	// marks name the latest break of a type about a subject, by a hash of both.
	marks = db.NewTable("settle_mark", "scope, hash_a, hash_b", "break_key", func(key *int64, f *db.Fields) { db.Int(f, key) })
)

func fileKey(key int64) db.Key          { return db.Key{ID: key} }
func lineKey(file, number int64) db.Key { return db.Key{ID: file, Sub: number} }
func itemKey(scope, key int64) db.Key   { return db.Key{Scope: scope, ID: key} }

// hashed makes a key of texts: 62 bits of a hash.
func hashed(texts ...string) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	return int64(binary.BigEndian.Uint64(sum[:]) >> 2)
}

type place struct{ Scope, Key int64 }

func (p *place) fields(f *db.Fields) {
	db.Int(f, &p.Scope)
	db.Int(f, &p.Key)
}

type keyedFile struct {
	Key int64
	file
}

func (k *keyedFile) fields(f *db.Fields) {
	db.Int(f, &k.Key)
	k.file.fields(f)
}

// total is a sum of items of one scope, provider, currency and state.
type total struct {
	Scope    int64
	Provider string
	Currency money.Currency
	State    int64
	Sum      int64
}

func (r *total) fields(f *db.Fields) {
	db.Int(f, &r.Scope)
	db.Text(f, &r.Provider)
	db.Text(f, &r.Currency)
	db.Int(f, &r.State)
	db.Int(f, &r.Sum)
}

type balanceOf struct {
	Account   ledger.Account
	Remaining int64
}

const page = 1000

// All but those of one scope look over all accounts: a provider's report tells of
// all of them.
var (
	// qScope finds whose a break is, for who runs Florin.
	qScope = db.NewQuery("scope of a break", "SELECT scope, key FROM settle_break WHERE key = ?", (*place).fields)
	qFiles = db.NewQuery("files of a provider", "SELECT key, "+fileColumns+" FROM settle_file WHERE scope = 0 AND provider = ? AND day > ? ORDER BY day, revision, key", (*keyedFile).fields)

	qSheetBefore = db.NewQuery("the statement before one",
		"SELECT "+sheetColumns+" FROM settle_sheet WHERE scope = 0 AND chain = ? AND (day, number, page) < (?, ?, ?) ORDER BY day DESC, number DESC, page DESC LIMIT 1", (*sheet).fields)
	qSheetAfter = db.NewQuery("the statement after one",
		"SELECT "+sheetColumns+" FROM settle_sheet WHERE scope = 0 AND chain = ? AND (day, number, page) > (?, ?, ?) ORDER BY day, number, page LIMIT 1", (*sheet).fields)

	qOpenItems = db.NewQuery("items that are not matched",
		"SELECT scope, key, "+itemColumns+" FROM settle_item WHERE state = 0 AND provider = ? AND (scope, key) > (?, ?) ORDER BY scope, key LIMIT ?", (*keyedItem).fields)
	qItemsNamed = db.NewQuery("items of a reference",
		"SELECT scope, key, "+itemColumns+" FROM settle_item WHERE provider = ? AND reference = ? ORDER BY scope, key", (*keyedItem).fields)
	qItems = db.NewQuery("items of a scope",
		"SELECT scope, key, "+itemColumns+" FROM settle_item WHERE (scope, key) > (?, ?) ORDER BY scope, key LIMIT ?", (*keyedItem).fields)
	qRemaining = db.NewQuery("what remains of items, by account",
		"SELECT account, CAST(SUM(remaining) AS BIGINT) FROM settle_item WHERE scope = ? GROUP BY account ORDER BY account", func(b *balanceOf, f *db.Fields) {
			db.Int(f, &b.Account)
			db.Int(f, &b.Remaining)
		})
	qTotals = db.NewQuery("sums of items",
		"SELECT scope, provider, currency, state, CAST(SUM(ABS(amount)) AS BIGINT) FROM settle_item GROUP BY scope, provider, currency, state ORDER BY scope, provider, currency, state", (*total).fields)

	qOpenLines = db.NewQuery("lines that are not matched",
		"SELECT l.file, l.number, l.provider, l.kind, l.reference, l.note, l.batch, l.gross, l.fee, l.net, l.currency, l.at, l.state, l.settled, l.item_scope, l.item"+
			" FROM settle_line l JOIN settle_file f ON f.scope = l.scope AND f.key = l.file"+
			" WHERE l.scope = 0 AND l.state = 0 AND f.state = 1 AND l.provider = ? AND (l.file, l.number) > (?, ?) ORDER BY l.file, l.number LIMIT ?", (*keyedLine).fields)
	qLinesOf = db.NewQuery("lines of a file",
		"SELECT file, number, "+lineColumns+" FROM settle_line WHERE scope = 0 AND file = ? AND number > ? ORDER BY number LIMIT ?", (*keyedLine).fields)
	qBatch = db.NewQuery("lines of a batch",
		"SELECT file, number, "+lineColumns+" FROM settle_line WHERE scope = 0 AND provider = ? AND (batch, file, number) > (?, ?, ?) AND batch <= ? ORDER BY batch, file, number LIMIT ?", (*keyedLine).fields)
	// "+scope": by the index of these few lines, and not by the key of all.
	qPaid = db.NewQuery("deposits that the bank has and the books do not",
		"SELECT file, number, "+lineColumns+" FROM settle_line WHERE +scope = 0 AND kind = 'deposit' AND settled = 0 AND state = 1 ORDER BY file, number", (*keyedLine).fields)
	qSummaries = db.NewQuery("what of a scope's money is explained",
		"SELECT provider, currency, total, matched, awaiting, broken, at FROM settle_summary WHERE scope = ? ORDER BY provider, currency", (*Summary).fields)
	qAllSummaries = db.NewQuery("what of all money is explained",
		"SELECT provider, currency, CAST(SUM(total) AS BIGINT), CAST(SUM(matched) AS BIGINT), CAST(SUM(awaiting) AS BIGINT), CAST(SUM(broken) AS BIGINT), MAX(at)"+
			" FROM settle_summary GROUP BY provider, currency ORDER BY provider, currency", (*Summary).fields)
	qOpenBreaks = db.NewQuery("how many breaks are open",
		"SELECT type, COUNT(*), MIN(key) FROM settle_break WHERE state = 'open' GROUP BY type ORDER BY type", func(c *OpenBreaks, f *db.Fields) {
			db.Text(f, &c.Type)
			db.Int(f, &c.Number)
			db.Int(f, &c.oldest)
		})
)

// OpenBreaks tells how many breaks of a type are open.
type OpenBreaks struct {
	Type   Type
	Number int64
	oldest int64
}

// Oldest is when the oldest of them was opened.
func (c OpenBreaks) Oldest() time.Time { return id.Time(c.oldest) }

// CountOpen counts the open breaks of all accounts by type.
func CountOpen(ctx context.Context, d *db.DB) ([]OpenBreaks, error) { return qOpenBreaks.All(ctx, d) }

// Summaries tells what of a scope's money is explained, by provider and currency,
// as the last run left it.
func Summaries(ctx context.Context, d *db.DB, s id.Scope) ([]Summary, error) {
	return qSummaries.All(ctx, d, s.Key())
}

// AllSummaries is [Summaries] of all accounts together.
func AllSummaries(ctx context.Context, d *db.DB) ([]Summary, error) {
	return qAllSummaries.All(ctx, d)
}

// Find gives a break of whichever account.
func (v *Service) Find(ctx context.Context, key int64) (*object.Object[Break], bool, error) {
	at, err := qScope.All(ctx, v.DB, key)
	if err != nil || len(at) == 0 {
		return nil, false, err
	}
	return Breaks.Read(ctx, v.DB, id.ScopeOf(at[0].Scope), key)
}

// eachOpenItem gives the items of a provider that are not matched.
func (v *Service) eachOpenItem(ctx context.Context, name string, f func(keyedItem) error) error {
	last := place{-1, 0}
	for {
		rows, err := qOpenItems.All(ctx, v.DB, name, last.Scope, last.Key, int64(page))
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			last = place{r.Scope, r.Key}
		}
		if len(rows) < page {
			return nil
		}
	}
}

// eachOpenLine gives the lines of a provider's whole files that are not matched.
func (v *Service) eachOpenLine(ctx context.Context, name string, f func(keyedLine) error) error {
	return eachLine(func(file, number int64) ([]keyedLine, error) {
		return qOpenLines.All(ctx, v.DB, name, file, number, int64(page))
	}, f)
}

// eachOfBatch gives the lines of a batch.
func (v *Service) eachOfBatch(ctx context.Context, name, batch string, f func(keyedLine) error) error {
	return eachLine(func(file, number int64) ([]keyedLine, error) {
		return qBatch.All(ctx, v.DB, name, batch, file, number, batch, int64(page))
	}, f)
}

func eachLine(next func(file, number int64) ([]keyedLine, error), f func(keyedLine) error) error {
	last := [2]int64{-1, 0}
	for {
		rows, err := next(last[0], last[1])
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			last = [2]int64{r.File, r.Number}
		}
		if len(rows) < page {
			return nil
		}
	}
}

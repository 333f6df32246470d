package settle

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// The statements of an account are a chain: each has the number that follows, and
// begins with the balance that the one before it ended with. What breaks the chain
// is a break, since entries may be missing that nothing else would miss.

// sheet is what a statement says of itself.
type sheet struct {
	Provider string
	Account  string
	Currency money.Currency
	Day      string
	Number   int64 // in the account's sequence; 0: none
	Page     int64 // among those of its file that are of its account
	Opened   bool
	Opening  int64
	Closing  int64
}

func (r *sheet) fields(f *db.Fields) {
	db.Text(f, &r.Provider)
	db.Text(f, &r.Account)
	db.Text(f, &r.Currency)
	db.Text(f, &r.Day)
	db.Int(f, &r.Number)
	db.Int(f, &r.Page)
	db.Bool(f, &r.Opened)
	db.Int(f, &r.Opening)
	db.Int(f, &r.Closing)
}

func (r *sheet) chain() int64 { return hashed(r.Provider, r.Account, string(r.Currency)) }

// key names a statement by its place in the chain: a file that comes anew takes it.
func (r *sheet) key() db.Key {
	return db.Key{ID: r.chain(), Sub: hashed(r.Day, fmt.Sprint(r.Number), fmt.Sprint(r.Page))}
}

func (r *sheet) subject() string {
	text := fmt.Sprintf("statement of %s of %s in %s", r.Day, r.Account, r.Currency)
	if r.Number != 0 {
		text += fmt.Sprintf(", number %d", r.Number)
	}
	if r.Page != 0 {
		text += fmt.Sprintf(", page %d", r.Page+1)
	}
	return text
}

// follows tells what is wrong with a statement after another one; no type: nothing
// is.
func (r *sheet) follows(before *sheet) Break {
	b := Break{Subject: r.subject(), Provider: r.Provider}
	switch {
	case r.Number > before.Number+1 && before.Number > 0:
		b.Type, b.Note = Timing, fmt.Sprintf("the statements %d to %d have not come", before.Number+1, r.Number-1)
	case r.Opened && r.Opening != before.Closing:
		b.Type, b.Note = Amount, fmt.Sprintf("it begins with another balance than that of %s ended with: one of the two is wrong, or one between them is missing", before.Day)
		b.Ours, b.Theirs = Side{before.Closing, r.Currency}, Side{r.Opening, r.Currency}
	}
	return b
}

// sheetsOf reads what the statements in a file say of themselves.
func sheetsOf(p provider.Provider, s *spooled) (list []sheet, err error) {
	if p.Reports.Sheets == nil {
		return nil, nil
	}
	if _, err := s.Seek(0, 0); err != nil {
		return nil, err
	}
	told, err := p.Reports.Sheets(s)
	pages := map[int64]int64{}
	for _, t := range told {
		row := sheet{Provider: p.Name, Account: t.Account, Currency: t.Currency, Day: t.Day, Number: t.Number, Opened: t.Opened, Opening: t.Opening, Closing: t.Closing}
		row.Page = pages[row.chain()]
		pages[row.chain()]++
		list = append(list, row)
	}
	return list, err
}

// keepSheets writes what the statements of a file say of themselves, and compares
// each with those next to it.
func (v *Service) keepSheets(ctx context.Context, house id.Scope, list []sheet) error {
	if len(list) == 0 {
		return nil
	}
	if err := v.DB.Run(ctx, db.Step{Name: "settle.sheets", Do: func(tx *db.Tx) (missing error) {
		for _, s := range list {
			if _, ok, err := sheets.Get(tx, s.key()); err != nil {
				missing = err
			} else if ok {
				sheets.Update(tx, s.key(), s)
			} else {
				sheets.Insert(tx, s.key(), s)
			}
		}
		return missing
	}}); err != nil {
		return err
	}
	var found []Break
	for _, s := range list {
		for _, pair := range []struct {
			query  *db.Query[sheet]
			before bool
		}{{qSheetBefore, true}, {qSheetAfter, false}} {
			next, err := pair.query.All(ctx, v.DB, s.chain(), s.Day, s.Number, s.Page)
			if err != nil {
				return err
			}
			switch {
			case len(next) == 0:
			case pair.before:
				found = append(found, s.follows(&next[0]))
			default:
				found = append(found, next[0].follows(&s))
			}
		}
	}
	return v.tellSheets(ctx, house, found)
}

// tellSheets opens the breaks that there are about statements, and explains those
// that there are no more.
func (v *Service) tellSheets(ctx context.Context, house id.Scope, list []Break) error {
	if len(list) == 0 {
		return nil
	}
	return v.DB.Run(ctx, db.Step{Name: "settle.sheets_told", Scope: house.Key(), Do: func(tx *db.Tx) (missing error) {
		for _, b := range list {
			for _, kind := range []Type{Timing, Amount} {
				var err error
				if b.Type == kind {
					_, err = open(tx, house, b)
				} else {
					err = v.Explain(tx, house, string(kind), b.Subject, b.Provider, "the statement before it has come")
				}
				if err != nil {
					missing = err
				}
			}
		}
		return missing
	}})
}

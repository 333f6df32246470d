package bank

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

const (
	statementsPath = "/v1/statements"
	statementPath  = "/v1/statement"
)

// movement is what has gone through the account, in a currency.
type movement struct {
	StatementEntry
	currency money.Currency
	day      string
}

// movements are all that has gone through the account by now, in the order in
// which it was booked. A transfer is booked when it arrives, and when it comes
// back after that.
func (b *Book) movements(ctx context.Context, zone *time.Location, now time.Time) (list []movement, err error) {
	add := func(e StatementEntry, currency string) {
		if !e.At.After(now) {
			list = append(list, movement{e, money.Currency(currency), e.At.In(zone).Format(time.DateOnly)})
		}
	}
	transfers, err := b.Transfers(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range transfers {
		out := -t.Amount
		if t.Original != "" { // money that is taken back
			out = t.Amount
		}
		switch {
		case t.State == Arrived:
			add(StatementEntry{t.Reference, "PAYOUT " + t.Trace, out, t.Ended, t.ID}, t.Currency)
		case t.State == Returned && t.Ended.After(t.Arrives):
			add(StatementEntry{t.Reference, "PAYOUT " + t.Trace, out, t.Arrives, t.ID}, t.Currency)
			add(StatementEntry{t.Reference, "RETURNED " + t.Trace, -out, t.Ended, t.ID}, t.Currency)
		}
	}
	err = qDeposits.Each(ctx, b.db, func(d Deposit) error {
		add(StatementEntry{Reference: d.Reference, Text: d.Note, Amount: d.Amount, At: d.At}, d.Currency)
		return nil
	})
	slices.SortStableFunc(list, func(a, b movement) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Reference, b.Reference)) })
	return list, err
}

type statementListEntry struct {
	Name string `json:"name"`
	Day  string `json:"day"`
}

type statementList struct {
	Statements []statementListEntry `json:"statements"`
}

func zoneOf(name string) (*time.Location, *refusal) {
	zone, err := time.LoadLocation(name)
	if err != nil || len(name) > maxText {
		return nil, refuse(invalidField, "there is no such time zone")
	}
	return zone, nil
}

// days are what has gone through the account by day and currency, those that are
// over alone.
func (s *Simulator) days(ctx context.Context, zone *time.Location) ([]movement, error) {
	now := s.clock.Now()
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	list, err := s.book.movements(ctx, zone, now)
	today := now.In(zone).Format(time.DateOnly)
	return slices.DeleteFunc(list, func(m movement) bool { return m.day >= today }), err
}

// listStatements is GET /v1/statements?zone=Z&after=DAY.
func (s *Simulator) listStatements(w http.ResponseWriter, r *http.Request) {
	zone, refused := zoneOf(r.URL.Query().Get("zone"))
	if refused != nil {
		answerError(w, refused)
		return
	}
	moves, err := s.days(r.Context(), zone)
	if err != nil {
		answerError(w, err)
		return
	}
	list := statementList{Statements: []statementListEntry{}}
	listed := map[string]bool{}
	for _, m := range moves {
		name := m.day + "/" + string(m.currency) + "/" + zone.String()
		late := s.suffers(m.day, LateStatement) && s.clock.Now().In(zone).Format(time.DateOnly) <= dayAfter(m.day)
		if !listed[name] && m.day > r.URL.Query().Get("after") && !late {
			listed[name] = true
			list.Statements = append(list.Statements, statementListEntry{name, m.day})
		}
	}
	answer(w, http.StatusOK, list)
}

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// sendStatement is GET /v1/statement?name=NAME.
func (s *Simulator) sendStatement(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(r.URL.Query().Get("name"), "/", 3)
	if len(parts) != 3 {
		answerError(w, refuse(notFound, "there is no statement of this name"))
		return
	}
	zone, refused := zoneOf(parts[2])
	if refused != nil {
		answerError(w, refuse(notFound, "there is no statement of this name"))
		return
	}
	moves, err := s.days(r.Context(), zone)
	if err != nil {
		answerError(w, err)
		return
	}
	day, currency := parts[0], money.Currency(parts[1])
	h, entries := s.head(moves, day, currency)
	if len(entries) == 0 {
		answerError(w, refuse(notFound, "there is no statement of this name"))
		return
	}
	var body bytes.Buffer
	h.Made, err = time.ParseInLocation(time.DateOnly, dayAfter(day), zone)
	if err == nil {
		err = WriteStatement(&body, h, s.befall(day, entries))
	}
	if err != nil {
		answerError(w, err)
		return
	}
	text := body.Bytes()
	if s.suffers(day, CutStatement) {
		text = text[:len(text)*2/3]
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // a client that has gone asks again
}

// head is the heading of a day's statement, with its entries. The balance that it
// begins with is what the statements before it end with, whatever befell them.
func (s *Simulator) head(moves []movement, day string, currency money.Currency) (Heading, []StatementEntry) {
	h := Heading{ID: "FLORIN-" + day + "-" + string(currency), Day: day, Currency: currency}
	by, days := map[string][]StatementEntry{}, []string(nil)
	for _, m := range moves {
		if m.currency != currency || m.day > day {
			continue
		}
		if by[m.day] == nil {
			days = append(days, m.day)
		}
		by[m.day] = append(by[m.day], m.StatementEntry)
	}
	for _, d := range days {
		if h.Number++; d == day {
			continue
		}
		for _, e := range s.befall(d, by[d]) {
			h.Before += e.Amount
		}
	}
	return h, by[day]
}

// befall changes the entries of a day as its faults want.
func (s *Simulator) befall(day string, entries []StatementEntry) []StatementEntry {
	list := slices.Clone(entries)
	if s.suffers(day, BareEntry) {
		list[0].Reference, list[0].Text = notProvided, list[0].Text+" REF "+list[0].Reference
	}
	if s.suffers(day, WrongEntry) {
		list[0].Amount--
	}
	if s.suffers(day, DoubleEntry) {
		list = append(list, list[0])
	}
	if s.suffers(day, StrangeEntry) {
		list = append(list, StatementEntry{Reference: "STRANGE-" + day, Text: "who are you", Amount: 4711, At: list[0].At})
	}
	if s.suffers(day, MissingEntry) {
		list = list[1:]
	}
	return list
}

func (s *Simulator) suffers(day string, f StatementFault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.wrong[day], f)
}

// InjectStatement makes the statements of a day go wrong, for as long as the
// simulator lives or until [Simulator.HealStatements].
func (s *Simulator) InjectStatement(day string, f StatementFault) error {
	if !slices.Contains(statementFaults, f) {
		return fmt.Errorf("bank: no fault %q of statements; there are %v", f, statementFaults)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return fmt.Errorf("bank: %q is no day", day)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong == nil {
		s.wrong = map[string][]StatementFault{}
	}
	s.wrong[day] = append(s.wrong[day], f)
	return nil
}

// HealStatements lets statements be as they should.
func (s *Simulator) HealStatements() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = nil
}

// addStatementFault is POST /faults/statements.
func (s *Simulator) addStatementFault(w http.ResponseWriter, r *http.Request) {
	var f struct {
		Fault StatementFault `json:"fault"`
		Day   string         `json:"day"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || json.Unmarshal(body, &f) != nil {
		answerError(w, refuse(invalidJSON, "the body is not the JSON of a fault of statements"))
		return
	}
	if err := s.InjectStatement(f.Day, f.Fault); err != nil {
		answerError(w, refuse(invalidField, "%v", err))
		return
	}
	answer(w, http.StatusOK, f)
}

// receive is POST /v1/deposits: what another pays in.
func (s *Simulator) receive(w http.ResponseWriter, r *http.Request) {
	var d struct {
		Reference string    `json:"reference"`
		Amount    int64     `json:"amount"`
		Currency  string    `json:"currency"`
		At        time.Time `json:"at"`
		Note      string    `json:"note"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || json.Unmarshal(body, &d) != nil || !money.Currency(d.Currency).Known() || len(d.Note) > maxText {
		answerError(w, refuse(invalidJSON, "the body is not the JSON of a deposit"))
		return
	}
	if err := s.book.Receive(r.Context(), Deposit{d.Reference, d.Amount, d.Currency, d.At, d.Note}); err != nil {
		answerError(w, err)
		return
	}
	answer(w, http.StatusOK, d)
}

// statements are how the connector reads statements.
func (c *connector) statements() *provider.Reports {
	return &provider.Reports{List: c.listStatements, Fetch: c.fetchStatement, Read: ReadStatement, Sheets: ReadSheets}
}

func (c *connector) listStatements(ctx context.Context, zone *time.Location, after string) ([]provider.ReportFile, error) {
	body, err := c.download(ctx, statementsPath+"?"+url.Values{"zone": {zone.String()}, "after": {after}}.Encode())
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var list statementList
	if err := json.NewDecoder(io.LimitReader(body, maxStatementList)).Decode(&list); err != nil {
		return nil, errors.New("bank: statements: the answer is not a list of statements")
	}
	files := make([]provider.ReportFile, 0, len(list.Statements))
	for _, e := range list.Statements {
		if _, err := time.Parse(time.DateOnly, e.Day); err != nil || e.Name == "" || len(e.Name) > 4*maxText {
			return nil, errors.New("bank: statements: one has no name or day")
		}
		files = append(files, provider.ReportFile{Name: e.Name, Day: e.Day, Version: 1, Statement: true})
	}
	return files, nil
}

// maxStatementList is how many bytes of a list of statements are read.
const maxStatementList = 16 << 20

func (c *connector) fetchStatement(ctx context.Context, f provider.ReportFile) (io.ReadCloser, error) {
	return c.download(ctx, statementPath+"?"+url.Values{"name": {f.Name}}.Encode())
}

// download begins to read an answer of any length.
func (c *connector) download(ctx context.Context, path string) (io.ReadCloser, error) {
	status, body, err := c.line.Open(ctx, line.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, fmt.Errorf("bank: statements: %w", err)
	}
	if status != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("bank: statements: answered with status %d", status), body.Close())
	}
	return body, nil
}

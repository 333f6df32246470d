package bank

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// ReadStatement gives the entries of a statement: one for each transfer where an
// entry is made of several, and one for charges that it contains.
func ReadStatement(from io.Reader, line func(provider.ReportLine) error) error {
	return (&statementReader{line: line}).read(from)
}

// ReadSheets gives what the statements of a message say of themselves.
func ReadSheets(from io.Reader) (list []provider.Sheet, err error) {
	r := &statementReader{line: func(provider.ReportLine) error { return nil }, sheet: func(s provider.Sheet) { list = append(list, s) }}
	return list, r.read(from)
}

// statementReader reads a message element by element, so that a long one takes no
// more room than a short one.
type statementReader struct {
	line  func(provider.ReportLine) error
	sheet func(provider.Sheet) // nil: nobody wants to know
	path  []string
	lines int64
	begun bool // a statement was begun
	ended bool // the message has ended
	in    sheet
}

// sheet is the statement that is being read.
type sheet struct {
	account  accountXML
	number   int64
	currency money.Currency
	balances map[string]int64 // by code
	between  []int64          // the interim ones
	day      time.Time        // of the closing balance, or else of the statement
	sum      int64            // of its entries
	held     []entryXML       // reversals, of which only the balances tell the direction
}

func (r *statementReader) read(from io.Reader) error {
	d := xml.NewDecoder(bufio.NewReaderSize(io.LimitReader(from, maxStatement), 1<<16))
	d.Strict = true
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return r.end()
		case err != nil:
			return provider.BadReport("%v", err)
		}
		if err := r.token(d, token); err != nil {
			return err
		}
	}
}

func (r *statementReader) token(d *xml.Decoder, token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(d, t)
	case xml.EndElement:
		if len(r.path) == 3 && r.path[2] == "Stmt" {
			if err := r.endStatement(); err != nil {
				return err
			}
		}
		r.path = r.path[:len(r.path)-1] // the decoder has seen to it that there is one
		r.ended = len(r.path) == 0
	}
	return nil
}

// statementPlace is where statements are in a message.
const statementPlace = "Document/BkToCstmrStmt/Stmt"

func (r *statementReader) start(d *xml.Decoder, t xml.StartElement) error {
	place := strings.Join(r.path, "/")
	switch {
	case len(r.path) == 0 && (t.Name.Local != "Document" || !strings.HasPrefix(t.Name.Space, "urn:iso:std:iso:20022:tech:xsd:camt.053.001.")):
		return provider.BadReport("it is no camt.053.001 message")
	case place == statementPlace:
		if known, err := r.part(d, t); known || err != nil {
			return err
		}
	case place+"/"+t.Name.Local == statementPlace:
		r.begun, r.in = true, sheet{balances: map[string]int64{}}
	}
	r.path = append(r.path, t.Name.Local)
	return nil
}

// part reads an element of a statement, if it is one that counts.
func (r *statementReader) part(d *xml.Decoder, t xml.StartElement) (known bool, err error) {
	decode := func(into any) bool {
		if failed := d.DecodeElement(into, &t); failed != nil {
			err = provider.BadReport("%v", failed)
		}
		return err == nil
	}
	var text string
	switch t.Name.Local {
	case "Acct":
		decode(&r.in.account)
	case "ElctrncSeqNb", "LglSeqNb":
		if decode(&text) && r.in.number == 0 {
			r.in.number, _ = strconv.ParseInt(strings.TrimSpace(text), 10, 64) // what is no number tells nothing
		}
	case "CreDtTm":
		if decode(&text) {
			r.in.since(dateXML{Moment: text})
		}
	case "FrToDt":
		var span struct {
			Moment string `xml:"ToDtTm"`
		}
		if decode(&span) {
			r.in.since(dateXML{Moment: span.Moment})
		}
	case "Bal":
		var b balanceXML
		if decode(&b) {
			err = r.balance(b)
		}
	case "Ntry":
		var e entryXML
		if decode(&e) {
			err = r.entry(e)
		}
	default:
		return false, nil
	}
	return true, err
}

// since takes a date for that of the statement, if it is one.
func (s *sheet) since(d dateXML) {
	if at, err := d.time(); err == nil {
		s.day = at
	}
}

func (r *statementReader) balance(b balanceXML) error {
	code := strings.TrimSpace(b.Code)
	if !slices.Contains([]string{opening, previous, closing, interim}, code) {
		return nil
	}
	n, c, err := signed(b.Amount, b.Sign)
	if err == nil {
		err = r.in.hold(c)
	}
	if err != nil {
		return provider.BadReport("the balance %s: %v", code, err)
	}
	if code == interim {
		r.in.between = append(r.in.between, n)
		return nil
	}
	if _, twice := r.in.balances[code]; twice {
		return provider.BadReport("there are two balances %s", code)
	}
	if r.in.balances[code] = n; code == closing {
		r.in.since(b.Date)
	}
	return nil
}

// hold holds a statement to one currency.
func (s *sheet) hold(c money.Currency) error {
	if s.currency != "" && s.currency != c {
		return fmt.Errorf("it is in %s and in %s", s.currency, c)
	}
	s.currency = c
	return nil
}

// isBooked reports whether an entry is booked, rather than expected.
func (s statusXML) isBooked() bool {
	return strings.TrimSpace(s.Code+s.Own+s.Text) == booked
}

func (e *entryXML) isReversal() bool {
	text := strings.TrimSpace(e.Reversal)
	return text == "true" || text == "1"
}

// maxHeld bounds how many reversals of a statement are kept in mind.
const maxHeld = 100_000

func (r *statementReader) entry(e entryXML) error {
	if !e.Status.isBooked() {
		return nil // pending or for information
	}
	if !e.isReversal() {
		return r.book(e)
	}
	if len(r.in.held) == maxHeld {
		return provider.BadReport("it has more than %d reversals", maxHeld)
	}
	r.in.held = append(r.in.held, e)
	return nil
}

// book tells of an entry.
func (r *statementReader) book(e entryXML) error {
	total, c, err := signed(e.Amount, e.Sign)
	if err == nil {
		err = r.in.hold(c)
	}
	at := r.in.day
	if dated := cmp.Or(e.Booked, e.Valued); err == nil && dated != (dateXML{}) {
		at, err = dated.time()
	}
	if err == nil && at.IsZero() {
		err = errors.New("it has no date")
	}
	if err != nil {
		return provider.BadReport("the entry %q: %v", e.Servicer, err)
	}
	r.in.sum += total
	if len(e.Parts) > maxEntryParts {
		return provider.BadReport("the entry %q has more than %d parts", e.Servicer, maxEntryParts)
	}
	told := booking{statementReader: r, entryXML: e, currency: c, at: at}
	switch len(e.Parts) {
	case 0:
		return told.tell(detailsXML{EndToEnd: e.Batch}, total)
	case 1:
		return told.one(total)
	}
	return told.several(total)
}

// booking is an entry of which is told.
type booking struct {
	*statementReader
	entryXML
	currency money.Currency
	at       time.Time
}

// one tells of an entry that is one transfer: of what was moved, and, where those
// explain by what the entry is more, of its charges.
func (b *booking) one(total int64) error {
	p := b.Parts[0]
	n, known := b.moved(p)
	if taken := b.charges(); !known || n == total || taken == 0 || n+taken != total {
		return b.tell(p, total)
	}
	if err := b.tell(p, n); err != nil {
		return err
	}
	return b.tellCharges(total - n)
}

// several tells of each of the transfers that an entry is made of; they, and its
// charges, have to add up to it.
func (b *booking) several(total int64) error {
	left := total
	for _, p := range b.Parts {
		n, known := b.moved(p)
		if !known {
			return provider.BadReport("the entry %q has a part without an amount in %s", b.Servicer, b.currency)
		}
		left -= n
		if err := b.tell(p, n); err != nil {
			return err
		}
	}
	if left == 0 {
		return nil
	}
	if left != b.charges() {
		return provider.BadReport("the parts of the entry %q do not add up to it", b.Servicer)
	}
	return b.tellCharges(left)
}

// moved is what a part moves in the account's currency.
func (b *booking) moved(p detailsXML) (int64, bool) {
	for _, a := range []*amountXML{p.Amount, p.Inner, p.Counter} {
		if a == nil {
			continue
		}
		if n, c, err := signed(*a, cmp.Or(p.Sign, b.Sign)); err == nil && c == b.currency {
			return n, true
		}
	}
	return 0, false
}

// charges are those of an entry and of its parts, in the account's currency.
func (b *booking) charges() (sum int64) {
	var add func(chargeXML)
	add = func(c chargeXML) {
		for _, one := range c.Records {
			add(one)
		}
		if c.Amount == nil || len(c.Records) > 0 {
			return
		}
		if n, in, err := signed(*c.Amount, cmp.Or(c.Sign, debit)); err == nil && in == b.currency {
			sum += n
		}
	}
	for _, c := range b.Charges {
		add(c)
	}
	for _, p := range b.Parts {
		for _, c := range p.Charges {
			add(c)
		}
	}
	return sum
}

func (b *booking) tellCharges(n int64) error {
	return b.tell(detailsXML{Texts: []string{"charges"}}, n)
}

func (b *booking) tell(p detailsXML, n int64) error {
	b.lines++
	reference := strings.TrimSpace(p.EndToEnd)
	if reference == notProvided {
		reference = ""
	}
	return b.line(provider.ReportLine{Number: b.lines, Kind: provider.LineEntry, Reference: clipped(reference), Text: clipped(b.text(p)), Net: n, Currency: b.currency, At: b.at})
}

// text is what was written to a transfer, and what the bank has added to it.
func (b *booking) text(p detailsXML) string {
	words := slices.Concat(p.Named, p.Texts, p.Noted, []string{p.More, b.More})
	for i, text := range words {
		words[i] = strings.TrimSpace(labels.Replace(text))
	}
	return strings.Join(slices.DeleteFunc(words, func(text string) bool { return text == "" }), " ")
}

// labels are what German banks put before the parts of a text, from the time of
// MT940, without a space behind it.
var labels = strings.NewReplacer("EREF+", "EREF+ ", "KREF+", " KREF+ ", "MREF+", " MREF+ ", "SVWZ+", " SVWZ+ ")

// clipped bounds a text that another bank's customer wrote, and takes out what no
// database keeps.
func clipped(text string) string {
	const most = 500
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// time reads a date; its day may have a time zone, which days of statements do not
// count.
func (d dateXML) time() (time.Time, error) {
	if text := strings.TrimSpace(d.Moment); text != "" {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	text := strings.TrimSpace(d.Day)
	t, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	if err == nil && len(text) > len(time.DateOnly) {
		_, err = time.Parse("2006-01-02Z07:00", text)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no day", d.Day)
	}
	return t, nil
}

// endStatement tells of the reversals, and compares the balances with the entries.
func (r *statementReader) endStatement() error {
	before, opened, after, closed := r.in.ends()
	if !closed {
		return provider.BadReport("it has no closing balance")
	}
	if err := r.bookReversals(after-before, opened); err != nil {
		return err
	}
	if opened && after-before != r.in.sum {
		return provider.BadReport("its balances differ by %d and its entries add up to %d", after-before, r.in.sum)
	}
	if r.sheet != nil {
		account := clipped(cmp.Or(strings.TrimSpace(r.in.account.IBAN), strings.TrimSpace(r.in.account.Other)))
		r.sheet(provider.Sheet{Account: account, Currency: r.in.currency, Number: r.in.number, Day: r.in.day.Format(time.DateOnly), Opened: opened, Opening: before, Closing: after})
	}
	r.in = sheet{balances: map[string]int64{}}
	return nil
}

// ends are the balances that a statement begins and ends with. Those of a page in
// the middle are interim ones.
func (s *sheet) ends() (before int64, opened bool, after int64, closed bool) {
	before, opened = s.balances[opening]
	if !opened {
		before, opened = s.balances[previous]
	}
	after, closed = s.balances[closing]
	between := s.between
	if !opened && len(between) > 0 && (closed || len(between) > 1) {
		before, opened, between = between[0], true, between[1:]
	}
	if !closed && len(between) > 0 {
		after, closed = between[len(between)-1], true
	}
	return before, opened, after, closed
}

// bookReversals tells of reversals: in the direction that is written, or, if only
// that makes up the difference of the balances, in the other.
func (r *statementReader) bookReversals(difference int64, known bool) error {
	sum := int64(0)
	for _, e := range r.in.held {
		n, _, err := signed(e.Amount, e.Sign)
		if err != nil {
			return provider.BadReport("the entry %q: %v", e.Servicer, err)
		}
		sum += n
	}
	flip := known && sum != 0 && r.in.sum+sum != difference && r.in.sum-sum == difference
	for _, e := range r.in.held {
		if flip {
			e.flip()
		}
		if err := r.book(e); err != nil {
			return err
		}
	}
	return nil
}

// flip turns an entry round.
func (e *entryXML) flip() {
	turned := map[string]string{credit: debit, debit: credit}
	e.Sign = turned[e.Sign]
	e.Parts = slices.Clone(e.Parts)
	for i := range e.Parts {
		e.Parts[i].Sign = turned[e.Parts[i].Sign]
	}
}

func (r *statementReader) end() error {
	if !r.ended || !r.begun {
		return provider.BadReport("it is cut off, or has no statement")
	}
	return nil
}

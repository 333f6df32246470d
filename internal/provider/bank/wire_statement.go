package bank

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// A statement is a camt.053.001 message of ISO 20022 (BankToCustomerStatement),
// of one day of an account. Of its elements these count:
//
//	BkToCstmrStmt/Stmt/Bal        Tp/CdOrPrtry/Cd OPBD and CLBD, Amt, CdtDbtInd
//	…/Stmt/Ntry                   an entry: Amt@Ccy, CdtDbtInd, RvslInd, Sts, BookgDt
//	…/Ntry/NtryDtls/TxDtls        what it is made of: Refs/EndToEndId, RmtInf/Ustrd, Amt or
//	                              AmtDtls/TxAmt/Amt, CdtDbtInd
//
// It is read whichever release of the message it is in: where they differ, as in
// Sts, both ways are understood. Entries that are not booked yet are passed over.
// The balances of a statement have to agree with its entries.
const statementSpace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

const (
	credit        = "CRDT"
	debit         = "DBIT"
	booked        = "BOOK"
	opening       = "OPBD"
	closing       = "CLBD"
	notProvided   = "NOTPROVIDED"
	maxStatement  = 1 << 30 // bytes that are read of one
	maxEntryParts = 10_000
)

// amountXML is an amount with its currency.
type amountXML struct {
	Value    string `xml:",chardata"`
	Currency string `xml:"Ccy,attr"`
}

type balanceXML struct {
	Code   string    `xml:"Tp>CdOrPrtry>Cd"`
	Amount amountXML `xml:"Amt"`
	Sign   string    `xml:"CdtDbtInd"`
	Day    string    `xml:"Dt>Dt"`
}

// dateXML is a day, or a moment.
type dateXML struct {
	Day    string `xml:"Dt,omitempty"`
	Moment string `xml:"DtTm,omitempty"`
}

// statusXML is a code in an element of its own, or, in old releases, the text.
type statusXML struct {
	Code string `xml:"Cd,omitempty"`
	Text string `xml:",chardata"`
}

type detailsXML struct {
	EndToEnd string     `xml:"Refs>EndToEndId,omitempty"`
	Amount   *amountXML `xml:"Amt,omitempty"`
	Inner    *amountXML `xml:"AmtDtls>TxAmt>Amt,omitempty"`
	Sign     string     `xml:"CdtDbtInd,omitempty"`
	Texts    []string   `xml:"RmtInf>Ustrd,omitempty"`
}

type entryXML struct {
	XMLName   xml.Name     `xml:"Ntry"`
	Reference string       `xml:"NtryRef,omitempty"`
	Amount    amountXML    `xml:"Amt"`
	Sign      string       `xml:"CdtDbtInd"`
	Reversal  bool         `xml:"RvslInd,omitempty"`
	Status    statusXML    `xml:"Sts"`
	Booked    dateXML      `xml:"BookgDt"`
	Valued    dateXML      `xml:"ValDt"`
	Servicer  string       `xml:"AcctSvcrRef,omitempty"`
	Family    string       `xml:"BkTxCd>Domn>Cd,omitempty"`
	Parts     []detailsXML `xml:"NtryDtls>TxDtls"`
}

// decimal spells an amount as the message has it: with a point, in the currency's
// own units.
func decimal(minor int64, c money.Currency) string {
	digits := c.Exponent()
	text := strconv.FormatInt(minor, 10)
	if digits == 0 {
		return text
	}
	text = strings.Repeat("0", max(0, digits+1-len(text))) + text
	return text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// minorOf reads an amount, which is not negative, as minor units.
func (a amountXML) minorOf() (int64, money.Currency, error) {
	c := money.Currency(strings.ToLower(strings.TrimSpace(a.Currency)))
	if !c.Known() {
		return 0, "", fmt.Errorf("the currency %q is not known", a.Currency)
	}
	whole, part, _ := strings.Cut(strings.TrimSpace(a.Value), ".")
	part = strings.TrimRight(part, "0")
	if len(part) > c.Exponent() || whole == "" || !all(whole+part, isDigit) {
		return 0, "", fmt.Errorf("%q is no amount in %s", a.Value, c)
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", c.Exponent()-len(part)), 10, 64)
	if err != nil || n > maxAmount {
		return 0, "", fmt.Errorf("%q is more than there can be", a.Value)
	}
	return n, c, nil
}

// signed reads an amount with its direction.
func signed(a amountXML, sign string) (int64, money.Currency, error) {
	n, c, err := a.minorOf()
	switch {
	case err != nil:
		return 0, "", err
	case sign == debit:
		return -n, c, nil
	case sign != credit:
		return 0, "", fmt.Errorf("an amount is neither %s nor %s", credit, debit)
	}
	return n, c, nil
}

// StatementEntry is a movement of the account as the bank writes it down.
type StatementEntry struct {
	Reference string // of the transfer, end to end
	Text      string
	Amount    int64 // minor units; negative: money that went out
	At        time.Time
	ID        string // the bank's
}

// WriteStatement writes the statement of a day of an account in a currency, which
// began with a balance.
func WriteStatement(to io.Writer, id, day string, c money.Currency, made time.Time, before int64, entries []StatementEntry) error {
	out := bufio.NewWriter(to)
	text := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) } // Flush tells of errors
	text("%s<Document xmlns=%q><BkToCstmrStmt>\n", xml.Header, statementSpace)
	stamp := made.UTC().Format(time.RFC3339)
	text("<GrpHdr><MsgId>%s</MsgId><CreDtTm>%s</CreDtTm></GrpHdr>\n<Stmt><Id>%s</Id><CreDtTm>%s</CreDtTm>", id, stamp, id, stamp)
	ccy := strings.ToUpper(string(c))
	text("<Acct><Id><Othr><Id>florin</Id></Othr></Id><Ccy>%s</Ccy></Acct>\n", ccy)
	after := before
	for _, e := range entries {
		after += e.Amount
	}
	for _, b := range []struct {
		code string
		n    int64
	}{{opening, before}, {closing, after}} {
		text("<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy=%q>%s</Amt><CdtDbtInd>%s</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>\n",
			b.code, ccy, decimal(max(b.n, -b.n), c), direction(b.n), day)
	}
	encoder := xml.NewEncoder(out)
	for _, e := range entries {
		x := entryXML{Amount: amountXML{decimal(max(e.Amount, -e.Amount), c), ccy}, Sign: direction(e.Amount), Status: statusXML{Code: booked},
			Booked: dateXML{Moment: e.At.UTC().Format(time.RFC3339)}, Valued: dateXML{Day: day}, Servicer: e.ID, Family: "PMNT"}
		part := detailsXML{EndToEnd: e.Reference}
		if e.Text != "" {
			part.Texts = []string{e.Text}
		}
		x.Parts = []detailsXML{part}
		if err := encoder.Encode(x); err != nil {
			return err
		}
		text("\n")
	}
	text("</Stmt></BkToCstmrStmt></Document>\n")
	return out.Flush()
}

func direction(n int64) string {
	if n < 0 {
		return debit
	}
	return credit
}

// ReadStatement gives the entries of a statement: one for each transfer where an
// entry is made of several.
func ReadStatement(from io.Reader, line func(provider.ReportLine) error) error {
	r := &statementReader{line: line, balances: map[string]int64{}}
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

// statementReader reads a statement element by element, so that a long one takes
// no more room than a short one.
type statementReader struct {
	line     func(provider.ReportLine) error
	path     []string
	lines    int64
	sum      int64
	entries  bool // a statement was begun
	ended    bool // and ended
	currency money.Currency
	balances map[string]int64 // by code
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

func (r *statementReader) start(d *xml.Decoder, t xml.StartElement) error {
	at := strings.Join(r.path, "/") + "/" + t.Name.Local
	switch {
	case len(r.path) == 0 && (t.Name.Local != "Document" || !strings.HasPrefix(t.Name.Space, "urn:iso:std:iso:20022:tech:xsd:camt.053.001.")):
		return provider.BadReport("it is no camt.053.001 message")
	case at == "Document/BkToCstmrStmt/Stmt/Bal":
		var b balanceXML
		if err := d.DecodeElement(&b, &t); err != nil {
			return provider.BadReport("%v", err)
		}
		return r.balance(b)
	case at == "Document/BkToCstmrStmt/Stmt/Ntry":
		var e entryXML
		if err := d.DecodeElement(&e, &t); err != nil {
			return provider.BadReport("%v", err)
		}
		return r.entry(e)
	}
	if at == "Document/BkToCstmrStmt/Stmt" {
		r.entries = true
	}
	r.path = append(r.path, t.Name.Local)
	return nil
}

func (r *statementReader) balance(b balanceXML) error {
	if b.Code != opening && b.Code != closing {
		return nil
	}
	n, c, err := signed(b.Amount, b.Sign)
	if err == nil {
		err = r.in(c)
	}
	if err != nil {
		return provider.BadReport("the balance %s: %v", b.Code, err)
	}
	if _, twice := r.balances[b.Code]; twice {
		return provider.BadReport("there are two balances %s", b.Code)
	}
	r.balances[b.Code] = n
	return nil
}

// in holds a statement to one currency.
func (r *statementReader) in(c money.Currency) error {
	if r.currency != "" && r.currency != c {
		return fmt.Errorf("it is in %s and in %s", r.currency, c)
	}
	r.currency = c
	return nil
}

func (r *statementReader) entry(e entryXML) error {
	if status := strings.TrimSpace(e.Status.Code + e.Status.Text); status != booked {
		return nil // pending or for information
	}
	total, c, err := signed(e.Amount, e.Sign)
	if err == nil {
		err = r.in(c)
	}
	at := time.Time{}
	if err == nil {
		at, err = e.Booked.time()
	}
	if err != nil {
		return provider.BadReport("the entry %q: %v", e.Servicer, err)
	}
	r.sum += total
	if len(e.Parts) <= 1 {
		part := detailsXML{}
		if len(e.Parts) == 1 {
			part = e.Parts[0]
		}
		return r.tell(part, total, c, at)
	}
	return r.parts(e, total, c, at)
}

// parts tells of each of the transfers that an entry is made of; they have to add
// up to it.
func (r *statementReader) parts(e entryXML, total int64, c money.Currency, at time.Time) error {
	if len(e.Parts) > maxEntryParts {
		return provider.BadReport("the entry %q has more than %d parts", e.Servicer, maxEntryParts)
	}
	sum := int64(0)
	for _, p := range e.Parts {
		amount := p.Amount
		if amount == nil {
			amount = p.Inner
		}
		if amount == nil {
			return provider.BadReport("the entry %q has a part without an amount", e.Servicer)
		}
		sign := p.Sign
		if sign == "" {
			sign = e.Sign
		}
		n, in, err := signed(*amount, sign)
		if err != nil || in != c {
			return provider.BadReport("the entry %q has a part of %s %s", e.Servicer, amount.Value, amount.Currency)
		}
		sum += n
		if err := r.tell(p, n, c, at); err != nil {
			return err
		}
	}
	if sum != total {
		return provider.BadReport("the parts of the entry %q do not add up to it", e.Servicer)
	}
	return nil
}

func (r *statementReader) tell(p detailsXML, n int64, c money.Currency, at time.Time) error {
	r.lines++
	reference := strings.TrimSpace(p.EndToEnd)
	if reference == notProvided {
		reference = ""
	}
	return r.line(provider.ReportLine{Number: r.lines, Kind: provider.LineEntry, Reference: clipped(reference), Text: clipped(strings.Join(p.Texts, " ")), Net: n, Currency: c, At: at})
}

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

func (d dateXML) time() (time.Time, error) {
	if text := strings.TrimSpace(d.Moment); text != "" {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(d.Day))
	if err != nil {
		return t, fmt.Errorf("%q is no day", d.Day)
	}
	return t, nil
}

// endStatement compares a statement's balances with its entries.
func (r *statementReader) endStatement() error {
	before, opened := r.balances[opening]
	after, closed := r.balances[closing]
	if opened && closed && after-before != r.sum {
		return provider.BadReport("its balances differ by %d and its entries add up to %d", after-before, r.sum)
	}
	if !closed {
		return provider.BadReport("it has no closing balance")
	}
	r.balances, r.sum, r.currency = map[string]int64{}, 0, ""
	return nil
}

func (r *statementReader) end() error {
	if !r.ended || !r.entries {
		return provider.BadReport("it is cut off, or has no statement")
	}
	return nil
}

package bank

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

// A statement is a camt.053.001 message of ISO 20022 (BankToCustomerStatement),
// of one day of an account. Of its elements these count:
//
//	BkToCstmrStmt/Stmt            ElctrncSeqNb or LglSeqNb, Acct, and for a date FrToDt, CreDtTm
//	…/Stmt/Bal                    Tp/CdOrPrtry/Cd, Amt, CdtDbtInd, Dt
//	…/Stmt/Ntry                   an entry: Amt@Ccy, CdtDbtInd, RvslInd, Sts, BookgDt or ValDt, Chrgs
//	…/Ntry/NtryDtls/Btch          PmtInfId, of a batch without details
//	…/Ntry/NtryDtls/TxDtls        what it is made of: Refs/EndToEndId, Amt or one of AmtDtls,
//	                              CdtDbtInd, Chrgs, RmtInf
//
// It is read whichever release of the message it is in: where they differ, as in
// Sts, all ways are understood. Entries that are not booked yet are passed over.
// The balances of a statement have to agree with its entries: the closing one
// (CLBD) with the opening one (OPBD, or PRCD, the closing one of the day before); of
// a statement in pages, with the interim ones (ITBD) between them.
//
// The definition of the message has CdtDbtInd tell the direction of an entry, and
// of its reversal the reversal's own. There are banks that repeat the direction of
// what is reversed; where only that makes the balances agree, it is read so.
const statementSpace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

const (
	credit        = "CRDT"
	debit         = "DBIT"
	booked        = "BOOK"
	opening       = "OPBD"
	previous      = "PRCD"
	closing       = "CLBD"
	interim       = "ITBD"
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
	Date   dateXML   `xml:"Dt"`
}

// dateXML is a day, or a moment.
type dateXML struct {
	Day    string `xml:"Dt,omitempty"`
	Moment string `xml:"DtTm,omitempty"`
}

// statusXML is a code in an element of its own, a name of the bank's, or, in old
// releases, the text.
type statusXML struct {
	Code string `xml:"Cd,omitempty"`
	Own  string `xml:"Prtry,omitempty"`
	Text string `xml:",chardata"`
}

// chargeXML is what was taken for an entry, in a record of its own or, in old
// releases, in Chrgs itself.
type chargeXML struct {
	Amount  *amountXML  `xml:"Amt,omitempty"`
	Sign    string      `xml:"CdtDbtInd,omitempty"`
	Records []chargeXML `xml:"Rcrd,omitempty"`
}

type detailsXML struct {
	EndToEnd string      `xml:"Refs>EndToEndId,omitempty"`
	Amount   *amountXML  `xml:"Amt,omitempty"`
	Inner    *amountXML  `xml:"AmtDtls>TxAmt>Amt,omitempty"`
	Counter  *amountXML  `xml:"AmtDtls>CntrValAmt>Amt,omitempty"`
	Sign     string      `xml:"CdtDbtInd,omitempty"`
	Charges  []chargeXML `xml:"Chrgs,omitempty"`
	Texts    []string    `xml:"RmtInf>Ustrd,omitempty"`
	Named    []string    `xml:"RmtInf>Strd>CdtrRefInf>Ref,omitempty"`
	Noted    []string    `xml:"RmtInf>Strd>AddtlRmtInf,omitempty"`
	More     string      `xml:"AddtlTxInf,omitempty"`
}

type entryXML struct {
	XMLName   xml.Name     `xml:"Ntry"`
	Reference string       `xml:"NtryRef,omitempty"`
	Amount    amountXML    `xml:"Amt"`
	Sign      string       `xml:"CdtDbtInd"`
	Reversal  string       `xml:"RvslInd,omitempty"`
	Status    statusXML    `xml:"Sts"`
	Booked    dateXML      `xml:"BookgDt"`
	Valued    dateXML      `xml:"ValDt"`
	Servicer  string       `xml:"AcctSvcrRef,omitempty"`
	Family    string       `xml:"BkTxCd>Domn>Cd,omitempty"`
	Charges   []chargeXML  `xml:"Chrgs,omitempty"`
	Batch     string       `xml:"NtryDtls>Btch>PmtInfId,omitempty"`
	Parts     []detailsXML `xml:"NtryDtls>TxDtls"`
	More      string       `xml:"AddtlNtryInf,omitempty"`
}

// accountXML names an account.
type accountXML struct {
	IBAN     string `xml:"Id>IBAN"`
	Other    string `xml:"Id>Othr>Id"`
	Currency string `xml:"Ccy"`
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
	if len(part) > c.Exponent() || strings.Trim(a.Value, " .\t\r\n") == "" || !all(whole+part, isDigit) {
		return 0, "", fmt.Errorf("%q is no amount in %s", a.Value, c)
	}
	n, err := strconv.ParseInt("0"+whole+part+strings.Repeat("0", c.Exponent()-len(part)), 10, 64)
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

// Heading is what a statement says of itself.
type Heading struct {
	ID       string
	Number   int64 // in the account's sequence, from 1; 0: it has none
	Day      string
	Currency money.Currency
	Made     time.Time
	Before   int64 // the balance that the day began with, minor units
}

// WriteStatement writes the statement of a day of an account in a currency.
func WriteStatement(to io.Writer, h Heading, entries []StatementEntry) error {
	id, day, c, made, before := h.ID, h.Day, h.Currency, h.Made, h.Before
	out := bufio.NewWriter(to)
	text := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) } // Flush tells of errors
	text("%s<Document xmlns=%q><BkToCstmrStmt>\n", xml.Header, statementSpace)
	stamp := made.UTC().Format(time.RFC3339)
	text("<GrpHdr><MsgId>%s</MsgId><CreDtTm>%s</CreDtTm></GrpHdr>\n<Stmt><Id>%s</Id>", id, stamp, id)
	if h.Number > 0 {
		text("<ElctrncSeqNb>%d</ElctrncSeqNb>", h.Number)
	}
	text("<CreDtTm>%s</CreDtTm>", stamp)
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

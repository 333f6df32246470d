package bank

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

func TestStatementsConform(t *testing.T) {
	providertest.RunReports(t, providertest.ReportHarness{Start: func(t *testing.T) providertest.ReportInstance {
		_, _, at, c, _ := start(t)
		p := New(at, ConnectorOptions{Timeout: 5 * time.Second})
		count := 0
		return providertest.ReportInstance{Provider: p, Pass: func(days int) { c.Advance(time.Duration(days) * 24 * time.Hour) }, Move: func(n int) (references []string) {
			for range n {
				count++
				reference := fmt.Sprintf("move-%d", count)
				if o := p.PayOut(t.Context(), provider.PayoutRequest{Reference: reference, Amount: money.New(100+int64(count), "usd"), Account: usAccount("000123456789"), Instant: true}); o.Status != provider.Approved {
					t.Fatal(o)
				}
				references = append(references, reference)
			}
			return references
		}}
	}})
}

func entriesOf(t *testing.T, text string) (list []string, err error) {
	t.Helper()
	err = ReadStatement(strings.NewReader(text), func(l provider.ReportLine) error {
		list = append(list, fmt.Sprintf("%d %s|%s|%d %s %s", l.Number, l.Reference, l.Text, l.Net, l.Currency, l.At.Format(time.RFC3339)))
		return nil
	})
	return list, err
}

// Statements are read in the releases of the message that banks send, whatever
// stands in them besides.
func TestStatementsOfOthers(t *testing.T) {
	for name, want := range map[string][]string{
		"testdata/camt.053.001.02.xml": {
			"1 INV-2026-0815|Rechnung 0815 vielen Dank|12345 eur 2026-11-19T00:00:00Z",
			"2 |SBX-20261118-EUR settlement|-500 eur 2026-11-19T00:00:00Z",
			"3 SALARY-1||-100000 eur 2026-11-19T00:00:00Z",
			"4 SALARY-2||-150050 eur 2026-11-19T00:00:00Z",
		},
		"testdata/camt.053.001.08.xml": {
			"1 poa_1||-4200 jpy 2026-11-20T09:30:00Z",
			"2 SBX-20261119-JPY|one two|10000 jpy 2026-11-20T10:00:00Z",
		},
		"testdata/dutch.02.xml": {
			"1 poa-0001|SEPA BETAALBATCH|-33185 eur 2026-11-19T00:00:00Z",
			"2 poa-0002|SEPA BETAALBATCH|-10000 eur 2026-11-19T00:00:00Z",
		},
		"testdata/swiss.08.xml": {
			"1 |210000000003139471430009017 ?REJECT?0|14560 chf 2026-11-19T00:00:00Z",
			"2 |RF18539007547034|20000 chf 2026-11-19T00:00:00Z",
			"3 poa-0003||-100000 chf 2026-11-19T00:00:00Z",
			"4 |charges|-2840 chf 2026-11-19T00:00:00Z",
		},
		"testdata/german.08.xml": {
			"1 SBX-20261118:eur|Sammler|95000 eur 2026-11-19T00:00:00Z",
			"2 |EREF+ INV-9 SVWZ+ Rechnung 9|500 eur 2026-11-18T00:00:00Z",
			"3 ||-500 eur 2026-11-19T00:00:00Z",
			"4 poa-0004|Retoure|6250 eur 2026-11-19T00:00:00Z",
		},
		"testdata/british.08.xml": {
			"1 INV-10|FOREIGN PAYMENT|8050 gbp 2026-11-19T09:30:00Z",
			"2 poa-0005||1500 gbp 2026-11-19T10:00:00Z",
		},
	} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := entriesOf(t, string(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// What statements say of themselves: of which account they are, which of its
// statements, and how much there was before and after.
func TestSheets(t *testing.T) {
	for name, want := range map[string][]provider.Sheet{
		"camt.053.001.02": {{Account: "DE87200500001234567890", Currency: "eur", Number: 322, Day: "2026-11-19", Opened: true, Opening: 239005, Closing: 800}},
		"camt.053.001.08": {{Account: "1234567", Currency: "jpy", Day: "2026-11-20", Opened: true, Opening: -300, Closing: 5500}},
		"dutch.02":        {{Account: "NL91ABNA0417164300", Currency: "eur", Number: 97, Day: "2026-11-19", Opened: true, Opening: 25130, Closing: -18055}},
		"swiss.08": {{Account: "CH9300762011623852957", Currency: "chf", Number: 89, Day: "2026-11-19", Opened: true, Opening: 100000, Closing: 134560},
			{Account: "CH9300762011623852957", Currency: "chf", Number: 89, Day: "2026-11-19", Opened: true, Opening: 134560, Closing: 31720}},
		"german.08": {{Account: "DE87200500001234567890", Currency: "eur", Number: 224, Day: "2026-11-19", Opened: true, Opening: -10000, Closing: 91250}},
		"british.08": {{Account: "60161331926819", Currency: "gbp", Number: 12, Day: "2026-11-19", Opened: true, Closing: 9550},
			{Account: "60161331926820", Currency: "usd", Day: "2026-11-19", Opened: true, Opening: 725, Closing: 725}},
	} {
		text, err := os.ReadFile("testdata/" + name + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadSheets(bytes.NewReader(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// What does not add up is no statement.
func TestStatementsThatAreWrong(t *testing.T) {
	text, err := os.ReadFile("testdata/camt.053.001.02.xml")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another balance":     {`<Amt Ccy="EUR">8.00</Amt>`, `<Amt Ccy="EUR">8.01</Amt>`},
		"parts do not add up": {`<Amt Ccy="EUR">1500.50</Amt>`, `<Amt Ccy="EUR">1500.51</Amt>`},
		"another message":     {"camt.053.001.02", "camt.054.001.02"},
		"another currency":    {`<Amt Ccy="EUR">123.45</Amt>`, `<Amt Ccy="USD">123.45</Amt>`},
		"too many digits":     {`<Amt Ccy="EUR">123.45</Amt>`, `<Amt Ccy="EUR">123.451</Amt>`},
		"negative":            {`<Amt Ccy="EUR">123.45</Amt>`, `<Amt Ccy="EUR">-123.45</Amt>`},
		"no such currency":    {`<Amt Ccy="EUR">123.45</Amt>`, `<Amt Ccy="EUX">123.45</Amt>`},
		"no direction":        {"<CdtDbtInd>DBIT</CdtDbtInd>\n        <Sts>BOOK", "<CdtDbtInd>SOME</CdtDbtInd>\n        <Sts>BOOK"},
		"no day":              {"<BookgDt><Dt>2026-11-19", "<BookgDt><Dt>2026-13-19"},
		"no closing balance":  {"CLBD", "CLAV"},
		"two closing ones":    {"OPBD", "CLBD"},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if changed == string(text) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := entriesOf(t, changed); !errors.Is(err, provider.ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []money.Currency{"usd", "jpy", "bhd"} {
		for _, n := range []int64{0, 1, 9, 10, 99, 100, 12345, 999_999_999} {
			got, in, err := amountXML{decimal(n, c), strings.ToUpper(string(c))}.minorOf()
			if err != nil || got != n || in != c {
				t.Errorf("%d %s: %q gives %d %s %v", n, c, decimal(n, c), got, in, err)
			}
		}
	}
}

// A deposit is booked once, however often it is told.
func TestDeposits(t *testing.T) {
	_, book, _, _, _ := start(t)
	d := Deposit{Reference: "SBX-1", Amount: 100, Currency: "usd", At: time.Date(2026, 11, 5, 8, 0, 0, 0, time.UTC)}
	for range 2 {
		if err := book.Receive(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	more := d
	more.Amount++
	if err := book.Receive(t.Context(), more); err == nil {
		t.Error("another deposit of the same reference was taken")
	}
	if err := book.Receive(t.Context(), Deposit{Reference: "SBX-2", Currency: "usd"}); err == nil {
		t.Error("a deposit of nothing was taken")
	}
	list, err := book.movements(t.Context(), time.UTC, d.At)
	if err != nil || len(list) != 1 || list[0].Amount != 100 {
		t.Errorf("%+v %v", list, err)
	}
}

// What is wrong with a statement is what it was to be.
func TestStatementFaults(t *testing.T) {
	entries := []StatementEntry{{Reference: "a", Amount: 10}, {Reference: "b", Amount: 20}}
	for f, want := range map[StatementFault][]StatementEntry{
		MissingEntry: entries[1:], DoubleEntry: {entries[0], entries[1], entries[0]}, WrongEntry: {{Reference: "a", Amount: 9}, entries[1]},
		BareEntry:    {{Reference: notProvided, Text: " REF a", Amount: 10}, entries[1]},
		StrangeEntry: {entries[0], entries[1], {Reference: "STRANGE-2026-11-05", Text: "who are you", Amount: 4711}},
	} {
		sim, _, _, _, _ := start(t)
		if err := sim.InjectStatement("2026-11-05", f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, sim.befall("2026-11-05", entries)); diff != "" {
			t.Errorf("%s: %s", f, diff)
		}
		if diff := cmp.Diff(entries, sim.befall("2026-11-06", entries)); diff != "" {
			t.Errorf("%s on another day: %s", f, diff)
		}
	}
}

func FuzzReadStatement(f *testing.F) {
	for _, name := range []string{"camt.053.001.02", "camt.053.001.08", "dutch.02", "swiss.08", "german.08", "british.08"} {
		text, err := os.ReadFile("testdata/" + name + ".xml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	var out bytes.Buffer
	if err := WriteStatement(&out, Heading{ID: "S", Day: "2026-11-05", Currency: "usd", Before: -5}, []StatementEntry{{Reference: "a&<", Text: "\"", Amount: -7}, {Amount: 8}}); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		var entries []StatementEntry
		var currency money.Currency
		one := true
		err := ReadStatement(bytes.NewReader(text), func(l provider.ReportLine) error {
			one = one && (currency == "" || currency == l.Currency)
			currency = l.Currency
			entries = append(entries, StatementEntry{l.Reference, l.Text, l.Net, l.At, ""})
			return nil
		})
		if err != nil && !errors.Is(err, provider.ErrReport) {
			t.Errorf("%v", err)
		}
		if err != nil || len(entries) == 0 || !one {
			return
		}
		// What was read is written and read again as it was.
		var out bytes.Buffer
		if err := WriteStatement(&out, Heading{ID: "S", Day: "2026-11-05", Currency: currency}, entries); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := ReadStatement(&out, func(l provider.ReportLine) error {
			if e := entries[n]; l.Net != e.Amount {
				t.Errorf("entry %d: %+v, was %+v", n, l, e)
			}
			n++
			return nil
		}); err != nil || n != len(entries) {
			t.Errorf("%d of %d entries: %v", n, len(entries), err)
		}
	})
}

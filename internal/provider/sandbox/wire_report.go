package sandbox

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// A settlement report is CSV (RFC 4180) in UTF-8: a row that says what it is, the
// names of the columns, a row for each line, and a last row with how many those
// were and the sum of what is in their column net, deposits left out, whatever
// the currency. What does not end so is cut off.
//
//	florin sandbox settlement,1,DAY,ZONE,VERSION
//	kind,reference,batch,gross,fee,net,currency,created
//	…
//	end,LINES,SUM
const (
	reportName    = "florin sandbox settlement"
	reportFormat  = "1"
	reportEnd     = "end"
	maxReportSize = 4 << 30 // bytes that are read of one
)

var reportColumns = []string{"kind", "reference", "batch", "gross", "fee", "net", "currency", "created"}

var reportKinds = []provider.LineKind{provider.LineCapture, provider.LineRefund, provider.LineRefundFailed, provider.LineDispute,
	provider.LineDisputeReversal, provider.LineFee, provider.LineDeposit}

// ReportWriter writes a settlement report.
type ReportWriter struct {
	out  *csv.Writer
	rows int64
	sum  int64
	row  [8]string
}

// NewReportWriter begins a report of a day of a time zone.
func NewReportWriter(to io.Writer, day, zone string, version int) (*ReportWriter, error) {
	w := &ReportWriter{out: csv.NewWriter(to)}
	if err := w.out.Write([]string{reportName, reportFormat, day, zone, strconv.Itoa(version)}); err != nil {
		return nil, err
	}
	return w, w.out.Write(reportColumns)
}

// Write adds a line.
func (w *ReportWriter) Write(l provider.ReportLine) error {
	w.rows++
	if l.Kind != provider.LineDeposit {
		w.sum += l.Net
	}
	w.row = [8]string{string(l.Kind), l.Reference, l.Batch, strconv.FormatInt(l.Gross, 10), strconv.FormatInt(l.Fee, 10),
		strconv.FormatInt(l.Net, 10), string(l.Currency), l.At.UTC().Format(time.RFC3339Nano)}
	return w.out.Write(w.row[:])
}

// Close ends the report.
func (w *ReportWriter) Close() error {
	err := w.out.Write([]string{reportEnd, strconv.FormatInt(w.rows, 10), strconv.FormatInt(w.sum, 10)})
	w.out.Flush()
	return errors.Join(err, w.out.Error())
}

// ReadReport gives the lines of a settlement report.
func ReadReport(from io.Reader, line func(provider.ReportLine) error) error {
	r := csv.NewReader(bufio.NewReaderSize(io.LimitReader(from, maxReportSize), 1<<16))
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	row, err := readRow(r)
	if err != nil {
		return err
	}
	if len(row) != 5 || row[0] != reportName || row[1] != reportFormat {
		return provider.BadReport("it does not begin as a settlement report of this format")
	}
	if row, err = readRow(r); err != nil {
		return err
	}
	if !slices.Equal(row, reportColumns) {
		return provider.BadReport("it has other columns: %v", row)
	}
	var rows, sum int64
	for {
		if row, err = readRow(r); err != nil {
			return err
		}
		if row[0] == reportEnd {
			return readEnd(r, row, rows, sum)
		}
		rows++
		l, err := lineOf(row)
		if err != nil {
			return provider.BadReport("line %d: %v", rows, err)
		}
		if l.Number = rows; l.Kind != provider.LineDeposit {
			sum += l.Net
		}
		if err := line(l); err != nil {
			return err
		}
	}
}

// readRow gives the next row; there must be one.
func readRow(r *csv.Reader) ([]string, error) {
	row, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, provider.BadReport("it is cut off: there is no end")
	}
	if _, bad := errors.AsType[*csv.ParseError](err); bad {
		return nil, provider.BadReport("%v", err)
	}
	return row, err
}

func readEnd(r *csv.Reader, row []string, rows, sum int64) error {
	if len(row) != 3 || row[1] != strconv.FormatInt(rows, 10) || row[2] != strconv.FormatInt(sum, 10) {
		return provider.BadReport("its end does not agree with its %d lines", rows)
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return provider.BadReport("something follows its end")
	}
	return nil
}

var errColumns = errors.New("it has not as many columns as there are names")

func lineOf(row []string) (l provider.ReportLine, err error) {
	if len(row) != len(reportColumns) {
		return l, errColumns
	}
	l = provider.ReportLine{Kind: provider.LineKind(row[0]), Reference: row[1], Batch: row[2], Currency: money.Currency(row[6])}
	for i, to := range []*int64{&l.Gross, &l.Fee, &l.Net} {
		if *to, err = strconv.ParseInt(row[3+i], 10, 64); err != nil {
			return l, errors.New(reportColumns[3+i] + " is no number")
		}
		if *to > maxAmount*2 || *to < -maxAmount*2 {
			return l, errors.New(reportColumns[3+i] + " is more than there can be")
		}
	}
	if l.At, err = time.Parse(time.RFC3339Nano, row[7]); err != nil {
		return l, errors.New("created is no time")
	}
	switch {
	case !slices.Contains(reportKinds, l.Kind):
		return l, errors.New("there is no such kind")
	case !l.Currency.Known():
		return l, errors.New("there is no such currency")
	case !validReference(l.Reference) || !validReference(l.Batch):
		return l, errors.New("reference and batch have 1 to 64 of A-Z a-z 0-9 _ : -")
	case l.Kind != provider.LineDeposit && l.Gross-l.Fee != l.Net:
		return l, errors.New("gross less fee is not net")
	}
	return l, nil
}

// maxReportList is how many bytes of a list of reports are read.
const maxReportList = 16 << 20

// decodeReports reads the answer to GET /v1/reports.
func decodeReports(body []byte) ([]reportEntry, error) {
	var list reportList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, errors.New("sandbox: reports: the answer is not a list of reports")
	}
	for _, r := range list.Reports {
		if _, err := time.Parse(time.DateOnly, r.Day); err != nil || r.Name == "" || len(r.Name) > 4*maxText || r.Version < 1 {
			return nil, errors.New("sandbox: reports: one has no name, day or version")
		}
	}
	return list.Reports, nil
}

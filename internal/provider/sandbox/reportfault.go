package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// What goes wrong with a settlement report. The first three of a row are what the
// sandbox really does: its deposit is that of the wrong row.
const (
	WrongAmount   Mode = "wrong_amount"   // a row's gross is one less
	WrongFee      Mode = "wrong_fee"      // a row's fee is seven more
	WrongCurrency Mode = "wrong_currency" // a row is in another currency
	MissingRow    Mode = "missing_row"    // a row is left out; the deposit has it
	DuplicateRow  Mode = "duplicate_row"  // a row is there twice; the deposit has it once
	LateFile      Mode = "late_file"      // the file is there a day later
	FileTwice     Mode = "file_twice"     // the file is delivered twice
	CorrectedFile Mode = "corrected_file" // a row's gross is one less, and right in a second version
	TruncatedFile Mode = "truncated_file" // the file is cut off in its middle, each time
)

var reportModes = []Mode{WrongAmount, WrongFee, WrongCurrency, MissingRow, DuplicateRow, LateFile, FileTwice, CorrectedFile, TruncatedFile}

// ReportFault makes the report of a day go wrong. Reference picks the row; empty
// is the day's first.
type ReportFault struct {
	Mode      Mode   `json:"fault"`
	Day       string `json:"day"`
	Reference string `json:"reference,omitempty"`
}

// InjectReport makes a day's report go wrong, for as long as the simulator lives
// or until [Simulator.HealReports].
func (s *Simulator) InjectReport(f ReportFault) error {
	if !slices.Contains(reportModes, f.Mode) {
		return fmt.Errorf("sandbox: no fault %q of reports; there are %v", f.Mode, reportModes)
	}
	if _, err := time.Parse(time.DateOnly, f.Day); err != nil {
		return fmt.Errorf("sandbox: %q is no day", f.Day)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, f)
	return nil
}

// HealReports lets reports be as they should.
func (s *Simulator) HealReports() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = nil
}

func (s *Simulator) reportFaults(day string) (list []ReportFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.wrong {
		if f.Day == day {
			list = append(list, f)
		}
	}
	return list
}

func has(list []ReportFault, m Mode) bool {
	return slices.ContainsFunc(list, func(f ReportFault) bool { return f.Mode == m })
}

// befall changes the lines of a day as its faults of the given modes want.
func befall(lines []provider.ReportLine, faults []ReportFault, modes ...Mode) []provider.ReportLine {
	lines = slices.Clone(lines)
	for _, f := range faults {
		at := 0
		if f.Reference != "" {
			at = slices.IndexFunc(lines, func(l provider.ReportLine) bool { return l.Reference == f.Reference })
		}
		if at < 0 || at >= len(lines) || !slices.Contains(modes, f.Mode) {
			continue
		}
		l := &lines[at]
		switch f.Mode {
		case WrongAmount, CorrectedFile:
			l.Gross--
			l.Net--
		case WrongFee:
			l.Fee += 7
			l.Net -= 7
		case WrongCurrency:
			l.Currency = other(l.Currency)
			l.Batch = batchOf(f.Day, string(l.Currency))
		case MissingRow:
			lines = slices.Delete(lines, at, at+1)
		case DuplicateRow:
			lines = slices.Insert(lines, at, *l)
		}
	}
	return lines
}

func other(c money.Currency) money.Currency {
	if c == "eur" {
		return "usd"
	}
	return "eur"
}

// addReportFault is POST /faults/reports.
func (s *Simulator) addReportFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var f ReportFault
	if err != nil || json.Unmarshal(body, &f) != nil {
		answerRefusal(w, refuse(invalidJSON, "", "the body is not the JSON of a fault of reports"))
		return
	}
	if err := s.InjectReport(f); err != nil {
		answerRefusal(w, refuse(invalidField, "", "%v", err))
		return
	}
	answer(w, http.StatusOK, f)
}

// healReports is DELETE /faults/reports.
func (s *Simulator) healReports(w http.ResponseWriter, _ *http.Request) {
	s.HealReports()
	answer(w, http.StatusOK, map[string][]ReportFault{"faults": {}})
}

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/line"
	"github.com/florinpay/florin/internal/provider"
)

const (
	reportsPath = "/v1/reports"
	reportPath  = "/v1/report"
)

// reportEntry is a report that there is to fetch.
type reportEntry struct {
	Name    string `json:"name"`
	Day     string `json:"day"`
	Version int    `json:"version"`
}

type reportList struct {
	Reports []reportEntry `json:"reports"`
}

// zoneOf reads the time zone of a request.
func zoneOf(q url.Values) (*time.Location, *refusal) {
	zone, err := time.LoadLocation(q.Get("zone"))
	if err != nil || len(q.Get("zone")) > maxText {
		return nil, refuse(invalidField, "zone", "there is no such time zone")
	}
	return zone, nil
}

// listReports is GET /v1/reports?zone=Z&after=DAY.
func (s *Simulator) listReports(w http.ResponseWriter, r *http.Request) {
	zone, refused := zoneOf(r.URL.Query())
	if refused != nil {
		answerRefusal(w, refused)
		return
	}
	days, err := s.settlements(r.Context(), zone, "")
	list := reportList{Reports: []reportEntry{}}
	for _, day := range days {
		if err != nil {
			break
		}
		faults := s.reportFaults(day.day)
		real := settlement{day.day, befall(day.lines, faults, WrongAmount, WrongFee, WrongCurrency)}
		if err = s.payOut(r.Context(), real.deposits(zone)); err != nil || day.day <= r.URL.Query().Get("after") {
			continue
		}
		list.Reports = append(list.Reports, s.filesOf(day.day, zone, faults)...)
	}
	if err != nil {
		answerError(w, err)
		return
	}
	answer(w, http.StatusOK, list)
}

// filesOf names the files that there are of a day by now.
func (s *Simulator) filesOf(day string, zone *time.Location, faults []ReportFault) (list []reportEntry) {
	if has(faults, LateFile) {
		start, err := time.ParseInLocation(time.DateOnly, day, zone)
		if err != nil || s.clock.Now().Before(start.AddDate(0, 0, 2).Add(closing)) {
			return nil
		}
	}
	name := func(version int, copy string) reportEntry {
		return reportEntry{fmt.Sprintf("%s/%d%s/%s", day, version, copy, zone), day, version}
	}
	list = append(list, name(1, ""))
	if has(faults, FileTwice) {
		list = append(list, name(1, "again"))
	}
	if has(faults, CorrectedFile) {
		list = append(list, name(2, ""))
	}
	return list
}

// sendReport is GET /v1/report?name=NAME.
func (s *Simulator) sendReport(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(r.URL.Query().Get("name"), "/", 3)
	if len(parts) != 3 {
		answerRefusal(w, refuse(notFound, "name", "there is no report of this name"))
		return
	}
	zone, refused := zoneOf(url.Values{"zone": parts[2:]})
	version, err := strconv.Atoi(strings.TrimSuffix(parts[1], "again"))
	if refused != nil || err != nil {
		answerRefusal(w, refuse(notFound, "name", "there is no report of this name"))
		return
	}
	days, err := s.settlements(r.Context(), zone, parts[0])
	switch {
	case err != nil:
		answerError(w, err)
		return
	case len(days) == 0:
		answerRefusal(w, refuse(notFound, "name", "there is no report of this name"))
		return
	}
	body, err := s.write(days[0], zone, version)
	if err != nil {
		answerError(w, err)
		return
	}
	if has(s.reportFaults(parts[0]), TruncatedFile) {
		body = body[:len(body)*2/3]
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that has gone asks again
}

// write makes the report of a day.
func (s *Simulator) write(t settlement, zone *time.Location, version int) ([]byte, error) {
	faults := s.reportFaults(t.day)
	t.lines = befall(t.lines, faults, WrongAmount, WrongFee, WrongCurrency)
	deposits := t.deposits(zone)
	modes := []Mode{MissingRow, DuplicateRow}
	if version == 1 {
		modes = append(modes, CorrectedFile)
	}
	var out bytes.Buffer
	w, err := NewReportWriter(&out, t.day, zone.String(), version)
	if err != nil {
		return nil, err
	}
	for _, l := range append(befall(t.lines, faults, modes...), deposits...) {
		if err := w.Write(l); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return out.Bytes(), err
}

// reports are how the connector reads settlement reports.
func (c *connector) reports() *provider.Reports {
	return &provider.Reports{List: c.listReports, Fetch: c.fetchReport, Read: ReadReport, Fee: Fee}
}

func (c *connector) listReports(ctx context.Context, zone *time.Location, after string) ([]provider.ReportFile, error) {
	body, err := c.download(ctx, reportsPath+"?"+url.Values{"zone": {zone.String()}, "after": {after}}.Encode())
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxReportList+1))
	if err != nil || len(text) > maxReportList {
		return nil, errors.Join(errors.New("sandbox: reports: the list can't be read"), err)
	}
	list, err := decodeReports(text)
	if err != nil {
		return nil, err
	}
	files := make([]provider.ReportFile, len(list))
	for i, r := range list {
		files[i] = provider.ReportFile{Name: r.Name, Day: r.Day, Version: r.Version}
	}
	return files, nil
}

func (c *connector) fetchReport(ctx context.Context, f provider.ReportFile) (io.ReadCloser, error) {
	return c.download(ctx, reportPath+"?"+url.Values{"name": {f.Name}}.Encode())
}

// download begins to read an answer of any length. What was asked for changes
// nothing, so it may be asked for again.
func (c *connector) download(ctx context.Context, path string) (io.ReadCloser, error) {
	status, body, err := c.wire.Open(ctx, line.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, fmt.Errorf("sandbox: reports: %w", err)
	}
	if status != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("sandbox: reports: answered with status %d", status), body.Close())
	}
	return body, nil
}

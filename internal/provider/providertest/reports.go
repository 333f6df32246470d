package providertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// ReportHarness is what a provider that reports brings to [RunReports].
type ReportHarness struct {
	// Start makes a simulator with an empty book and a provider that reaches it.
	Start func(t *testing.T) ReportInstance
}

// ReportInstance is such a provider and what its simulator is made to do.
type ReportInstance struct {
	Provider provider.Provider
	// Move has money moved so many times, and gives our references of it.
	Move func(n int) []string
	// Pass lets so many days pass.
	Pass func(days int)
}

// RunReports holds a provider against the rules of the seam for reports: a day is
// told of once it is over, in full, each time the same; what is cut off is
// noticed, wherever it is cut; and what is listed can be fetched.
func RunReports(t *testing.T, h ReportHarness) {
	for name, run := range map[string]func(*testing.T, ReportInstance){
		"a day that is over": dayIsTold, "the same again": toldTheSame, "cut off": cutReports, "after a day": toldAfter, "another zone": otherZone,
		"no such report": noSuchReport,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, h.Start(t))
		})
	}
}

func listed(t *testing.T, i ReportInstance, zone *time.Location, after string) []provider.ReportFile {
	t.Helper()
	list, err := i.Provider.Reports.List(t.Context(), zone, after)
	if err != nil {
		t.Fatal(err)
	}
	for n, f := range list {
		if _, err := time.Parse(time.DateOnly, f.Day); err != nil || f.Name == "" || f.Version < 1 || n > 0 && f.Day < list[n-1].Day {
			t.Errorf("listed: %+v", f)
		}
	}
	return list
}

func fetched(t *testing.T, i ReportInstance, f provider.ReportFile) []byte {
	t.Helper()
	body, err := i.Provider.Reports.Fetch(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func linesOf(t *testing.T, i ReportInstance, text []byte) (list []provider.ReportLine) {
	t.Helper()
	if err := i.Provider.Reports.Read(bytes.NewReader(text), func(l provider.ReportLine) error {
		list = append(list, l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for n, l := range list {
		whole := l.Kind == provider.LineDeposit || l.Kind == provider.LineEntry
		if l.Number != int64(n)+1 || !l.Currency.Known() || l.At.IsZero() || l.Kind == "" || !whole && l.Gross-l.Fee != l.Net || whole && (l.Gross != 0 || l.Fee != 0) {
			t.Errorf("line %d: %+v", n+1, l)
		}
	}
	return list
}

// times counts the lines that name a reference.
func times(list []provider.ReportLine, reference string) (n int) {
	for _, l := range list {
		if l.Reference == reference {
			n++
		}
	}
	return n
}

func dayIsTold(t *testing.T, i ReportInstance) {
	if list := listed(t, i, time.UTC, ""); len(list) != 0 {
		t.Errorf("of nothing there are %+v", list)
	}
	moved := i.Move(3)
	if list := listed(t, i, time.UTC, ""); len(list) != 0 {
		t.Errorf("of a day that is not over there are %+v", list)
	}
	i.Pass(3)
	var all []provider.ReportLine
	for _, f := range listed(t, i, time.UTC, "") {
		all = append(all, linesOf(t, i, fetched(t, i, f))...)
	}
	batches := map[string]int64{}
	for _, l := range all {
		switch {
		case l.Kind == provider.LineDeposit:
			batches[l.Batch+string(l.Currency)] -= l.Net
		case l.Kind != provider.LineEntry:
			batches[l.Batch+string(l.Currency)] += l.Net
		}
		if fee := i.Provider.Reports.Fee; fee != nil && l.Gross != 0 {
			if agreed, known := fee(l.Kind, gross(l)); known && agreed != l.Fee {
				t.Errorf("the fee of %+v, want %d", l, agreed)
			}
		}
	}
	for batch, off := range batches {
		if off != 0 {
			t.Errorf("the deposit of %s is %d off its lines", batch, off)
		}
	}
	for _, reference := range moved {
		if n := times(all, reference); n != 1 {
			t.Errorf("%s is told %d times", reference, n)
		}
	}
}

func toldTheSame(t *testing.T, i ReportInstance) {
	i.Move(2)
	i.Pass(3)
	list := listed(t, i, time.UTC, "")
	if len(list) == 0 {
		t.Fatal("there are no reports")
	}
	before := fetched(t, i, list[0])
	i.Move(1)
	i.Pass(2)
	if !bytes.Equal(before, fetched(t, i, list[0])) {
		t.Error("a report is another one when it is fetched again")
	}
}

func cutReports(t *testing.T, i ReportInstance) {
	i.Move(2)
	i.Pass(3)
	text := fetched(t, i, listed(t, i, time.UTC, "")[0])
	whole := bytes.TrimRight(text, "\r\n")
	for at := range whole {
		err := i.Provider.Reports.Read(bytes.NewReader(whole[:at]), func(provider.ReportLine) error { return nil })
		if !errors.Is(err, provider.ErrReport) {
			t.Fatalf("cut after %d of %d bytes: %v", at, len(whole), err)
		}
	}
	stop := fmt.Errorf("enough")
	if err := i.Provider.Reports.Read(bytes.NewReader(text), func(provider.ReportLine) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the reader's own error: %v", err)
	}
}

func toldAfter(t *testing.T, i ReportInstance) {
	i.Move(1)
	i.Pass(1)
	i.Move(1)
	i.Pass(3)
	all := listed(t, i, time.UTC, "")
	if len(all) < 2 {
		t.Fatalf("%+v", all)
	}
	for _, f := range listed(t, i, time.UTC, all[0].Day) {
		if f.Day <= all[0].Day {
			t.Errorf("after %s there is %+v", all[0].Day, f)
		}
	}
}

// otherZone: a day is that of the zone that is asked for, wherever it begins.
func otherZone(t *testing.T, i ReportInstance) {
	zone, err := time.LoadLocation("Pacific/Kiritimati") // fourteen hours ahead
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	moved := i.Move(2)
	i.Pass(3)
	var all []provider.ReportLine
	for _, f := range listed(t, i, zone, "") {
		for _, l := range linesOf(t, i, fetched(t, i, f)) {
			if day := l.At.In(zone).Format(time.DateOnly); day != f.Day && l.Kind != provider.LineDeposit {
				t.Errorf("a line of %s stands in the report of %s", day, f.Day)
			}
			all = append(all, l)
		}
	}
	for _, reference := range moved {
		if n := times(all, reference); n != 1 {
			t.Errorf("%s is told %d times", reference, n)
		}
	}
}

func noSuchReport(t *testing.T, i ReportInstance) {
	for _, name := range []string{"", "2026-11-20", "2020-01-01/1/UTC", "2020-01-01/usd/UTC", "../../etc/passwd", "x/y/z"} {
		if body, err := i.Provider.Reports.Fetch(t.Context(), provider.ReportFile{Name: name, Day: "2020-01-01", Version: 1}); err == nil {
			body.Close()
			t.Errorf("there is a report %q", name)
		}
	}
}

func gross(l provider.ReportLine) money.Amount { return money.New(l.Gross, l.Currency) }

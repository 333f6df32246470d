package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		highest float64
		most    int
		want    []float64
	}{
		{0, 4, []float64{0, 0.25, 0.5, 0.75, 1}},
		{math.NaN(), 4, []float64{0, 0.25, 0.5, 0.75, 1}},
		{3, 4, []float64{0, 1, 2, 3}},
		{4, 4, []float64{0, 1, 2, 3, 4}},
		{4.1, 4, []float64{0, 2, 4, 6}},
		{0.3, 4, []float64{0, 0.1, 0.2, 0.3}},
		{2345, 4, []float64{0, 1000, 2000, 3000}},
		{60, 10, []float64{0, 10, 20, 30, 40, 50, 60}},
	} {
		if diff := cmp.Diff(test.want, ticksTo(test.highest, test.most), cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); diff != "" {
			t.Errorf("%v in %d: −want +got\n%s", test.highest, test.most, diff)
		}
	}
}

// A plot is well-formed, has a point for each sample on each line, inside of its
// panel, and only the panels for which there is something.
func TestPlot(t *testing.T) {
	samples := []Sample{
		{Second: 1, Payments: 900, Requests: 1000, P50: 2000, P99: 9000, Unsent: 3, Undelivered: 40, Cores: map[string]float64{"client": 0.1, "serve": 0.9}},
		{Second: 2, Payments: 0, Requests: 5, P50: 0, P99: 0, Cores: map[string]float64{"client": 0.1, "serve": 0.9}, Stolen: 0.5},
		{Second: 3, Payments: 450, Requests: 451, P50: 1000, P99: 70_000, Unsent: 1000, Cores: map[string]float64{"client": 0.1}},
	}
	full := Report{Florin: "<v1>", Database: "sqlite", Mix: "mixed", Open: &Open{Rate: 1000}, Webhooks: &Webhooks{Events: "one"}, Requests: 2, Payments: 1, Samples: samples}
	bare := Report{Mix: "payment", Samples: []Sample{{Second: 1, Payments: 5}}}
	for name, test := range map[string]struct {
		report         *Report
		titles         []string
		curves, points int
	}{
		"everything":   {&full, []string{"payments and requests a second", "latency, ms", "waiting", "processors busy"}, 2 + 2 + 2 + 3, 3},
		"elsewhere":    {&bare, []string{"payments a second", "latency, ms"}, 3, 1},
		"no second":    {&Report{Mix: "payment"}, []string{"payments a second", "latency, ms"}, 3, 0},
		"never a wait": {&Report{Webhooks: &Webhooks{Events: "one"}, Samples: bare.Samples}, []string{"payments a second", "latency, ms", "waiting"}, 4, 1},
	} {
		var out strings.Builder
		if err := test.report.Plot(&out); err != nil {
			t.Fatal(err)
		}
		if head := ">mix " + test.report.Mix + ", "; !strings.Contains(out.String(), head) || strings.Contains(out.String(), "%!") {
			t.Errorf("%s: the head is not %q in\n%s", name, head, &out)
		}
		var titles []string
		curves := 0
		for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in\n%s", name, err, &out)
			}
			begin, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			attributes := map[string]string{}
			for _, a := range begin.Attr {
				attributes[a.Name.Local] = a.Value
			}
			switch {
			case begin.Name.Local == "polyline":
				curves++
				if n := len(strings.Fields(attributes["points"])); n != test.points {
					t.Errorf("%s: a line has %d points: %s", name, n, attributes["points"])
				}
			case begin.Name.Local == "text" && attributes["class"] == "t":
				inside, err := d.Token()
				if text, ok := inside.(xml.CharData); err == nil && ok {
					titles = append(titles, string(text))
				}
			}
		}
		if diff := cmp.Diff(test.titles, titles); diff != "" || curves != test.curves {
			t.Errorf("%s: %d lines, want %d; panels −want +got\n%s", name, curves, test.curves, diff)
		}
		if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("%s: a point is nowhere:\n%s", name, &out)
		}
	}
}

// The highest value touches the upper tick or is below it, zero is on the axis.
func TestPlotPlaces(t *testing.T) {
	var out strings.Builder
	p := panel{"x", []curve{{"y", 0, func(s *Sample) float64 { return s.Payments }}}}
	p.draw(&out, []Sample{{Second: 0, Payments: 0}, {Second: 10, Payments: 400}, {Second: 5, Payments: 100}}, 100, 10)
	if want := `points="72.0,250.0 876.0,100.0 474.0,212.5 "`; !strings.Contains(out.String(), want) {
		t.Errorf("%s is not in\n%s", want, &out)
	}
}

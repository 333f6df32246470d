package bench

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// curve is one line of a panel, with a point for each sample.
type curve struct {
	name  string
	class int // of its colour
	at    func(*Sample) float64
}

// panel is one of the diagrams that share a time axis.
type panel struct {
	title  string
	curves []curve
}

// The sizes of a plot, in its own units.
const (
	plotWidth   = 900
	panelHeight = 150
	panelGap    = 52
	plotLeft    = 72
	plotRight   = 24
	plotTop     = 100
	plotBottom  = 48
)

// style has the colours of both a light and a dark page.
const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#57606a}
.page{fill:#fff}.h{font-size:15px;font-weight:600;fill:#1f2328}.t{font-weight:600;fill:#1f2328}
.s{fill:currentColor;font-weight:700}.n{text-anchor:end;font-variant-numeric:tabular-nums}.m{text-anchor:middle;font-variant-numeric:tabular-nums}
.g{stroke:#d8dee4;stroke-width:1}.a{stroke:#8c959f;stroke-width:1}
.c{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.k0{color:#0969da}.k1{color:#cf222e}.k2{color:#1a7f37}.k3{color:#9a6700}.k4{color:#8250df}.k5{color:#6e7781}
@media (prefers-color-scheme:dark){
text{fill:#9198a1}.page{fill:#0d1117}.h,.t{fill:#f0f6fc}.g{stroke:#262c36}.a{color:#656c76}
.k0{color:#4493f8}.k1{color:#f85149}.k2{color:#3fb950}.k3{color:#d29922}.k4{color:#ab7df8}.k5{color:#9198a1}}
</style>
`

// Plot writes the run over time as an SVG.
func (r *Report) Plot(w io.Writer) error {
	panels := r.panels()
	height := plotTop + len(panels)*(panelHeight+panelGap) - panelGap + plotBottom
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n<title>%s</title>\n",
		plotWidth, height, plotWidth, height, escaped(r.title()))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d"/>`+"\n", plotWidth, height)
	title, rest, _ := strings.Cut(r.title(), ", mix ")
	fmt.Fprintf(&b, `<text class="h" x="%[1]d" y="26">%[2]s</text><text x="%[1]d" y="45">mix %[3]s</text><text x="%[1]d" y="61">%[4]s</text>`+"\n",
		plotLeft, escaped(title), escaped(rest), escaped(r.Machine.text()))
	end := 1.0
	for _, s := range r.Samples {
		end = max(end, s.Second)
	}
	for i, p := range panels {
		p.draw(&b, r.Samples, plotTop+i*(panelHeight+panelGap), end)
	}
	fmt.Fprintf(&b, `<text class="m" x="%d" y="%d">seconds</text>`+"\n</svg>\n", (plotLeft+plotWidth-plotRight)/2, height-8)
	_, err := io.WriteString(w, b.String())
	return err
}

// panels are the diagrams of a run: only what it has.
func (r *Report) panels() []panel {
	rates := panel{"payments a second", []curve{{"payments", 0, func(s *Sample) float64 { return s.Payments }}}}
	if r.Requests != r.Payments {
		rates = panel{"payments and requests a second", append(rates.curves, curve{"requests", 5, func(s *Sample) float64 { return s.Requests }})}
	}
	list := []panel{rates, {"latency, ms", []curve{
		{"p50", 0, func(s *Sample) float64 { return float64(s.P50) / 1000 }},
		{"p99", 1, func(s *Sample) float64 { return float64(s.P99) / 1000 }},
	}}}
	var backlog []curve
	if r.Open != nil {
		backlog = append(backlog, curve{"errands due and not begun", 1, func(s *Sample) float64 { return float64(s.Unsent) }})
	}
	if r.Webhooks != nil {
		backlog = append(backlog, curve{"payments whose webhook has not come", 4, func(s *Sample) float64 { return float64(s.Undelivered) }})
	}
	if len(backlog) > 0 {
		list = append(list, panel{"waiting", backlog})
	}
	var cores []curve
	for i, name := range processNames {
		if len(r.Samples) > 0 {
			if _, known := r.Samples[0].Cores[name]; known {
				cores = append(cores, curve{name, i, func(s *Sample) float64 { return s.Cores[name] }})
			}
		}
	}
	if len(cores) > 0 {
		stolen := curve{"stolen by the host", 5, func(s *Sample) float64 { return s.Stolen * float64(r.Machine.Processors) }}
		list = append(list, panel{"processors busy", append(cores, stolen)})
	}
	return list
}

// draw writes a panel whose upper edge is at top.
func (p panel) draw(b *strings.Builder, samples []Sample, top int, end float64) {
	highest := 0.0
	for i := range samples {
		for _, c := range p.curves {
			highest = max(highest, c.at(&samples[i]))
		}
	}
	ticks := ticksTo(highest, 4)
	full := ticks[len(ticks)-1]
	bottom := float64(top + panelHeight)
	x := func(second float64) float64 { return plotLeft + second/end*(plotWidth-plotLeft-plotRight) }
	y := func(v float64) float64 { return bottom - v/full*panelHeight }
	for _, t := range ticks {
		fmt.Fprintf(b, `<line class="g" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="n" x="%d" y="%.1f">%s</text>`+"\n",
			plotLeft, plotWidth-plotRight, y(t), y(t), plotLeft-8, y(t)+4, number(t))
	}
	fmt.Fprintf(b, `<line class="a" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", plotLeft, plotWidth-plotRight, bottom, bottom)
	for _, t := range ticksTo(math.Floor(end), 10) {
		if t <= end {
			fmt.Fprintf(b, `<text class="m" x="%.1f" y="%.1f">%s</text>`, x(t), bottom+16, number(t))
		}
	}
	p.legend(b, top)
	for _, c := range p.curves {
		fmt.Fprintf(b, `<polyline class="c k%d" points="`, c.class)
		for i := range samples {
			fmt.Fprintf(b, "%.1f,%.1f ", x(samples[i].Second), y(c.at(&samples[i])))
		}
		b.WriteString("\"/>\n")
	}
}

// legend writes the title and, at the right, what the lines are.
func (p panel) legend(b *strings.Builder, top int) {
	fmt.Fprintf(b, "\n"+`<text class="t" x="%d" y="%d">%s</text>`, plotLeft, top-10, escaped(p.title))
	if len(p.curves) > 1 {
		fmt.Fprintf(b, `<text class="n" x="%d" y="%d">`, plotWidth-plotRight, top-10)
		gap := 0
		for _, c := range p.curves {
			fmt.Fprintf(b, `<tspan class="s k%d" dx="%d">—</tspan><tspan dx="5">%s</tspan>`, c.class, gap, escaped(c.name))
			gap = 16
		}
		b.WriteString("</text>")
	}
	b.WriteString("\n")
}

// ticksTo are round numbers from zero, at most so many steps, the last of which
// is at least highest.
func ticksTo(highest float64, most int) []float64 {
	if !(highest > 0) {
		highest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(highest/float64(most))))
	for _, by := range []float64{1, 2, 2.5, 5, 10} {
		if by*step*float64(most) >= highest*(1-1e-9) {
			step *= by
			break
		}
	}
	list := []float64{0}
	for n := 1; list[len(list)-1] < highest*(1-1e-9); n++ {
		list = append(list, float64(n)*step)
	}
	return list
}

// number spells a tick as short as it is exact.
func number(v float64) string { return fmt.Sprintf("%.6g", v) }

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

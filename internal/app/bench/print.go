package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	r.printLoad(&b)
	r.printCosts(&b)
	r.printCheck(&b)
	for _, short := range r.Short {
		fmt.Fprintf(&b, "\nNOT KEPT UP: %s\n", short)
	}
	if r.Void != "" {
		fmt.Fprintf(&b, "\nDOES NOT COUNT: %s\n", r.Void)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) printLoad(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n", r.title())
	if r.Filled != nil {
		fmt.Fprintf(b, "%d payments stored in %.0f s, %.0f a second\n", r.Filled.Stored, r.Filled.Seconds, r.Filled.Rate())
	}
	fmt.Fprintf(b, "%s, %s\n\n", r.Machine.text(), r.Started.Format(time.DateOnly))
	fmt.Fprintf(b, "%-10s %9.0f /s  %9d\n%-10s %9.0f /s  %9d\n", "payments", r.PaymentsPerSecond, r.Payments, "requests", r.RequestsPerSecond, r.Requests)
	r.printFlow(b)
	errors := int64(0)
	for _, e := range r.Errors {
		errors += e.Count
	}
	fmt.Fprintf(b, "%-10s %9s     %9d\n", "errors", "", errors)
	for _, e := range r.Errors {
		fmt.Fprintf(b, "  %d × %s: %s\n", e.Count, e.Kind, e.Example)
	}
	fmt.Fprintf(b, "\n%-12s %9s %9s %9s %9s %9s %9s\n", "latency, ms", "p50", "p90", "p99", "p99.9", "max", "count")
	for _, l := range r.Latencies {
		l.print(b)
	}
	if r.Open != nil {
		r.Open.Late.print(b)
	}
	if r.Webhooks != nil {
		r.Webhooks.Lag.print(b)
	}
}

func (l *Latency) print(b *strings.Builder) {
	fmt.Fprintf(b, "%-12s %9s %9s %9s %9s %9s %9d\n", l.Kind, millis(l.P50), millis(l.P90), millis(l.P99), millis(l.P999), millis(l.Max), l.Count)
}

// printFlow writes what had to wait.
func (r *Report) printFlow(b *strings.Builder) {
	if o := r.Open; o != nil {
		fmt.Fprintf(b, "%-10s %9s     %9d of %d due\n", "unsent", "", o.Unsent, o.Due)
	}
	if w := r.Webhooks; w != nil {
		fmt.Fprintf(b, "%-10s %9s     %9d; %d payments behind at the end, %d after %.1f s more\n", "webhooks", "", w.Deliveries, w.AtEnd, w.Undelivered, w.DrainSeconds)
	}
}

// millis shows microseconds as milliseconds.
func millis(us int64) string { return fmt.Sprintf("%.2f", float64(us)/1000) }

func (r *Report) printCosts(b *strings.Builder) {
	if len(r.Processes) > 0 {
		fmt.Fprintf(b, "\n%-12s %9s %9s %12s %12s\n", "per "+r.Per, "CPU, µs", "cores", "written, B", "memory, MiB")
	}
	for _, p := range r.Processes {
		written := "?"
		if p.Written != nil {
			written = fmt.Sprintf("%.0f", *p.Written)
		}
		memory := ""
		if p.Peak > 0 {
			memory = fmt.Sprintf("%.0f", float64(p.Peak)/(1<<20))
		}
		fmt.Fprintf(b, "%-12s %9.0f %9.2f %12s %12s\n", p.Name, p.CPUMicros, p.Cores, written, memory)
	}
	if r.OtherCores != nil {
		fmt.Fprintf(b, "%-12s %9s %9.2f\n%-12s %9s %8.1f%%\n", "others", "", *r.OtherCores, "stolen", "", 100*r.Stolen)
	}
	if r.StepsPerTrain > 0 {
		fmt.Fprintf(b, "\n%.1f steps per %s, %.1f in a transaction\n", r.Steps, r.Per, r.StepsPerTrain)
	}
	if d := r.Disk; d != nil && r.Check.Acknowledged.Payments > 0 {
		fmt.Fprintf(b, "\na payment takes %.0f B of the database, %.0f B of the sandbox's book", d.Database, d.Book)
		if d.Log > 0 {
			fmt.Fprintf(b, ", %.0f B of the write-ahead log", d.Log)
		}
		b.WriteString("\n")
	}
}

func (r *Report) printCheck(b *strings.Builder) {
	c := r.Check
	b.WriteString("\ncheck, of the whole run:\n")
	line := func(side string, n *Count) {
		if n != nil {
			fmt.Fprintf(b, "  %-13s %d payments of %d, %d refunds of %d\n", side, n.Payments, n.Taken, n.Refunds, n.Returned)
		}
	}
	line("acknowledged", &c.Acknowledged)
	line("in Florin", c.Florin)
	line("in the sandbox", c.Sandbox)
	if c.UnsurePayments+c.UnsureRefunds > 0 {
		fmt.Fprintf(b, "  unsure        %d payments, %d refunds: failed, and may be there nevertheless\n", c.UnsurePayments, c.UnsureRefunds)
	}
	if c.Findings != nil {
		fmt.Fprintf(b, "  florin verify %d findings\n", len(*c.Findings))
	}
	if r.OK() {
		b.WriteString("  all agree\n")
	}
	for _, p := range c.Problems {
		fmt.Fprintf(b, "  WRONG: %s\n", p)
	}
}

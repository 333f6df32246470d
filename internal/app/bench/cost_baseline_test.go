//go:build unix

package bench

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// renewCosts is how the figures are written anew.
const renewCosts = `FLORIN_UPDATE=1 go test ./internal/app/bench -run 'TestCost$'; FLORIN_UPDATE=1 go run ./test/postgres/with -nosync -- go test ./internal/app/bench -run 'TestCost$'`

// writtenOn is the architecture whose allocations are written down.
const writtenOn = "amd64"

// allowance is by how much a figure may differ from the one that was written down:
// by a share of it, or by so much, whichever is more.
type allowance struct{ share, much float64 }

// allowances are by what is counted; what is not named here may not differ at all.
//
// On Linux, with two processors, each engine was run 20 times, and 20 times (PostgreSQL:
// six) beside two busy loops. All that is not named was the same each time, and so were
// bytes of rows, of entries and pages of the log. Of allocations the lowest and the
// highest differed by 0.3 % at most, of their bytes by 1.2 %: now and then pgx makes
// itself a buffer of 16 KiB. Busy or not made no difference. Where errands come at once
// it was 3 % (payments) and 20 % (webhooks).
var allowances = map[string]allowance{
	figObjects: {share: 0.01, much: 2},
	figBytes:   {share: 0.02, much: 300},
	figStored:  {share: 0.005, much: 4},
	figIndexed: {share: 0.005, much: 4},
	figPages:   {share: 0.03, much: 0.5},
}

func allowanceOf(f figure) allowance {
	a := allowances[f.what]
	for _, e := range costErrands {
		if e.name == f.errand && e.chance > 0 && f.allocation() {
			a.share = e.chance
		}
	}
	return a
}

// rounding is that of figures in a file.
const rounding = 0.005

// compareCosts tells how figures differ from those that were written down, one line
// each.
func compareCosts(written, now []figure) (problems []string) {
	was := map[string]float64{}
	for _, f := range written {
		was[f.name()] = f.value
	}
	for _, f := range now {
		before, known := was[f.name()]
		delete(was, f.name())
		a := allowanceOf(f)
		by := f.value - before
		switch limit := max(a.share*before, a.much) + rounding; {
		case !known:
			problems = append(problems, fmt.Sprintf("%s: %.2f, and nothing was written down", f.name(), f.value))
		case by > limit:
			problems = append(problems, fmt.Sprintf("%s: WORSE: %.2f, was %.2f (%+.1f %%; may differ by %.2f)", f.name(), f.value, before, percent(by, before), limit))
		case by < -limit:
			problems = append(problems, fmt.Sprintf("%s: better: %.2f, was %.2f (%+.1f %%; may differ by %.2f)", f.name(), f.value, before, percent(by, before), limit))
		}
	}
	for _, f := range written {
		if _, left := was[f.name()]; left {
			problems = append(problems, fmt.Sprintf("%s: was %.2f, and is not counted any more", f.name(), f.value))
		}
	}
	return problems
}

func percent(by, of float64) float64 {
	if of == 0 {
		return math.Copysign(100, by)
	}
	return 100 * by / of
}

// readCosts reads figures, one in each line: errand, what is counted, how much.
func readCosts(path string) (list []figure, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			cells := strings.Split(line, " | ")
			if len(cells) != 3 {
				return nil, fmt.Errorf("%s: want errand | what | how much: %q", path, line)
			}
			value, err := strconv.ParseFloat(cells[2], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", path, line, err)
			}
			list = append(list, figure{cells[0], cells[1], value})
		}
	}
	return list, lines.Err()
}

// writeCosts writes them.
func writeCosts(path string, list []figure) error {
	var b strings.Builder
	b.WriteString("# What one errand takes. Not to be edited: docs/performance.md, \"The guard\".\n")
	last := ""
	for _, f := range list {
		if f.errand != last {
			last = f.errand
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", f)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// costFiles are the figures that were written down, by engine.
var costFiles = []struct{ engine, path string }{{"SQLite", "testdata/cost.sqlite.txt"}, {"PostgreSQL", "testdata/cost.postgres.txt"}}

// costSection is where the documentation shows them.
var costSection = Section{File: "../../../docs/performance.md", Name: "cost"}

// costTable is what the documentation shows of all figures.
func costTable() (string, error) {
	var b strings.Builder
	for _, f := range costFiles {
		list, err := readCosts(f.path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n%s, one errand:\n\n| | allocations | bytes allocated | steps | statements | of readers | rows written | bytes stored | pages of log |\n|---|---|---|---|---|---|---|---|---|\n", f.engine)
		for _, e := range costErrands {
			sum := map[string]float64{}
			for _, f := range list {
				if f.errand != e.name {
					continue
				}
				sum[f.what] = f.value
				if strings.HasPrefix(f.what, "rows ") {
					sum["rows"] += f.value
				}
			}
			cell := func(what string, decimals int) string {
				if _, there := sum[what]; !there {
					return "–"
				}
				return strconv.FormatFloat(sum[what], 'f', decimals, 64)
			}
			sum["stored"] = sum[figStored] + sum[figIndexed]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", e.name, cell(figObjects, 0), cell(figBytes, 0), cell(figSteps, 2), cell(figStatements, 1), cell(figReads, 1), cell("rows", 1), cell("stored", 0), cell(figPages, 1))
		}
	}
	return b.String() + "\n", nil
}

//go:build unix

package bench

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
)

// What is counted. Rows by table are "rows inserted into …", "rows updated in …" and
// "rows deleted from …".
const (
	figSteps      = "steps"
	figTrains     = "transactions"
	figStatements = "statements of trains"
	figReads      = "statements of readers"
	figObjects    = "allocations"
	figBytes      = "bytes allocated"
	figStored     = "bytes of rows"
	figIndexed    = "bytes of index entries"
	figPages      = "pages written to the log"
)

// figure is how much of something one errand takes.
type figure struct {
	errand, what string
	value        float64
}

// took is what some errands took together.
type took struct {
	objects, bytes  uint64 // of the heap; the sandbox's are not among them
	trains, steps   int64
	sent            []db.Sent
	stored, indexed int64
	pages           int64
}

// warmUp is how many of an errand come first: statements are prepared then, and
// pools filled.
const warmUp = 3

// measure does n of an errand.
func (c *costs) measure(e errand, n int) (s took) {
	c.t.Helper()
	for range warmUp {
		do, check := c.ready(e)
		c.tick()
		do()
		check()
	}
	runtime.GC() // nothing else collects: what pools hold stays
	type one struct{ do, check func() }
	var list []one
	for range n {
		do, check := c.ready(e)
		list = append(list, one{do, check})
		if e.lone || len(list) == n {
			s.count(c, e.paged, func() {
				for _, o := range list {
					c.tick()
					o.do()
				}
			})
			for _, o := range list {
				o.check()
			}
			list = nil
		}
	}
	return s
}

func (c *costs) ready(e errand) (do, check func()) {
	c.tick()
	return e.ready(c)
}

// count does something and adds what it took.
func (s *took) count(c *costs, paged bool, do func()) {
	pages := int64(0)
	if c.trace != nil {
		c.weigh(s, -1)
		c.trace.take()
		pages = frames(c.log)
	}
	c.acquirer.objects, c.acquirer.bytes = 0, 0
	trains, steps := c.app.DB.Stats()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	s.objects += after.Mallocs - before.Mallocs - c.acquirer.objects
	s.bytes += after.TotalAlloc - before.TotalAlloc - c.acquirer.bytes
	left, rode := c.app.DB.Stats()
	s.trains, s.steps = s.trains+left-trains, s.steps+rode-steps
	if c.trace != nil {
		s.sent = append(s.sent, c.trace.take()...)
		c.weigh(s, 1)
		if pages = frames(c.log) - pages; paged && pages < 0 {
			c.t.Fatal("the log was begun anew")
		}
		s.pages += pages
	}
}

// weigh adds or takes away what is stored.
func (c *costs) weigh(s *took, sign int64) {
	c.t.Helper()
	rows, entries := c.weights.sum(c.t, c.app.DB)
	s.stored, s.indexed = s.stored+sign*rows, s.indexed+sign*entries
}

// frames is how many pages are in SQLite's log since it was begun; none where there
// is no such log.
func frames(path string) (n int64) {
	log, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer log.Close()
	walk(log, func(int64, uint32) { n++ })
	return n
}

var writing = regexp.MustCompile(`^(INSERT INTO|UPDATE|DELETE FROM) (\w+)`)

var verbs = map[string]string{"INSERT INTO": "rows inserted into ", "UPDATE": "rows updated in ", "DELETE FROM": "rows deleted from "}

// counted are the figures that a trace gives, of n errands.
func (s *took) counted(e errand, n int) []figure {
	each := float64(n * e.each)
	rows := map[string]int64{}
	var trains, readers, frame int64
	for _, one := range s.sent {
		switch m := writing.FindStringSubmatch(one.SQL); {
		case one.Reader:
			readers++
		case m != nil && m[2] != "train":
			rows[verbs[m[1]]+m[2]] += one.Rows
			trains++
		case m != nil || strings.HasPrefix(one.SQL, "BEGIN") || one.SQL == "COMMIT":
			frame++
		default:
			trains++
		}
	}
	list := []figure{{e.name, figSteps, float64(s.steps) / each}}
	if !e.loose { // who rides together is chance there, and with it how often is looked
		list = append(list, figure{e.name, figTrains, float64(s.trains) / each}, figure{e.name, figStatements, float64(trains+frame) / each}, figure{e.name, figReads, float64(readers) / each})
	}
	list = append(list, figure{e.name, figStored, float64(s.stored) / each}, figure{e.name, figIndexed, float64(s.indexed) / each})
	if e.paged && s.pages != 0 {
		list = append(list, figure{e.name, figPages, float64(s.pages) / each})
	}
	for what, count := range rows {
		list = append(list, figure{e.name, what, float64(count) / each})
	}
	slices.SortStableFunc(list, func(a, b figure) int {
		if strings.HasPrefix(a.what, "rows") && strings.HasPrefix(b.what, "rows") {
			return strings.Compare(a.what, b.what)
		}
		return 0
	})
	return list
}

// allocated are those that only a run without a trace gives.
func (s *took) allocated(e errand, n int) []figure {
	each := float64(n * e.each)
	return []figure{{e.name, figObjects, float64(s.objects) / each}, {e.name, figBytes, float64(s.bytes) / each}}
}

// allocation reports whether a figure depends on the compiler.
func (f figure) allocation() bool { return f.what == figObjects || f.what == figBytes }

func (f figure) name() string { return f.errand + " | " + f.what }

func (f figure) String() string { return fmt.Sprintf("%s | %.2f", f.name(), f.value) }

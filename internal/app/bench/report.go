package bench

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Report is what a run gave. Rates and costs are of the time that was measured;
// the check is of the whole run, warm-up and all.
type Report struct {
	Florin  string    `json:"florin"` // version
	Command string    `json:"command,omitempty"`
	Started time.Time `json:"started"`
	Machine Machine   `json:"machine"`
	// Database is "sqlite", "postgres", or empty for a server that ran already.
	Database string `json:"database,omitempty"`
	Mix      string `json:"mix"`
	Clients  int    `json:"clients"`
	// Merchants is how many accounts were paid; Hot of a hundred payments went to
	// one of them.
	Merchants int `json:"merchants"`
	Hot       int `json:"hot,omitempty"`
	// Open is nil in a closed loop.
	Open *Open `json:"open_loop"`

	// Filled is what was stored before; nil: nothing was asked for.
	Filled *Filled `json:"filled,omitempty"`

	Seconds           float64 `json:"seconds"` // measured
	Requests          int64   `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	Payments          int64   `json:"payments"` // that succeeded
	PaymentsPerSecond float64 `json:"payments_per_second"`

	// Latencies by kind of request and, first, of all. Those of requests that
	// were begun in time and answered later are among them; failed ones are not.
	Latencies []Latency `json:"latencies"`
	// Samples are those of each second.
	Samples []Sample `json:"samples"`
	// Webhooks is nil where there were none.
	Webhooks *Webhooks `json:"webhooks"`
	// Errors of the whole run, the most frequent first.
	Errors []ErrorCount `json:"errors"`

	// Per is what the costs below are divided by: "payment", or "request" where
	// there were no payments.
	Per       string    `json:"per"`
	Processes []Process `json:"processes"`
	// OtherCores is how many processors were busy with something else; nil: not
	// known.
	OtherCores *float64 `json:"other_cores"`
	// Stolen is the share of the processors' time that the host gave to others.
	Stolen float64 `json:"stolen"`
	Disk   *Disk   `json:"disk"`
	// StepsPerTrain is how many atomic changes shared a transaction, and Steps how
	// many there were per payment or request; zero: not known.
	StepsPerTrain float64 `json:"steps_per_train"`
	Steps         float64 `json:"steps"`

	// Short says in what the server did not keep up; empty if it did.
	Short []string `json:"short"`
	// Void says why the run does not count; empty if it does.
	Void string `json:"void,omitempty"`

	Check Check `json:"check"`
	// Notes tell what is missing from the report, and why.
	Notes []string `json:"notes"`

	first    stored // when all was prepared
	prepared int64  // payments until then
}

// OK reports whether the check found nothing wrong.
func (r *Report) OK() bool { return len(r.Check.Problems) == 0 }

// mostStolen is which share of the processors' time may be stolen in a run that
// counts.
const mostStolen = 0.05

// judge says whether the run counts, whether the server kept up, and whether the
// books agree.
func (r *Report) judge() {
	r.Check.judge()
	if r.Stolen > mostStolen {
		r.Void = fmt.Sprintf("the host gave %.1f %% of the processors' time to others", 100*r.Stolen)
	}
	// A tenth of a second's errands may be waiting at any moment.
	if o := r.Open; o != nil && o.Unsent > max(1, int64(o.Rate)/10) {
		r.Short = append(r.Short, fmt.Sprintf("%d errands were due at the end and had not begun", o.Unsent))
	}
	w := r.Webhooks
	if w == nil {
		return
	}
	// So may the webhooks of a second's payments.
	if float64(w.AtEnd) > max(10, r.PaymentsPerSecond) {
		r.Short = append(r.Short, fmt.Sprintf("webhooks were %d payments behind at the end", w.AtEnd))
	}
	if w.Undelivered > 0 {
		r.Short = append(r.Short, fmt.Sprintf("of %d payments no webhook came within %.0f s", w.Undelivered, w.DrainSeconds))
	}
}

// Open is how an open loop went.
type Open struct {
	Rate int `json:"rate"` // errands a second
	// Due is how many errands were due, and Unsent how many of them had not begun
	// at the end. Those never did.
	Due    int64 `json:"due"`
	Unsent int64 `json:"unsent"`
	// Late is how much later than it was due an errand was sent.
	Late Latency `json:"late"`
}

// Webhooks is how the deliveries went.
type Webhooks struct {
	Events     string `json:"events"` // what the endpoints were told: one, all
	Deliveries int64  `json:"deliveries"`
	// AtEnd is of how many payments the receiver had not been told when the
	// measuring ended; DrainSeconds is how long it took until it was told of all but
	// Undelivered.
	AtEnd        int64   `json:"at_end"`
	DrainSeconds float64 `json:"drain_seconds"`
	Undelivered  int64   `json:"undelivered"`
	// Lag is from when an event was made until it was there, to a millisecond.
	Lag Latency `json:"lag"`
}

// Machine is what the run was on.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Processor  string `json:"processor,omitempty"`
	Processors int    `json:"processors"`
	Memory     int64  `json:"memory_bytes,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	FileSystem string `json:"file_system,omitempty"` // of the temporary folder
}

// Latency is that of the requests of one kind, in microseconds. Percentiles are
// at most a 128th too long.
type Latency struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
	P50   int64  `json:"p50_us"`
	P90   int64  `json:"p90_us"`
	P99   int64  `json:"p99_us"`
	P999  int64  `json:"p99_9_us"`
	Max   int64  `json:"max_us"`
}

// ErrorCount is how often something went wrong in one way.
type ErrorCount struct {
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`
	Example string `json:"example"`
}

// Process is what one process used.
type Process struct {
	Name string `json:"name"` // client, serve, sandbox, receiver, postgres (with all its children)
	// CPU is user and system time.
	CPUMicros float64 `json:"cpu_us"` // per payment or request
	Cores     float64 `json:"cores"`  // processors kept busy
	// Written is bytes sent to disk per payment or request; nil: not known.
	Written *float64 `json:"written_bytes"`
	// Peak is the most memory that it held at once, in bytes; zero: not known.
	Peak int64 `json:"peak_bytes"`
}

// Disk is what a payment, or else a request, leaves behind.
type Disk struct {
	Database float64 `json:"database_bytes"`
	Book     float64 `json:"sandbox_book_bytes"`
	// Log is what is written to PostgreSQL's write-ahead log while it is measured.
	Log float64 `json:"write_ahead_log_bytes,omitempty"`
}

func newReport(c Config, h *host) *Report {
	r := &Report{
		Florin: c.Version, Command: c.Command, Started: c.Clock.Now().Truncate(time.Second), Mix: c.Mix, Clients: c.Clients, Merchants: c.Merchants, Hot: c.Hot,
		Machine:   Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Processor: processor(), Processors: runtime.NumCPU(), Memory: memory(), Kernel: kernel()},
		Latencies: []Latency{}, Errors: []ErrorCount{}, Processes: []Process{}, Notes: []string{}, Samples: []Sample{}, Short: []string{}, Check: Check{Problems: []string{}},
	}
	if c.Rate > 0 {
		r.Open = &Open{Rate: c.Rate}
	}
	if c.Webhooks != WebhooksNone {
		r.Webhooks = &Webhooks{Events: c.Webhooks}
	}
	switch {
	case h == nil:
		r.Notes = append(r.Notes, "The server ran already: its processes, its disk, the sandbox's book and florin verify were not looked at.")
		return r
	case h.postgres():
		r.Database = "postgres"
	default:
		r.Database = "sqlite"
	}
	r.Filled = h.filled
	r.Machine.FileSystem = fileSystem(h.dir)
	if r.Machine.FileSystem == "tmpfs" {
		r.Notes = append(r.Notes, "The temporary folder is in memory (tmpfs), where nothing has to be synced: say --dir.")
	}
	return r
}

// fill adds what the clients saw.
func (r *Report) fill(s *stats, errors map[string]*ErrorCount, took time.Duration) {
	r.Seconds = took.Seconds()
	r.Requests, r.Payments = s.requests.Load(), s.payments.Load()
	r.RequestsPerSecond, r.PaymentsPerSecond = float64(r.Requests)/r.Seconds, float64(r.Payments)/r.Seconds
	r.Per = "payment"
	if r.Payments == 0 {
		r.Per = "request"
	}
	if r.Open != nil {
		r.Open.Late = latency("late", &s.late)
	}
	var all histogram
	for k := range s.latency {
		if h := &s.latency[k]; h.total.Load() > 0 {
			all.add(h)
			r.Latencies = append(r.Latencies, latency(kindNames[k], h))
		}
	}
	if len(r.Latencies) != 1 {
		r.Latencies = slices.Insert(r.Latencies, 0, latency("all", &all))
	}
	for _, e := range errors {
		r.Errors = append(r.Errors, *e)
	}
	slices.SortFunc(r.Errors, func(a, b ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
}

func latency(kind string, h *histogram) Latency {
	return Latency{
		Kind: kind, Count: h.total.Load(), P50: h.quantile(50_000).Microseconds(), P90: h.quantile(90_000).Microseconds(),
		P99: h.quantile(99_000).Microseconds(), P999: h.quantile(99_900).Microseconds(), Max: h.longest.Load() / 1000,
	}
}

// by is what costs are divided by.
func (r *Report) by() float64 {
	if r.Per == "payment" {
		return float64(r.Payments)
	}
	return float64(max(r.Requests, 1))
}

// used adds what the processes used between two readings.
func (r *Report) used(from, to reading) {
	var ours time.Duration
	for _, name := range processNames {
		a, known := from.processes[name]
		b, still := to.processes[name]
		if !known || !still {
			continue
		}
		ours += b.cpu - a.cpu
		p := Process{Name: name, CPUMicros: float64((b.cpu - a.cpu).Microseconds()) / r.by(), Cores: (b.cpu - a.cpu).Seconds() / r.Seconds, Peak: b.peak}
		if a.written >= 0 && b.written >= 0 {
			p.Written = new(float64(b.written-a.written) / r.by())
		}
		r.Processes = append(r.Processes, p)
	}
	if r.Database == "postgres" && !slices.ContainsFunc(r.Processes, func(p Process) bool { return p.Name == "postgres" }) {
		r.Notes = append(r.Notes, "The PostgreSQL server's processes are not on this machine, or can't be seen: their time is left out.")
	}
	if len(r.Processes) == 0 {
		r.Notes = append(r.Notes, "This system does not tell what processes use: their time is left out.")
		return
	}
	if from.known && to.known {
		r.OtherCores = new(max(0, (to.processors.busy-from.processors.busy-ours).Seconds()/r.Seconds))
		r.Stolen = stolen(from.processors, to.processors)
	}
	if n := to.trains.trains - from.trains.trains; n > 0 {
		steps := float64(to.steps - from.steps)
		r.StepsPerTrain, r.Steps = steps/float64(n), steps/r.by()
	}
	r.Disk = &Disk{Log: float64(to.log-from.log) / r.by()}
}

// keeps adds what warm-up and measuring left on disk, once everything has ended.
func (r *Report) keeps(last stored) {
	if r.Disk == nil {
		r.Disk = &Disk{}
	}
	by := float64(max(r.Check.Acknowledged.Payments-r.prepared, 1))
	r.Disk.Database = float64(last.database-r.first.database) / by
	r.Disk.Book = float64(last.book-r.first.book) / by
}

//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/test/postgres"
)

// sample is what one run gave. Costs are per payment; what is not known is zero.
type sample struct {
	rate, p50, p99                           float64 // payments/s, ms, ms
	client, serve, sandbox, own, server      float64 // µs; own is all of the prototype
	bytes, steps, stepsPerTrain, othersCores float64
	written, log                             float64
}

func (s sample) String() string {
	return fmt.Sprintf("%6.0f payments/s, p50 %.1f ms, p99 %.1f ms, %4.0f + %4.0f us, others %.2f cores", s.rate, s.p50, s.p99,
		s.own+s.client+s.serve+s.sandbox, s.server, s.othersCores)
}

// output runs a program and decodes the JSON that it prints. When ctx ends it is
// asked to end in good order, since it has processes of its own.
func output(ctx context.Context, to any, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out, shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &shown
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s%s", err, &shown, &out)
	}
	return json.Unmarshal(out.Bytes(), to)
}

func runPrototype(variant string) func(context.Context, *session) (sample, error) {
	return func(ctx context.Context, s *session) (sample, error) {
		var report struct {
			Lines []struct {
				Rate   float64 `json:"payments_per_second"`
				P50    float64 `json:"p50_us"`
				P99    float64 `json:"p99_us"`
				Own    float64 `json:"own_cpu_us_per_payment"`
				Server float64 `json:"server_cpu_us_per_payment"`
				Bytes  float64 `json:"bytes_per_payment"`
				Steps  float64 `json:"stepsper_train"`
				Others float64 `json:"foreign_cores"`
			} `json:"lines"`
		}
		err := output(ctx, &report, s.prototype, "-http", "-json", "-refuse", "0", "-reps", "1", "-variants", variant, "-trains", "2",
			"-c", strconv.Itoa(s.clients), "-d", s.duration.String(), "-warm", s.warmup.String())
		if err != nil {
			return sample{}, err
		}
		if len(report.Lines) != 1 {
			return sample{}, fmt.Errorf("%d lines in the prototype's report", len(report.Lines))
		}
		l := report.Lines[0]
		return sample{rate: l.Rate, p50: l.P50 / 1000, p99: l.P99 / 1000, own: l.Own, server: l.Server, bytes: l.Bytes,
			steps: 2, stepsPerTrain: l.Steps, othersCores: l.Others}, nil
	}
}

func runFlorin(ctx context.Context, s *session) (sample, error) { return s.bench(ctx) }

// bench runs "florin bench", which fails if the books don't agree.
func (s *session) bench(ctx context.Context, args ...string) (sample, error) {
	var report struct {
		Rate      float64 `json:"payments_per_second"`
		Latencies []struct {
			P50 float64 `json:"p50_us"`
			P99 float64 `json:"p99_us"`
		} `json:"latencies"`
		Errors    []struct{ Kind string } `json:"errors"`
		Processes []struct {
			Name    string   `json:"name"`
			CPU     float64  `json:"cpu_us"`
			Written *float64 `json:"written_bytes"`
		} `json:"processes"`
		Others *float64 `json:"other_cores"`
		Disk   *struct {
			Database float64 `json:"database_bytes"`
			Log      float64 `json:"write_ahead_log_bytes"`
		} `json:"disk"`
		Steps         float64 `json:"steps"`
		StepsPerTrain float64 `json:"steps_per_train"`
	}
	args = append([]string{"bench", "--json", "--clients=" + strconv.Itoa(s.clients), "--duration=" + s.duration.String(), "--warmup=" + s.warmup.String(), "--webhooks=none"}, args...)
	if err := output(ctx, &report, s.florin, args...); err != nil {
		return sample{}, err
	}
	if len(report.Errors) > 0 || len(report.Latencies) == 0 {
		return sample{}, fmt.Errorf("the run had errors: %v", report.Errors)
	}
	got := sample{rate: report.Rate, p50: report.Latencies[0].P50 / 1000, p99: report.Latencies[0].P99 / 1000, steps: report.Steps, stepsPerTrain: report.StepsPerTrain}
	for _, p := range report.Processes {
		into := map[string]*float64{"client": &got.client, "serve": &got.serve, "sandbox": &got.sandbox, "postgres": &got.server}[p.Name]
		if into != nil {
			*into = p.CPU
		}
		if p.Written != nil {
			got.written += *p.Written
		}
	}
	if report.Others != nil {
		got.othersCores = *report.Others
	}
	if report.Disk != nil {
		got.bytes, got.log = report.Disk.Database, report.Disk.Log
	}
	return got, nil
}

// settings are those with which the prototype starts its servers.
var settings = map[string]string{
	"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "synchronous_commit": "on", "fsync": "on", "full_page_writes": "on",
}

func runFlorinPostgres(ctx context.Context, s *session) (got sample, err error) {
	server, err := postgres.Start(ctx, postgres.Options{})
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := configure(ctx, server); err != nil {
		return got, err
	}
	return s.bench(ctx, "--db="+server.URL())
}

func configure(ctx context.Context, server *postgres.Server) error {
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return err
	}
	for name, value := range settings {
		if _, err = conn.Exec(ctx, "ALTER SYSTEM SET "+name+" = '"+value+"'"); err != nil {
			break
		}
	}
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return err
	}
	return server.Restart(ctx)
}

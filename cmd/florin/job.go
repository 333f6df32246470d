package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type jobCommand struct {
	List    jobList    `cmd:"" help:"Count the jobs of each kind and list the next ones, with the schedules of a running server."`
	Dead    jobDead    `cmd:"" help:"List the dead letters: jobs that nobody tries any more."`
	Retry   jobRetry   `cmd:"" help:"Have a dead job tried again."`
	Discard jobDiscard `cmd:"" help:"Delete a dead job. What it was is logged."`
}

type jobList struct {
	onDatabase
	AdminListen string `help:"Address of a running server's --admin-listen, which is asked for its schedules." env:"FLORIN_ADMIN_LISTEN" placeholder:"HOST:PORT"`
	Limit       int    `help:"List at most so many jobs." default:"20"`
}

// Run shows what there is to do.
func (c *jobList) Run(ctx context.Context, log *slog.Logger) error {
	var schedules []app.Schedule
	if c.AdminListen != "" {
		var err error
		if schedules, err = app.Schedules(ctx, c.AdminListen); err != nil {
			log.Warn("schedules are known to a running server only, and it can't be asked", "error", err)
		}
	}
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		counts, next, err := o.Jobs(ctx, max(0, c.Limit))
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"kinds": append([]app.JobCount{}, counts...), "jobs": next, "schedules": append([]app.Schedule{}, schedules...)})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("KIND", "WAITING", "RUNNING", "OVERDUE", "DEAD")
			for _, n := range counts {
				row(n.Kind, n.Waiting, n.Running, n.Overdue, n.Dead)
			}
			rowsOfJobs(row, next)
			rowsOfSchedules(row, schedules)
		})
	})
}

func rowsOfJobs(row func(...any), jobs []app.Job) {
	if len(jobs) == 0 {
		return
	}
	row()
	row("JOB", "KIND", "STATE", "DUE", "TRIES", "LAST ERROR")
	for _, j := range jobs {
		row(j.ID, j.Kind, j.State, moment(j.Due), j.Tries, cmp.Or(firstLine(j.Problem), "-"))
	}
}

func rowsOfSchedules(row func(...any), schedules []app.Schedule) {
	if len(schedules) == 0 {
		return
	}
	row()
	row("SCHEDULE", "EVERY", "LAST RUN", "TOOK", "NEXT", "FAILED", "LAST ERROR")
	for _, s := range schedules {
		last, took := "-", "-"
		if s.Runs > 0 {
			last, took = moment(s.Began), s.Took.Round(100*time.Microsecond).String()
		}
		if s.Running {
			last = "running"
		}
		row(s.Name, s.Interval, last, took, moment(s.Next), fmt.Sprintf("%d of %d", s.Failures, s.Runs), cmp.Or(firstLine(s.Problem), "-"))
	}
}

// firstLine is as much of an error as a table has room for.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:120]) + "…"
	}
	return line
}

type jobDead struct{ onDatabase }

// Run lists the dead letters.
func (c *jobDead) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		dead, err := o.DeadJobs(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return writeJSON(os.Stdout, map[string]any{"jobs": dead})
		case len(dead) == 0:
			_, err := fmt.Println("there are no dead letters")
			return err
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("JOB", "KIND", "TRIES", "MADE", "ABOUT", "LAST ERROR")
			for _, j := range dead {
				row(j.ID, j.Kind, j.Tries, moment(j.Created), firstLine(string(j.Payload)), firstLine(j.Problem))
			}
		})
	})
}

type jobRetry struct {
	onDatabase
	Job string `arg:"" help:"Id of the dead job: job_…"`
}

// Run has the job tried again.
func (c *jobRetry) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		if err := o.RetryJob(ctx, c.Job); err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"id": c.Job, "state": "waiting"})
		}
		_, err := fmt.Println(c.Job, "will be tried again by the server that runs, or by the next one that is started")
		return err
	})
}

type jobDiscard struct {
	onDatabase
	Job string `arg:"" help:"Id of the dead job: job_…"`
}

// Run deletes the job.
func (c *jobDiscard) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		j, err := o.DiscardJob(ctx, log, c.Job)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, j)
		}
		_, err = fmt.Println(j.ID, j.Kind, "is discarded; it was about", string(j.Payload))
		return err
	})
}

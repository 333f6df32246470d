package job

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// State is where a job is in its life.
type State int64

const (
	// Waiting for its time; left when a runner claims it.
	Waiting State = 1
	// Running under a lease, which Due ends; left by the handler's end, or when
	// the lease ends and another runner claims it.
	Running State = 2
	// Dead after its last try; left by [Retry], [Discard] and [Remove] alone.
	Dead State = 3
	// Parked until its line of time comes to it; left by [Release] alone.
	Parked State = 4
)

// Job is one piece of work.
type Job struct {
	Scope   id.Scope
	Key     int64
	Kind    string
	State   State
	Due     time.Time // when it may be claimed; for a running one the lease's end; zero for a dead one
	Tries   int       // claims so far, the present one included
	Created time.Time
	Problem string // the last error, for a person; empty before the first
	// Line is the line of time that At belongs to: 0 for the system's own. At is
	// when the work was to be done on that line, which is when a handler of such a
	// job takes it to be.
	Line int64
	At   time.Time

	payload string
	owner   int64
}

// Text is what was given to [Enqueue], as JSON.
func (j Job) Text() string { return j.payload }

// Payload decodes what was given to [Enqueue].
func (j Job) Payload(into any) error {
	if err := json.Unmarshal([]byte(j.payload), into); err != nil {
		return fmt.Errorf("payload of %s job %d: %w", j.Kind, j.Key, err)
	}
	return nil
}

// ID names the job for a person: "job_", its scope and its key, both to the
// base 36.
func (j Job) ID() string {
	return idPrefix + strconv.FormatInt(j.Scope.Key(), 36) + "_" + strconv.FormatInt(j.Key, 36)
}

const idPrefix = "job_"

// ParseID reads what [Job.ID] gives. It reports false for what names no job.
func ParseID(text string) (s id.Scope, key int64, ok bool) {
	rest, found := strings.CutPrefix(text, idPrefix)
	first, second, both := strings.Cut(rest, "_")
	scope, err1 := strconv.ParseInt(first, 36, 64)
	key, err2 := strconv.ParseInt(second, 36, 64)
	if !found || !both || err1 != nil || err2 != nil || scope < 0 || key <= 0 {
		return id.Scope{}, 0, false
	}
	return id.ScopeOf(scope), key, true
}

func (j Job) at() db.Key { return db.Key{Scope: j.Scope.Key(), ID: j.Key} }

// Need names the job's row for the step in which its handler calls [Done] or
// [Again].
func (j Job) Need() db.Need { return jobs.Need(j.at()) }

// ErrLeaseLost refuses a handler's step: the job was claimed by another
// runner meanwhile, or is done, or was removed.
var ErrLeaseLost = errors.New("job: the lease is lost")

// MaxPayload is how many bytes of JSON a job may carry; what is larger belongs
// in a row that the job names.
const MaxPayload = 64 << 10

// Enqueue writes a job in the caller's step. The caller makes the key for it.
// A due time in the past, or none, means at once. The payload becomes JSON. It
// names what the work is about and holds nothing secret or personal: it is shown
// to whoever runs the platform, and logged when a dead job is discarded.
func Enqueue(tx *db.Tx, s id.Scope, key int64, kind string, due time.Time, payload any) error {
	r, err := newRow(tx, kind, due, payload)
	if err != nil {
		return err
	}
	jobs.Insert(tx, rowKey(s, key), r)
	return nil
}

// EnqueueOnce writes a job known by kind and name, unless there is one: waiting,
// running or dead. It reports whether it wrote it. Once the job is done the
// name is free again.
func EnqueueOnce(tx *db.Tx, s id.Scope, kind, name string, due time.Time, payload any) (added bool, err error) {
	at := rowKey(s, KeyOf(kind, name))
	_, ok, err := jobs.Get(tx, at)
	if ok || err != nil {
		return false, err
	}
	r, err := newRow(tx, kind, due, payload)
	if err != nil {
		return false, err
	}
	jobs.Insert(tx, at, r)
	return true, nil
}

// OnceNeed names the row that [EnqueueOnce] will look for.
func OnceNeed(s id.Scope, kind, name string) db.Need { return jobs.Need(rowKey(s, KeyOf(kind, name))) }

// KeyOf is the key of the job that is known by kind and name: 62 bits of a
// hash above the range of made keys.
func KeyOf(kind, name string) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(kind), kind, name))
	return int64(binary.BigEndian.Uint64(sum[:])>>2 | 1<<62)
}

func newRow(tx *db.Tx, kind string, due time.Time, payload any) (row, error) {
	text, err := json.Marshal(payload)
	switch {
	case err != nil:
		return row{}, fmt.Errorf("payload of a %s job: %w", kind, err)
	case len(text) > MaxPayload:
		return row{}, fmt.Errorf("payload of a %s job: %d bytes, over %d", kind, len(text), MaxPayload)
	}
	if due.Before(tx.Now()) {
		due = tx.Now()
	}
	return row{Kind: kind, State: Waiting, Due: due, Created: tx.Now(), Payload: string(text), At: due}, nil
}

// Done ends a job in its handler's own step: what the step does and the end of
// the job are one change. It refuses with [ErrLeaseLost] when the job is no
// longer the handler's; return that error, so that the step does nothing.
func Done(tx *db.Tx, j Job) error {
	if _, err := owned(tx, j); err != nil {
		return err
	}
	jobs.Delete(tx, j.at())
	return nil
}

// Again ends this run of a job in its handler's own step and has it run anew at
// due on its line, with its tries counted from the start: for work that comes in
// rounds. It refuses as [Done] does.
func Again(tx *db.Tx, j Job, due time.Time) error {
	r, err := owned(tx, j)
	if err != nil {
		return err
	}
	r.Owner, r.Tries, r.Problem = 0, 0, ""
	r.wait(tx, due)
	jobs.Update(tx, j.at(), r)
	return nil
}

func owned(tx *db.Tx, j Job) (row, error) {
	r, ok, err := jobs.Get(tx, j.at())
	if err != nil {
		return row{}, err
	}
	if !ok || r.State != Running || r.Owner != j.owner && !probe.Mutant("job.done-by-anyone") {
		return row{}, ErrLeaseLost
	}
	return r, nil
}

// Retry makes a dead job wait again, due at once, with all its tries before it.
func Retry(tx *db.Tx, s id.Scope, key int64) error {
	r, err := dead(tx, s, key, "it is tried again by itself")
	if err != nil {
		return err
	}
	r.State, r.Due, r.Owner, r.Tries = Waiting, tx.Now(), 0, 0
	jobs.Update(tx, rowKey(s, key), r)
	return nil
}

// Discard deletes a dead job and gives it, for the record.
func Discard(tx *db.Tx, s id.Scope, key int64) (Job, error) {
	r, err := dead(tx, s, key, "it is tried by itself until it is done or dead")
	if err != nil {
		return Job{}, err
	}
	jobs.Delete(tx, rowKey(s, key))
	return r.job(rowKey(s, key)), nil
}

// dead gets a job that must be dead.
func dead(tx *db.Tx, s id.Scope, key int64, otherwise string) (row, error) {
	r, ok, err := jobs.Get(tx, rowKey(s, key))
	switch {
	case err != nil:
		return row{}, err
	case !ok:
		return row{}, fault.New(fault.NotFound, "resource_missing", "No such job.")
	case r.State != Dead:
		return row{}, fault.New(fault.Invalid, "", "The job isn't dead; %s.", otherwise)
	}
	return r, nil
}

// Remove deletes a job in whichever state, and reports whether there was one.
// A handler that is at it can no longer call [Done].
func Remove(tx *db.Tx, s id.Scope, key int64) (removed bool, err error) {
	_, ok, err := jobs.Get(tx, rowKey(s, key))
	if !ok || err != nil {
		return false, err
	}
	jobs.Delete(tx, rowKey(s, key))
	return true, nil
}

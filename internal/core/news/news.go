package news

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// MaxBody is how many bytes a message may have.
const MaxBody = 256 << 10

// maxEvent is the longest name of a message; a longer one is known by its hash.
const maxEvent = 255

// Source is somebody who may send messages: a connection to a provider.
type Source struct {
	// Parse is the provider's.
	Parse func(provider.Push) (provider.Pushed, error)
	// Hear takes what the provider tells of one thing. It is told again until it
	// returns nil, and what it is told twice has one effect.
	Hear func(ctx context.Context, provider string, n provider.Notice) error
}

// Service takes messages.
type Service struct {
	DB  *db.DB
	Log *slog.Logger
	// Sources by provider and endpoint.
	Sources map[From]Source
	// Breaks are told what nobody can explain; nil: it is logged alone.
	Breaks payment.Breaks
}

// Push is a message as it came.
type Push = provider.Push

// From says who sends: a provider, and which connection to it.
type From struct{ Provider, Endpoint string }

// ErrUnknown refuses a message from nobody known.
var ErrUnknown = errors.New("news: nobody sends messages there")

// ErrUnsigned refuses a message that is not proven to be the provider's.
var ErrUnsigned = provider.ErrUnsigned

// ApplyJob is the kind of the job that applies a message, and ApplyTries how
// often it is tried: for about a day, if the waits grow to an hour.
const (
	ApplyJob   = "news.apply"
	ApplyTries = 60
)

// payload names a message.
type payload struct {
	A int64 `json:"a"`
	B int64 `json:"b"`
}

// Receive takes a message. When it returns nil the message is durable, and may be
// acknowledged. Its errors are [ErrUnknown] and [ErrUnsigned], which leave nothing
// behind, or the database's.
func (v *Service) Receive(ctx context.Context, from From, p Push) error {
	source, ok := v.Sources[from]
	if !ok || source.Parse == nil {
		return ErrUnknown
	}
	told, err := source.Parse(p)
	if err != nil && !probe.Mutant("news.unsigned") {
		return err
	}
	if told.ID == "" || len(told.ID) > maxEvent {
		sum := sha256.Sum256(p.Body)
		told.ID = "sha256_" + hex.EncodeToString(sum[:])
	}
	told.ID, told.Raw, told.Problem = clean(told.ID), clean(told.Raw), clean(told.Problem)
	probe.Point("news.verified")
	err = v.store(ctx, from, told)
	probe.Point("news.stored")
	return err
}

// clean makes a text fit for a column.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// store writes a message with the job that applies it, or counts that it came
// again.
func (v *Service) store(ctx context.Context, from From, told provider.Pushed) error {
	at := keyOf(from.Provider, from.Endpoint, told.ID)
	needs := []db.Need{messages.Need(at)}
	var references []string
	for i := range told.Notices {
		n := &told.Notices[i]
		if n.Reference = clean(n.Reference); !slices.Contains(references, n.Reference) {
			references = append(references, n.Reference)
			needs = append(needs, abouts.Need(aboutKey(n.Reference, at)))
		}
	}
	list, err := json.Marshal(told.Notices)
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "news.store", Needs: needs, Do: func(tx *db.Tx) error {
		m, there, err := messages.Get(tx, at)
		if err != nil {
			return err
		}
		if there {
			return v.again(tx, at, m, string(list), told)
		}
		m = Message{State: Received, Provider: from.Provider, Endpoint: from.Endpoint, Event: told.ID, Received: tx.Now(), Problem: told.Problem, Raw: told.Raw, notices: string(list)}
		for _, reference := range references {
			abouts.Insert(tx, aboutKey(reference, at), about{reference, at.ID, at.Sub})
		}
		if told.Problem != "" {
			m.State, m.Settled = Garbled, tx.Now()
			messages.Insert(tx, at, m)
			return v.openBreak(tx, m, "a message that is signed can't be understood: "+told.Problem)
		}
		messages.Insert(tx, at, m)
		if probe.Mutant("news.acknowledge-only") {
			return nil
		}
		return job.Enqueue(tx, id.Scope{}, tx.NewKey(), ApplyJob, tx.Now(), payload{at.ID, at.Sub})
	}})
}

// again counts that a message came again. What it says the second time has no
// effect; where that is something else, a break is opened.
func (v *Service) again(tx *db.Tx, at db.Key, m Message, list string, told provider.Pushed) error {
	if m.Copies++; m.notices != list || m.Problem != told.Problem {
		if err := v.openBreak(tx, m, "a message came again with another content: "+told.Raw); err != nil {
			return err
		}
	}
	messages.Update(tx, at, m)
	if probe.Mutant("news.again") {
		return job.Enqueue(tx, id.Scope{}, tx.NewKey(), ApplyJob, tx.Now(), payload{at.ID, at.Sub})
	}
	return nil
}

func (v *Service) openBreak(tx *db.Tx, m Message, why string) error {
	v.Log.Warn("a person has to look into what a provider sent", "provider", m.Provider, "endpoint", m.Endpoint, "message", m.Event, "why", why)
	if v.Breaks == nil {
		return nil
	}
	const most = 2000 // bytes
	why = why[:min(len(why), most)]
	return v.Breaks.Open(tx, id.Scope{}, payment.BreakContradiction, "message "+m.Event, m.Provider, money.Amount{}, why)
}

// Apply is the handler of [ApplyJob]: it hands on what a message tells. After the
// last try the message is stuck.
func (v *Service) Apply(ctx context.Context, j job.Job) error {
	var p payload
	if err := j.Payload(&p); err != nil {
		return err
	}
	at := db.Key{ID: p.A, Sub: p.B}
	m, ok, err := messages.Read(ctx, v.DB, at)
	if err != nil || !ok {
		return err // it is gone: nothing is left to do
	}
	problem := v.hear(ctx, m)
	probe.Point("news.heard")
	if problem != nil && j.Tries < ApplyTries {
		return problem
	}
	err = v.DB.Run(ctx, db.Step{Name: "news.applied", Needs: []db.Need{messages.Need(at), j.Need()}, Do: func(tx *db.Tx) error {
		m, ok, err := messages.Get(tx, at)
		if err != nil || !ok {
			return err
		}
		m.State, m.Settled = Applied, tx.Now()
		if problem != nil {
			m.State, m.Problem = Stuck, problem.Error()
			if err := v.openBreak(tx, m, "what the message tells can't be applied: "+problem.Error()); err != nil {
				return err
			}
		}
		messages.Update(tx, at, m)
		return job.Done(tx, j)
	}})
	probe.Point("news.applied")
	return err
}

// hear hands on what a message tells.
func (v *Service) hear(ctx context.Context, m Message) error {
	source, ok := v.Sources[From{m.Provider, m.Endpoint}]
	if !ok {
		return ErrUnknown
	}
	var list []provider.Notice
	if err := json.Unmarshal([]byte(m.notices), &list); err != nil {
		return fmt.Errorf("message %s of %s: %w", m.Event, m.Provider, err)
	}
	for _, n := range list {
		if err := source.Hear(ctx, m.Provider, n); err != nil {
			return err
		}
	}
	return nil
}

// About gives the messages that tell of an operation, by our reference, the
// oldest first, at most limit.
func About(ctx context.Context, d *db.DB, reference string, limit int) ([]Message, error) {
	return qAbout.All(ctx, d, subject(reference), reference, int64(limit))
}

// OfState gives the messages in a state, the newest first, at most limit.
func OfState(ctx context.Context, d *db.DB, state State, limit int) ([]Message, error) {
	return qOfState.All(ctx, d, int64(state), int64(limit))
}

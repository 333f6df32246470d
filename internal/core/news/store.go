package news

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
)

// State is where a message stands; see the package's documentation.
type State int64

// The states of a message.
const (
	Received State = 1
	Applied  State = 2
	Garbled  State = 3
	Stuck    State = 4
)

var stateNames = map[State]string{Received: "received", Applied: "applied", Garbled: "garbled", Stuck: "stuck"}

// String gives the state's name.
func (s State) String() string { return stateNames[s] }

// Message is a message as it is kept.
type Message struct {
	State    State
	Provider string
	Endpoint string
	// Event is the provider's name of it.
	Event    string
	Received time.Time
	// Settled is when it came to its state, but for the first.
	Settled time.Time
	// Copies counts how often it came again.
	Copies int64
	// Problem says why it could not be applied, or not be understood.
	Problem string
	Raw     string // its body, card data masked
	notices string // what it tells, as JSON
}

const columns = "state, provider, endpoint, event, received, settled, copies, problem, raw, notices"

func (m *Message) fields(f *db.Fields) {
	db.Int(f, &m.State)
	db.Text(f, &m.Provider)
	db.Text(f, &m.Endpoint)
	db.Text(f, &m.Event)
	db.Time(f, &m.Received)
	db.Time(f, &m.Settled)
	db.Int(f, &m.Copies)
	db.Text(f, &m.Problem)
	db.Text(f, &m.Raw)
	db.Text(f, &m.notices)
}

// about says that a message tells of an operation. Its key is of the operation's
// reference and of the message.
type about struct {
	Reference    string
	HashA, HashB int64 // the message's key
}

func (a *about) fields(f *db.Fields) {
	db.Text(f, &a.Reference)
	db.Int(f, &a.HashA)
	db.Int(f, &a.HashB)
}

// Both are directories: a provider's message names operations by our references,
// which carry no account, and may be about several.
var (
	messages = db.NewTable("provider_message", "scope, hash_a, hash_b", columns, (*Message).fields)
	abouts   = db.NewTable("provider_message_about", "scope, subject, message", "reference, hash_a, hash_b", (*about).fields)
)

var (
	qAbout = db.NewQuery("provider messages about an operation",
		"SELECT m.state, m.provider, m.endpoint, m.event, m.received, m.settled, m.copies, m.problem, m.raw, m.notices"+
			" FROM provider_message_about a JOIN provider_message m ON m.scope = a.scope AND m.hash_a = a.hash_a AND m.hash_b = a.hash_b"+
			" WHERE a.scope = 0 AND a.subject = ? AND a.reference = ? ORDER BY m.received, m.event LIMIT ?", (*Message).fields)
	qSettled = db.NewQuery("provider messages that were settled long ago",
		"SELECT hash_a, hash_b, notices FROM provider_message WHERE scope = 0 AND state = ? AND received < ? AND settled < ? ORDER BY received LIMIT ?", (*old).fields)
	qFirstOf = db.NewQuery("oldest provider message in a state", "SELECT received FROM provider_message WHERE scope = 0 AND state = ? ORDER BY received LIMIT 1",
		func(t *time.Time, f *db.Fields) { db.Time(f, t) })
	qOfState = db.NewQuery("provider messages in a state",
		"SELECT "+columns+" FROM provider_message WHERE scope = 0 AND state = ? ORDER BY received DESC LIMIT ?", (*Message).fields)
)

// keyOf is where a message stands: by who sent it and its name there.
func keyOf(provider, endpoint, event string) db.Key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%s", len(provider), provider, len(endpoint), endpoint, event))
	return db.Key{ID: int64(binary.BigEndian.Uint64(sum[:8])), Sub: int64(binary.BigEndian.Uint64(sum[8:16]))}
}

func aboutKey(reference string, message db.Key) db.Key {
	return db.Key{ID: subject(reference), Sub: message.ID}
}

func subject(reference string) int64 { return job.KeyOf("reference", reference) }

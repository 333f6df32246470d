package payment

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/kit/id"
)

// Mark is what a provider keeps for us beside an operation: whose it is, for
// which object, and under which idempotency key it was asked for. A database that
// is restored from a backup learns from it what it has forgotten. It says nothing
// of the payer, and of the key only a hash.
type Mark struct {
	Scope  id.Scope
	Object string // public id: of an intent, a payout
	Ticket idem.Ticket
	// Detail is what else its owner wants to know: the bank account of a payout.
	Detail string
}

// String is the mark as a provider gets it.
func (m Mark) String() string {
	mode := "t"
	if m.Scope.Livemode {
		mode = "l"
	}
	var ticket [16]byte
	binary.BigEndian.PutUint64(ticket[:8], uint64(m.Ticket.A))
	binary.BigEndian.PutUint64(ticket[8:], uint64(m.Ticket.B))
	return strings.Join([]string{strconv.FormatInt(m.Scope.Account, 36), mode, m.Object, base64.RawURLEncoding.EncodeToString(ticket[:]), m.Detail}, ".")
}

// ParseMark reads a mark, and reports whether it is one.
func ParseMark(text string) (m Mark, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 5 || parts[1] != "t" && parts[1] != "l" {
		return m, false
	}
	account, err := strconv.ParseInt(parts[0], 36, 64)
	ticket, err2 := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil || err2 != nil || account <= 0 || len(ticket) != 16 {
		return m, false
	}
	m.Scope = id.Scope{Account: account, Livemode: parts[1] == "l"}
	m.Object, m.Detail = parts[2], parts[4]
	m.Ticket = idem.Ticket{A: int64(binary.BigEndian.Uint64(ticket[:8])), B: int64(binary.BigEndian.Uint64(ticket[8:]))}
	return m, true
}

func markOf(s id.Scope, b *Attempt) string {
	return Mark{Scope: s, Object: Intents.ID(s, int64(b.Intent)), Ticket: b.Ticket}.String()
}

// Package hidden holds texts that mustn't be seen: a value of it prints as a
// mask wherever fmt, slog or an encoder meets it, in whatever struct, behind
// whatever pointer and under whatever verb.
package hidden

import (
	"crypto/subtle"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a secret prints as, whatever its length, also when empty.
const Redacted = "[redacted]"

// ErrStore says that a secret was about to be stored unsealed. Without it a
// driver would store what String gives, and the value would be lost.
var ErrStore = errors.New("hidden: a secret is not stored as it is: seal it")

// Text holds a string that mustn't be seen: a PAN, a CVC, an API secret. It
// prints as [Redacted] everywhere; [Text.Reveal] gives the value. The zero Text
// holds "". It can't be a map key or be compared with ==; use [Text.Equal]. It
// can't be an argument of a database query either: seal it first.
type Text struct {
	// value stands in a closure because fmt can't call methods on an unexported
	// field of another struct: it prints what it finds there, following pointers
	// when the verb is a wrong one. It never looks into a func.
	value func() string
}

// NewText hides value.
func NewText(value string) Text {
	if value == "" {
		return Text{}
	}
	return Text{value: func() string { return value }}
}

// Reveal gives the value. Keep it in the narrowest scope.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return t.value()
}

// IsZero reports whether the value is "".
func (t Text) IsZero() bool { return t.value == nil }

// Equal compares two values in a time that depends on their lengths only.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String implements [fmt.Stringer] with [Redacted].
func (t Text) String() string { return Redacted }

// GoString implements [fmt.GoStringer] with [Redacted].
func (t Text) GoString() string { return Redacted }

// Format implements [fmt.Formatter]: every verb prints [Redacted].
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue implements [slog.LogValuer] with [Redacted].
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON implements json.Marshaler with [Redacted]: a secret doesn't
// survive JSON. Whoever must send one reveals it in the wire struct.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler with [Redacted].
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Value implements [driver.Valuer] with [ErrStore].
func (t Text) Value() (driver.Value, error) { return nil, ErrStore }

// UnmarshalText implements encoding.TextUnmarshaler, so that settings and
// requests decode into a Text at once. It refuses [Redacted], which can only be
// a secret that was stored by printing it and is lost.
func (t *Text) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("hidden: the value was redacted before it was stored")
	}
	*t = NewText(string(text))
	return nil
}

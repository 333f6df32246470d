package secret

import (
	"crypto/subtle"
	"database/sql/driver"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// Text holds a string that mustn't be seen: a PAN, a CVC, an API secret. It is
// one of kit, which the provider seam knows too.
type Text = hidden.Text

// NewText hides value.
func NewText(value string) Text { return hidden.NewText(value) }

// Redacted is what a secret prints as, whatever its length, also when empty.
const Redacted = hidden.Redacted

// ErrStore says that a secret was about to be stored unsealed.
var ErrStore = hidden.ErrStore

var redactedJSON = []byte(`"` + Redacted + `"`)

// Bytes is [Text] for bytes. The zero Bytes holds none.
type Bytes struct {
	value func() []byte // in a closure for the reason given in Text
}

// NewBytes hides a copy of value.
func NewBytes(value []byte) Bytes {
	if len(value) == 0 {
		return Bytes{}
	}
	own := slices.Clone(value)
	return Bytes{value: func() []byte { return slices.Clone(own) }}
}

// Reveal gives a copy of the value.
func (b Bytes) Reveal() []byte {
	if b.value == nil {
		return nil
	}
	return b.value()
}

// IsZero reports whether there are no bytes.
func (b Bytes) IsZero() bool { return b.value == nil }

// Equal compares two values in a time that depends on their lengths only.
func (b Bytes) Equal(other Bytes) bool {
	return subtle.ConstantTimeCompare(b.Reveal(), other.Reveal()) == 1
}

// String implements [fmt.Stringer] with [Redacted].
func (b Bytes) String() string { return Redacted }

// GoString implements [fmt.GoStringer] with [Redacted].
func (b Bytes) GoString() string { return Redacted }

// Format implements [fmt.Formatter]: every verb prints [Redacted].
func (b Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue implements [slog.LogValuer] with [Redacted].
func (b Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON implements json.Marshaler with [Redacted].
func (b Bytes) MarshalJSON() ([]byte, error) { return slices.Clone(redactedJSON), nil }

// MarshalText implements encoding.TextMarshaler with [Redacted].
func (b Bytes) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Value implements [driver.Valuer] with [ErrStore].
func (b Bytes) Value() (driver.Value, error) { return nil, ErrStore }

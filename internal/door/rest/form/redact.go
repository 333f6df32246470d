package form

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// A form may hold a card number, so a value prints its shape alone: fmt, slog
// and JSON never see a text. The receivers are no pointers, so that a value that
// was copied out of its tree does not print either.

func (v Value) shape() string { return fmt.Sprintf("form(%s of %d)", v.kind, len(v.fields)) }

// Format implements [fmt.Formatter], for every verb: "form(hash of 3)".
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.shape()) }

// LogValue implements [slog.LogValuer].
func (v Value) LogValue() slog.Value { return slog.StringValue(v.shape()) }

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.shape()) }
